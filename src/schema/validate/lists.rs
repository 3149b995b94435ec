//! Lists: their items, how many there may be, and which may not stand twice.

use std::collections::HashMap;

use crate::schema::defaults::{Effective, Null, null_in_list};
use crate::schema::table::{ListType, Schema};
use crate::yaml::{Scalar, Value};

use super::walk::is_written_null;
use super::words::{counted, quoted};
use super::{Client, Effect, Judge, rules};

/// Lists up to this length are compared pair by pair, which needs no memory.
const PAIRWISE: usize = 24;

impl<'a> Judge<'_, 'a> {
    /// Judges a list.
    pub(super) fn list(&mut self, schema: Schema<'_>, list: Value<'a>) {
        let mut count = 0_usize;
        let items = schema.items();
        for item in list.items() {
            count += 1;
            if let Some(items) = items {
                self.item(items, item);
            }
        }
        if items.is_none() && !schema.preserve_unknown() {
            self.undescribed(list);
        }
        if schema.has_checks() || schema.checks().unique_items() {
            self.count_of_items(schema, list, count);
        }
        if self.client == Client::Apply {
            self.applied_list(schema, list);
        }
        if count > 1 {
            self.repetitions(schema, list, count);
        }
    }

    /// Reports what stands twice where nothing may.
    pub(super) fn repetitions(&mut self, schema: Schema<'_>, list: Value<'a>, count: usize) {
        if self.is_native() && self.client != Client::Apply {
            return;
        }
        match schema.list_type() {
            ListType::Set => self.duplicates(schema, list, count, Identity::Whole),
            ListType::Map => self.duplicates(schema, list, count, Identity::Keys),
            _ if schema.checks().unique_items() => self.duplicates(schema, list, count, Identity::Whole),
            _ => {}
        }
    }

    fn item(&mut self, schema: Schema<'_>, item: Value<'a>) {
        if is_written_null(item) {
            if self.is_native() {
                return;
            }
            match null_in_list(schema) {
                Null::Kept => self.scalar(schema, item, &Scalar::Null),
                Null::Refused => {
                    let finding = self.null_finding(schema, item);
                    self.add(Effect::Blocking, finding);
                }
                Null::Defaulted | Null::Dropped => {}
            }
        } else {
            self.value(schema, item);
        }
    }

    fn count_of_items(&mut self, schema: Schema<'_>, list: Value<'a>, has: usize) {
        let checks = schema.checks();
        let bound = match (checks.min_items(), checks.max_items()) {
            (Some(least), _) if has < least as usize => Some((format!("at least {least}"), Effect::Harmless)),
            (_, Some(most)) if has > most as usize => Some((format!("at most {most}"), Effect::Blocking)),
            _ => None,
        };
        if let Some((bound, effect)) = bound {
            let message = format!("`{}` has {}; it must have {bound}", self.path(list), counted(has as u64, "item"));
            self.add(effect, self.object.finding(&rules::OUT_OF_BOUNDS, list, message));
        }
    }

    /// Reports the first repetition of each value or combination of keys.
    fn duplicates(&mut self, schema: Schema<'_>, list: Value<'a>, count: usize, identity: Identity) {
        if identity == Identity::Keys && list.items().any(|item| !item.is_map() && !item.is_null()) {
            return; // a fault of type, which is reported
        }
        let client = self.client;
        let effective = Effective::new(list, schema, client);
        let mut repeated: Vec<(usize, String)> = Vec::new();
        if count <= PAIRWISE {
            let items = || effective.items().enumerate();
            for (n, item) in items() {
                let before = items().take(n).filter(|(_, other)| identity.same(schema, other, &item)).count();
                if before == 1 {
                    repeated.push((n, identity.text(schema, &item)));
                }
            }
        } else {
            let mut seen: HashMap<String, usize> = HashMap::new();
            for (n, item) in effective.items().enumerate() {
                let text = identity.text(schema, &item);
                let times = seen.entry(text.clone()).or_default();
                *times += 1;
                if *times == 2 {
                    repeated.push((n, text));
                }
            }
        }
        for (n, text) in repeated {
            let Some(item) = list.items().nth(n) else { continue };
            let what = if self.holds_secrets() { "a value".to_owned() } else { text };
            let message =
                format!("`{}` holds {what} a second time; the API server refuses the object", self.path(list));
            let finding = self.object.finding(&rules::DUPLICATE_ITEM, item, message);
            self.add(Effect::Harmless, finding);
        }
    }
}

/// What may not stand twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Identity {
    Whole,
    Keys,
}

impl Identity {
    fn same(self, schema: Schema<'_>, a: &Effective<'_>, b: &Effective<'_>) -> bool {
        match self {
            Identity::Whole => a.same(b),
            Identity::Keys => schema.list_map_keys().all(|key| match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => a.same(&b),
                (None, None) => true,
                _ => false,
            }),
        }
    }

    /// The same for equal ones, and readable.
    fn text(self, schema: Schema<'_>, item: &Effective<'_>) -> String {
        match self {
            Identity::Whole => match item.scalar() {
                Some(Scalar::Str(text)) => quoted_or_long(&text),
                _ => item.to_json().to_string(),
            },
            Identity::Keys => schema
                .list_map_keys()
                .map(|key| match item.get(key) {
                    Some(value) => format!("{key}={}", value.to_json()),
                    None => format!("no {key}"),
                })
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

fn quoted_or_long(text: &str) -> String {
    // Cut text would make different values equal.
    if text.len() > 60 { format!("{text:?}") } else { quoted(text) }
}
