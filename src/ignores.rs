//! Which findings are not told: because the settings, an annotation or a comment say so, and why.
//!
//! An ignore needs a reason, holds for what it names and no more, and is reported itself when it holds nothing back: a list of
//! ignores that only grows hides the next mistake. It never looks at a clock: an expiry is judged against `--today` alone.

use std::borrow::Cow;
use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::config::{Ignore, Settings};
use crate::glob::Glob;
use crate::object::Object;
use crate::release::Release;
use crate::report::{Finding, Place};
use crate::yaml::Span;

crate::rule! {
    /// An ignore that holds nothing back.
    ///
    /// What it was for is mended, or it names the wrong rule or place. Left in, it hides the next mistake of its kind.
    ///
    /// ## Example
    ///
    /// `# capi-lint: ignore long-name (renamed in June)`, and the name is short by now.
    ///
    /// ## Fix
    ///
    /// Remove it.
    pub UNUSED_IGNORE = "unused-ignore", Warning, Advice;
    /// An ignore that is not in force: without a reason, or for a rule that does not exist.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// annotations:
    ///   capi-lint/ignore: long-name
    /// ```
    ///
    /// ## Fix
    ///
    /// `capi-lint/ignore: long-name (kept from the old naming, see OPS-12)`
    pub INVALID_IGNORE = "invalid-ignore", Warning, Advice;
    /// An ignore whose last day is over, by the date that `--today` gives.
    ///
    /// It holds nothing back any more.
    ///
    /// ## Example
    ///
    /// `until: 2026-06-30` with `--today 2026-07-01`.
    ///
    /// ## Fix
    ///
    /// Mend what it was for, or set a later date with a reason.
    pub EXPIRED_IGNORE = "expired-ignore", Warning, Advice;
}

/// Ignores findings of an object.
pub const ANNOTATION: &str = "capi-lint/ignore";
const COMMENT: &str = "# capi-lint: ignore ";
/// Part of both.
const MARK: &str = "capi-lint";

/// Gives findings the severities of the settings, and takes out what is ignored. `today` is a date as `2026-12-31`.
pub fn settle(release: &Release<'_>, findings: Vec<Finding>, settings: &Settings, today: Option<&str>) -> Vec<Finding> {
    Ignores::read(release, settings, today).settle(release, findings)
}

/// One ignore of an annotation or comment.
struct Local {
    rule: Glob,
    text: String,
    place: Place,
    used: bool,
}

/// All ignores of a run.
pub struct Ignores<'s> {
    of: &'s Settings,
    settings: Vec<(&'s Ignore, bool)>,
    locals: Vec<Local>,
    by_object: FxHashMap<u32, Vec<usize>>,
    /// By document: the bytes that a comment speaks of.
    by_document: FxHashMap<u32, Vec<(Range<u32>, usize)>>,
    /// What is to be said about the ignores themselves.
    own: Vec<Finding>,
}

impl<'s> Ignores<'s> {
    /// Those of the settings and of a release. `today` is a date as `2026-12-31`.
    pub fn read(release: &Release<'_>, settings: &'s Settings, today: Option<&str>) -> Self {
        let mut ignores = Self {
            of: settings,
            settings: Vec::new(),
            locals: Vec::new(),
            by_object: FxHashMap::default(),
            by_document: FxHashMap::default(),
            own: Vec::new(),
        };
        for ignore in &settings.ignores {
            match (&ignore.until, today) {
                (Some(until), Some(today)) if until.as_str() < today => {
                    let message = format!(
                        "the ignore \"{}\" in the settings held until {until}: it is no longer in force",
                        ignore.reason
                    );
                    ignores.own.push(Finding::new(&EXPIRED_IGNORE, message));
                }
                _ => ignores.settings.push((ignore, false)),
            }
        }
        // Streams without any such mark, nearly all, are looked at once and no further.
        let marked: Vec<_> = release.streams.iter().filter(|stream| stream.holds(MARK)).collect();
        let holds = |word: &str| marked.iter().any(|stream| stream.holds(word));
        let objects = holds(ANNOTATION).then_some(&release.objects);
        for object in objects.into_iter().flatten() {
            let Some(value) =
                object.at(&["metadata", "annotations"]).and_then(|annotations| annotations.get(ANNOTATION))
            else {
                continue;
            };
            let Some(text) = value.as_str() else { continue };
            for number in ignores.add(&text, object.key_place(value)) {
                ignores.by_object.entry(object.number).or_default().push(number);
            }
        }
        let documents = if holds(COMMENT) { release.document_count() } else { 0 };
        let mut text = String::new();
        for number in 0..documents as u32 {
            text.clear();
            release.write_text(number, &mut text);
            if memchr::memmem::find(text.as_bytes(), COMMENT.as_bytes()).is_some() {
                ignores.read_comments(number, &text);
            }
        }
        ignores
    }

    fn read_comments(&mut self, document: u32, text: &str) {
        for at in memchr::memmem::find_iter(text.as_bytes(), COMMENT.as_bytes()) {
            let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let line_end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
            let span = Span { start: at as u32, end: line_end as u32 };
            let place = Place { document, object: None, node: None, span };
            let from =
                if text[line_start..at].trim().is_empty() { next_content(text, line_end) } else { Some(line_start) };
            let Some(from) = from else { continue };
            let scope = block(text, from);
            for number in self.add(&text[at + COMMENT.len()..line_end], place) {
                self.by_document.entry(document).or_default().push((scope.clone(), number));
            }
        }
    }

    /// Adds the ignores of a text such as `long-name (kept), version-skew (upgrade on its way)`.
    fn add(&mut self, text: &str, place: Place) -> Vec<usize> {
        let settings = self.of;
        let mut added = Vec::new();
        for (rule, reason) in entries(text) {
            let glob = Glob::new(rule);
            let fault = if !settings.rule_names().any(|known| glob.matches(known)) {
                Some(match crate::schema::suggest::nearest(rule, settings.rule_names()) {
                    Some(near) => format!("there is no rule '{rule}'; did you mean '{near}'?"),
                    None => format!("there is no rule '{rule}'"),
                })
            } else if reason.trim().is_empty() {
                Some(format!("the ignore of {rule} gives no reason, and is not in force"))
            } else {
                None
            };
            if let Some(message) = fault {
                self.own.push(
                    Finding::new(&INVALID_IGNORE, message).at(place).suggest(format!("{rule} (why this is fine)")),
                );
                continue;
            }
            added.push(self.locals.len());
            self.locals.push(Local { rule: glob, text: rule.to_owned(), place, used: false });
        }
        added
    }

    /// Gives findings the severities of the settings, and takes out what is ignored.
    pub fn settle(mut self, release: &Release<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
        if self.may_hold_back() {
            findings.retain(|finding| !self.hold_back(release, finding));
        }
        self.unused(release);
        findings.append(&mut self.own);
        if !self.of.rules.is_empty() {
            findings.retain_mut(|finding| match self.of.rules.get(finding.rule.name) {
                None => true,
                Some(level) => level.severity().map(|severity| finding.severity = severity).is_some(),
            });
        }
        findings
    }

    /// Whether there is any ignore that could hold a finding back.
    pub fn may_hold_back(&self) -> bool {
        !self.settings.is_empty() || !self.locals.is_empty()
    }

    /// Whether any ignore speaks of a finding; marks all that do.
    fn hold_back(&mut self, release: &Release<'_>, finding: &Finding) -> bool {
        let mut held = false;
        for (ignore, used) in &mut self.settings {
            if fits(release, ignore, finding) {
                *used = true;
                held = true;
            }
        }
        let Some(place) = finding.place else { return held };
        let of_object = place.object.and_then(|object| self.by_object.get(&object)).into_iter().flatten().copied();
        let comments = self.by_document.get(&place.document).into_iter().flatten();
        let of_comments = comments.filter(|(scope, _)| scope.contains(&place.span.start)).map(|(_, number)| *number);
        for number in of_object.chain(of_comments).collect::<Vec<_>>() {
            if let Some(local) = self.locals.get_mut(number).filter(|local| local.rule.matches(finding.rule.name)) {
                local.used = true;
                held = true;
            }
        }
        held
    }

    fn unused(&mut self, release: &Release<'_>) {
        // What rules find about an object they find about the first of its copies.
        let is_of_copy = |local: &&Local| {
            release.objects_of(local.place.document).any(|object| release.twins().is_copy(object.number))
        };
        for local in self.locals.iter().filter(|local| !local.used && !is_of_copy(local)) {
            let message = format!("the ignore of {} holds nothing back", local.text);
            self.own.push(Finding::new(&UNUSED_IGNORE, message).at(local.place).suggest("remove it"));
        }
        for (ignore, _) in self.settings.iter().filter(|(_, used)| !used) {
            // A settings file serves many releases: in one of them an ignore may well have nothing to do.
            let until = ignore.until.as_ref().map_or_else(String::new, |until| format!(" (until {until})"));
            let message =
                format!("the ignore \"{}\"{until} in the settings holds nothing back in this run", ignore.reason);
            self.own.push(Finding::new(&UNUSED_IGNORE, message).severity(crate::report::Severity::Info));
        }
    }
}

/// `rule (reason), rule (reason)` taken apart.
fn entries(text: &str) -> Vec<(&str, &str)> {
    let mut entries = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['(', ',']).unwrap_or(rest.len());
        let rule = rest[..end].trim();
        let (reason, after) = match rest[end..].strip_prefix('(') {
            Some(inner) => {
                let close = inner.find(')').unwrap_or(inner.len());
                (&inner[..close], inner.get(close + 1..).unwrap_or_default())
            }
            None => ("", &rest[end..]),
        };
        if !rule.is_empty() {
            entries.push((rule, reason));
        }
        rest = after.trim_start_matches([',', ' ']).trim_end();
    }
    entries
}

fn fits(release: &Release<'_>, ignore: &Ignore, finding: &Finding) -> bool {
    if ignore.rule.as_ref().is_some_and(|rule| !rule.matches(finding.rule.name)) {
        return false;
    }
    let object = finding.place.and_then(|place| release.objects.get(place.object? as usize));
    if let Some(pattern) = &ignore.path {
        let Some(place) = finding.place else { return false };
        let file = release.stream_of(place.document).map(|stream| stream.name.as_str());
        let template = release.template_of(place.document);
        if !file.into_iter().chain(template).any(|name| pattern.matches(name)) {
            return false;
        }
    }
    if let Some(pattern) = &ignore.object {
        let Some(object) = object else { return false };
        let namespace = release.namespace_of(object);
        let short = format!("{}/{}", object.kind, object.name);
        let long = format!("{}/{namespace}/{}", object.kind, object.name);
        if !pattern.matches(&short) && !pattern.matches(&long) {
            return false;
        }
    }
    ignore.field.as_ref().is_none_or(|pattern| pattern.matches(&field(object, finding)))
}

/// The path of a finding's field from its object's root.
pub fn field<'f>(object: Option<&Object<'_>>, finding: &'f Finding) -> Cow<'f, str> {
    match (&finding.path, object, finding.place.and_then(|place| place.node)) {
        (Some(path), _, _) => Cow::Borrowed(path),
        (None, Some(object), Some(node)) => Cow::Owned(object.path(node)),
        _ => Cow::Borrowed(""),
    }
}

/// Where the next line with content begins.
fn next_content(text: &str, mut at: usize) -> Option<usize> {
    loop {
        at += text.get(at..)?.find('\n')? + 1;
        let line = text.get(at..)?.lines().next().unwrap_or_default().trim_start();
        if !line.is_empty() && !line.starts_with('#') {
            return Some(at);
        }
    }
}

/// A line and what stands deeper below it; the whole document from the first line of an object.
fn block(text: &str, from: usize) -> Range<u32> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let is_first = text.get(..from).is_some_and(|before| before.lines().all(|line| !is_content(&line)));
    if is_first {
        return 0..text.len() as u32;
    }
    let mut lines = text.get(from..).unwrap_or_default().split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let mut end = from + first.len();
    for line in lines {
        if is_content(&line) && indent(line) <= indent(first) {
            break;
        }
        end += line.len();
    }
    from as u32..end as u32
}

#[cfg(test)]
mod tests {
    use super::{block, entries};

    #[test]
    fn lists_of_rules_with_reasons() {
        assert_eq!(entries("a (one, two), b-c (three)"), [("a", "one, two"), ("b-c", "three")]);
        assert_eq!(entries("a"), [("a", "")]);
        assert_eq!(entries("a, b (x)"), [("a", ""), ("b", "x")]);
    }

    #[test]
    fn a_comment_speaks_of_the_block_below() {
        let text = "a: 1\nb:\n  c: 2\n  d: 3\ne: 4\n";
        assert_eq!(&text[block(text, 5).start as usize..block(text, 5).end as usize], "b:\n  c: 2\n  d: 3\n");
        assert_eq!(block(text, 0), 0..text.len() as u32);
    }
}
