//! `x-kubernetes-validations`: the kind's rules in CEL, run on the value as the server sees it.
//!
//! A failure shows the rule. Of a user's own schemas it says what their author says (`messageExpression`, `message`); upstream's
//! messages are not ours to keep: there it says rules of a common form in words.

use crate::report::Finding;
use crate::schema::cel::{EvalError, Old, Program};
use crate::schema::defaults::Effective;
use crate::schema::table::{Rule, Schema};
use crate::yaml::Value;

use super::words::one_of;
use super::{Effect, Judge, rules};

impl<'a> Judge<'_, 'a> {
    /// Runs the rules of a written value.
    pub(super) fn cel_rules(&mut self, schema: Schema<'_>, effective: Effective<'_>, value: Value<'a>) {
        for rule in schema.rules() {
            let program = match self.compiled.rule(schema, rule) {
                Some(Ok(program)) => program,
                Some(Err(why)) => {
                    self.not_checked(rule, value, &why);
                    continue;
                }
                None => continue,
            };
            if let Some(name) = self.made_up_name(value).filter(|_| rule.rule.contains("metadata.name")) {
                let mut named = effective.to_json();
                named["metadata"]["name"] = name.into();
                if program.evaluate(&named, None) == Ok(false) {
                    self.broken(rule, value, Failure::False(rule.message.map(str::to_owned)));
                }
                continue;
            }
            if !self.run(rule, program, effective, value) {
                return;
            }
        }
    }

    /// Runs one rule; whether the server goes on to the next.
    fn run(&mut self, rule: Rule<'_>, program: &Program, effective: Effective<'_>, value: Value<'a>) -> bool {
        let Some(budget) = self.cel_budget else { return false };
        let old = if program.uses_old_self() { self.old_value(value) } else { None };
        if program.uses_old_self() && old.is_none() && !rule.optional_old_self {
            return true; // only a change can break it
        }
        let old = if rule.optional_old_self { Old::Optional(old) } else { Old::Value(old) };
        let run = program.run(effective, old);
        self.cel_budget = budget.checked_sub(run.cost).filter(|_| run.result != Err(EvalError::TooCostly));
        match run.result {
            Err(error @ EvalError::TooCostly) => self.broken(rule, value, Failure::Error(&error.to_string())),
            _ if self.cel_budget.is_none() => {
                let why = "with it, all rules on the object cost more than the server allows";
                self.broken(rule, value, Failure::Error(why));
            }
            Ok(true) => {}
            Ok(false) if !program.uses_old_self() && self.is_unchanged(value) => {}
            Ok(false) => {
                let said = self.said(rule, effective, old);
                self.broken(rule, value, Failure::False(said));
            }
            Err(EvalError::Refused(why)) => self.broken(rule, value, Failure::Error(&why)),
            Err(error) => self.not_checked(rule, value, &error.to_string()),
        }
        self.cel_budget.is_some()
    }

    /// What the rule's author says of a failure. Where the expression of the message fails, or gives nothing that could be printed
    /// on one line, the server falls back to the message.
    fn said(&mut self, rule: Rule<'_>, effective: Effective<'_>, old: Old<Effective<'_>>) -> Option<String> {
        let spoken = self.compiled.message(rule).and_then(|expression| {
            let run = expression.message(effective, old);
            self.cel_budget = self.cel_budget.and_then(|budget| budget.checked_sub(run.cost));
            let text = run.result.ok()?.trim().to_owned();
            (!text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n')).then_some(text)
        });
        let message = || rule.message.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        spoken.or_else(message)
    }

    /// Reports rules of the kind that stand where the server takes none.
    pub(super) fn refused_elsewhere(&mut self, schema: Schema<'_>, root: Value<'a>) {
        let compiled = self.compiled;
        for bad in compiled.refused(schema) {
            let rule = bad.rule.filter(|number| schema.rules().all(|own| own.number != *number));
            let text = match (rule.and_then(|number| schema.table().rules().nth(number as usize)), bad.rule) {
                (Some(rule), _) => format!("the rule `{}`", rule.rule.trim()),
                (None, None) => "the rules of the kind together".to_owned(),
                (None, Some(_)) => continue,
            };
            let message = format!("{text}: an API server takes no CRD with it: {bad}");
            self.out.push(self.object.finding(&rules::RULE_NOT_CHECKED, root, message));
        }
    }

    /// A name such as the server makes up for an object with `generateName` alone.
    fn made_up_name(&self, value: Value<'a>) -> Option<String> {
        if value.index() != self.object.root.index() || !self.object.name.is_empty() {
            return None;
        }
        value.get("metadata")?.get("generateName")?.as_str().map(|beginning| super::names::made_up(&beginning))
    }

    fn broken(&mut self, rule: Rule<'_>, value: Value<'a>, failure: Failure<'_>) {
        let (place, path) = self.rule_path(rule, value);
        let field = if path.is_empty() { "the object".to_owned() } else { format!("`{path}`") };
        let expression = rule.rule.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = match failure {
            Failure::Error(why) => format!("{field}: the rule `{expression}` cannot be evaluated ({why})"),
            Failure::False(said) => match said.or_else(|| in_words(&expression)) {
                Some(words) => format!("{field}: {words} (rule `{expression}`)"),
                None => format!("{field} breaks the rule `{expression}`"),
            },
        };
        let message = format!("{words}; the API server refuses the object");
        let mut finding = Finding::new(&rules::CEL_RULE, message).at(self.object.place(place)).path(path);
        finding.suggestion = forbidden(&expression).map(|values| format!("write another value than {values}"));
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

/// The longest message that the server takes from an expression.
const MAX_MESSAGE: usize = 5 * 1024;

/// Why the server refuses a value for a rule.
enum Failure<'f> {
    /// It does not hold; what its author says then.
    False(Option<String>),
    /// It comes to no result.
    Error(&'f str),
}

/// The values of a rule that forbids some: `!(self in ['Ready', 'Available'])`.
fn forbidden(rule: &str) -> Option<String> {
    let list = rule.trim().strip_prefix("!(self in [")?.strip_suffix("])")?;
    (!list.contains([']', '('])).then(|| list.replace(['\'', '"'], "").replace(',', ", ").replace(",  ", ", "))
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
    if forbidden(rule).is_some() {
        return Some("this value is not allowed here".into());
    }
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
    use super::{forbidden, in_words};

    #[test]
    fn common_rules_are_said_plainly() {
        assert_eq!(in_words("has(self.a) || has(self.b)").as_deref(), Some("at least `a` or `b` must be set"));
        assert_eq!(
            in_words("!has(self.a) || !has(self.b)").as_deref(),
            Some("not all of `a` and `b` may be set together")
        );
        assert_eq!(in_words("self == oldSelf").as_deref(), Some("must not change once it is set"));
        assert_eq!(forbidden("!(self in ['Ready','Gone'])").as_deref(), Some("Ready, Gone"));
        assert_eq!(forbidden("!(self in [a.b()]) || self in [c]"), None);
        assert_eq!(in_words("self.x > 3"), None);
    }
}
