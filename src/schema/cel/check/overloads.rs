//! The functions that a server declares, with their overloads.
//!
//! One line an overload: the function, `.` where it is written behind a value, the overload's name (by which it is priced), the
//! types that it takes and the one that it gives. `A` and `B` stand for any type.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::named_format::NAMES;
use super::types::Type;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(super) struct Overload {
    pub(super) name: String,
    pub(super) is_method: bool,
    pub(super) takes: Vec<Type>,
    pub(super) gives: Type,
}

/// All functions.
#[derive(Debug)]
pub(super) struct Functions {
    by_name: HashMap<&'static str, Vec<Overload>>,
    formats: Vec<String>,
    format: Vec<Overload>,
}

/// How many kinds of type an overload may leave open.
pub(super) const OPEN: usize = 2;

/// The types that have an order: lists of them can be sorted.
const ORDERED: [&str; 8] = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
/// The types that can be added up.
const SUMMABLE: [&str; 4] = ["int", "uint", "double", "duration"];
/// Operators of order, and the names of their overloads.
const ORDER: [(&str, &str); 4] =
    [("_<_", "less"), ("_<=_", "less_equals"), ("_>_", "greater"), ("_>=_", "greater_equals")];

const DECLARATIONS: &str = "
_?_:_ conditional bool A A -> A
_&&_ logical_and bool bool -> bool
_||_ logical_or bool bool -> bool
!_ logical_not bool -> bool
@not_strictly_false not_strictly_false bool -> bool
_==_ equals A A -> bool
_!=_ not_equals A A -> bool
_+_ add_bytes bytes bytes -> bytes
_+_ add_double double double -> double
_+_ add_duration duration duration -> duration
_+_ add_duration_timestamp duration timestamp -> timestamp
_+_ add_timestamp_duration timestamp duration -> timestamp
_+_ add_int int int -> int
_+_ add_list list(A) list(A) -> list(A)
_+_ add_string string string -> string
_+_ add_uint uint uint -> uint
_-_ subtract_double double double -> double
_-_ subtract_duration duration duration -> duration
_-_ subtract_int int int -> int
_-_ subtract_timestamp_duration timestamp duration -> timestamp
_-_ subtract_timestamp timestamp timestamp -> duration
_-_ subtract_uint uint uint -> uint
_*_ multiply_double double double -> double
_*_ multiply_int int int -> int
_*_ multiply_uint uint uint -> uint
_/_ divide_double double double -> double
_/_ divide_int int int -> int
_/_ divide_uint uint uint -> uint
_%_ modulo_int int int -> int
_%_ modulo_uint uint uint -> uint
-_ negate_double double -> double
-_ negate_int int -> int
_[_] index_list list(A) int -> A
_[_] index_map map(A,B) A -> B
_[_] optional_list_index optional(list(A)) int -> optional(A)
_[_] optional_map_index optional(map(A,B)) A -> optional(B)
_[?_] list_optional_index list(A) int -> optional(A)
_[?_] optional_list_optional_index optional(list(A)) int -> optional(A)
_[?_] map_optional_index map(A,B) A -> optional(B)
_[?_] optional_map_optional_index optional(map(A,B)) A -> optional(B)
@in in_list A list(A) -> bool
@in in_map A map(A,B) -> bool
size size_bytes bytes -> int
.size size_bytes_method bytes -> int
size size_list list(A) -> int
.size size_list_method list(A) -> int
size size_map map(A,B) -> int
.size size_map_method map(A,B) -> int
size size_string string -> int
.size size_string_method string -> int
type type A -> type(A)
dyn dyn A -> dyn
bool bool_bool bool -> bool
bool string_bool string -> bool
bytes bytes_bytes bytes -> bytes
bytes string_to_bytes string -> bytes
double double_double double -> double
double int_double int -> double
double string_double string -> double
double uint_double uint -> double
duration duration_duration duration -> duration
duration int_duration int -> duration
duration string_duration string -> duration
int int_int int -> int
int double_int double -> int
int duration_int duration -> int
int string_int string -> int
int timestamp_int timestamp -> int
int uint_int uint -> int
string string_string string -> string
string bool_string bool -> string
string bytes_to_string bytes -> string
string double_string double -> string
string duration_string duration -> string
string int_string int -> string
string timestamp_string timestamp -> string
string uint_string uint -> string
string ip_string IP -> string
string cidr_string CIDR -> string
timestamp timestamp_timestamp timestamp -> timestamp
timestamp int_timestamp int -> timestamp
timestamp string_timestamp string -> timestamp
uint uint_uint uint -> uint
uint double_uint double -> uint
uint int_uint int -> uint
uint string_uint string -> uint
.contains contains_string string string -> bool
.endsWith ends_with_string string string -> bool
.startsWith starts_with_string string string -> bool
matches matches string string -> bool
.matches matches_string string string -> bool
.getFullYear timestamp_part timestamp -> int
.getFullYear timestamp_part timestamp string -> int
.getMonth timestamp_part timestamp -> int
.getMonth timestamp_part timestamp string -> int
.getDayOfYear timestamp_part timestamp -> int
.getDayOfYear timestamp_part timestamp string -> int
.getDayOfMonth timestamp_part timestamp -> int
.getDayOfMonth timestamp_part timestamp string -> int
.getDate timestamp_part timestamp -> int
.getDate timestamp_part timestamp string -> int
.getDayOfWeek timestamp_part timestamp -> int
.getDayOfWeek timestamp_part timestamp string -> int
.getHours timestamp_part timestamp -> int
.getHours timestamp_part timestamp string -> int
.getHours duration_part duration -> int
.getMinutes timestamp_part timestamp -> int
.getMinutes timestamp_part timestamp string -> int
.getMinutes duration_part duration -> int
.getSeconds timestamp_part timestamp -> int
.getSeconds timestamp_part timestamp string -> int
.getSeconds duration_part duration -> int
.getMilliseconds timestamp_part timestamp -> int
.getMilliseconds timestamp_part timestamp string -> int
.getMilliseconds duration_part duration -> int
.charAt char_at string int -> string
.indexOf index_of_string string string -> int
.indexOf index_of_string string string int -> int
.indexOf index_of_list list(A) A -> int
.lastIndexOf last_index_of_string string string -> int
.lastIndexOf last_index_of_string string string int -> int
.lastIndexOf last_index_of_list list(A) A -> int
.lowerAscii lower_ascii string -> string
.upperAscii upper_ascii string -> string
.replace replace string string string -> string
.replace replace string string string int -> string
.split split string string -> list(string)
.split split string string int -> list(string)
.substring substring string int -> string
.substring substring string int int -> string
.trim trim string -> string
.format string_format string list(dyn) -> string
strings.quote quote string -> string
.join join list(string) -> string
.join join list(string) string -> string
.find find string string -> string
.findAll find_all string string -> list(string)
.findAll find_all string string int -> list(string)
.slice list_slice list(A) int int -> list(A)
.flatten list_flatten list(list(A)) -> list(A)
.flatten list_flatten_depth list(dyn) int -> list(dyn)
.reverse list_reverse list(A) -> list(A)
.distinct list_distinct list(A) -> list(A)
.first list_first list(A) -> optional(A)
.last list_last list(A) -> optional(A)
lists.range lists_range int -> list(int)
sets.contains sets_contains list(A) list(A) -> bool
sets.equivalent sets_equivalent list(A) list(A) -> bool
sets.intersects sets_intersects list(A) list(A) -> bool
cel.@mapInsert map_insert_map map(A,B) map(A,B) -> map(A,B)
cel.@mapInsert map_insert_entry map(A,B) A B -> map(A,B)
optional.of optional_of A -> optional(A)
optional.ofNonZeroValue optional_of_non_zero A -> optional(A)
optional.none optional_none -> optional(A)
optional.unwrap optional_unwrap list(optional(A)) -> list(A)
.unwrapOpt optional_unwrap_method list(optional(A)) -> list(A)
.value optional_value optional(A) -> A
.hasValue optional_has_value optional(A) -> bool
.or optional_or optional(A) optional(A) -> optional(A)
.orValue optional_or_value optional(A) A -> A
url url string -> URL
isURL is_url string -> bool
.getScheme url_part URL -> string
.getHost url_part URL -> string
.getHostname url_part URL -> string
.getPort url_part URL -> string
.getEscapedPath url_part URL -> string
.getQuery url_part URL -> map(string,list(string))
ip ip string -> IP
.ip cidr_ip CIDR -> IP
isIP is_ip string -> bool
ip.isCanonical ip_is_canonical string -> bool
.family ip_part IP -> int
.isUnspecified ip_part IP -> bool
.isLoopback ip_part IP -> bool
.isLinkLocalMulticast ip_part IP -> bool
.isLinkLocalUnicast ip_part IP -> bool
.isGlobalUnicast ip_part IP -> bool
cidr cidr string -> CIDR
isCIDR is_cidr string -> bool
.containsIP cidr_contains_ip_string CIDR string -> bool
.containsIP cidr_contains_ip CIDR IP -> bool
.containsCIDR cidr_contains_cidr_string CIDR string -> bool
.containsCIDR cidr_contains_cidr CIDR CIDR -> bool
.prefixLength cidr_part CIDR -> int
.masked cidr_part CIDR -> CIDR
quantity quantity string -> Quantity
isQuantity is_quantity string -> bool
sign quantity_part Quantity -> int
.isInteger quantity_part Quantity -> bool
.asInteger quantity_part Quantity -> int
.asApproximateFloat quantity_part Quantity -> double
.add quantity_part Quantity Quantity -> Quantity
.add quantity_part Quantity int -> Quantity
.sub quantity_part Quantity Quantity -> Quantity
.sub quantity_part Quantity int -> Quantity
.isGreaterThan quantity_part Quantity Quantity -> bool
.isLessThan quantity_part Quantity Quantity -> bool
.compareTo quantity_part Quantity Quantity -> int
semver semver string -> Semver
semver semver string bool -> Semver
isSemver is_semver string -> bool
isSemver is_semver string bool -> bool
.isGreaterThan semver_part Semver Semver -> bool
.isLessThan semver_part Semver Semver -> bool
.compareTo semver_part Semver Semver -> int
.major semver_part Semver -> int
.minor semver_part Semver -> int
.patch semver_part Semver -> int
format.named format_named string -> optional(Format)
.validate format_validate Format string -> optional(list(string))
";

impl Functions {
    /// Reads the declarations.
    pub(super) fn new() -> Self {
        let mut by_name: HashMap<&'static str, Vec<Overload>> = HashMap::new();
        let mut add = |written: &'static str, name: String, takes: Vec<Type>, gives: Type| {
            let function = written.trim_start_matches('.');
            let overload = Overload { name, is_method: written.starts_with('.'), takes, gives };
            by_name.entry(function).or_default().push(overload);
        };
        for line in DECLARATIONS.lines().filter(|line| !line.is_empty()) {
            let (head, gives) = line.split_once("-> ").unwrap_or((line, "dyn"));
            let mut words = head.split_whitespace();
            let (function, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            add(function, name.to_owned(), words.map(type_named).collect(), type_named(gives));
        }
        for ty in ORDERED {
            let (one, list) = (type_named(ty), Type::list(type_named(ty)));
            add(".isSorted", "is_sorted".into(), vec![list.clone()], Type::Bool);
            add(".min", "extreme".into(), vec![list.clone()], one.clone());
            add(".max", "extreme".into(), vec![list.clone()], one.clone());
            add(".sort", format!("sort_{ty}"), vec![list.clone()], list.clone());
            let keyed = vec![Type::list(Type::Parameter(0)), list];
            add(".@sortByAssociatedKeys", format!("sort_{ty}"), keyed, Type::list(Type::Parameter(0)));
        }
        for ty in SUMMABLE {
            add(".sum", "sum".into(), vec![Type::list(type_named(ty))], type_named(ty));
        }
        for (operator, name) in ORDER {
            for (at, left) in ORDERED.iter().enumerate() {
                // The first three are numbers, which have one order.
                for (beside, right) in ORDERED.iter().enumerate().filter(|(b, _)| *b == at || (*b < 3 && at < 3)) {
                    let suffix = if beside == at { (*left).to_owned() } else { format!("{left}_{right}") };
                    add(operator, format!("{name}_{suffix}"), vec![type_named(left), type_named(right)], Type::Bool);
                }
            }
        }
        let format =
            Overload { name: "format".into(), is_method: false, takes: Vec::new(), gives: type_named("Format") };
        Self { by_name, formats: NAMES.iter().map(|name| format!("format.{name}")).collect(), format: vec![format] }
    }

    /// The overloads of a function, methods and others; `None` where there is no such function.
    pub(super) fn find(&self, name: &str) -> Option<&[Overload]> {
        if self.formats.iter().any(|format| format == name) {
            return Some(&self.format);
        }
        self.by_name.get(name).map(Vec::as_slice)
    }
}

/// A type by its name in the declarations.
fn type_named(text: &str) -> Type {
    if let Some((head, rest)) = text.split_once('(') {
        let inner = rest.strip_suffix(')').unwrap_or(rest);
        return match head {
            "list" => Type::list(type_named(inner)),
            "optional" => Type::optional(type_named(inner)),
            "type" => Type::OfType(Rc::new(type_named(inner))),
            _ => {
                let (keys, values) = inner.split_once(',').unwrap_or((inner, "dyn"));
                Type::map(type_named(keys), type_named(values))
            }
        };
    }
    match text {
        "A" => Type::Parameter(0),
        "B" => Type::Parameter(1),
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::UInt,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "IP" => Type::Library("net.IP"),
        "CIDR" => Type::Library("net.CIDR"),
        "URL" => Type::Library("kubernetes.URL"),
        "Quantity" => Type::Library("kubernetes.Quantity"),
        "Semver" => Type::Library("kubernetes.Semver"),
        "Format" => Type::Library("kubernetes.NamedFormat"),
        _ => Type::Dyn,
    }
}
