//! The table in `docs/reliability.md`.

use std::fmt::Write;
use std::fs;
use std::sync::Mutex;

use super::inputs::Input;
use super::measured::Measured;

/// The suites in the order of the table.
const SUITES: [&str; 5] = ["nested", "long", "many", "packed", "bytes"];

static ROWS: Mutex<Vec<(&'static str, Vec<String>)>> = Mutex::new(Vec::new());

/// A row of the table: the input, lint, post-render, and of all other ways in the slowest and the largest.
pub fn row(input: &Input, runs: &[(&'static str, Measured)]) -> String {
    let of = |door: &str| runs.iter().find(|(name, _)| *name == door).map(|(_, run)| run);
    let shown = |run: Option<&Measured>| {
        run.map_or_else(String::new, |run| {
            format!("{} · {:.2} s · {} MB", run.code, run.time.as_secs_f64(), run.memory >> 20)
        })
    };
    let others = || runs.iter().filter(|(name, _)| !["lint", "post-render"].contains(name));
    let slowest = others().max_by_key(|(_, run)| run.time);
    let largest = others().max_by_key(|(_, run)| run.memory);
    let slowest = slowest.map_or_else(String::new, |(name, run)| format!("{name} {:.2} s", run.time.as_secs_f64()));
    let largest = largest.map_or_else(String::new, |(name, run)| format!("{name} {} MB", run.memory >> 20));
    let size = match input.size {
        bytes if bytes >= 1_000_000 => format!("{} MB", bytes / 1_000_000),
        bytes => format!("{:.1} kB", bytes as f64 / 1000.0),
    };
    let (lint, post) = (shown(of("lint")), shown(of("post-render")));
    format!("| {} | {size} | {lint} | {post} | {slowest} | {largest} |\n", input.what)
}

/// Writes the table once all suites are through, where `CAPI_LINT_RECORD` asks for it; else shows the rows.
pub fn write(suite: &'static str, rows: &[String]) {
    eprint!("{}", rows.concat());
    if std::env::var_os("CAPI_LINT_RECORD").is_none() {
        return;
    }
    let mut all = ROWS.lock().expect("no suite failed");
    all.push((suite, rows.to_vec()));
    if all.len() < SUITES.len() {
        return;
    }
    let mut table =
        String::from("| input | size | lint | post-render | slowest of the others | largest of the others |\n");
    table.push_str("|---|---|---|---|---|---|\n");
    for suite in SUITES {
        let rows = all.iter().find(|(name, _)| *name == suite).map_or(&[][..], |(_, rows)| rows);
        let _ = write!(table, "{}", rows.concat());
    }
    let path = super::common::repository("docs/reliability.md");
    let text = fs::read_to_string(&path).expect("the page");
    let (before, rest) = text.split_once("<!-- hostile -->\n").expect("where the table begins");
    let (_, behind) = rest.split_once("<!-- /hostile -->").expect("where it ends");
    fs::write(path, format!("{before}<!-- hostile -->\n{table}<!-- /hostile -->{behind}")).expect("the page");
}
