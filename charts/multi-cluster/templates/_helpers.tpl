{{/*
All clusters to render, as a JSON list: the entries of `clusters`, or those that `env` asks for, each with every default
filled in, so that no template needs a default of its own.
*/}}
{{- define "multi-cluster.clusters" -}}
[
{{- if .Values.env -}}
{{- $environment := get .Values.environments .Values.env | required (printf "env: there is no %q among the environments (%s)" .Values.env (keys .Values.environments | sortAlpha | join ", ")) -}}
{{- range $index := until (int $environment.clusterCount) -}}
{{- if $index }},{{ end -}}
{{- $named := dict "name" (printf "%s-%d" $.Values.env (add1 $index)) "environment" $.Values.env -}}
{{- include "multi-cluster.cluster" (list $.Values $named (omit $environment "clusterCount")) -}}
{{- end -}}
{{- else -}}
{{- range $index, $entry := .Values.clusters -}}
{{- if $index }},{{ end -}}
{{- include "multi-cluster.cluster" (list $.Values $entry) -}}
{{- end -}}
{{- end -}}
]
{{- end }}

{{/* One cluster as JSON: the defaults, overlaid with each further dict of the list (values, dict…). */}}
{{- define "multi-cluster.cluster" -}}
{{- $values := first . -}}
{{- $cluster := dict
  "controlPlaneReplicas" 1
  "workerReplicas" 2
  "environment" "dev"
  "kubernetesVersion" $values.defaultKubernetesVersion
  "podCidr" $values.podCidr
  "serviceCidr" $values.serviceCidr
  "provider" $values.provider
-}}
{{- range $overlay := rest . -}}
{{- range $key, $value := $overlay -}}
{{- $_ := set $cluster $key $value -}}
{{- end -}}
{{- end -}}
{{- $_ := set $cluster "kubernetesVersion" (printf "v%s" (trimPrefix "v" $cluster.kubernetesVersion)) -}}
{{- if not $cluster.instanceType -}}
{{- $_ := set $cluster "instanceType" (get $values.instanceTypes ($cluster.size | default "small")) -}}
{{- end -}}
{{- $cluster | toJson -}}
{{- end }}

{{/* Labels of a Cluster object, as YAML; those without a value are left out. */}}
{{- define "multi-cluster.labels" -}}
{{- $labels := dict "environment" .environment "region" .region "team" .team "cost-center" .costCenter "size" .size -}}
{{- if .production }}{{ $_ := set $labels "backup" "enabled" }}{{ $_ := set $labels "monitoring" "prometheus" }}{{ end -}}
{{- range $key, $value := .labels }}{{ $_ := set $labels $key $value }}{{ end -}}
{{- range $key, $value := $labels }}
{{- if $value }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* How the provider's kinds begin: DockerCluster, DevMachineTemplate … */}}
{{- define "multi-cluster.infrastructureKind" -}}
{{ get (dict "docker" "Docker" "dev" "Dev" "aws" "AWS") .provider }}
{{- end }}

{{/* API version of the provider's kinds. AWS has had v1beta2 for long and serves no v1beta1 any more. */}}
{{- define "multi-cluster.infrastructureVersion" -}}
{{- $values := index . 0 }}{{ $cluster := index . 1 -}}
{{ eq $cluster.provider "aws" | ternary "v1beta2" $values.apiVersion }}
{{- end }}

{{/* A reference from one object to another: the list (values, group, version, kind, name). */}}
{{- define "multi-cluster.reference" -}}
{{- $values := index . 0 -}}
{{- if eq $values.apiVersion "v1beta1" -}}
apiVersion: {{ index . 1 }}/{{ index . 2 }}
{{- else -}}
apiGroup: {{ index . 1 }}
{{- end }}
kind: {{ index . 3 }}
name: {{ index . 4 }}
{{- end }}

{{/* A reference to one of the provider's objects: the list (values, cluster, what follows the provider in the kind, name). */}}
{{- define "multi-cluster.infrastructureReference" -}}
{{- $values := index . 0 }}{{ $cluster := index . 1 -}}
{{- $version := include "multi-cluster.infrastructureVersion" . -}}
{{- $kind := printf "%s%s" (include "multi-cluster.infrastructureKind" $cluster) (index . 2) -}}
{{- include "multi-cluster.reference" (list $values "infrastructure.cluster.x-k8s.io" $version $kind (index . 3)) -}}
{{- end }}

{{/*
Names of the templates that machines are made from: (values, cluster). They end in a hash of `spec.template.spec` alone.
Machine templates are immutable, so a change must come under a new name, which makes the machines roll; a label or a number
of replicas changes no name. The hash is taken of the parsed content in its v1beta2 form, so neither layout nor a switch of
`apiVersion` changes it.
*/}}
{{- define "multi-cluster.controlPlaneTemplateName" -}}
{{- $cluster := index . 1 -}}
{{ $cluster.name }}-control-plane-{{ include "multi-cluster.machine" (append . "control-plane") | fromYaml | toJson | sha256sum | trunc 8 }}
{{- end }}

{{- define "multi-cluster.workerTemplateName" -}}
{{- $cluster := index . 1 -}}
{{ $cluster.name }}-md-0-{{ include "multi-cluster.machine" (append . "worker") | fromYaml | toJson | sha256sum | trunc 8 }}
{{- end }}

{{- define "multi-cluster.bootstrapTemplateName" -}}
{{- $cluster := index . 1 -}}
{{ $cluster.name }}-md-0-{{ include "multi-cluster.workerKubeadmConfig" (list "v1beta2" $cluster) | fromYaml | toJson | sha256sum | trunc 8 }}
{{- end }}
