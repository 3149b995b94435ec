//! Go's text templates, in so far as ClusterClasses use them: `enabledIf` and `valueFrom.template`.
//!
//! What is not known here (a rare function) is said to be unknown, never guessed.

use std::collections::BTreeMap;

use serde_json::Value as Json;

mod eval;
mod functions;
mod lex;
mod parse;

/// Why a template has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It uses something that is not known here.
    Unknown(String),
    /// Go refuses it.
    Refused(String),
}

/// Renders a template with these variables as its data.
///
/// # Errors
/// What Go refuses, or what is not known here.
pub fn render(template: &str, variables: &BTreeMap<String, Json>) -> Result<String, Failure> {
    let nodes = parse::parse(template)?;
    let data = Json::Object(variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
    eval::run(&nodes, &data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str) -> Result<String, Failure> {
        let variables = json!({
            "auditPolicy": "metadata", "replicas": 3, "on": true, "empty": "", "list": ["a", "b"],
            "proxy": {"url": "http://p", "noProxy": ["x", "y"]},
            "builtin": {"controlPlane": {"version": "v1.32.8"}},
        });
        let variables =
            variables.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        render(template, &variables)
    }

    #[test]
    fn conditions() {
        let is = |template: &str, expected: &str| assert_eq!(rendered(template).as_deref(), Ok(expected), "{template}");
        is("{{ ne .auditPolicy \"none\" }}", "true");
        is("{{ and .on (eq .replicas 3.0) }}", "true");
        is("{{ if .empty }}a{{ else if .on }}b{{ else }}c{{ end }}", "b");
        is("{{ semverCompare \">= v1.31.0\" .builtin.controlPlane.version }}", "true");
        is("{{ not (empty .proxy.url) }}", "true");
    }

    #[test]
    fn values() {
        let is = |template: &str, expected: &str| assert_eq!(rendered(template).as_deref(), Ok(expected), "{template}");
        is("- name: a\n  value: /x-{{ .auditPolicy }}\n", "- name: a\n  value: /x-metadata\n");
        is("{{ range $i, $v := .list -}} {{ $i }}={{ $v }};{{ end }}", "0=a;1=b;");
        is("{{- with .proxy }}{{ .url | quote }}{{ end -}}  ", "\"http://p\"");
        is("{{ join \",\" .proxy.noProxy | upper }}", "X,Y");
        is("{{ $x := .replicas }}{{ if gt $x 2.0 }}{{ printf \"%s-%v\" .auditPolicy $x }}{{ end }}", "metadata-3");
        is("{{/* nothing */}}{{ .missing | default \"d\" }}", "d");
        is("{{ index .list 1 }}{{ index .proxy \"url\" }}", "bhttp://p");
    }

    #[test]
    fn what_is_unknown_is_said() {
        assert!(matches!(rendered("{{ genPrivateKey \"rsa\" }}"), Err(Failure::Unknown(_))));
        assert!(matches!(rendered("{{ if }}"), Err(Failure::Refused(_))));
        assert!(matches!(rendered("{{ .missing.field }}"), Err(Failure::Refused(_))));
    }
}
