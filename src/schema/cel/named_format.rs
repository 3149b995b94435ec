//! The formats of CEL's `format.named()` and `format.dns1123Label()`.

use crate::schema::formats::Format;

/// A format by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedFormat {
    /// A lower-case DNS label, or its beginning (with any hyphens at the end).
    Dns1123Label { prefix: bool },
    /// Lower-case DNS labels with dots between, or their beginning.
    Dns1123Subdomain { prefix: bool },
    /// A lower-case DNS label that begins with a letter, or its beginning.
    Dns1035Label { prefix: bool },
    /// The name of a label or annotation.
    QualifiedName,
    /// The value of a label.
    LabelValue,
    /// A format of schemas.
    Schema(Format),
}

/// The names of all formats.
pub(super) const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123LabelPrefix",
    "dns1123Subdomain",
    "dns1123SubdomainPrefix",
    "dns1035Label",
    "dns1035LabelPrefix",
    "qualifiedName",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

impl NamedFormat {
    /// The format of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "dns1123Label" => Self::Dns1123Label { prefix: false },
            "dns1123LabelPrefix" => Self::Dns1123Label { prefix: true },
            "dns1123Subdomain" => Self::Dns1123Subdomain { prefix: false },
            "dns1123SubdomainPrefix" => Self::Dns1123Subdomain { prefix: true },
            "dns1035Label" => Self::Dns1035Label { prefix: false },
            "dns1035LabelPrefix" => Self::Dns1035Label { prefix: true },
            "qualifiedName" => Self::QualifiedName,
            "labelValue" => Self::LabelValue,
            "uri" | "uuid" | "byte" | "date" | "datetime" => Self::Schema(Format::named(name)?),
            _ => return None,
        })
    }

    /// Whether a text has the format.
    pub(super) fn accepts(self, text: &str) -> bool {
        // A prefix may end in a hyphen, since something will follow; the server puts a letter in place of the last two signs.
        let completed = |prefix: bool| match text.len().checked_sub(2).filter(|_| prefix && text.ends_with('-')) {
            Some(end) => format!("{}a", text.get(..end).unwrap_or("?")),
            None => text.to_owned(),
        };
        match self {
            Self::Dns1123Label { prefix } => is_label(&completed(prefix)),
            Self::Dns1123Subdomain { prefix } => {
                let name = completed(prefix);
                name.len() <= 253 && name.split('.').all(is_lower)
            }
            Self::Dns1035Label { prefix } => {
                let name = completed(prefix);
                is_label(&name) && name.starts_with(|c: char| c.is_ascii_lowercase())
            }
            Self::QualifiedName => {
                let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
                domain.is_none_or(|domain| domain.len() <= 253 && domain.split('.').all(is_lower))
                    && !name.is_empty()
                    && is_label_text(name)
            }
            Self::LabelValue => is_label_text(text),
            Self::Schema(format) => format.accepts(text),
        }
    }
}

fn is_lower(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(inner)
}

fn is_label(label: &str) -> bool {
    label.len() <= 63 && is_lower(label)
}

fn is_label_text(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let outer = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    text.len() <= 63 && text.bytes().all(inner) && outer(text.bytes().next()) && outer(text.bytes().last())
}
