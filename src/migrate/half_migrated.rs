//! Objects at v1beta2 with fields of v1beta1: what the schema layer calls an unknown field or a wrong type is given its name
//! and its new place.
//!
//! It turns findings into better ones and makes none: what the server refuses is for the schema layer to know.

use super::change::{Form, Relocated, Removed, Step, relocate};
use super::fit::Fit;
use super::kinds::{self, TARGET};
use crate::object::Object;
use crate::report::Finding;
use crate::schema::validate::rules::{UNKNOWN_FIELD, WRONG_TYPE};
use crate::yaml::Value;

crate::rule! {
    /// A field of v1beta1 in an object of v1beta2.
    ///
    /// Whoever changes `apiVersion` alone, or misses a field on the way, loses that field: v1beta2 has it elsewhere, in another
    /// form, or not at all. `kubectl` refuses the object; Helm 3 has the field dropped with no more than a warning, and the
    /// cluster comes up without the drain timeout or the arguments that somebody counts on.
    ///
    /// ```yaml
    /// apiVersion: cluster.x-k8s.io/v1beta2
    /// kind: Cluster
    /// spec:
    ///   topology:
    ///     class: quick-start      # classRef: {name: quick-start}
    /// ```
    ///
    /// Fix: write the field at the place that the finding names. Where a whole manifest is still in the old form, set its
    /// `apiVersion` back to v1beta1 and run `capi-lint migrate`.
    ///
    /// Who says so: the API server, by the kind's schema; the new places are those of Cluster API's own conversion.
    pub HALF_MIGRATED = "half-migrated", Error, Admission;
}

/// Turns what the schema layer found in an object into findings of this rule, where the field is one of v1beta1.
pub fn improve(object: &Object<'_>, findings: &mut [Finding]) {
    let known = kinds::find(object.group(), &object.kind).filter(|_| object.version() == TARGET);
    let Some(known) = known else { return };
    let old = Fit::of(known.group, "v1beta1", known.kind);
    for finding in findings.iter_mut().filter(|finding| is_candidate(finding)) {
        let node = finding.place.and_then(|place| place.node);
        let Some(value) = node.and_then(|node| object.root.document().value(node)) else { continue };
        let Some(path) = steps(object.root, value.index()).filter(|path| old.has(path)) else { continue };
        // A plain slip is of the wrong type in both versions.
        if finding.rule.name == WRONG_TYPE.name && !old.takes(&path, value) {
            continue;
        }
        let (place, advice) = match relocate(known.changes, &path) {
            Err(Removed(instead)) => ("it is gone".to_owned(), instead.to_owned()),
            Ok(Relocated { form: None, paths }) if paths == [path.clone()] => continue,
            Ok(relocated) => {
                let paths = relocated.paths.iter().map(|path| show(path)).collect::<Vec<_>>().join(" and ");
                (format!("it is {paths}{}", form(relocated.form)), advice(&relocated, value))
            }
        };
        finding.rule = &HALF_MIGRATED;
        finding.message = format!("`{}` is how v1beta1 has it; in {TARGET} {place}", show(&path));
        finding.suggestion = Some(advice);
    }
}

fn is_candidate(finding: &Finding) -> bool {
    [UNKNOWN_FIELD.name, WRONG_TYPE.name].contains(&finding.rule.name)
}

fn form(form: Option<Form>) -> &'static str {
    match form {
        Some(Form::Seconds) => ", in seconds",
        Some(Form::Group) => ", the group without the version",
        Some(Form::Arguments | Form::Argument) => ", a list of `name` and `value`",
        Some(Form::Named | Form::InsideNamed) => ", a list with `name`, sorted by it",
        Some(Form::Structure | Form::Reference) => ", and fields in it have changed too",
        None => "",
    }
}

/// What to type.
fn advice(relocated: &Relocated, value: Value<'_>) -> String {
    let name = relocated.paths.first().and_then(|path| path.last());
    let Some(Step::Key(name)) = name else { return "move it there".to_owned() };
    let text = value.as_str();
    match relocated.form {
        Some(Form::Seconds) => match text.and_then(|text| super::duration::seconds(&text)) {
            Some(seconds) => format!("write `{name}: {seconds}` there"),
            None => format!("write `{name}` there"),
        },
        Some(Form::Group) => match text.and_then(|text| text.split_once('/').map(|(group, _)| group.to_owned())) {
            Some(group) => format!("write `{name}: {group}` instead"),
            None => format!("write `{name}` instead"),
        },
        Some(_) => {
            format!("write `{name}` as {TARGET} has it; `capi-lint migrate` does it for objects that say v1beta1")
        }
        None if value.is_map() || value.is_seq() => format!("move it to `{name}` there"),
        None => format!("write `{name}: {}` there", value.raw()),
    }
}

/// The steps from an object to one of its nodes.
pub(super) fn steps(root: Value<'_>, node: u32) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut at = root;
    while at.index() != node {
        let mut children = at.children().enumerate();
        let (number, child) = children.find(|(_, child)| child.index() <= node && node < child.end_index())?;
        steps.push(child.key().map_or_else(|| Step::Item(number.to_string()), |key| Step::Key(key.into_owned())));
        at = child;
    }
    Some(steps)
}

fn show(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Key(key) => crate::yaml::tape::push_key(&mut shown, key),
            Step::Item(item) => {
                shown.push('[');
                shown.push_str(item);
                shown.push(']');
            }
        }
    }
    shown
}
