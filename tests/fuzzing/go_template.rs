//! Any template parses or not, and comes to an end.

use capi_lint::go_template::{self, Functions, Missing};
use serde_json::{Value as Json, json};

use super::engine::{Shape, Target};
use super::seeds;

pub struct GoTemplate;

fn data() -> Json {
    json!({
        "a": 1, "b": "text", "list": ["x", "y", 3], "map": {"k": "v", "n": null}, "truth": true, "cluster": {"name": "prod-1"},
        "builtin": {"cluster": {"name": "a", "topology": {"version": "v1.30.0"}}}, "random": "abcde", "float": 1.5
    })
}

impl Target for GoTemplate {
    fn name(&self) -> &'static str {
        "go-template"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let texts = [
            "{{ .cluster.name }}-{{ .random }}",
            "{{ if eq .a 1 }}x{{ else if .b }}y{{ else }}z{{ end }}",
            "{{ range $i, $x := .list }}{{ $i }}={{ $x }},{{ else }}none{{ end }}",
            "{{- with .map }}{{ .k | quote }}{{ end -}}",
            "{{ define \"t\" }}{{ . }}{{ end }}{{ template \"t\" .b }}",
            "{{ block \"u\" . }}{{ .a }}{{ end }}",
            "{{ printf \"%s-%d %v %q %5.2f\" .b .a .list .b .float }}",
            "{{ $v := .builtin.cluster.topology.version }}{{ if semverCompare \">= 1.27\" $v }}yes{{ end }}",
            "{{ .b | trunc 2 | upper | replace \"T\" \"x\" }}{{/* a comment */}}",
            "{{ index .map \"k\" }}{{ len .list }}{{ and .a .b }}{{ or .truth 0 }}{{ not .truth }}{{ slice .b 1 2 }}",
            "{{ range .list }}{{ if eq . \"y\" }}{{ break }}{{ end }}{{ continue }}{{ end }}",
            "path: {{ `raw` }} {{ 'c' }} {{ 0x1F }} {{ 1e3 }} {{ nil }}",
            "{{ list 1 2 3 | join \",\" }}{{ dict \"a\" 1 | toJson }}{{ default \"d\" .none }}{{ regexMatch \"a+\" .b }}",
            "{{ (index .list 0) }}{{ .map.k.z }}{{ html .b }}{{ urlquery .b }}{{ js .b }}{{ lt 1 2 }}{{ ne .a .b .c }}",
        ];
        let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/go-template"), &["txt"], 10_000));
        // Templates that stand in manifests.
        for stream in seeds::manifests(1 << 18) {
            let text = String::from_utf8_lossy(&stream);
            all.extend(text.lines().filter(|line| line.contains("{{")).map(|line| line.trim().as_bytes().to_vec()));
        }
        all
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "{{",
            "}}",
            "{{-",
            "-}}",
            "{{ ",
            " }}",
            "{{ end }}",
            "{{ else }}",
            "{{ else if .a }}",
            "{{ else with .a }}",
            "{{ if .a }}",
            "{{ with .b }}",
            "{{ range .list }}",
            "{{ break }}",
            "{{ continue }}",
            "{{ define \"x\" }}",
            "{{ template \"x\" . }}",
            "{{ block \"x\" . }}",
            "{{/*",
            "*/}}",
            "|",
            ":=",
            "=",
            "$",
            "$x",
            "$.a",
            ".",
            ".a",
            ".b.c",
            "(",
            ")",
            "\"",
            "`",
            "'a'",
            "'",
            "\\",
            "\\n",
            "1",
            "-1",
            "0x",
            "1e9",
            "1_0",
            "1i",
            "nil",
            "true",
            "printf ",
            "print ",
            "println ",
            "len ",
            "index ",
            "slice ",
            "call ",
            "eq ",
            "and ",
            "or ",
            "not ",
            "html ",
            "js ",
            "urlquery ",
            "%d",
            "%[3]*.2f",
            "%!",
            "%v",
            "%99999999d",
            "quote ",
            "upper ",
            "trunc 2 ",
            "default 1 ",
            "toYaml ",
            "nindent 4 ",
            "repeat 3 ",
            "until 5 ",
            "semverCompare \">1\" ",
            "regexReplaceAll ",
            ",",
            " ",
            "\n",
            "\t",
            "é",
            "\0",
            "env \"A\" ",
            "now ",
            "randAlpha 3 ",
            "dict ",
            "list ",
            "join ",
            "splitList ",
            "tpl ",
            "include ",
            "lookup ",
            "fail \"x\" ",
        ]
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Shape(0)) };
        let parsed =
            [Functions::Builtin, Functions::HermeticSprig].map(|functions| go_template::parse(text, functions));
        if parsed[0].is_ok() && parsed[0] != parsed[1] {
            return Err(format!("more functions make less of it: {:?}", parsed[1]));
        }
        let said = |text: &str| text.chars().filter(char::is_ascii_alphabetic).rev().take(20).collect::<String>();
        let shape = match &parsed[1] {
            Err(error) => ("refused", said(&error.0)),
            Ok(template) => {
                let strict = template.evaluate(&data(), Missing::IsRefused);
                let lax = template.evaluate(&data(), Missing::IsNothing);
                if let Ok(strict) = &strict
                    && lax.as_ref().ok() != Some(strict)
                {
                    return Err(format!("all names are there, and yet: {strict:?}, {lax:?}"));
                }
                match strict {
                    Ok(text) => ("text", text.len().min(40).to_string()),
                    Err(error) => ("failed", said(&format!("{error:?}"))),
                }
            }
        };
        Ok(Shape::of(shape))
    }
}
