//! What a call costs, and how large its result can be, by the sizes of what it is given. The factors are the server's.

use super::cost::Estimate;
use super::price::{LIST, PATTERN, Range, TRAVERSAL};
use super::types::Type;

/// The server's guess at the length of the pattern behind a named format.
const FORMAT_PATTERN: f64 = 128.0;
/// The bytes of an address.
const ADDRESS: Range = Range { min: 4, max: 16 };

/// A value that a call is given.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) path: Vec<String>,
    pub(super) ty: Type,
    pub(super) size: Option<Range>,
    /// A whole number, where it is written as such.
    pub(super) literal: Option<i64>,
}

/// A call of one overload.
pub(super) struct Call<'c> {
    pub(super) function: &'c str,
    pub(super) overload: &'c str,
    pub(super) target: Option<&'c Operand>,
    pub(super) operands: &'c [Operand],
    pub(super) costs: &'c [Range],
}

type Priced = (Range, Option<Range>);

fn only(cost: Range) -> Priced {
    (cost, None)
}

impl Operand {
    /// The size of a literal, of what was made by a call, or what the schema says.
    fn size(&self) -> Range {
        self.size.unwrap_or(Range::UNKNOWN)
    }

    /// A number that is written as such; a negative one counts as none.
    fn whole(&self, otherwise: u64) -> u64 {
        self.literal.map_or(otherwise, |number| u64::try_from(number).unwrap_or(0))
    }

    /// The elements of a list: what they are and how large.
    fn element(&self, estimate: &Estimate<'_>) -> Option<(Type, Range)> {
        let ty = match &self.ty {
            Type::List(element) | Type::Optional(element) | Type::OfType(element) => element.as_ref().clone(),
            Type::Map(pair) => pair.0.clone(),
            _ => return None,
        };
        let mut path = self.path.clone();
        let known = (!path.is_empty()).then(|| {
            path.push("@items".to_owned());
            estimate.declared_size(&path)
        });
        Some((ty, known.flatten().unwrap_or(Range::UNKNOWN)))
    }
}

impl Call<'_> {
    /// The cost, with that of the arguments, and the size of the result where it is known.
    pub(super) fn price(&self, estimate: &Estimate<'_>) -> Priced {
        let arguments = self.costs.iter().fold(Range::NOTHING, |sum, cost| sum.plus(*cost));
        let own = self.of_list().or_else(|| self.of_library(estimate)).or_else(|| self.of_standard());
        match (own, self.overload, self.costs) {
            (Some((cost, size)), ..) => (cost.plus(arguments), size),
            (None, "logical_or" | "logical_and", [left, right]) => {
                only(Range { min: left.min, max: left.max.saturating_add(right.max) })
            }
            (None, "conditional", [condition, then, otherwise]) => {
                let size = self.size(1).union(self.size(2));
                (condition.plus(then.union(*otherwise)), Some(size))
            }
            _ => only(arguments.plus(Range::fixed(1))),
        }
    }

    fn size(&self, at: usize) -> Range {
        self.operands.get(at).map_or(Range::UNKNOWN, Operand::size)
    }

    /// The first value: the one before the dot, or the first argument.
    fn first(&self) -> Range {
        self.target.map_or_else(|| self.size(0), Operand::size)
    }

    /// Functions on lists that make new ones, and on sets.
    fn of_list(&self) -> Option<Priced> {
        let makes = |factor: f64, size: Range| Some((size.by(factor).plus(Range::fixed(1 + LIST)), Some(size)));
        let target = self.target.map(Operand::size);
        match (self.overload, target, self.operands) {
            ("list_slice", Some(size), [start, end]) => {
                makes(1.0, Range::fixed(end.whole(size.max).wrapping_sub(start.whole(0))))
            }
            ("list_flatten" | "list_reverse", Some(size), _) => makes(1.0, size),
            ("list_flatten_depth", Some(size), [depth]) => makes(depth.whole(u64::MAX) as f64, size),
            ("lists_range", None, [end]) => makes(1.0, Range::fixed(end.whole(u64::MAX))),
            ("list_distinct", Some(size), _) => makes(2.0, size.times(size)),
            (sort, Some(size), rest) if sort.starts_with("sort_") => {
                let size = rest.first().map_or(size, Operand::size);
                let of_text = matches!(sort, "sort_string" | "sort_bytes");
                makes(if of_text { 2.0 + TRAVERSAL } else { 2.0 }, size.times(size))
            }
            ("sets_contains" | "sets_intersects" | "sets_equivalent", None, [a, b]) => {
                let factor = if self.overload == "sets_equivalent" { 2.0 } else { 1.0 };
                Some(only(a.size().times(b.size()).by(factor).plus(Range::fixed(1))))
            }
            _ => None,
        }
    }

    /// Kubernetes' own functions, and those that it prices itself.
    fn of_library(&self, estimate: &Estimate<'_>) -> Option<Priced> {
        let size = self.first();
        let traversal = size.by(TRAVERSAL);
        let target = self.target;
        Some(match (self.function, target) {
            ("isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf", Some(list)) => only(scan(list, estimate)),
            ("url", None) | ("lowerAscii" | "upperAscii" | "substring" | "trim", Some(_)) => (traversal, Some(size)),
            ("replace", Some(_)) => (size.by(2.0 * TRAVERSAL), Some(replaced(size, self.size(0), self.size(1)))),
            ("split", Some(_)) => {
                let parts = self.operands.get(1).and_then(|limit| limit.literal).map_or(size.max, |limit| limit as u64);
                (size.by(2.0 * TRAVERSAL), Some(Range { min: 0, max: parts }))
            }
            ("join", Some(list)) => {
                let joined = self.joined(list, estimate);
                (joined.by(TRAVERSAL), Some(joined))
            }
            ("find" | "findAll", Some(_)) => {
                let text = size.plus(Range::fixed(1)).by(TRAVERSAL);
                (text.times(self.size(0).by(PATTERN)), Some(Range { min: 0, max: size.max }))
            }
            ("ip", Some(_)) => only(Range::fixed(1)),
            ("cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver", _) => {
                only(traversal)
            }
            ("ip.isCanonical", _) => only(size.by(2.0 * TRAVERSAL)),
            ("containsIP" | "containsCIDR", Some(_)) => only(self.containment()),
            ("validate", Some(_)) => only(self.size(0).by(TRAVERSAL).by(FORMAT_PATTERN * PATTERN)),
            ("_==_", None) => return self.library_equality().map(only),
            _ => return None,
        })
    }

    fn joined(&self, list: &Operand, estimate: &Estimate<'_>) -> Range {
        let count = list.size();
        let texts = list.element(estimate).map_or(Range::NOTHING, |(_, element)| count.times(element));
        match self.operands.first() {
            None => texts,
            Some(separator) => {
                let between = Range { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
                texts.plus(separator.size().times(between))
            }
        }
    }

    fn containment(&self) -> Range {
        let mut cost = ADDRESS.plus(ADDRESS).by(TRAVERSAL);
        if self.function == "containsCIDR" {
            cost = cost.plus(ADDRESS.by(TRAVERSAL)).plus(Range::fixed(1));
        }
        if self.overload.ends_with("_string") { cost.plus(self.size(0).by(TRAVERSAL)) } else { cost }
    }

    fn library_equality(&self) -> Option<Range> {
        let [left, right] = self.operands else { return None };
        let (Type::Library(a), Type::Library(b)) = (&left.ty, &right.ty) else { return None };
        match *a {
            _ if a != b => None,
            "kubernetes.NamedFormat" => Some(Range { min: 1, max: 64 }.by(TRAVERSAL)),
            "kubernetes.URL" => Some(Range { min: 1, max: right.size.map_or(1, |size| size.max) }.by(TRAVERSAL)),
            _ => Some(Range::fixed(1)),
        }
    }

    /// Functions and operators of CEL itself that look through what they are given.
    fn of_standard(&self) -> Option<Priced> {
        let size = self.first();
        Some(match self.overload {
            "string_format" => only(size.by(TRAVERSAL)),
            "string_to_bytes" => (size.by(TRAVERSAL), Some(Range { min: size.min, max: size.max.wrapping_mul(4) })),
            "bytes_to_string" => (size.by(TRAVERSAL), Some(Range { min: size.min / 4, max: size.max })),
            "quote" => {
                let quoted = Range { min: size.min + 2, max: size.max.wrapping_mul(2).wrapping_add(2) };
                (size.by(TRAVERSAL), Some(quoted))
            }
            "starts_with_string" | "ends_with_string" => only(self.size(0).by(TRAVERSAL)),
            "in_list" => only(self.size(1).by(1.0)),
            "matches_string" => only(size.plus(Range::fixed(1)).by(TRAVERSAL).times(self.size(0).by(PATTERN))),
            "contains_string" => only(size.by(TRAVERSAL).times(self.size(0).by(TRAVERSAL))),
            "add_list" => (Range::fixed(1), Some(self.size(0).plus(self.size(1)))),
            "add_string" | "add_bytes" => {
                let sum = self.size(0).plus(self.size(1));
                (sum.by(TRAVERSAL), Some(sum))
            }
            "equals" | "not_equals" => only(self.comparison()),
            order if ORDERS.iter().any(|known| order.strip_prefix(known).is_some_and(is_text)) => {
                only(self.comparison())
            }
            _ => return None,
        })
    }

    /// Two texts are compared as far as the shorter one goes.
    fn comparison(&self) -> Range {
        let max = self.size(0).max.min(self.size(1).max);
        Range { min: u64::from(max > 0), max }.by(TRAVERSAL)
    }
}

const ORDERS: [&str; 4] = ["less_", "greater_", "less_equals_", "greater_equals_"];

fn is_text(ty: &str) -> bool {
    matches!(ty, "string" | "bytes")
}

/// Going through a list once, or through a text.
fn scan(list: &Operand, estimate: &Estimate<'_>) -> Range {
    let count = list.size();
    match list.element(estimate) {
        None => count.by(TRAVERSAL),
        Some((Type::Text | Type::Bytes, element)) => count.times(Range::fixed(1).plus(element.by(TRAVERSAL))),
        Some(_) => count,
    }
}

/// How long a text is in which each occurrence of one is replaced by another.
fn replaced(text: Range, old: Range, new: Range) -> Range {
    let ceiling = |a: u64, b: u64| (a as f64 / b as f64).ceil() as u64;
    let (most, kept_most) = if old.min == 0 {
        (text.max.saturating_add(1), text.max)
    } else if new.max <= old.min {
        (0, text.max)
    } else {
        (ceiling(text.max, old.min), 0)
    };
    let (least, kept_least) = if old.max == 0 {
        (text.min.saturating_add(1), text.min)
    } else if old.max <= new.min {
        (0, text.min)
    } else {
        (ceiling(text.min, old.max), 0)
    };
    Range { min: least, max: most }.times(new).plus(Range { min: kept_least, max: kept_most })
}
