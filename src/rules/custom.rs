//! The rules that users write themselves, in CEL, into their settings.

use std::borrow::Cow;

use super::view::{ClusterView, View};
use crate::config::{Compiled, Level, Scope};
use crate::object::Object;
use crate::report::{Finding, Severity};
use crate::schema::cel::{self, Data, EvalError, Program};
use crate::yaml::Value;

crate::rule! {
    /// A rule of the settings comes to no result for an object.
    ///
    /// Its expression looks at something that is not there, or is of another kind than it expects. Whether the object follows
    /// the rule is not known.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// custom-rules:
    ///   - name: enough-workers
    ///     kind: MachineDeployment
    ///     expression: self.spec.replicas >= 2     # and a MachineDeployment without replicas
    ///     message: workers need two machines at least
    /// ```
    ///
    /// ## Fix
    ///
    /// Ask first: `!has(self.spec.replicas) || self.spec.replicas >= 2`; or say where it is to hold:
    /// `when: has(self.spec.replicas)`.
    pub CUSTOM_RULE_NOT_CHECKED = "custom-rule-not-checked", Warning, Advice;
}

/// Evaluates every rule of the settings.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for rule in &view.settings.compiled_rules {
        let is_off = view.settings.rules.get(rule.rule.name) == Some(&Level::Off);
        if is_off || rule.setting.severity == Some(Level::Off) {
            continue;
        }
        match rule.setting.over.unwrap_or_default() {
            Scope::Object => over_objects(view, rule, out),
            Scope::Cluster => over_clusters(view, rule, out),
        }
    }
}

fn over_objects(view: &View<'_, '_>, rule: &Compiled, out: &mut Vec<Finding>) {
    let setting = &rule.setting;
    let fits = |group: &str, kind: &str| {
        setting.kind.as_ref().is_none_or(|pattern| pattern.matches(kind))
            && setting.group.as_ref().is_none_or(|pattern| pattern.matches(group))
    };
    for object in view.of_kinds(fits) {
        if let Some(said) = judge(rule, object.root) {
            let place = setting.field.as_deref().and_then(|field| field_of(object, field));
            let who = format!("{} '{}'", object.kind, object.name);
            out.push(tell(rule, said, object, place, &who));
        }
    }
}

fn over_clusters(view: &View<'_, '_>, rule: &Compiled, out: &mut Vec<Finding>) {
    for cluster in &view.clusters {
        if let Some(said) = judge(rule, Datum::Cluster(cluster)) {
            let Some(object) = cluster.object.or_else(|| cluster.members.first().copied()) else { continue };
            let place = rule.setting.field.as_deref().and_then(|field| field_of(object, field));
            out.push(tell(rule, said, object, place, &format!("cluster '{}'", cluster.cluster.name)));
        }
    }
}

/// The value of a dotted path.
fn field_of<'a>(object: &Object<'a>, path: &str) -> Option<Value<'a>> {
    let keys: Vec<&str> = path.split('.').collect();
    object.below(&keys)
}

/// What an evaluation that is not fine came to.
enum Said {
    /// The expression does not hold.
    Broken,
    /// There is no telling.
    Unknown(EvalError),
}

fn judge<'d, D: Data<'d>>(rule: &'d Compiled, datum: D) -> Option<Said> {
    let holds = |program: &'d Program| program.evaluate(datum, None);
    match rule.when.as_ref().map(holds) {
        Some(Ok(false)) => return None,
        Some(Err(error)) => return Some(Said::Unknown(error)),
        Some(Ok(true)) | None => {}
    }
    match holds(&rule.expression) {
        Ok(true) => None,
        Ok(false) => Some(Said::Broken),
        Err(error) => Some(Said::Unknown(error)),
    }
}

fn tell<'a>(rule: &Compiled, said: Said, object: &Object<'a>, place: Option<Value<'a>>, who: &str) -> Finding {
    let setting = &rule.setting;
    let named = || object.at(&["metadata", "name"]).or_else(|| object.root.get("kind")).unwrap_or(object.root);
    let value = place.unwrap_or_else(named);
    match said {
        Said::Broken => {
            let finding = object.finding(rule.rule, value, format!("{who}: {}", setting.message));
            match &setting.suggestion {
                Some(suggestion) => finding.suggest(suggestion.as_str()),
                None => finding,
            }
        }
        Said::Unknown(error) => {
            let message = format!("the rule '{}' of the settings comes to no result for {who}: {error}", setting.name);
            let finding = object.finding(&CUSTOM_RULE_NOT_CHECKED, value, message).severity(Severity::Warning);
            finding.suggest("ask first whether the field is there: has(self.spec.…)")
        }
    }
}

/// A cluster as CEL sees it.
#[derive(Clone, Copy)]
enum Datum<'d, 'a> {
    Cluster(&'d ClusterView<'d, 'a>),
    Objects(&'d [&'d Object<'a>]),
    Text(&'d str),
    Value(Value<'a>),
}

impl<'d, 'a: 'd> Data<'d> for Datum<'d, 'a> {
    fn view(self) -> cel::View<'d> {
        match self {
            Self::Cluster(_) => cel::View::Map,
            Self::Objects(_) => cel::View::List,
            Self::Text(text) => cel::View::Text(Cow::Borrowed(text)),
            Self::Value(value) => Data::view(value),
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        match self {
            Self::Cluster(cluster) => match key {
                "name" => Some(Self::Text(&cluster.cluster.name)),
                "namespace" => Some(Self::Text(&cluster.cluster.namespace)),
                "environment" => Some(Self::Text(cluster.environment_name.as_deref().unwrap_or_default())),
                "cluster" => cluster.object.map(|object| Self::Value(object.root)),
                "objects" => Some(Self::Objects(&cluster.members)),
                _ => None,
            },
            Self::Value(value) => Data::get(value, key).map(Self::Value),
            Self::Objects(_) | Self::Text(_) => None,
        }
    }

    fn entries(self) -> impl Iterator<Item = (Cow<'d, str>, Self)> {
        let own = ["name", "namespace", "environment", "cluster", "objects"].into_iter();
        let of_cluster = own.filter_map(move |key| match self {
            Self::Cluster(_) => Some((Cow::Borrowed(key), self.get(key)?)),
            _ => None,
        });
        let value = if let Self::Value(value) = self { Some(value) } else { None };
        let of_value = value.into_iter().flat_map(Data::entries).map(|(key, value)| (key, Self::Value(value)));
        of_cluster.chain(of_value)
    }

    fn items(self) -> impl Iterator<Item = Self> {
        let objects = if let Self::Objects(objects) = self { objects } else { &[] };
        let value = if let Self::Value(value) = self { Some(value) } else { None };
        let items = value.into_iter().flat_map(Data::items).map(Self::Value);
        objects.iter().map(|object| Self::Value(object.root)).chain(items)
    }
}
