//! Splitting, duplicate keys, messages and hostile input.

#![allow(clippy::format_collect, clippy::format_push_string)]

use std::time::{Duration, Instant};

use capi_lint::yaml::{self, Problem};

fn problem(text: &str) -> Problem {
    yaml::parse(text).expect_err(text).problem
}

fn documents(stream: &str) -> Vec<&str> {
    yaml::split(stream.as_bytes()).map(|raw| &stream[raw.span]).collect()
}

#[test]
fn documents_and_separators_tile_the_stream() {
    for stream in [
        "",
        "\n",
        "---\n",
        "---",
        "a: b",
        "a: b\n---\nc: d\n",
        "---\na: b\n---\n---\nc: d",
        "a: b\r\n---\r\nc: d\r\n",
        "--- # x\na\n---b\nc\n",
        "{\"a\":1}{\"b\":2}\n{\"c\":3}\n",
        "{\"a\":1}\n---\n{\"b\":2}\n",
        "a: |\n  x\n---\n  y\n",
        "\u{feff}---\na: b\n",
        " ---\na: b\n",
        "----\na",
    ] {
        let mut at = 0;
        for raw in yaml::split(stream.as_bytes()) {
            assert_eq!(raw.separator.start, at, "{stream:?}");
            assert_eq!(raw.separator.end, raw.span.start, "{stream:?}");
            at = raw.span.end;
        }
        assert_eq!(at, stream.len(), "{stream:?}");
    }
}

#[test]
fn streams_are_cut_where_kubectl_and_helm_cut() {
    assert_eq!(documents("a: b\n---\nc: d\n"), ["a: b\n", "c: d\n"]);
    assert_eq!(documents("---\na: b\n"), ["a: b\n"]);
    assert_eq!(documents("a: b\n--- # comment\nc: d\n"), ["a: b\n", "c: d\n"]);
    assert_eq!(documents("a: |\n  x\n---\n  y\n"), ["a: |\n  x\n", "  y\n"], "also inside a block scalar");
    assert_eq!(documents("a: |\n  x\n  ---\n  y\n"), ["a: |\n  x\n  ---\n  y\n"], "not where it is indented");
    assert_eq!(documents("timeout: 300s---\na: b\n"), ["timeout: 300s---\na: b\n"], "nor at the end of a line");
    assert_eq!(documents("a: b\r\n---\r\nc: d\r\n"), ["a: b\r\n", "c: d\r\n"]);
    assert_eq!(documents("{\"a\":\"}{\"}\n{\"b\":2}"), ["{\"a\":\"}{\"}", "\n{\"b\":2}"], "JSON values");
    assert_eq!(documents("{a: b}\n"), ["{a: b}\n"]);
}

#[test]
fn text_behind_a_separator_is_an_error_of_that_document_alone() {
    let stream = b"a: b\n--- {}\nc: d\n---\ne: f\n";
    let texts: Vec<_> = yaml::split(stream).map(|raw| raw.text(stream).map_err(|error| error.problem)).collect();
    assert_eq!(texts, [Ok("a: b\n"), Err(Problem::TextAfterSeparator), Ok("e: f\n")]);
}

#[test]
fn bytes_that_are_no_text_are_an_error_of_that_document_alone() {
    let stream = b"a: b\n---\nc: \xFF\n---\ne: f\n";
    let texts: Vec<_> =
        yaml::split(stream).map(|raw| raw.text(stream).map_err(|error| (error.offset, error.problem))).collect();
    assert_eq!(texts, [Ok("a: b\n"), Err((3, Problem::NotUtf8)), Ok("e: f\n")]);
}

#[test]
fn blank_documents_are_known() {
    let stream = b"# x\n\n---\n---\n \n# y\n---\na: b\n";
    let blank: Vec<_> = yaml::split(stream).map(|raw| raw.is_blank(stream)).collect();
    assert_eq!(blank, [true, true, true, false]);
}

#[test]
fn duplicates_come_with_both_places() {
    let text = "a: 1\nb: {c: 1, 'c': 2}\n\"a\": 2\nyes: 1\ntrue: 2\n1: x\n\"1\": y\na: 3\n";
    let parsed = yaml::parse(text).expect("readable");
    let pairs: Vec<_> = parsed
        .duplicates()
        .iter()
        .map(|found| (&text[found.first.range()], &text[found.second.range()], found.first.start))
        .collect();
    assert_eq!(pairs, [("a", "a", 0), ("yes", "true", 30), ("1", "1", 45), ("a", "a", 24), ("c", "c", 9)]);
    let root = parsed.root().expect("a root");
    assert_eq!(root.to_json().to_string(), r#"{"b":{"c":2},"true":2,"1":true,"a":3}"#);
}

#[test]
fn messages_name_what_is_wrong_and_where() {
    for (text, problem, offset) in [
        ("a:\n\tb: c\n", Problem::TabIndent, 3),
        ("key: value: x\n", Problem::NestedColon, 10),
        ("a: b\nc\nd: e\n", Problem::MissingColon, 5),
        ("a: \"b\nc: d\n", Problem::OpenQuote('"'), 3),
        ("a: [b, c\nd: e\n", Problem::MissingComma(']'), 10),
        ("a: {b: c\n", Problem::OpenBracket('{'), 3),
        ("a: @b\n", Problem::StrayCharacter('@'), 3),
        ("a: - b\n", Problem::StrayDash, 3),
        ("a: {{ .Values.x }}\n", Problem::CollectionAsKey, 4),
        ("a:\n    b: c\n  d: e\n", Problem::BadIndentation, 14),
        ("a: \"\\q\"\n", Problem::UnknownEscape(Some('q')), 4),
        ("a: *x\n", Problem::UnknownAnchor("x".to_owned()), 3),
        ("a: b\0c", Problem::ControlCharacter('\0'), 4),
        ("a: .inf\n", Problem::NotFinite, 3),
    ] {
        let error = yaml::parse(text).expect_err(text);
        assert_eq!((&error.problem, error.offset), (&problem, offset), "{text:?}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn text_that_is_never_read_is_known() {
    let ignored = |text| yaml::parse(text).expect("readable").ignored();
    assert_eq!(ignored("a: b\n...\nc: d\n"), Some(9));
    assert_eq!(ignored("{a: b}\n{c: d}\n"), Some(7));
    assert_eq!(ignored("a: b\n...\n# c\n"), None);
}

#[test]
fn hostile_input_ends_soon_and_in_words() {
    let cases: Vec<(&str, String)> = vec![
        ("open brackets", "[".repeat(200_000)),
        ("open braces", "{a: ".repeat(200_000)),
        ("dashes", "- ".repeat(200_000)),
        ("question marks", "? ".repeat(200_000)),
        ("deep keys", (0..3000).map(|depth| " ".repeat(depth) + "a:\n").collect()),
        ("closing brackets", "]".repeat(200_000)),
        ("one line", format!("a: {}\n", "x ".repeat(5_000_000))),
        ("one key", format!("{}: b\n", "k".repeat(10_000_000))),
        ("one quoted key", format!("\"{}\": b\n", "k".repeat(10_000_000))),
        ("one block scalar", format!("a: |\n{}", "  line of text\n".repeat(500_000))),
        ("many entries", (0..200_000).map(|number| format!("k{number}: v\n")).collect()),
        ("many keys alike", (0..200_000).map(|number| format!("prefix{number:08}suffixsuffix: v\n")).collect()),
        ("same key", "a: b\n".repeat(200_000)),
        ("blank lines in a scalar", format!("a: b{}c: d\n", "\n".repeat(5_000_000))),
        ("blank lines in scalars", format!("a: b\n{}", "  c\n\n\n".repeat(500_000))),
        ("quotes over lines", format!("a: \"{}\"\n", "x\n ".repeat(2_000_000))),
        ("escapes", format!("a: \"{}\"\n", "\\n".repeat(2_000_000))),
        ("anchors", (0..100_000).map(|number| format!("k{number}: &a{number} v\n")).collect()),
        ("flow", format!("a: [{}]\n", "b, ".repeat(500_000))),
        ("comments", "# x\n".repeat(1_000_000)),
        ("comments in flow", format!("[{}]", "# x\n".repeat(500_000))),
        ("JSON values", "{}".repeat(300_000)),
        ("separators", "---\n".repeat(500_000)),
        ("tags", "!a ".repeat(100_000)),
        ("merges", format!("a: &a {{b: c}}\nd:\n{}", "  <<: *a\n".repeat(20_000))),
        ("non-breaking text", format!("a: {}\n", "\u{2027}".repeat(1_000_000))),
    ];
    for (name, stream) in cases {
        let start = Instant::now();
        for raw in yaml::split(stream.as_bytes()) {
            if let Err(error) = raw.text(stream.as_bytes()).and_then(yaml::parse) {
                assert!(!error.to_string().is_empty());
            }
        }
        let took = start.elapsed();
        eprintln!("{name}: {} MB in {took:?}", stream.len() / 1_000_000);
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
    }
}

#[test]
fn nesting_stops_at_the_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let lines = |depth: usize| (0..depth).map(|depth| " ".repeat(depth) + "a:\n").collect::<String>();
    assert!(yaml::parse(&nested(500)).is_ok());
    assert_eq!(problem(&nested(yaml::MAX_DEPTH + 1)), Problem::TooDeep);
    assert!(yaml::parse(&lines(500)).is_ok());
    assert_eq!(problem(&lines(yaml::MAX_DEPTH + 2)), Problem::TooDeep);
}

#[test]
fn aliases_may_not_multiply_a_document() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let uses = format!("*a{}, ", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{uses}]\n");
    }
    assert_eq!(problem(&bomb), Problem::ExcessiveAliasing);
    assert_eq!(problem("a: &x [*x]\n"), Problem::SelfReference("x".to_owned()));
}
