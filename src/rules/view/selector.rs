//! Label selectors as Kubernetes matches them.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::yaml::Value;

/// Labels by key.
pub type Labels<'a> = FxHashMap<Cow<'a, str>, Cow<'a, str>>;

/// The labels of a mapping; values that are no text are left out (the server refuses them).
pub fn labels(value: Option<Value<'_>>) -> Labels<'_> {
    value.iter().flat_map(Value::entries).filter_map(|entry| Some((entry.key()?, entry.as_str()?))).collect()
}

/// What a selector asks for.
#[derive(Clone, Debug, Default)]
pub struct Selector<'a> {
    needs: Vec<Need<'a>>,
}

#[derive(Clone, Debug)]
struct Need<'a> {
    key: Cow<'a, str>,
    operator: Operator,
    values: Vec<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl<'a> Selector<'a> {
    /// Reads `matchLabels` and `matchExpressions`; `None` where it holds something that is no selector (the schema says what).
    pub fn read(value: Value<'a>) -> Option<Self> {
        let mut needs = Vec::new();
        for entry in value.get("matchLabels").iter().flat_map(Value::entries) {
            needs.push(Need { key: entry.key()?, operator: Operator::In, values: vec![entry.as_str()?] });
        }
        for item in value.get("matchExpressions").iter().flat_map(Value::items) {
            let operator = match &*item.get("operator")?.as_str()? {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => return None,
            };
            let values =
                item.get("values").iter().flat_map(Value::items).map(|value| value.as_str()).collect::<Option<_>>()?;
            needs.push(Need { key: item.get("key")?.as_str()?, operator, values });
        }
        Some(Self { needs })
    }

    /// Whether it asks for nothing at all, and so selects everything.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Whether it speaks of a label.
    pub fn names(&self, key: &str) -> bool {
        self.needs.iter().any(|need| need.key == key)
    }

    /// The keys it speaks of.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().map(|need| &*need.key)
    }

    /// The values it allows for a label, where it names them.
    pub fn allowed(&self, key: &str) -> impl Iterator<Item = &Cow<'a, str>> {
        self.needs
            .iter()
            .filter(move |need| need.key == key && need.operator == Operator::In)
            .flat_map(|need| &need.values)
    }

    /// Whether labels fit it.
    pub fn matches(&self, labels: &Labels<'_>) -> bool {
        self.needs.iter().all(|need| {
            let value = labels.get(&need.key);
            match need.operator {
                Operator::In => value.is_some_and(|value| need.values.contains(value)),
                Operator::NotIn => value.is_none_or(|value| !need.values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}
