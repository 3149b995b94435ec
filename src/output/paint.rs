//! Colours of reports for people; the only place that knows a terminal's codes.

use std::fmt;

use crate::report::Severity;

/// Colours, or none.
#[derive(Clone, Copy)]
pub struct Paint {
    /// Whether there are colours at all.
    pub color: bool,
}

/// A text in its colour.
#[derive(Clone, Copy)]
pub struct Painted<'t> {
    /// None without colours.
    code: Option<&'static str>,
    text: &'t str,
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\u{1b}[{code}m{}\u{1b}[0m", self.text),
            None => f.pad(self.text),
        }
    }
}

impl Paint {
    /// As it is.
    pub fn plain(self, text: &str) -> Painted<'_> {
        Painted { code: None, text }
    }

    fn with<'t>(self, code: &'static str, text: &'t str) -> Painted<'t> {
        Painted { code: self.color.then_some(code), text }
    }

    /// As bad as it is.
    pub fn severity(self, severity: Severity, text: &str) -> Painted<'_> {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Info => "1;36",
        };
        self.with(code, text)
    }

    /// What a reader should see first.
    pub fn bold(self, text: &str) -> Painted<'_> {
        self.with("1", text)
    }

    /// What a reader may pass over.
    pub fn dim(self, text: &str) -> Painted<'_> {
        self.with("2", text)
    }

    /// Good news, and help.
    pub fn good(self, text: &str) -> Painted<'_> {
        self.with("32", text)
    }

    /// The mark below a line of source.
    pub fn caret(self, text: &str) -> Painted<'_> {
        self.with("1;31", text)
    }

    /// A number of machines: one that costs something stands out.
    pub fn machines(self, text: &str, is_costly: bool) -> Painted<'_> {
        if is_costly { self.with("1;33", text) } else { self.plain(text) }
    }

    /// Bad news.
    pub fn bad(self, text: &str) -> Painted<'_> {
        self.with("31", text)
    }
}
