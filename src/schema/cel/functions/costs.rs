//! What a call really costs, by what it was given and what it gave, in the server's units: an object whose rules cost more than
//! the server allows is refused.

use super::super::data::Data;
use super::super::named_format::NamedFormat;
use super::super::parser::Operator;
use super::super::value::Val;
use super::{Arguments, Function};

/// A list.
pub(crate) const LIST: u64 = 10;
/// A map.
pub(crate) const MAP: u64 = 30;

/// A tenth of a size, rounded up: looking through so much text.
pub(crate) fn traversal(size: u64) -> u64 {
    size.div_ceil(10)
}

fn pattern(size: u64) -> u64 {
    size.div_ceil(4)
}

/// The size of a value, as the server counts it.
pub(crate) fn size<'v, D: Data<'v>>(value: &Val<'v, D>) -> u64 {
    match value {
        Val::Ip(address) => {
            if address.is_ipv4() {
                4
            } else {
                16
            }
        }
        Val::Network(network) => u64::from(network.bits).div_ceil(8),
        Val::Optional(Some(inner)) => size(inner),
        other => other.size().map_or(1, i64::unsigned_abs),
    }
}

/// Whether a text is so short that its length makes no difference.
fn is_short<'v, D: Data<'v>>(value: &Val<'v, D>) -> bool {
    matches!(value, Val::Text(text) if (1..=10).contains(&text.len()))
}

/// Two values are compared as far as the smaller one goes.
pub(crate) fn comparison<'v, D: Data<'v>>(left: &Val<'v, D>, right: &Val<'v, D>) -> u64 {
    match (left, right) {
        (Val::Ip(_) | Val::Network(_) | Val::Quantity(_) | Val::Semver(_) | Val::Url(_) | Val::Format(_), _) => 1,
        _ if is_short(left) && is_short(right) => 1,
        _ => traversal(size(left).min(size(right))),
    }
}

/// An operator on two values.
pub(crate) fn operator<'v, D: Data<'v>>(operator: Operator, left: &Val<'v, D>, right: &Val<'v, D>) -> u64 {
    use Operator as O;
    let is_text = matches!(left, Val::Text(_) | Val::Bytes(_));
    match operator {
        O::Equal | O::NotEqual => comparison(left, right),
        O::Less | O::LessEqual | O::Greater | O::GreaterEqual if is_text => traversal(size(left).min(size(right))),
        O::Add if is_text => traversal(size(left).saturating_add(size(right))),
        O::In if matches!(right, Val::DataList(_) | Val::List(_)) => size(right),
        _ => 1,
    }
}

/// A call.
pub(crate) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>, result: &Val<'v, D>) -> u64 {
    use Function as F;
    let argument = |at: usize| arguments.find(at).map_or(1, size);
    let first = argument(0);
    let list = |elements: u64| elements.saturating_add(1 + LIST);
    match function {
        F::Or | F::OrValue => 0,
        F::IsSorted | F::Sum | F::Max | F::Min | F::IndexOf | F::LastIndexOf => arguments.find(0).map_or(1, scan),
        F::Url
        | F::LowerAscii
        | F::UpperAscii
        | F::Substring
        | F::Trim
        | F::StartsWith
        | F::EndsWith
        | F::Cidr
        | F::IsIp
        | F::IsCidr
        | F::Ip
        | F::Quantity
        | F::IsQuantity
        | F::Semver
        | F::IsSemver
        | F::Quote
        | F::FormatText => traversal(first),
        F::Replace | F::Split | F::IsCanonicalIp => traversal(first.saturating_mul(2)),
        F::Join => traversal(size(result).saturating_mul(2)),
        F::Find | F::FindAll | F::Matches => traversal(first.saturating_add(1)).saturating_mul(pattern(argument(1))),
        F::ContainsIp | F::ContainsCidr => containment(function, arguments),
        F::Validate => match arguments.find(0) {
            Some(Val::Format(format)) => traversal(argument(1) + 1) * pattern(pattern_size(*format)),
            _ => 1,
        },
        F::Contains => traversal(first).saturating_mul(traversal(argument(1))),
        F::Text if matches!(arguments.find(0), Some(Val::Bytes(_))) => traversal(first),
        F::Bytes if matches!(arguments.find(0), Some(Val::Text(_))) => traversal(first),
        F::Range | F::Slice | F::Reverse => list(size(result)),
        F::Flatten => list(first.saturating_mul(depth(arguments))),
        F::Distinct => list(first.saturating_mul(first).saturating_mul(2)),
        F::Sort => sorting(first, is_text_list(arguments.find(0))),
        F::SetContains | F::SetIntersects => first.saturating_mul(argument(1)).saturating_add(1),
        F::SetEquivalent => first.saturating_mul(argument(1)).saturating_mul(2).saturating_add(1),
        _ => 1,
    }
}

/// Sorting so many elements.
pub(crate) fn sorting(elements: u64, is_text: bool) -> u64 {
    let factor = if is_text { 2.1 } else { 2.0 };
    ((elements.saturating_mul(elements) as f64 * factor).ceil() as u64).saturating_add(1 + LIST)
}

/// Whether a list holds text.
pub(crate) fn is_text_list<'v, D: Data<'v>>(list: Option<&Val<'v, D>>) -> bool {
    let first = match list {
        Some(Val::List(elements)) => elements.first().cloned(),
        Some(Val::DataList(data)) => data.items().next().and_then(|item| Val::of(item).ok()),
        _ => None,
    };
    matches!(first, Some(Val::Text(_) | Val::Bytes(_)))
}

fn depth<'v, D: Data<'v>>(arguments: &Arguments<'v, D>) -> u64 {
    match arguments.find(1) {
        Some(Val::Int(depth)) => u64::try_from(*depth).unwrap_or(0),
        _ => 1,
    }
}

fn containment<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> u64 {
    let network = arguments.find(0).map_or(1, size);
    let other = match arguments.find(1) {
        Some(text @ Val::Text(_)) => traversal(size(text)),
        _ => 0,
    };
    let masking = if function == Function::ContainsCidr { traversal(network) + 1 } else { 0 };
    traversal(network * 2) + masking + other
}

/// Going through everything in a value once.
fn scan<'v, D: Data<'v>>(value: &Val<'v, D>) -> u64 {
    match value {
        Val::Text(text) => text.len() as u64 / 10,
        Val::Bytes(bytes) => bytes.len() as u64 / 10,
        Val::DataList(_) | Val::List(_) => {
            value.elements().and_then(Result::ok).map_or(1, |elements| elements.iter().map(scan).sum())
        }
        Val::DataMap(_) | Val::Map(_) => value
            .pairs()
            .and_then(Result::ok)
            .map_or(1, |pairs| pairs.iter().map(|(key, value)| scan(key) + scan(value)).sum()),
        _ => 1,
    }
}

/// The length of the pattern that the server takes a format for.
fn pattern_size(format: NamedFormat) -> u64 {
    match format {
        NamedFormat::Dns1123Label { .. } | NamedFormat::Dns1035Label { .. } => 30,
        NamedFormat::Dns1123Subdomain { .. } | NamedFormat::QualifiedName => 60,
        NamedFormat::LabelValue => 40,
        NamedFormat::Schema(_) => 100,
    }
}
