//! Counting agreement, and showing where there is none.

use serde_json::Value as Json;

use crate::plane::{Judged, Verdict};

/// The agreement on one set for one client.
pub struct Tally {
    set: &'static str,
    client: &'static str,
    total: usize,
    agreed: usize,
    false_alarms: Vec<String>,
    misses: Vec<String>,
    others: Vec<String>,
    /// Refused objects whose faulty places the server names, and how many of them we name alike.
    placed: usize,
    places_agreed: usize,
    misplaced: Vec<String>,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(set: &'static str, client: &'static str) -> Self {
        Self {
            set,
            client,
            total: 0,
            agreed: 0,
            false_alarms: Vec::new(),
            misses: Vec::new(),
            others: Vec::new(),
            placed: 0,
            places_agreed: 0,
            misplaced: Vec::new(),
        }
    }

    /// Counts one object. `errors`: the server's, pairs of path and type.
    pub fn verdict(&mut self, judged: &Judged, want: &str, what: &str, errors: &Json) {
        let name = judged.verdict.name();
        self.total += 1;
        if name == want {
            self.agreed += 1;
            if judged.verdict == Verdict::Reject && self.client == "create" {
                self.places(judged, what, errors);
            }
            return;
        }
        let ours: Vec<String> =
            judged.errors.iter().map(|(path, rule, message)| format!("{rule} {path}: {message}")).collect();
        let line = format!(
            "{what}: here {name}, server {want}\n      here: {}\n      server: {errors}",
            ours.join("\n            ")
        );
        match (judged.verdict, want) {
            (Verdict::Reject, "accept") => self.false_alarms.push(line),
            (Verdict::Accept, "reject") => self.misses.push(line),
            _ => self.others.push(line),
        }
    }

    /// Counts a whole case of several objects by its worst verdict.
    pub fn whole(&mut self, verdict: Verdict, want: &str, what: &str, judged: &[Judged]) {
        let errors = judged.iter().flat_map(|judged| judged.errors.clone()).collect();
        self.verdict(&Judged { verdict, errors }, want, what, &Json::Null);
    }

    fn places(&mut self, judged: &Judged, what: &str, errors: &Json) {
        let pairs = || {
            errors
                .as_array()
                .into_iter()
                .flatten()
                .map(|pair| (pair.get(0).or(pair.get("path")), pair.get(1).or(pair.get("type"))))
        };
        let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
        let all: Vec<(String, String)> = pairs().map(|(path, kind)| (text(path), text(kind))).collect();
        // Where it stops at unknown fields, or runs no CEL, we know of more.
        let stopped = all.iter().all(|(_, kind)| kind == "StrictDecodingError");
        let blocked = stopped || all.iter().any(|(path, _)| matches!(path.as_str(), "" | "<nil>"));
        let theirs: Vec<String> =
            all.iter().map(|(path, _)| plain(path)).filter(|path| !path.is_empty() && path != "<nil>").collect();
        if theirs.is_empty() {
            return;
        }
        self.placed += 1;
        let ours: Vec<(String, &str)> = judged.errors.iter().map(|(path, rule, _)| (plain(path), *rule)).collect();
        // The server names the list of owners, not the owner.
        let unnumbered = |path: String| {
            let owner = path.strip_prefix("metadata.ownerReferences.").and_then(|rest| rest.split_once('.'));
            owner
                .filter(|(n, _)| n.parse::<u32>().is_ok())
                .map(|(_, field)| format!("metadata.ownerReferences.{field}"))
                .unwrap_or(path)
        };
        let ours: Vec<(String, &str)> = ours.into_iter().map(|(path, rule)| (unnumbered(path), rule)).collect();
        let theirs: Vec<String> = theirs.into_iter().map(unnumbered).collect();
        let near = |a: &str, b: &str| {
            a == b || a.starts_with(&format!("{b}.")) || b.starts_with(&format!("{a}.")) || a.is_empty()
        };
        let missing: Vec<&String> =
            theirs.iter().filter(|path| !ours.iter().any(|(other, _)| near(other, path))).collect();
        let extra: Vec<&String> = ours
            .iter()
            .filter(|(path, rule)| {
                !(theirs.iter().any(|other| near(path, other)) || stopped || blocked && *rule == "cel-rule")
            })
            .map(|(path, _)| path)
            .collect();
        if missing.is_empty() && extra.is_empty() {
            self.places_agreed += 1;
        } else {
            self.misplaced.push(format!("{what}\n      only the server: {missing:?}\n      only here: {extra:?}"));
        }
    }

    fn print(&self) {
        println!(
            "{:<18} {:<7} {:>6} of {:>6} agree; false alarms {}, misses {}, others {}{}",
            self.set,
            self.client,
            self.agreed,
            self.total,
            self.false_alarms.len(),
            self.misses.len(),
            self.others.len(),
            if self.placed > 0 { format!("; places {} of {}", self.places_agreed, self.placed) } else { String::new() },
        );
        let show = std::env::var("CAPI_LINT_SHOW").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
        for (title, lines) in [
            ("false alarm", &self.false_alarms),
            ("miss", &self.misses),
            ("other", &self.others),
            ("other places", &self.misplaced),
        ] {
            for line in lines.iter().take(show) {
                println!("  {title}: {line}");
            }
        }
    }
}

/// A path without brackets and quotes, so that both sides' notations compare.
fn plain(path: &str) -> String {
    let mut out = path.replace("[\"", ".").replace("\"]", "").replace('[', ".").replace(']', "");
    while out.starts_with('.') {
        out.remove(0);
    }
    out
}

/// Prints the tallies and fails on disagreement.
pub fn conclude(tallies: &[Tally]) {
    tallies.iter().for_each(Tally::print);
    let disagreed: usize = tallies.iter().map(|tally| tally.total - tally.agreed).sum();
    assert_eq!(disagreed, 0, "objects on which the server says otherwise");
}
