//! Chart templates: Helm's actions are masked so that what is left is YAML, that is migrated, and the actions put back.
//!
//! An action that has its lines to itself (`{{- if … }}`, `{{- end }}`) is masked as a comment, one within a line as a word, one
//! that writes all that stands below a key as that key's value. What stands behind an action nobody can see here, so this is
//! a proposal: whoever writes it to disk renders the chart before and after and compares. Where the form of a value changes
//! that an action writes (a duration, a mapping of arguments, the version in a reference), the new text converts it when it
//! is rendered, so that the chart's values stay as they are; [`HELPERS`] holds what is called for that. A document in which
//! the lines with actions would change their order is refused.

mod actions;
pub(super) mod fragment;
mod hoist;
mod mask;

use serde_json::Value as Json;

use super::Outcome;
use super::change::{Form, Step, relocate};
use super::half_migrated::steps as steps_between;
use super::kinds::{self, MigratedKind};
use super::placeholder;
use super::stream::{Stream, streams};
use crate::yaml::{self, Value};
use actions::Effect;
use mask::{LINE, Mask, Numbers};

/// The name of the file in `templates/` that [`HELPERS`] goes to.
pub const HELPERS_FILE: &str = "_capi-lint-migrate.tpl";

const SECONDS_HELPER: &str = "capi-lint.seconds";
const ARGUMENTS_HELPER: &str = "capi-lint.arguments";

/// What migrated templates call.
pub const HELPERS: &str = include_str!("helpers.tpl");

/// Something to say about a line of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub message: String,
}

/// A template brought to v1beta2 as far as can be seen without rendering.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The new text.
    pub text: String,
    /// What a person must do.
    pub todo: Vec<Remark>,
    /// What was dropped.
    pub notes: Vec<Remark>,
}

impl Template {
    /// Whether the new text calls what stands in [`HELPERS`].
    pub fn needs_helpers(&self) -> bool {
        [SECONDS_HELPER, ARGUMENTS_HELPER].iter().any(|name| self.text.contains(&format!("include \"{name}\"")))
    }
}

/// Migrates the text of one template.
pub fn template(text: &str) -> Template {
    templates(&[text]).pop().unwrap_or_default()
}

/// Migrates the texts of the templates of a chart.
pub fn templates(texts: &[&str]) -> Vec<Template> {
    let mut numbers = Numbers::default();
    let masks: Vec<Mask> = texts.iter().map(|text| Mask::of(text, &mut numbers)).collect();
    let migrated = streams(&masks.iter().map(|mask| mask.text.as_bytes()).collect::<Vec<_>>());
    let parts = texts.iter().zip(masks).zip(migrated);
    parts.map(|((text, mask), migrated)| proposal(text, mask, migrated, &mut numbers)).collect()
}

/// What became of the masked text of a template, with its actions.
fn proposal(text: &str, mut mask: Mask, mut migrated: Stream, numbers: &mut Numbers) -> Template {
    let old = mask.text.clone();
    let line_of =
        |mask: &Mask, offset: usize| mask.restore(old.get(..offset).unwrap_or_default()).matches('\n').count() + 1;
    let mut found = Template::default();
    for document in &mut migrated.documents {
        let before = old.get(document.span.clone()).unwrap_or_default();
        let start = document.span.start;
        match &mut document.outcome {
            Outcome::Refused(reason) => {
                if asks_for_version(before) {
                    // The version comes from the chart's values: that is for the rendering to show.
                    continue;
                }
                let message = mask.restore(&reason.message);
                found.todo.push(Remark { line: line_of(&mask, start + reason.offset), message });
            }
            Outcome::Migrated(migration) => {
                if let Some(line) = moved_action(before, &migration.text) {
                    let offset = before.find(line).unwrap_or_default();
                    let message = format!(
                        "{} would no longer enclose what it does, since that moves; move it with its {{{{ end }}}} by hand",
                        mask.restore(line)
                    );
                    found.todo.push(Remark { line: line_of(&mask, start + offset), message });
                    document.outcome = Outcome::NotConcerned;
                    continue;
                }
                migration.text = hoist::hoist(before, &migration.text, &mut mask, numbers);
                for note in &migration.notes {
                    let message = match note.kind {
                        super::NoteKind::Removed => format!("removed {}: {}", note.path, note.message),
                        super::NoteKind::Left | super::NoteKind::Missing => note.message.clone(),
                    };
                    let line = line_of(&mask, start + note.offset);
                    found.notes.push(Remark { line, message: mask.restore(&message) });
                }
            }
            Outcome::NotConcerned | Outcome::Already => {}
        }
    }
    found.text = restored(&mask, &migrated, &old);
    bodies(text, &mask, &mut found);
    found
}

fn restored(mask: &Mask, migrated: &Stream, old: &str) -> String {
    let new = String::from_utf8(migrated.text(old.as_bytes())).unwrap_or_default();
    // All of Helm's braces are masked: what is left was written for the templates in a class's patches.
    mask.restore(&new.replace("{{", "\0")).replace('\0', "{{ `{{` }}")
}

/// Migrates whole objects that stand in a `define`.
fn bodies(text: &str, mask: &Mask, found: &mut Template) {
    for (start, body) in &mask.bodies {
        let migrated = template(body);
        if migrated.text != *body {
            found.text = found.text.replacen(body.as_str(), &migrated.text, 1);
        }
        let above = text[..*start].matches('\n').count();
        let moved = |remark: Remark| Remark { line: remark.line + above, ..remark };
        // Fragments are seldom YAML by themselves.
        if body.lines().any(|line| line.starts_with("kind:")) {
            found.todo.extend(migrated.todo.into_iter().map(moved));
        }
        found.notes.extend(migrated.notes.into_iter().map(moved));
    }
}

/// Whether an action writes the version of a document's own `apiVersion`.
fn asks_for_version(document: &str) -> bool {
    document.lines().any(|line| {
        line.strip_prefix("apiVersion:")
            .is_some_and(|value| value.contains(placeholder::WORD) || value.contains(placeholder::VERSION))
    })
}

/// The first line of actions that stands in another order than before.
fn moved_action<'t>(before: &'t str, after: &str) -> Option<&'t str> {
    let (before, after) = (lines_with_actions(before), lines_with_actions(after));
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    before.get(same).copied().or_else(|| before.last().copied().filter(|_| after.len() > before.len()))
}

/// The masked lines in their order.
fn lines_with_actions(text: &str) -> Vec<&str> {
    text.match_indices(LINE).filter_map(|(at, _)| text[at..].split_inclusive(placeholder::END).next()).collect()
}

/// The line of a template that writes what stands at a path of an object of a kind: the deepest field on the way.
pub fn line_of(text: &str, kind: &str, path: &[String]) -> Option<usize> {
    let mask = Mask::of(text, &mut Numbers::default());
    let bytes = mask.text.as_bytes();
    for document in yaml::split(bytes) {
        let Ok(content) = document.text(bytes) else { continue };
        let Ok(parsed) = yaml::parse(content) else { continue };
        let Some(root) = parsed.root() else { continue };
        if root.get("kind").and_then(|kind| kind.as_str()).as_deref() != Some(kind) {
            continue;
        }
        let mut at: Value<'_> = root;
        for key in path {
            let next = match key.parse::<usize>() {
                Ok(number) => at.items().nth(number),
                Err(_) => at.get(key),
            };
            let Some(next) = next else { break };
            at = next;
        }
        let own = if at.index() == root.index() { 0 } else { at.key_span().range().start };
        let offset = writer(&mask, content, root, at).unwrap_or(own);
        let before = mask.text.get(..document.span.start + offset)?;
        return Some(mask.restore(before).matches('\n').count() + 1);
    }
    None
}

/// The action within a value that may write fields which moved: the value of a field inside which something changes, or a line
/// of its own.
fn writer(mask: &Mask, text: &str, root: Value<'_>, at: Value<'_>) -> Option<usize> {
    let kind = root.get("kind").and_then(|kind| kind.as_str())?;
    let version = root.get("apiVersion").and_then(|version| version.as_str())?;
    let known = kinds::find(version.split_once('/')?.0, &kind)?;
    let mut found = None;
    structured(at, &mut steps_between(root, at.index())?, known, &mut found);
    let mut span = at.span().range();
    if root.children().any(|child| child.index() == at.index()) {
        // Lines of actions behind its last field are its own, down to the next field of the object.
        let next = root.children().find(|child| child.index() > at.index());
        span.end = next.map_or(text.len(), |next| next.key_span().range().start);
    }
    let inside = text.get(span.clone())?;
    let lone = inside.match_indices(LINE).find(|(at, _)| {
        let line = inside[*at..].lines().next().unwrap_or_default();
        mask.action_of(line)
            .is_some_and(|action| actions::actions(action).any(|one| actions::effect(one) == Effect::Writes))
    });
    found.or(lone.map(|(at, _)| span.start + at))
}

fn structured(value: Value<'_>, path: &mut Vec<Step>, known: &MigratedKind, found: &mut Option<usize>) {
    let word = value.as_str().is_some_and(|text| placeholder::is_one(&text));
    if word && found.is_none() && relocate(known.changes, path).is_ok_and(|new| new.form == Some(Form::Structure)) {
        *found = Some(value.key_span().range().start);
    }
    for (number, child) in value.children().enumerate() {
        path.push(child.key().map_or_else(|| Step::Item(number.to_string()), |key| Step::Key(key.into_owned())));
        structured(child, path, known, found);
        path.pop();
    }
}

/// Where two values differ, by paths; what is empty counts as absent.
pub fn differences(old: &Json, new: &Json, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Json, Json)>) {
    match (old, new) {
        (Json::Object(a), Json::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                path.push(key.clone());
                let (a, b) = (a.get(key).unwrap_or(&Json::Null), b.get(key).unwrap_or(&Json::Null));
                differences(a, b, path, found);
                path.pop();
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (number, (a, b)) in a.iter().zip(b).enumerate() {
                path.push(number.to_string());
                differences(a, b, path, found);
                path.pop();
            }
        }
        (a, b) if a == b || (is_empty(a) && is_empty(b)) => {}
        (a, b) => found.push((path.clone(), a.clone(), b.clone())),
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(map) => map.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::mask::{Mask, Numbers};
    use super::template;

    const TEMPLATE: &str = "{{- /* all\nclusters */ -}}\n{{- range $name, $c := .Values.clusters }}\n---\napiVersion: \
                            cluster.x-k8s.io/v1beta1\nkind: MachineDeployment\nmetadata:\n  name: {{ $name }}-md\n  labels:\n    \
                            {{- include \"labels\" $ | nindent 4 }}\nspec:\n  clusterName: \"{{ $name }}\"\n  template:\n    spec:\n      \
                            clusterName: {{ $name }}\n      {{- if $c.slow }}\n      nodeDrainTimeout: 10m\n      {{- end }}\n      \
                            bootstrap:\n        configRef:\n          apiVersion: bootstrap.cluster.x-k8s.io/v1beta1\n          kind: \
                            K\n          name: {{ printf \"%s}}\" $name }}\n      infrastructureRef: {apiVersion: a.b/v1, kind: K, name: \
                            '{{ $name }}'}\n{{- end }}\n";

    #[test]
    fn masks_and_restores() {
        let mask = Mask::of(TEMPLATE, &mut Numbers::default());
        assert!(!mask.text.contains("{{"), "{}", mask.text);
        assert_eq!(mask.restore(&mask.text), TEMPLATE);
    }

    #[test]
    fn plain_lines_and_simple_values() {
        let migrated = template(TEMPLATE);
        assert!(migrated.todo.is_empty(), "{:?}", migrated.todo);
        for line in [
            "apiVersion: cluster.x-k8s.io/v1beta2\n",
            "      {{- if $c.slow }}\n      deletion:\n        nodeDrainTimeoutSeconds: 600\n      {{- end }}\n      bootstrap:\n",
            "          apiGroup: bootstrap.cluster.x-k8s.io\n",
            "name: {{ printf \"%s}}\" $name }}\n",
            "      infrastructureRef: {apiGroup: a.b, kind: K, name: '{{ $name }}'}\n{{- end }}\n",
            "    {{- include \"labels\" $ | nindent 4 }}\n",
        ] {
            assert!(migrated.text.contains(line), "{line:?} in:\n{}", migrated.text);
        }
    }

    /// The lines of a template that differ, after.
    fn changed(old: &str, new: &str) -> Vec<String> {
        let text = TEMPLATE.replace(old, new);
        let migrated = template(&text);
        assert!(migrated.todo.is_empty(), "{:?}", migrated.todo);
        let diff = similar::TextDiff::from_lines(text.as_str(), migrated.text.as_str());
        let inserted = diff.iter_all_changes().filter(|change| change.tag() == similar::ChangeTag::Insert);
        inserted.map(|change| change.value().trim().to_owned()).collect()
    }

    #[test]
    fn values_from_actions_are_converted_when_rendered() {
        let lines = changed("apiVersion: bootstrap.cluster.x-k8s.io/v1beta1", "apiVersion: {{ $c.api }}");
        assert!(lines.contains(&"apiGroup: {{ regexReplaceAll \"/?[^/]*$\" ($c.api) \"\" }}".to_owned()), "{lines:?}");
        let lines = changed("nodeDrainTimeout: 10m", "nodeDrainTimeout: \"{{ $c.drain }}\"");
        assert!(
            lines.contains(&"nodeDrainTimeoutSeconds: {{ include \"capi-lint.seconds\" ($c.drain) }}".to_owned()),
            "{lines:?}"
        );
        let lines = changed("nodeDrainTimeout: 10m", "nodeDrainTimeout: {{ $c.drain }}s");
        assert!(
            lines.contains(
                &"nodeDrainTimeoutSeconds: {{ include \"capi-lint.seconds\" (printf \"%vs\" ($c.drain)) }}".to_owned()
            ),
            "{lines:?}"
        );
    }

    #[test]
    fn several_conditions_below_one_new_key() {
        let two = "{{- if $c.slow }}\n      nodeDrainTimeout: 10m\n      {{- end }}\n      {{- with $c.wait }}\n      nodeDeletionTimeout: {{ . }}\n      {{- end }}\n";
        let text = TEMPLATE.replace("{{- if $c.slow }}\n      nodeDrainTimeout: 10m\n      {{- end }}\n", two);
        let migrated = template(&text);
        let expected = "      {{- if or ($c.slow) ($c.wait) }}\n      deletion:\n        {{- if $c.slow }}\n        nodeDrainTimeoutSeconds: 600\n";
        assert!(migrated.text.contains(expected), "{}", migrated.text);
    }

    #[test]
    fn indentation_that_an_action_is_told_follows() {
        let text = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: MachineDeployment\nspec:\n  strategy: {{ toYaml .Values.s | nindent 4 }}\n";
        let migrated = template(text);
        assert!(
            migrated.text.contains("  rollout:\n    strategy: {{ toYaml .Values.s | nindent 6 }}\n"),
            "{}",
            migrated.text
        );
    }

    #[test]
    fn arguments_from_an_action_become_a_list() {
        let text = "apiVersion: bootstrap.cluster.x-k8s.io/v1beta1\nkind: KubeadmConfig\nspec:\n  clusterConfiguration:\n    scheduler:\n      extraArgs:\n        {{- toYaml .Values.args | nindent 8 }}\n";
        let migrated = template(text);
        let expected = "      extraArgs:\n        {{- include \"capi-lint.arguments\" (toYaml .Values.args | nindent 8 | fromYaml) | nindent 8 }}\n";
        assert!(migrated.text.contains(expected), "{}", migrated.text);
    }

    #[test]
    fn definitions_are_apart() {
        let text = "{{- define \"x\" -}}\na:\n  b\n{{- end }}\napiVersion: cluster.x-k8s.io/v1beta1\nkind: Machine\nspec:\n  nodeDrainTimeout: 5m\n";
        let migrated = template(text);
        assert!(migrated.todo.is_empty(), "{:?}", migrated.todo);
        assert!(
            migrated
                .text
                .starts_with("{{- define \"x\" -}}\na:\n  b\n{{- end }}\napiVersion: cluster.x-k8s.io/v1beta2\n"),
            "{}",
            migrated.text
        );
    }
}
