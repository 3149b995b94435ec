//! The types of expressions, and when one may stand where another is wanted.
//!
//! Objects with declared fields are nominal: two fields of equal schemas have different types, as on the server.

use std::fmt;
use std::rc::Rc;

use super::declared::Declared;

/// The type of an expression.
#[derive(Clone, Debug)]
pub enum Type {
    /// Anything; what it is shows when the rule runs.
    Dyn,
    /// The type of something that is wrong already.
    Error,
    /// `null`.
    Null,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A whole number without a sign.
    UInt,
    /// A number.
    Double,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A span of time.
    Duration,
    /// A moment.
    Timestamp,
    /// A list of one type.
    List(Rc<Type>),
    /// A map from one type to another.
    Map(Rc<(Type, Type)>),
    /// A value that may be absent.
    Optional(Rc<Type>),
    /// An object with declared fields.
    Object(Rc<Declared>),
    /// A type of Kubernetes' libraries: `kubernetes.Quantity`.
    Library(&'static str),
    /// A type as a value.
    OfType(Rc<Type>),
    /// A type that is not known yet.
    Parameter(u32),
}

impl Type {
    /// A list of these.
    pub fn list(elements: Type) -> Self {
        Self::List(Rc::new(elements))
    }

    /// A map.
    pub fn map(keys: Type, values: Type) -> Self {
        Self::Map(Rc::new((keys, values)))
    }

    /// An optional value.
    pub fn optional(value: Type) -> Self {
        Self::Optional(Rc::new(value))
    }

    fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// The type without the wrapping of an optional value, and whether it had one.
    pub(super) fn unwrap_optional(&self) -> (Type, bool) {
        match self {
            Self::Optional(inner) => (inner.as_ref().clone(), true),
            other => (other.clone(), false),
        }
    }

    /// Whether values of the type have one size, always.
    pub(super) fn is_scalar(&self) -> bool {
        match self {
            Self::Bool | Self::Double | Self::Duration | Self::Int | Self::Timestamp | Self::UInt => true,
            Self::Optional(inner) => inner.is_scalar(),
            _ => false,
        }
    }

    /// Whether two types are one and the same.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b))
            | (Self::Optional(a), Self::Optional(b))
            | (Self::OfType(a), Self::OfType(b)) => a.is(b),
            (Self::Map(a), Self::Map(b)) => a.0.is(&b.0) && a.1.is(&b.1),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::Library(a), Self::Library(b)) => a == b,
            (Self::Parameter(a), Self::Parameter(b)) => a == b,
            _ => self.kind() == other.kind(),
        }
    }

    fn kind(&self) -> std::mem::Discriminant<Self> {
        std::mem::discriminant(self)
    }

    /// Whether `null` may stand for it.
    fn takes_null(&self) -> bool {
        matches!(
            self,
            Self::Null | Self::Optional(_) | Self::Library(_) | Self::Object(_) | Self::Duration | Self::Timestamp
        )
    }

    fn parts(&self) -> Vec<&Type> {
        match self {
            Self::List(inner) | Self::Optional(inner) | Self::OfType(inner) => vec![inner],
            Self::Map(pair) => vec![&pair.0, &pair.1],
            _ => Vec::new(),
        }
    }

    /// Whether it says no more than another does.
    fn is_less_specific(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn | Self::Parameter(_), _) | (Self::OfType(_), Self::OfType(_)) => true,
            (_, Self::Dyn | Self::Parameter(_)) => false,
            (Self::List(_), Self::List(_)) | (Self::Map(_), Self::Map(_)) | (Self::Optional(_), Self::Optional(_)) => {
                self.parts().iter().zip(other.parts()).all(|(a, b)| a.is_less_specific(b))
            }
            _ => self.is(other),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Parameter(_) => f.write_str("dyn"),
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::UInt => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(inner) => write!(f, "list({inner})"),
            Self::Map(pair) => write!(f, "map({}, {})", pair.0, pair.1),
            Self::Optional(inner) => write!(f, "optional({inner})"),
            Self::Object(_) => f.write_str("object"),
            Self::Library(name) => f.write_str(name),
            Self::OfType(inner) => write!(f, "type({inner})"),
        }
    }
}

/// What is known of the types that were not known at first.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings {
    known: Vec<Option<Type>>,
}

impl Bindings {
    /// A type that is not known yet.
    pub(super) fn fresh(&mut self) -> Type {
        self.known.push(None);
        Type::Parameter(self.known.len() as u32 - 1)
    }

    fn find(&self, ty: &Type) -> Option<&Type> {
        match ty {
            Type::Parameter(number) => self.known.get(*number as usize)?.as_ref(),
            _ => None,
        }
    }

    fn bind(&mut self, ty: &Type, meaning: Type) {
        if let Type::Parameter(number) = ty
            && let Some(place) = self.known.get_mut(*number as usize)
        {
            *place = Some(meaning);
        }
    }

    /// The type with everything put in that is known; `to_dyn`: what is not known is anything.
    pub(super) fn resolve(&self, ty: &Type, to_dyn: bool) -> Type {
        if let Some(meaning) = self.find(ty) {
            return self.resolve(meaning, to_dyn);
        }
        match ty {
            Type::Parameter(_) if to_dyn => Type::Dyn,
            Type::List(inner) => Type::list(self.resolve(inner, to_dyn)),
            Type::Optional(inner) => Type::optional(self.resolve(inner, to_dyn)),
            Type::OfType(inner) => Type::OfType(Rc::new(self.resolve(inner, to_dyn))),
            Type::Map(pair) => Type::map(self.resolve(&pair.0, to_dyn), self.resolve(&pair.1, to_dyn)),
            other => other.clone(),
        }
    }

    /// Whether values of the one types may stand where the others are wanted; if so, what follows from it is kept.
    pub(super) fn assign(&mut self, given: &[Type], wanted: &[Type]) -> bool {
        let mut attempt = self.clone();
        let fits = given.len() == wanted.len() && given.iter().zip(wanted).all(|(a, b)| attempt.fits(a, b));
        if fits {
            *self = attempt;
        }
        fits
    }

    fn fits(&mut self, given: &Type, wanted: &Type) -> bool {
        if matches!(wanted, Type::Parameter(_)) {
            let (valid, was_bound) = self.substitutes(given, wanted);
            if valid || was_bound {
                return valid;
            }
        }
        if matches!(given, Type::Parameter(_)) {
            return self.substitutes(wanted, given).0;
        }
        match (given, wanted) {
            (a, b) if a.is_dyn_or_error() || b.is_dyn_or_error() => true,
            (Type::Null, other) | (other, Type::Null) => other.takes_null(),
            (Type::OfType(_), Type::OfType(_)) => true,
            (Type::List(_), Type::List(_)) | (Type::Map(_), Type::Map(_)) | (Type::Optional(_), Type::Optional(_)) => {
                given.parts().into_iter().zip(wanted.parts()).all(|(a, b)| self.fits(a, b))
            }
            (a, b) => a.is(b),
        }
    }

    /// Whether an unknown type may be this one, and whether something was known of it before.
    fn substitutes(&mut self, ty: &Type, unknown: &Type) -> (bool, bool) {
        if ty.is(unknown) {
            return (true, true);
        }
        if let Some(known) = self.find(unknown).cloned() {
            if ty.is(&known) {
                return (true, true);
            }
            if self.fits(ty, &known) {
                let general = most_general(ty, &known);
                if self.is_free_of(unknown, &general) {
                    self.bind(unknown, general);
                }
                return (true, true);
            }
            return (false, true);
        }
        let free = self.is_free_of(unknown, ty);
        if free {
            self.bind(unknown, ty.clone());
        }
        (free, false)
    }

    /// Whether an unknown type does not occur within another.
    fn is_free_of(&self, unknown: &Type, within: &Type) -> bool {
        if unknown.is(within) {
            return false;
        }
        match within {
            Type::Parameter(_) => self.find(within).is_none_or(|known| self.is_free_of(unknown, known)),
            other => other.parts().into_iter().all(|part| self.is_free_of(unknown, part)),
        }
    }
}

/// Of two types that agree, the one that says less.
pub(super) fn most_general(a: &Type, b: &Type) -> Type {
    if a.is_less_specific(b) { a.clone() } else { b.clone() }
}
