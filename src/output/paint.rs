//! Colours of reports for people; the only place that knows a terminal's codes.

use crate::report::Severity;

/// Colours, or none.
#[derive(Clone, Copy)]
pub struct Paint {
    /// Whether there are colours at all.
    pub color: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// As bad as it is.
    pub fn severity(self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Info => "1;36",
        };
        self.with(code, text)
    }

    /// What a reader should see first.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What a reader may pass over.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// Good news, and help.
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// The mark below a line of source.
    pub fn caret(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// A number of machines: one that costs something stands out.
    pub fn machines(self, text: &str, is_costly: bool) -> String {
        if is_costly { self.with("1;33", text) } else { text.to_owned() }
    }

    /// Bad news.
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }
}
