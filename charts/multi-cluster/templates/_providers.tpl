{{/*
What differs from provider to provider. Each has its partial here:
  infrastructure.PROVIDER  spec of DockerCluster, DevCluster, AWSCluster:  (values, cluster)
  machine.PROVIDER         spec.template.spec of its machine templates:    (values, cluster, control-plane|worker)
  node.PROVIDER            kubelet arguments and name of a node, as YAML
*/}}
{{- define "multi-cluster.infrastructure" -}}
{{- include (printf "infrastructure.%s" (index . 1).provider) . -}}
{{- end }}

{{- define "multi-cluster.machine" -}}
{{- include (printf "machine.%s" (index . 1).provider) . -}}
{{- end }}

{{/* Docker: machines are containers beside the management cluster. */}}
{{- define "infrastructure.docker" -}}
{}
{{- end }}

{{- define "machine.docker" -}}
extraMounts:
  - containerPath: /var/run/docker.sock
    hostPath: /var/run/docker.sock
{{- end }}

{{/* A container shares its host's disk: the kubelet must not evict pods because that is rather full. */}}
{{- define "node.docker" -}}
kubeletExtraArgs:
  eviction-hard: nodefs.available<0%,nodefs.inodesFree<0%,imagefs.available<0%
{{- end }}

{{/* Dev: the in-memory backend plays the machines, for trying out fleets of any size. */}}
{{- define "infrastructure.dev" -}}
backend:
  inMemory: {}
{{- end }}

{{- define "machine.dev" -}}
backend:
  inMemory:
    vm:
      provisioning:
        startupDuration: 10s
        startupJitter: "0.2"
    node:
      provisioning:
        startupDuration: 2s
        startupJitter: "0.2"
{{- if eq (index . 2) "control-plane" }}
    apiServer:
      provisioning:
        startupDuration: 2s
        startupJitter: "0.2"
    etcd:
      provisioning:
        startupDuration: 2s
        startupJitter: "0.2"
{{- end }}
{{- end }}

{{- define "node.dev" -}}
{{ include "node.docker" . }}
{{- end }}

{{/* AWS */}}
{{- define "infrastructure.aws" -}}
{{- $values := index . 0 }}{{ $cluster := index . 1 -}}
region: {{ $cluster.region | default $values.aws.region }}
{{- with $values.aws.sshKeyName }}
sshKeyName: {{ . | quote }}
{{- end }}
controlPlaneLoadBalancer:
  loadBalancerType: nlb
{{- end }}

{{- define "machine.aws" -}}
{{- $values := index . 0 }}{{ $cluster := index . 1 -}}
instanceType: {{ $cluster.instanceType | required (printf "cluster %s: no instanceType, and instanceTypes has none for its size" $cluster.name) }}
iamInstanceProfile: {{ eq (index . 2) "control-plane" | ternary "control-plane" "nodes" }}.cluster-api-provider-aws.sigs.k8s.io
{{- with $values.aws.sshKeyName }}
sshKeyName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The cloud controller manager knows a node by the name that EC2 gave it; cloud-init fills that in. */}}
{{- define "node.aws" -}}
name: {{ "'{{ ds.meta_data.local_hostname }}'" }}
kubeletExtraArgs:
  cloud-provider: external
{{- end }}
