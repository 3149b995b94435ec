//! What the splitter cuts tiles the stream, and is what a slow one, written line by line, cuts.

use capi_lint::yaml::{self, RawDocument};

use super::engine::{Shape, Target};
use super::seeds;

pub struct Split;

/// Where separators and documents are, by a look at each line.
fn by_lines(stream: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    let (mut at, mut separator) = (0, 0);
    let mut start = 0;
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"---") {
            if at > 0 {
                found.push((separator, start, at));
            }
            separator = at;
            start = at + line.len();
        }
        at += line.len();
    }
    if at > 0 {
        found.push((separator, start, at));
    }
    found
}

/// Documents that were cut inside a run of JSON values, as the one that the lines show.
fn joined(documents: &[RawDocument]) -> Vec<(usize, usize, usize)> {
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for document in documents {
        match found.last_mut() {
            Some(last) if document.separator.is_empty() => last.2 = document.span.end,
            _ => found.push((document.separator.start, document.span.start, document.span.end)),
        }
    }
    found
}

/// How many objects the text is, where it is JSON objects one behind the other and nothing else.
fn json_objects(bytes: &[u8]) -> Option<usize> {
    let values: Result<Vec<serde_json::Value>, _> = serde_json::Deserializer::from_slice(bytes).into_iter().collect();
    let values = values.ok()?;
    values.iter().all(serde_json::Value::is_object).then_some(values.len())
}

impl Target for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = seeds::short_streams(1500);
        all.extend(seeds::files(&seeds::repository("fixtures"), &["yaml", "json"], 1500));
        all.extend([
            b"{\"a\": 1}\n{\"b\": [2, \"}{\"]}\n".to_vec(),
            b"{}{}\n---\n{}".to_vec(),
            b"--- {}\n---a\n---".to_vec(),
        ]);
        all
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "---",
            "\n---\n",
            "\n---",
            "---\r\n",
            "--- # x\n",
            "--- {}\n",
            "---a",
            "\n",
            "\r\n",
            "\r",
            " ---\n",
            "----\n",
            "{",
            "}",
            "{}\n{}",
            "{\"a\": \"}\"}",
            "\"",
            "\\\"",
            "[",
            "]",
            "\u{feff}",
            "#",
            "# x\n",
            "...\n",
            " ",
            "%YAML 1.1\n",
            "\0",
            "a: |\n  ---\n",
        ]
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let documents: Vec<RawDocument> = yaml::split(input).collect();
        let mut at = 0;
        for document in &documents {
            if document.separator.start != at || document.span.start != document.separator.end {
                return Err(format!("a gap or an overlap at {at}: {document:?}"));
            }
            at = document.span.end;
            if document.is_blank(input) != is_blank(&input[document.span.clone()]) {
                return Err(format!("blank or not: {document:?}"));
            }
            if document.separator.is_empty() == document.text_after_separator && document.text_after_separator {
                return Err(format!("text behind no separator: {document:?}"));
            }
        }
        if at != input.len() {
            return Err(format!("{} bytes of {} came out", at, input.len()));
        }
        let (fast, slow) = (joined(&documents), by_lines(input));
        if fast != slow {
            return Err(format!("other cuts than by lines\n{fast:?}\n{slow:?}"));
        }
        let first_end = slow.first().map_or(0, |first| first.2);
        let starts_bare = slow.first().is_some_and(|first| first.1 == 0);
        let values = documents.iter().take_while(|document| document.span.end <= first_end).count();
        if let Some(count) = json_objects(&input[..first_end]).filter(|count| starts_bare && *count > 1)
            && values != count
        {
            return Err(format!("{count} JSON objects became {values} documents"));
        }
        // Cut into parts for threads, the same.
        for parts in [2, 3, 7] {
            let cut = yaml::cut(input, parts).into_iter().flat_map(|part| {
                let start = part.start;
                let by = move |range: std::ops::Range<usize>| start + range.start..start + range.end;
                let raw: Vec<RawDocument> = yaml::split(&input[part]).collect();
                raw.into_iter().map(move |raw| RawDocument { separator: by(raw.separator), span: by(raw.span), ..raw })
            });
            if !cut.eq(documents.iter().cloned()) {
                return Err(format!("other documents in {parts} parts"));
            }
        }
        let texts = documents.iter().filter(|document| document.text_after_separator).count();
        Ok(Shape::of((documents.len().min(6), texts.min(2), values.min(3), starts_bare)))
    }
}

fn is_blank(document: &[u8]) -> bool {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    document.split(|byte| *byte == b'\n').all(|line| {
        let line = line.trim_ascii_start();
        line.is_empty() || line[0] == b'#'
    })
}
