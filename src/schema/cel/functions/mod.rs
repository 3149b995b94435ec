//! CEL's functions as a 1.36 API server declares them for CRDs: the standard ones, the extensions for strings, lists and sets,
//! and Kubernetes' own libraries.
//!
//! One file per subject. What a server does not declare must not be found here.

pub(super) mod arithmetic;
mod convert;
pub(super) mod lists;
mod net;
mod optional;
pub(super) mod text;
mod text_format;
mod time;
mod versions;

use super::data::Data;
use super::eval::{Evaluation, Outcome, no_overload};
use super::named_format::NamedFormat;
use super::value::Val;

/// Whether a function is written before its brackets alone (`f(x)`) or behind a value (`x.f()`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Global,
    Method,
}

/// Evaluated arguments; of a method, the value itself is the first. Up to three need no allocation.
#[derive(Debug)]
pub(super) struct Arguments<'v, D> {
    held: [Option<Val<'v, D>>; 4],
    count: usize,
}

impl<D> Default for Arguments<'_, D> {
    fn default() -> Self {
        Self { held: [const { None }; 4], count: 0 }
    }
}

impl<'v, D: Data<'v>> Arguments<'v, D> {
    /// Adds one; no function takes more than four.
    pub(super) fn push(&mut self, value: Val<'v, D>) {
        if let Some(place) = self.held.get_mut(self.count) {
            *place = Some(value);
            self.count += 1;
        }
    }

    pub(super) fn get(&self, at: usize) -> Outcome<&Val<'v, D>> {
        self.held.get(at).and_then(Option::as_ref).ok_or_else(no_overload)
    }

    pub(super) fn find(&self, at: usize) -> Option<&Val<'v, D>> {
        self.held.get(at).and_then(Option::as_ref)
    }

    pub(super) fn text(&self, at: usize) -> Outcome<&str> {
        match self.get(at)? {
            Val::Text(text) => Ok(text),
            _ => Err(no_overload()),
        }
    }

    pub(super) fn int(&self, at: usize) -> Outcome<i64> {
        match self.get(at)? {
            Val::Int(number) => Ok(*number),
            _ => Err(no_overload()),
        }
    }

    pub(super) fn elements(&self, at: usize) -> Outcome<std::borrow::Cow<'_, [Val<'v, D>]>> {
        self.get(at)?.elements().ok_or_else(no_overload)?
    }
}

macro_rules! functions {
    ($($style:ident $name:literal $arity:literal => $function:ident,)*) => {
        /// A function. One with several meanings, by the types of its arguments, is one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Function {
            $(#[allow(missing_docs, reason = "named like the CEL function")] $function,)*
            /// `format.dns1123Label()` and its kin.
            Format(NamedFormat),
        }

        /// Style, name, arguments (without the value of a method) and function.
        const TABLE: &[(Style, &str, std::ops::RangeInclusive<usize>, Function)] =
            &[$((Style::$style, $name, arity($arity), Function::$function),)*];
    };
}

/// `1` or `0-1` as a range.
const fn arity(text: &str) -> std::ops::RangeInclusive<usize> {
    let bytes = text.as_bytes();
    let low = (bytes[0] - b'0') as usize;
    let high = (bytes[bytes.len() - 1] - b'0') as usize;
    low..=high
}

functions! {
    Global "size" "1" => SizeOf,
    Method "size" "0" => Size,
    Global "int" "1" => Int,
    Global "uint" "1" => UInt,
    Global "double" "1" => Double,
    Global "string" "1" => Text,
    Global "bytes" "1" => Bytes,
    Global "bool" "1" => Bool,
    Global "duration" "1" => Duration,
    Global "timestamp" "1" => Timestamp,
    Global "dyn" "1" => Dyn,
    Global "type" "1" => TypeOf,
    Method "contains" "1" => Contains,
    Method "startsWith" "1" => StartsWith,
    Method "endsWith" "1" => EndsWith,
    Method "matches" "1" => Matches,
    Global "matches" "2" => MatchesOf,
    Method "find" "1" => Find,
    Method "findAll" "1-2" => FindAll,
    Method "charAt" "1" => CharAt,
    Method "indexOf" "1-2" => IndexOf,
    Method "lastIndexOf" "1-2" => LastIndexOf,
    Method "lowerAscii" "0" => LowerAscii,
    Method "upperAscii" "0" => UpperAscii,
    Method "replace" "2-3" => Replace,
    Method "split" "1-2" => Split,
    Method "substring" "1-2" => Substring,
    Method "trim" "0" => Trim,
    Method "join" "0-1" => Join,
    Method "format" "1" => FormatText,
    Global "strings.quote" "1" => Quote,
    Method "getFullYear" "0-1" => Year,
    Method "getMonth" "0-1" => Month,
    Method "getDate" "0-1" => Date,
    Method "getDayOfMonth" "0-1" => DayOfMonth,
    Method "getDayOfWeek" "0-1" => DayOfWeek,
    Method "getDayOfYear" "0-1" => DayOfYear,
    Method "getHours" "0-1" => Hours,
    Method "getMinutes" "0-1" => Minutes,
    Method "getSeconds" "0-1" => Seconds,
    Method "getMilliseconds" "0-1" => Milliseconds,
    Method "isSorted" "0" => IsSorted,
    Method "sum" "0" => Sum,
    Method "min" "0" => Min,
    Method "max" "0" => Max,
    Method "slice" "2" => Slice,
    Method "flatten" "0-1" => Flatten,
    Method "sort" "0" => Sort,
    Method "reverse" "0" => Reverse,
    Method "distinct" "0" => Distinct,
    Method "first" "0" => First,
    Method "last" "0" => Last,
    Global "lists.range" "1" => Range,
    Global "sets.contains" "2" => SetContains,
    Global "sets.equivalent" "2" => SetEquivalent,
    Global "sets.intersects" "2" => SetIntersects,
    Global "url" "1" => Url,
    Global "isURL" "1" => IsUrl,
    Method "getScheme" "0" => UrlScheme,
    Method "getHost" "0" => UrlHost,
    Method "getHostname" "0" => UrlHostname,
    Method "getPort" "0" => UrlPort,
    Method "getEscapedPath" "0" => UrlPath,
    Method "getQuery" "0" => UrlQuery,
    Global "ip" "1" => Ip,
    Method "ip" "0" => NetworkIp,
    Global "isIP" "1" => IsIp,
    Global "ip.isCanonical" "1" => IsCanonicalIp,
    Method "family" "0" => Family,
    Method "isUnspecified" "0" => IsUnspecified,
    Method "isLoopback" "0" => IsLoopback,
    Method "isLinkLocalMulticast" "0" => IsLinkLocalMulticast,
    Method "isLinkLocalUnicast" "0" => IsLinkLocalUnicast,
    Method "isGlobalUnicast" "0" => IsGlobalUnicast,
    Global "cidr" "1" => Cidr,
    Global "isCIDR" "1" => IsCidr,
    Method "containsIP" "1" => ContainsIp,
    Method "containsCIDR" "1" => ContainsCidr,
    Method "prefixLength" "0" => PrefixLength,
    Method "masked" "0" => Masked,
    Global "quantity" "1" => Quantity,
    Global "isQuantity" "1" => IsQuantity,
    Global "sign" "1" => Sign,
    Method "isInteger" "0" => IsInteger,
    Method "asInteger" "0" => AsInteger,
    Method "asApproximateFloat" "0" => AsFloat,
    Method "add" "1" => AddTo,
    Method "sub" "1" => SubtractFrom,
    Method "isGreaterThan" "1" => IsGreaterThan,
    Method "isLessThan" "1" => IsLessThan,
    Method "compareTo" "1" => CompareTo,
    Global "semver" "1-2" => Semver,
    Global "isSemver" "1-2" => IsSemver,
    Method "major" "0" => Major,
    Method "minor" "0" => Minor,
    Method "patch" "0" => Patch,
    Global "format.named" "1" => FormatNamed,
    Method "validate" "1" => Validate,
    Global "optional.of" "1" => OptionalOf,
    Global "optional.none" "0" => OptionalNone,
    Global "optional.ofNonZeroValue" "1" => OptionalOfNonZero,
    Global "optional.unwrap" "1" => OptionalUnwrap,
    Method "unwrapOpt" "0" => UnwrapOptional,
    Method "hasValue" "0" => HasValue,
    Method "value" "0" => OptionalValue,
    Method "or" "1" => Or,
    Method "orValue" "1" => OrValue,
}

impl Function {
    /// The function of a name that takes so many arguments.
    pub(super) fn find(style: Style, name: &str, given: usize) -> Option<Self> {
        let found = TABLE.iter().find(|(s, n, arity, _)| *s == style && *n == name && arity.contains(&given));
        found.map(|(_, _, _, function)| *function).or_else(|| {
            let format = name.strip_prefix("format.").filter(|_| style == Style::Global && given == 0)?;
            NamedFormat::named(format).map(Self::Format)
        })
    }

    /// Whether the second argument is a regular expression.
    pub(super) fn takes_pattern(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesOf | Self::Find | Self::FindAll)
    }
}

/// Calls a function.
pub(super) fn call<'v, D: Data<'v>>(
    evaluation: &mut Evaluation<'v, D>,
    function: Function,
    arguments: &Arguments<'v, D>,
) -> Outcome<Val<'v, D>> {
    use Function as F;
    match function {
        F::Size | F::SizeOf => arguments.get(0)?.size().map(Val::Int).ok_or_else(no_overload),
        F::Dyn => arguments.get(0).cloned(),
        F::TypeOf => Ok(Val::Type(arguments.get(0)?.type_name())),
        F::Int | F::UInt | F::Double | F::Text | F::Bytes | F::Bool | F::Duration | F::Timestamp => {
            convert::call(function, arguments.get(0)?)
        }
        F::IndexOf | F::LastIndexOf if !matches!(arguments.get(0)?, Val::Text(_)) => {
            lists::call(evaluation, function, arguments)
        }
        F::Contains
        | F::StartsWith
        | F::EndsWith
        | F::Matches
        | F::MatchesOf
        | F::Find
        | F::FindAll
        | F::CharAt
        | F::IndexOf
        | F::LastIndexOf
        | F::LowerAscii
        | F::UpperAscii
        | F::Replace
        | F::Split
        | F::Substring
        | F::Trim
        | F::Join
        | F::FormatText
        | F::Quote => text::call(evaluation, function, arguments),
        F::Year
        | F::Month
        | F::Date
        | F::DayOfMonth
        | F::DayOfWeek
        | F::DayOfYear
        | F::Hours
        | F::Minutes
        | F::Seconds
        | F::Milliseconds => time::call(function, arguments),
        F::IsSorted
        | F::Sum
        | F::Min
        | F::Max
        | F::Slice
        | F::Flatten
        | F::Sort
        | F::Reverse
        | F::Distinct
        | F::First
        | F::Last
        | F::Range
        | F::SetContains
        | F::SetEquivalent
        | F::SetIntersects => lists::call(evaluation, function, arguments),
        F::Url
        | F::IsUrl
        | F::UrlScheme
        | F::UrlHost
        | F::UrlHostname
        | F::UrlPort
        | F::UrlPath
        | F::UrlQuery
        | F::Ip
        | F::NetworkIp
        | F::IsIp
        | F::IsCanonicalIp
        | F::Family
        | F::IsUnspecified
        | F::IsLoopback
        | F::IsLinkLocalMulticast
        | F::IsLinkLocalUnicast
        | F::IsGlobalUnicast
        | F::Cidr
        | F::IsCidr
        | F::ContainsIp
        | F::ContainsCidr
        | F::PrefixLength
        | F::Masked => net::call(function, arguments),
        F::Quantity
        | F::IsQuantity
        | F::Sign
        | F::IsInteger
        | F::AsInteger
        | F::AsFloat
        | F::AddTo
        | F::SubtractFrom
        | F::IsGreaterThan
        | F::IsLessThan
        | F::CompareTo
        | F::Semver
        | F::IsSemver
        | F::Major
        | F::Minor
        | F::Patch => versions::call(function, arguments),
        F::Format(format) => Ok(Val::Format(format)),
        F::FormatNamed
        | F::Validate
        | F::OptionalOf
        | F::OptionalNone
        | F::OptionalOfNonZero
        | F::OptionalUnwrap
        | F::UnwrapOptional
        | F::HasValue
        | F::OptionalValue
        | F::Or
        | F::OrValue => optional::call(function, arguments),
    }
}
