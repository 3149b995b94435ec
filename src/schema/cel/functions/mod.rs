//! CEL's functions as a 1.36 API server declares them for CRDs: the standard ones, the extensions for strings, lists and sets,
//! and Kubernetes' own libraries.
//!
//! One file per subject. What a server does not declare must not be found here.

pub(super) mod arithmetic;
mod convert;
pub(super) mod costs;
pub(super) mod lists;
mod net;
mod optional;
pub(super) mod text;
mod text_format;
mod time;
mod versions;

use std::ops::RangeInclusive;

use super::EvalError;
use super::data::Data;
use super::eval::{Outcome, literal, no_overload};
use super::named_format::NamedFormat;
use super::parser::Constant;
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
    ($($subject:ident { $($style:ident $name:literal $arity:literal => $function:ident,)* })*) => {
        /// A function. One with several meanings, by the types of its arguments, is one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Function {
            $($($function,)*)*
            /// `format.dns1123Label()` and its kin.
            Format(NamedFormat),
        }

        /// What a function is about: the file that it is in.
        enum Subject {
            $($subject,)*
        }

        impl Function {
            fn subject(self) -> Subject {
                match self {
                    $($(Self::$function)|* => Subject::$subject,)*
                    Self::Format(_) => Subject::Optional,
                }
            }
        }

        /// Style, name, arguments (without the value of a method) and function.
        const TABLE: &[(Style, &str, RangeInclusive<usize>, Function)] =
            &[$($((Style::$style, $name, arity($arity), Function::$function),)*)*];
    };
}

/// `1` or `0-1` as a range.
const fn arity(text: &str) -> RangeInclusive<usize> {
    let bytes = text.as_bytes();
    let low = (bytes[0] - b'0') as usize;
    let high = (bytes[bytes.len() - 1] - b'0') as usize;
    low..=high
}

functions! {
    Core {
        Global "size" "1" => SizeOf,
        Method "size" "0" => Size,
        Global "dyn" "1" => Dyn,
        Global "type" "1" => TypeOf,
    }
    Convert {
        Global "int" "1" => Int,
        Global "uint" "1" => UInt,
        Global "double" "1" => Double,
        Global "string" "1" => Text,
        Global "bytes" "1" => Bytes,
        Global "bool" "1" => Bool,
        Global "duration" "1" => Duration,
        Global "timestamp" "1" => Timestamp,
    }
    Text {
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
    }
    Time {
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
    }
    Lists {
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
    }
    Net {
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
    }
    Versions {
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
    }
    Optional {
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

    /// Whether it makes another type of a value.
    pub(super) fn is_conversion(self) -> bool {
        matches!(self.subject(), Subject::Convert) || matches!(self, Self::Dyn | Self::TypeOf)
    }

    /// Whether the second argument is a regular expression.
    pub(super) fn takes_pattern(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesOf | Self::Find | Self::FindAll)
    }
}

/// Whether a call costs more than this by its arguments alone, so that it need not be tried.
pub(super) fn exceeds<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>, limit: u64) -> bool {
    let size = |at: usize| arguments.find(at).map_or(0, costs::size);
    let cost = match function {
        Function::Range => arguments.int(0).ok().and_then(|end| u64::try_from(end).ok()).unwrap_or(0),
        Function::Distinct | Function::Sort => size(0).saturating_mul(size(0)).saturating_mul(2),
        Function::SetContains | Function::SetIntersects | Function::SetEquivalent => size(0).saturating_mul(size(1)),
        _ => 0,
    };
    cost > limit
}

/// Calls a function.
pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    match function.subject() {
        Subject::Core => core(function, arguments.get(0)?),
        Subject::Convert => convert::call(function, arguments.get(0)?),
        // Lists have these two words as well.
        Subject::Text
            if matches!(function, Function::IndexOf | Function::LastIndexOf)
                && !matches!(arguments.get(0)?, Val::Text(_)) =>
        {
            lists::call(function, arguments)
        }
        Subject::Text => text::call(function, arguments),
        Subject::Time => time::call(function, arguments),
        Subject::Lists => lists::call(function, arguments),
        Subject::Net => net::call(function, arguments),
        Subject::Versions => versions::call(function, arguments),
        Subject::Optional => optional::call(function, arguments),
    }
}

/// What becomes of a constant that one of the conversions is called with, or why nothing does.
pub(super) fn convert_constant(function: &str, constant: &Constant) -> Result<(), EvalError> {
    let Some(function) = Function::find(Style::Global, function, 1) else { return Ok(()) };
    convert::call(function, &literal::<&serde_json::Value>(constant)).map(|_| ())
}

fn core<'v, D: Data<'v>>(function: Function, value: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    match function {
        Function::Dyn => Ok(value.clone()),
        Function::TypeOf => Ok(Val::Type(value.type_name())),
        _ => value.size().map(Val::Int).ok_or_else(no_overload),
    }
}
