{{/* Made by capi-lint migrate: values that the chart has in the form of v1beta1, in that of v1beta2. */}}

{{/* The whole seconds of a duration such as 1h30m or 90s; nothing of nothing. */}}
{{- define "capi-lint.seconds" -}}
{{- $text := printf "%v" . | replace "\"" "" | replace "'" "" | trim -}}
{{- if not (or (kindIs "invalid" .) (eq $text "")) -}}
{{- if not (regexMatch "^[-+]?(0|([0-9]*[.]?[0-9]+[.]?(ns|us|µs|ms|s|m|h))+)$" $text) -}}
{{- fail (printf "%q is no duration, such as 5m or 300s" $text) -}}
{{- end -}}
{{- $scale := dict "h" 3600 "m" 60 "s" 1 "ms" 0.001 "us" 0.000001 "µs" 0.000001 "ns" 0.000000001 -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9.]+[a-zµ]+" $text -1 -}}
{{- $seconds = addf $seconds (mulf (regexFind "[0-9.]+" .) (get $scale (regexFind "[a-zµ]+" .))) -}}
{{- end -}}
{{- if and (hasPrefix "-" $text) (ge (floor $seconds) 1.0) }}-{{ end }}{{ floor $seconds | int64 -}}
{{- end -}}
{{- end }}

{{/* Arguments that are a mapping, as a list of names and values. */}}
{{- define "capi-lint.arguments" -}}
{{- $arguments := list -}}
{{- range $name, $value := . -}}
{{- $arguments = append $arguments (dict "name" $name "value" (toString $value)) -}}
{{- end -}}
{{- if $arguments }}{{ toYaml $arguments }}{{ end -}}
{{- end }}
