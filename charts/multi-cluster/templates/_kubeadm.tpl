{{/*
kubeadm's configuration. v1beta1 has extra arguments as a map, v1beta2 as a list of names and values.
The first item of each list is the API version, and not the values, since the names of templates hash the v1beta2 form.
*/}}
{{- define "multi-cluster.extraArgs" -}}
{{- $version := index . 0 -}}
{{- range $name, $value := index . 1 }}
{{- if eq $version "v1beta1" }}
{{ $name }}: {{ $value | quote }}
{{- else }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* (version, cluster) */}}
{{- define "multi-cluster.nodeRegistration" -}}
{{- $version := index . 0 }}{{ $cluster := index . 1 -}}
{{- $node := include (printf "node.%s" $cluster.provider) . | fromYaml -}}
nodeRegistration:
{{- with $node.name }}
  name: {{ . | squote }}
{{- end }}
  kubeletExtraArgs:
    {{- include "multi-cluster.extraArgs" (list $version $node.kubeletExtraArgs) | trim | nindent 4 }}
{{- end }}

{{/* spec.template.spec of the workers' KubeadmConfigTemplate: (version, cluster) */}}
{{- define "multi-cluster.workerKubeadmConfig" -}}
joinConfiguration:
  {{- include "multi-cluster.nodeRegistration" . | nindent 2 }}
{{- end }}

{{/* kubeadmConfigSpec of the KubeadmControlPlane: (version, cluster) */}}
{{- define "multi-cluster.controlPlaneKubeadmConfig" -}}
{{- $version := index . 0 }}{{ $cluster := index . 1 -}}
{{- if eq $cluster.provider "aws" -}}
clusterConfiguration:
  controllerManager:
    extraArgs:
      {{- include "multi-cluster.extraArgs" (list $version (dict "cloud-provider" "external")) | trim | nindent 6 }}
{{- else -}}
clusterConfiguration:
  apiServer:
    {{- /* Names under which a person reaches the API server from outside the containers' network. */}}
    certSANs: [localhost, 127.0.0.1, 0.0.0.0, host.docker.internal]
{{- end }}
initConfiguration:
  {{- include "multi-cluster.nodeRegistration" . | nindent 2 }}
joinConfiguration:
  {{- include "multi-cluster.nodeRegistration" . | nindent 2 }}
{{- end }}
