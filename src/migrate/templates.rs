//! Chart templates: Helm's actions are masked so that what is left is YAML, that is migrated, and the actions put back.
//!
//! An action that has its lines to itself (`{{- if … }}`, `{{- end }}`, `{{- toYaml … }}`) is masked as a comment, one within
//! a line as a word. What stands behind an action nobody can see here, so this is a proposal: whoever writes it to disk renders
//! the chart before and after and compares. A document in which the lines with actions would change their order is refused.

use super::stream::{Stream, each_alone};
use super::{Outcome, Reason};

/// A template brought to v1beta2 as far as can be seen without rendering.
#[derive(Clone, Debug)]
pub struct Template {
    /// The new text.
    pub text: String,
    /// What became of each document; spans and offsets count in [`Template::masked`].
    pub stream: Stream,
    /// The text in which actions are masked. It has as many lines before each document as the template, unless an action
    /// runs over several lines.
    pub masked: String,
}

/// Migrates the text of a template.
pub fn template(text: &str) -> Template {
    let mask = Mask::of(text);
    let mut migrated = each_alone(mask.text.as_bytes());
    for document in &mut migrated.documents {
        if let Outcome::Refused(reason) = &mut document.outcome {
            reason.message = mask.restore(&reason.message);
        }
        let Outcome::Migrated(migration) = &document.outcome else { continue };
        let before = mask.text.get(document.span.clone()).unwrap_or_default();
        if let Some(line) = before.lines().find(|line| loses_version(line, &migration.text)) {
            document.outcome = Outcome::Refused(Reason {
                offset: before.find(line).unwrap_or_default(),
                path: String::new(),
                message: format!(
                    "{}: a reference of v1beta2 has apiGroup, the part before the slash, and the action's text is not known \
                     here. Write apiGroup: {{{{ splitList \"/\" VALUE | first }}}} there",
                    mask.restore(line.trim())
                ),
            });
        } else if lines_with_actions(before) != lines_with_actions(&migration.text) {
            document.outcome = Outcome::Refused(Reason {
                offset: 0,
                path: String::new(),
                message: "the lines with {{ }} would change their order; move what they enclose by hand".into(),
            });
        }
    }
    let new = String::from_utf8(migrated.text(mask.text.as_bytes())).unwrap_or_default();
    Template { text: mask.restore(&new), stream: migrated, masked: mask.text }
}

const LINE: &str = "#capi-lint-action-";
const WORD: &str = "CapiLintAction";
const END: char = 'x';

/// A text with masked actions.
struct Mask {
    text: String,
    actions: Vec<String>,
}

impl Mask {
    fn of(text: &str) -> Self {
        let mut mask = Self { text: String::with_capacity(text.len()), actions: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let (line, tail) = rest.split_at(logical_line(rest));
            mask.line(line);
            rest = tail;
        }
        mask
    }

    /// One line, or several where an action runs over them.
    fn line(&mut self, line: &str) {
        let content = line.trim_end_matches(['\n', '\r']);
        let pieces = pieces(content);
        let only_actions = pieces.iter().any(|(_, is_action)| *is_action)
            && pieces.iter().all(|(piece, is_action)| *is_action || piece.trim().is_empty());
        if only_actions {
            let indent = content.len() - content.trim_start_matches(' ').len();
            self.text.push_str(&content[..indent]);
            self.put(LINE, &content[indent..]);
        } else {
            for (piece, is_action) in pieces {
                if is_action { self.put(WORD, piece) } else { self.text.push_str(piece) }
            }
        }
        self.text.push_str(&line[content.len()..]);
    }

    fn put(&mut self, mark: &str, action: &str) {
        self.text.push_str(mark);
        self.text.push_str(&self.actions.len().to_string());
        self.text.push(END);
        self.actions.push(action.to_owned());
    }

    fn restore(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, mark)) = next_mark(rest) {
            out.push_str(&rest[..at]);
            let behind = &rest[at + mark.len()..];
            let known = behind
                .split_once(END)
                .and_then(|(number, tail)| Some((self.actions.get(number.parse::<usize>().ok()?)?, tail)));
            let (put, tail) = known.map_or((mark, behind), |(action, tail)| (action.as_str(), tail));
            out.push_str(put);
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

fn next_mark(text: &str) -> Option<(usize, &'static str)> {
    [LINE, WORD].into_iter().filter_map(|mark| text.find(mark).map(|at| (at, mark))).min()
}

/// Whether a line holds an `apiVersion` from an action that the new text no longer has.
fn loses_version(line: &str, new: &str) -> bool {
    let value = line.trim().trim_start_matches("- ").strip_prefix("apiVersion:").map(str::trim);
    let word = value.and_then(|value| value.find(WORD).map(|at| &value[at..]));
    word.and_then(|word| word.split_inclusive(END).next()).is_some_and(|word| !new.contains(word))
}

/// The masked lines in their order.
fn lines_with_actions(text: &str) -> Vec<&str> {
    text.match_indices(LINE).filter_map(|(at, _)| text[at..].split(END).next()).collect()
}

/// Length of the first line, with those that its last action runs into.
fn logical_line(text: &str) -> usize {
    let mut at = 0;
    loop {
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1);
        let Some(open) = text[at..end].find("{{").map(|open| at + open) else { return end };
        at = action_end(text, open);
    }
}

/// Where an action ends that opens at `open`.
fn action_end(text: &str, open: usize) -> usize {
    let bytes = text.as_bytes();
    let inner = text[open + 2..].trim_start_matches('-').trim_start();
    if inner.starts_with("/*") {
        let closed = text[open..].find("*/").map_or(text.len(), |close| open + close);
        return text[closed..].find("}}").map_or(text.len(), |close| closed + close + 2);
    }
    let mut at = open + 2;
    let mut quote = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return at + 2,
            (None, open @ (b'"' | b'`')) => quote = Some(open),
            (Some(b'"'), b'\\') => at += 1,
            (Some(close), byte) if close == byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// A line cut into text and actions.
fn pieces(line: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find("{{") {
        let end = action_end(rest, open);
        found.push((&rest[..open], false));
        found.push((&rest[open..end], true));
        rest = &rest[end..];
    }
    found.push((rest, false));
    found
}

#[cfg(test)]
mod tests {
    use super::{Mask, template};

    const TEMPLATE: &str = "{{- /* all\nclusters */ -}}\n{{- range $name, $c := .Values.clusters }}\n---\napiVersion: \
                            cluster.x-k8s.io/v1beta1\nkind: MachineDeployment\nmetadata:\n  name: {{ $name }}-md\n  labels:\n    \
                            {{- include \"labels\" $ | nindent 4 }}\nspec:\n  clusterName: \"{{ $name }}\"\n  template:\n    spec:\n      \
                            clusterName: {{ $name }}\n      {{- if $c.slow }}\n      nodeDrainTimeout: 10m\n      {{- end }}\n      \
                            bootstrap:\n        configRef:\n          apiVersion: bootstrap.cluster.x-k8s.io/v1beta1\n          kind: \
                            K\n          name: {{ printf \"%s}}\" $name }}\n      infrastructureRef: {apiVersion: a.b/v1, kind: K, name: \
                            '{{ $name }}'}\n{{- end }}\n";

    #[test]
    fn masks_and_restores() {
        let mask = Mask::of(TEMPLATE);
        assert!(!mask.text.contains("{{"), "{}", mask.text);
        assert_eq!(mask.restore(&mask.text), TEMPLATE);
    }

    #[test]
    fn plain_lines_and_simple_values() {
        let migrated = template(TEMPLATE);
        let refused: Vec<_> = migrated.stream.refused().collect();
        assert!(refused.is_empty(), "{refused:?} in:\n{}", migrated.masked);
        for line in [
            "apiVersion: cluster.x-k8s.io/v1beta2\n",
            "      deletion:\n        {{- if $c.slow }}\n        nodeDrainTimeoutSeconds: 600\n      {{- end }}\n      bootstrap:\n",
            "          apiGroup: bootstrap.cluster.x-k8s.io\n",
            "name: {{ printf \"%s}}\" $name }}\n",
            "      infrastructureRef: {apiGroup: a.b, kind: K, name: '{{ $name }}'}\n{{- end }}\n",
            "    {{- include \"labels\" $ | nindent 4 }}\n",
        ] {
            assert!(migrated.text.contains(line), "{line:?} in:\n{}", migrated.text);
        }
    }

    #[test]
    fn a_version_behind_an_action_is_for_a_person() {
        let text = TEMPLATE.replace("apiVersion: bootstrap.cluster.x-k8s.io/v1beta1", "apiVersion: {{ $c.api }}");
        let migrated = template(&text);
        assert_eq!(migrated.text, text);
        let (_, reason) = migrated.stream.refused().next().expect("a refusal");
        assert!(reason.message.starts_with("apiVersion: {{ $c.api }}: "), "{}", reason.message);
    }

    #[test]
    fn a_duration_behind_an_action_is_for_a_person() {
        let text = TEMPLATE.replace("10m", "{{ $c.drain }}");
        let migrated = template(&text);
        assert_eq!(migrated.text, text);
        assert_eq!(migrated.stream.refused().count(), 1);
    }
}
