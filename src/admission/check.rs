//! One object under judgement: reading its fields as Go structs would, and writing findings.

use crate::object::Object;
use crate::report::{Finding, Rule, Severity};
use crate::yaml::{Children, Path, Scalar, Value};

use super::rules::GATE_DISABLED;
use super::{Gate, Operation, Options, Peers, State};

/// An object under judgement. Its name and namespace are asked of the check, not of the object.
pub struct Check<'r, 'a> {
    pub object: &'r Object<'a>,
    pub peers: &'r dyn Peers,
    pub options: &'r Options,
    pub out: &'r mut Vec<Finding>,
}

impl<'r, 'a> Check<'r, 'a> {
    /// Whether the release of Cluster API is `1.<minor>` or newer.
    pub fn since(&self, minor: u16) -> bool {
        self.options.capi_version.since(minor)
    }

    /// Whether the object is made anew: what is looked at on creation alone counts.
    pub fn creates(&self) -> bool {
        self.options.operation == Operation::Create
    }

    /// Whether the object is written in an API version before v1beta2 of the CAPI contract.
    pub fn is_old(&self) -> bool {
        self.object.version() != "v1beta2"
    }

    /// The object's name; empty where it has none.
    pub fn name(&self) -> &'r str {
        self.look_at(&["metadata", "name"]);
        &self.object.name
    }

    /// The object's namespace, where it is set.
    pub fn namespace(&self) -> Option<&'r str> {
        self.look_at(&["metadata", "namespace"]);
        self.object.namespace()
    }

    /// What the object was asked for at its making counts as read in its document, where somebody watches ([`super::alike`]).
    fn look_at(&self, keys: &'static [&'static str]) {
        if self.object.root.document().is_watched() {
            let _ = self.object.at(keys).map(|value| value.raw());
        }
    }

    /// A field of the object; null counts as absent.
    pub fn at(&self, keys: &'static [&'static str]) -> Option<Value<'a>> {
        self.object.at(keys).filter(|value| !value.is_null())
    }

    /// As [`Check::at`], for keys of which nothing is remembered.
    pub fn below(&self, keys: &[&str]) -> Option<Value<'a>> {
        self.object.below(keys).filter(|value| !value.is_null())
    }

    /// The field at the path for this object's version.
    pub fn either(&self, old: &'static [&'static str], new: &'static [&'static str]) -> Option<Value<'a>> {
        self.at(if self.is_old() { old } else { new })
    }

    /// Notes a refusal of a value.
    pub fn refuse(
        &mut self,
        rule: &'static Rule,
        value: Value<'a>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.out.push(self.object.finding(rule, value, message).suggest(fix));
    }

    /// Notes a refusal for a field that is absent below a value that is there.
    pub fn absent(
        &mut self,
        rule: &'static Rule,
        parent: Value<'a>,
        keys: &[&str],
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let mut path = self.object.path(parent.index());
        for key in keys {
            crate::yaml::tape::push_key(&mut path, key);
        }
        let anchor =
            if parent.index() == self.object.root.index() { parent.get("kind").unwrap_or(parent) } else { parent };
        let place = self.object.key_place(anchor);
        self.out.push(Finding::new(rule, message).at(place).path(path).suggest(fix));
    }

    /// Asks for a feature gate: an error where the settings say it is off, a note where a default says so. Gives whether
    /// the server goes on to look at what the gate guards.
    pub fn gate(&mut self, gate: Gate, value: Value<'a>, what: &str) -> bool {
        let name = gate.name();
        let severity = match self.options.gates.state(gate) {
            State::On => return true,
            State::Off => Severity::Error,
            State::Unknown if gate.on_by_default() => return true,
            State::Unknown => Severity::Info,
        };
        let message = if severity == Severity::Error {
            format!("{what} needs the feature gate {name}, which the settings say is off: the webhook refuses it")
        } else {
            format!("{what} needs the feature gate {name}, which is off unless the manager was started with it")
        };
        let fix = format!(
            "start the manager with --feature-gates={name}=true, and set `gates: {{{name}: true}}` for capi-lint"
        );
        let mut finding = self.object.finding(&GATE_DISABLED, value, message).suggest(fix).severity(severity);
        finding.place = Some(self.object.key_place(value));
        self.out.push(finding);
        severity != Severity::Error
    }
}

/// A field below a value; null counts as absent, as Go's decoder leaves the field alone.
pub fn field(value: Value<'_>, keys: impl Path) -> Option<Value<'_>> {
    keys.lead(value).filter(|value| !value.is_null())
}

/// A field's text; absent, null and anything but text give nothing.
pub fn text(value: Value<'_>, keys: impl Path) -> Option<std::borrow::Cow<'_, str>> {
    field(value, keys)?.as_str()
}

/// A field's text where it is not empty.
pub fn filled(value: Value<'_>, keys: impl Path) -> Option<std::borrow::Cow<'_, str>> {
    text(value, keys).filter(|text| !text.is_empty())
}

/// Whether a switch is on.
pub fn is_true(value: Value<'_>, keys: impl Path) -> bool {
    field(value, keys).and_then(|value| value.as_bool()) == Some(true)
}

/// A field's items.
pub fn items(value: Value<'_>, keys: impl Path) -> Children<'_> {
    field(value, keys).map_or_else(|| value.no_children(), |list| list.items())
}

/// A whole number, also when written `3.0`.
pub fn whole(value: Value<'_>) -> Option<i64> {
    match value.scalar()? {
        Scalar::Int(number) => Some(number),
        Scalar::UInt(number) => Some(i64::try_from(number).unwrap_or(i64::MAX)),
        Scalar::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
        _ => None,
    }
}

/// A field's whole number.
pub fn number(value: Value<'_>, keys: impl Path) -> Option<i64> {
    whole(field(value, keys)?)
}

/// Whether anything is set in a mapping, at any depth: Go's structs cannot tell `{}` from absence.
pub fn is_set(value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| match value.scalar() {
        Some(Scalar::Null) => false,
        Some(Scalar::Str(text)) => !text.is_empty(),
        Some(_) => true,
        None if value.is_map() => value.entries().any(|entry| is_set(Some(entry))),
        None => value.items().next().is_some(),
    })
}

impl<'a> Check<'_, 'a> {
    /// Judges a label selector's form.
    pub fn selector(&mut self, selector: Option<Value<'a>>) {
        if let Some((value, why)) = selector.and_then(super::selector::problem) {
            let message = format!("no valid label selector: {why}; the webhook refuses it");
            let fix = "use valid label keys and values, and In or NotIn with values, Exists or DoesNotExist without";
            self.refuse(&super::rules::INVALID_SELECTOR, value, message, fix);
        }
    }

    /// Judges an optional version, to which a defaulting webhook gives its `v`.
    pub fn version(&mut self, version: Option<Value<'a>>) {
        // Up to 1.10 an empty one got its `v` too, and was then refused.
        let version = version.filter(|version| !self.since(11) || version.as_str().is_none_or(|text| !text.is_empty()));
        self.needed_version(version);
    }

    /// Judges a version that may not be empty.
    pub fn needed_version(&mut self, version: Option<Value<'a>>) {
        let Some(version) = version else { return };
        let Some(text) = version.as_str().filter(|text| super::semver::kubernetes(text).is_none()) else { return };
        let message = format!("{text:?} is no version: the webhook wants MAJOR.MINOR.PATCH and refuses it");
        self.refuse(&super::rules::INVALID_VERSION, version, message, super::semver::suggestion(&text));
    }
}
