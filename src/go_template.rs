//! Go's text templates, as CAPI's webhooks parse and try them out.
//!
//! Parsing is complete: what Go refuses to parse is refused here. Rendering knows what naming templates and the patches of
//! classes use; where a template goes beyond that, it says that it cannot tell. This module knows nothing of Cluster API.

mod calls;
mod functions;
mod lexer;
mod parser;
mod render;

use std::fmt;

/// Which functions a template may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Functions {
    /// Go's own.
    Builtin,
    /// Go's own and sprig's, but for those that look at the machine, the clock or chance.
    HermeticSprig,
}

/// Why a template is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError(pub String);

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TemplateError {}

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    nodes: Vec<Node>,
}

/// Parses a template.
pub fn parse(text: &str, functions: Functions) -> Result<Template, TemplateError> {
    parser::Parser::new(lexer::lex(text)?, functions).template().map(|nodes| Template { nodes })
}

impl Template {
    /// Renders the template. Names that the data does not have are errors. `None` where this renderer does not know a
    /// function that the template calls.
    pub fn render(&self, data: &serde_json::Value) -> Result<Option<String>, TemplateError> {
        match self.evaluate(data, Missing::IsRefused) {
            Ok(text) => Ok(Some(text)),
            Err(Failure::Unknown(_)) => Ok(None),
            Err(Failure::Refused(error)) => Err(TemplateError(error)),
        }
    }

    /// Renders the template, and says why where it cannot.
    pub fn evaluate(&self, data: &serde_json::Value, missing: Missing) -> Result<String, Failure> {
        render::run(&self.nodes, data, missing)
    }
}

/// What a name is that the data does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Go's default: nothing.
    IsNothing,
    /// Go's `missingkey=error`.
    IsRefused,
}

/// Why a template has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It uses something that is not known here.
    Unknown(String),
    /// Go refuses it.
    Refused(String),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Output(Pipeline),
    If {
        condition: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        value: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// Once per item; the variables are the item's, or its key's and the item's.
    Range {
        value: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// Calls of other templates, and what leaves a loop: parsed, not rendered.
    Other,
}

/// Commands, each fed with the result of the one before.
#[derive(Clone, Debug, PartialEq)]
struct Pipeline {
    /// The variables that take the result; two only in loops.
    declares: Vec<String>,
    commands: Vec<Vec<Operand>>,
}

/// A word of a command.
#[derive(Clone, Debug, PartialEq)]
enum Operand {
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`
    Variable(String, Vec<String>),
    Function(String),
    Literal(serde_json::Value),
    /// `(…).a.b`
    Group(Box<Pipeline>, Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(text: &str) -> Result<Option<String>, TemplateError> {
        parse(text, Functions::Builtin)?.render(&json!({"cluster": {"name": "c"}, "random": "abcde"}))
    }

    #[test]
    fn names_are_rendered() {
        assert_eq!(render("{{ .cluster.name }}-{{ .random }}"), Ok(Some("c-abcde".into())));
        assert_eq!(render("a {{- .random -}} b"), Ok(Some("aabcdeb".into())));
        assert_eq!(render("{{ printf \"%s-x\" .random }}"), Ok(Some("abcde-x".into())));
        assert_eq!(render("{{ if eq .cluster.name \"c\" }}y{{ else }}n{{ end }}"), Ok(Some("y".into())));
        assert_eq!(render("{{ $x := .random }}{{ $x }}{{/* note */}}"), Ok(Some("abcde".into())));
        assert_eq!(render("{{ .cluster.name | len }}"), Ok(Some("1".into())));
        assert_eq!(render("{{ with .cluster }}{{ .name }}{{ end }}"), Ok(Some("c".into())));
    }

    #[test]
    fn names_that_do_not_exist_are_errors() {
        assert!(render("{{ .cluster.nam }}").is_err());
        assert!(render("{{ .random.x }}").is_err());
    }

    #[test]
    fn what_go_does_not_parse() {
        for bad in [
            "{{ .a",
            "{{ if .a }}",
            "{{ end }}",
            "{{ }}",
            "{{ nosuch .a }}",
            "{{ $x }}",
            "{{ .a | }}",
            "{{ \"a }}",
            "{{ (.a }}",
            "{{ else }}",
            "{{ .a }} {{ if }}x{{ end }}",
            "{{ .a b }}",
            "{{ 1a }}",
            "{{ . | 3 }}",
            "{{ break }}",
            "{{ range .a }}{{ else }}{{ else }}{{ end }}",
            "{{ upper .a }}",
            "{{ /* x */ }}",
            "{{ .a. }}",
            "{{ ! .a }}",
        ] {
            assert!(parse(bad, Functions::Builtin).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_go_parses() {
        for good in [
            "",
            "plain } text",
            "{{ .a }}",
            "{{- if and .a (not .b) -}}x{{- else if .c }}y{{ end }}",
            "{{ range $i, $e := .list }}{{ $i }}{{ $e.name }}{{ else }}none{{ end }}",
            "{{ `raw` }}{{ 'x' }}{{ -1.5e3 }}{{ 0x1F }}",
            "{{ define \"t\" }}x{{ end }}{{ template \"t\" . }}",
            "{{ block \"b\" . }}x{{ end }}",
            "{{ (index .a 0).b }}",
            "{{ $x := 1 }}{{ $x = 2 }}{{ $.a }}",
            "{{ with $x := .a }}{{ $x }}{{ end }}",
            "{{ range .a }}{{ break }}{{ end }}",
            "{{ true }}{{ .a.b.c }}",
            "{{\n.a\n}}",
        ] {
            assert_eq!(parse(good, Functions::Builtin).err(), None, "{good}");
        }
        let sprig =
            "{{ .a | upper | quote }}{{ if semverCompare \">=1.2\" .v }}{{ b64enc \"x\" | nindent 4 }}{{ end }}";
        assert_eq!(parse(sprig, Functions::HermeticSprig).err(), None);
        assert!(parse("{{ now }}", Functions::HermeticSprig).is_err());
    }

    fn evaluated(template: &str) -> Result<String, Failure> {
        let data = json!({
            "auditPolicy": "metadata", "replicas": 3, "on": true, "empty": "", "list": ["a", "b"],
            "proxy": {"url": "http://p", "noProxy": ["x", "y"]},
            "builtin": {"controlPlane": {"version": "v1.32.8"}},
        });
        let parsed = parse(template, Functions::HermeticSprig).map_err(|error| Failure::Refused(error.0))?;
        parsed.evaluate(&data, Missing::IsNothing)
    }

    #[test]
    fn conditions_of_patches() {
        let is =
            |template: &str, expected: &str| assert_eq!(evaluated(template).as_deref(), Ok(expected), "{template}");
        is("{{ ne .auditPolicy \"none\" }}", "true");
        is("{{ and .on (eq .replicas 3.0) }}", "true");
        is("{{ if .empty }}a{{ else if .on }}b{{ else }}c{{ end }}", "b");
        is("{{ semverCompare \">= v1.31.0\" .builtin.controlPlane.version }}", "true");
        is("{{ not (empty .proxy.url) }}", "true");
    }

    #[test]
    fn values_of_patches() {
        let is =
            |template: &str, expected: &str| assert_eq!(evaluated(template).as_deref(), Ok(expected), "{template}");
        is("- name: a\n  value: /x-{{ .auditPolicy }}\n", "- name: a\n  value: /x-metadata\n");
        is("{{ range $i, $v := .list -}} {{ $i }}={{ $v }};{{ end }}", "0=a;1=b;");
        is("{{ range .missing }}x{{ else }}none{{ end }}", "none");
        is("{{ with .proxy }}{{ .url | quote }}{{ end }}", "\"http://p\"");
        is("{{ join \",\" .proxy.noProxy | upper }}", "X,Y");
        is("{{ $x := .replicas }}{{ if gt $x 2.0 }}{{ printf \"%s-%v\" .auditPolicy $x }}{{ end }}", "metadata-3");
        is("{{/* nothing */}}{{ .missing | default \"d\" }}", "d");
        is("{{ index .list 1 }}{{ index .proxy \"url\" }}", "bhttp://p");
    }

    #[test]
    fn what_is_unknown_is_said() {
        assert!(matches!(evaluated("{{ genPrivateKey \"rsa\" }}"), Err(Failure::Unknown(_))));
        assert!(matches!(evaluated("{{ if }}"), Err(Failure::Refused(_))));
        assert!(matches!(evaluated("{{ .missing.field }}"), Err(Failure::Refused(_))));
    }
}
