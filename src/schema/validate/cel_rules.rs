//! `x-kubernetes-validations`: the kind's rules in CEL, run on the value as the server sees it.
//!
//! Upstream's messages are not ours to keep; a failure shows the rule and, where the rule is of a common form, says it in words.

use crate::report::Finding;
use crate::schema::cel::EvalError;
use crate::schema::defaults::Effective;
use crate::schema::table::{Rule, Schema};
use crate::yaml::Value;

use super::words::one_of;
use super::{Effect, Judge, rules};

impl<'a> Judge<'_, 'a> {
    /// Runs the rules of a written value.
    pub(super) fn cel_rules(&mut self, schema: Schema<'_>, effective: Effective<'_>, value: Value<'a>) {
        for rule in schema.rules() {
            let program = match self.compiled.rule(rule) {
                Some(Ok(program)) => program,
                Some(Err(error)) => {
                    let why = error.to_string();
                    self.not_checked(rule, value, &why);
                    continue;
                }
                None => continue,
            };
            if let Some(name) = self.made_up_name(value).filter(|_| rule.rule.contains("metadata.name")) {
                let mut named = effective.to_json();
                named["metadata"]["name"] = name.into();
                if program.evaluate(&named, None) == Ok(false) {
                    self.broken(rule, value, None);
                }
                continue;
            }
            let old = if program.uses_old_self() { self.old_value(value) } else { None };
            let outcome = if rule.optional_old_self {
                program.evaluate_with_optional_old_self(effective, old)
            } else if program.uses_old_self() && old.is_none() {
                continue; // only a change can break it
            } else {
                program.evaluate(effective, old)
            };
            match outcome {
                Ok(true) => {}
                Ok(false) if !program.uses_old_self() && self.is_unchanged(value) => {}
                Ok(false) => self.broken(rule, value, None),
                Err(EvalError::Refused(why)) => self.broken(rule, value, Some(&why)),
                Err(error) => self.not_checked(rule, value, &error.to_string()),
            }
        }
    }

    /// A name such as the server makes up for an object with `generateName` alone.
    fn made_up_name(&self, value: Value<'a>) -> Option<String> {
        if value.index() != self.object.root.index() || !self.object.name.is_empty() {
            return None;
        }
        value.get("metadata")?.get("generateName")?.as_str().map(|beginning| super::names::made_up(&beginning))
    }

    fn broken(&mut self, rule: Rule<'_>, value: Value<'a>, why: Option<&str>) {
        let (place, path) = self.rule_path(rule, value);
        let field = if path.is_empty() { "the object".to_owned() } else { format!("`{path}`") };
        let expression = rule.rule.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = match (why, in_words(&expression)) {
            (Some(why), _) => format!(
                "{field}: the rule `{expression}` cannot be evaluated ({why}); the API server refuses the object"
            ),
            (None, Some(words)) => format!("{field}: {words} (rule `{expression}`); the API server refuses the object"),
            (None, None) => format!("{field} breaks the rule `{expression}`; the API server refuses the object"),
        };
        let finding = Finding::new(&rules::CEL_RULE, message).at(self.object.place(place)).path(path);
        self.add(Effect::Harmless, finding);
    }

    fn not_checked(&mut self, rule: Rule<'_>, value: Value<'a>, why: &str) {
        let (place, path) = self.rule_path(rule, value);
        let message = format!("the rule `{}` at `{path}` is not checked: {why}", rule.rule.trim());
        self.out.push(Finding::new(&rules::RULE_NOT_CHECKED, message).at(self.object.place(place)).path(path));
    }

    /// Where a failure is reported: the value, or the field below it that the rule names.
    fn rule_path(&self, rule: Rule<'_>, value: Value<'a>) -> (Value<'a>, String) {
        let mut path = self.path(value);
        let mut place = value;
        let steps = rule.field_path.unwrap_or_default().split(['.', '[']).map(|step| step.trim_matches(['\'', ']']));
        for step in steps.filter(|step| !step.is_empty()) {
            crate::yaml::tape::push_key(&mut path, step);
            place = place.get(step).unwrap_or(place);
        }
        (place, path)
    }
}

/// Rules of common forms, said plainly.
fn in_words(rule: &str) -> Option<String> {
    let rule = rule.trim();
    let field = |term: &str| {
        let inner = term.trim().strip_prefix("has(self.")?.strip_suffix(')')?;
        inner.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')).then(|| inner.to_owned())
    };
    let absent = |term: &str| field(term.trim().strip_prefix('!')?);
    let all = |separator: &str, term: &dyn Fn(&str) -> Option<String>| -> Option<Vec<String>> {
        rule.split(separator).map(term).collect::<Option<Vec<_>>>()
    };
    if rule == "self == oldSelf" {
        return Some("must not change once it is set".into());
    }
    if let Some(fields) = all("||", &field) {
        return Some(format!("at least {} must be set", one_of(&fields)));
    }
    if let Some(fields) = all("||", &absent).filter(|fields| fields.len() > 1) {
        return Some(format!("not all of {} may be set together", one_of(&fields).replace(" or ", " and ")));
    }
    if let Some(fields) = all("!=", &field).filter(|fields| fields.len() == 2) {
        return Some(format!("exactly one of {} must be set", one_of(&fields).replace(" or ", " and ")));
    }
    let least = rule.strip_prefix("self.size() >").or_else(|| rule.strip_prefix("size(self) >"));
    if least.is_some_and(|rest| matches!(rest.trim(), "0" | "= 1" | "=1")) {
        return Some("must not be empty".into());
    }
    if let Some((_, rest)) = rule.split_once("self.all(").filter(|_| rule.contains("exists_one(")) {
        let key =
            rest.split_once('.').map(|_| rest.rsplit('.').next().unwrap_or_default().trim_end_matches(')').trim());
        if let Some(key) = key.filter(|key| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric())) {
            return Some(format!("the same `{key}` stands in it more than once"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn common_rules_are_said_plainly() {
        assert_eq!(in_words("has(self.a) || has(self.b)").as_deref(), Some("at least `a` or `b` must be set"));
        assert_eq!(
            in_words("!has(self.a) || !has(self.b)").as_deref(),
            Some("not all of `a` and `b` may be set together")
        );
        assert_eq!(in_words("self == oldSelf").as_deref(), Some("must not change once it is set"));
        assert_eq!(in_words("self.x > 3"), None);
    }
}
