//! What the work costs, in instructions: a measure that does not shake with the load of the machine.
//!
//! Each part of the work is run under `valgrind --tool=callgrind`, and what it costs is held against reading the same objects
//! as JSON with `serde_json` in the same binary, so that the figures say little of compiler and machine. A part that costs a
//! tenth more than `tests/cost.txt` says fails. `CAPI_LINT_RECORD=1` writes that file anew. Without valgrind the test says so
//! and passes.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use capi_lint::input::Source;
use capi_lint::judge::{self, Options};
use capi_lint::release::Release;
use capi_lint::stream::Stream;
use capi_lint::transform::{self, dedupe};
use capi_lint::yaml;

#[path = "common/fleet.rs"]
mod fleet;

/// The parts of the work; the first is what the others are held against.
const PARTS: [&str; 6] = ["json", "split", "parse", "gather", "lint", "post-render"];

/// The level of optimization of the profile `dev`.
const RECORDED_LEVEL: &str = "1";

/// A part may cost this much of what is recorded.
const TOLERANCE: f64 = 1.10;

#[test]
fn nothing_costs_more_than_recorded() {
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no valgrind");
        return;
    }
    if env!("CAPI_LINT_OPT_LEVEL") != RECORDED_LEVEL {
        eprintln!("skipped: the figures hold for opt-level {RECORDED_LEVEL}, as Cargo.toml sets it for tests");
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cost.txt");
    let is_recorded = file.exists() || std::env::var_os("CAPI_LINT_RECORD").is_some();
    if !is_recorded {
        eprintln!("skipped: nothing is recorded in {}", file.display());
        return;
    }
    let json = instructions(PARTS[0]);
    let costs = PARTS[1..].iter().map(|part| (*part, instructions(part) / json));
    if std::env::var_os("CAPI_LINT_RECORD").is_some() {
        let mut text = String::from(
            "# Instructions of a part of the work for each that serde_json takes to read the same objects.\n",
        );
        costs.for_each(|(part, cost)| writeln!(text, "{part} {cost:.3}").expect("text"));
        std::fs::write(file, text).expect("tests/cost.txt");
        return;
    }
    let recorded = std::fs::read_to_string(file).expect("tests/cost.txt");
    let recorded = |part: &str| -> f64 {
        let line = recorded.lines().find_map(|line| line.strip_prefix(part)?.strip_prefix(' '));
        line.and_then(|cost| cost.parse().ok()).unwrap_or_else(|| panic!("no cost of {part} is recorded"))
    };
    let mut dearer = Vec::new();
    for (part, cost) in costs {
        let before = recorded(part);
        println!("{part}: {cost:.3} (recorded {before:.3})");
        if cost > before * TOLERANCE {
            dearer.push(format!("{part} costs {cost:.3}, recorded is {before:.3}"));
        }
    }
    assert!(dearer.is_empty(), "{}; if it must be so: CAPI_LINT_RECORD=1", dearer.join("; "));
}

/// Instructions that one run of a part takes: those of three runs less those of one, so that what comes before and behind
/// does not count.
fn instructions(part: &str) -> f64 {
    (run(part, 3) - run(part, 1)) / 2.0
}

fn run(part: &str, times: usize) -> f64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this test's binary"))
        .args(["--ignored", "--exact", "work", "--test-threads=1"])
        .env("CAPI_LINT_COST", format!("{part} {times}"))
        .output()
        .expect("valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected.and_then(|(_, number)| number.trim().parse().ok()).unwrap_or_else(|| panic!("no count: {said}"))
}

/// What is measured; run by the test above.
#[test]
#[ignore = "run under valgrind by the other test"]
fn work() {
    let Ok(wanted) = std::env::var("CAPI_LINT_COST") else { return };
    let (part, times) = wanted.split_once(' ').expect("part and times");
    let source = Source { name: "fleet".into(), bytes: fleet::of(15).into_bytes() };
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "default");
    let json: Vec<String> = release.objects.iter().map(|object| object.root.to_json().to_string()).collect();
    let options = Options::default();
    drop(judge::judge(&release, &options, Vec::new())); // patterns and rules are compiled once
    for _ in 0..times.parse().expect("a number") {
        match part {
            "json" => {
                for object in &json {
                    black_box(serde_json::from_str::<serde_json::Value>(object).expect("JSON"));
                }
            }
            "split" => drop(black_box(yaml::split(&source.bytes).count())),
            "parse" => drop(black_box(Stream::parse(&source, 1))),
            "gather" => drop(black_box(Release::new(&streams, "default"))),
            "lint" => drop(black_box(lint(&source, &options))),
            "post-render" => drop(black_box(post_render(&source, &options))),
            _ => panic!("no part of the work: {part}"),
        }
    }
}

fn lint(source: &Source, options: &Options) -> usize {
    let streams = [Stream::parse(source, 1)];
    let release = Release::new(&streams, "default");
    judge::judge(&release, options, dedupe::findings(&release)).len()
}

fn post_render(source: &Source, options: &Options) -> usize {
    let streams = [Stream::parse(source, 1)];
    let release = Release::new(&streams, "default");
    let transform_options = transform::Options::default();
    let plan = transform::plan(&release, &transform_options);
    let findings = judge::judge(&release, options, plan.findings.clone()).len();
    let output = transform::write(&release, &plan).expect("edits that are what they declare");
    let mut length = 0;
    let counted = output.pieces(|piece| {
        length += piece.len();
        Ok::<(), std::convert::Infallible>(())
    });
    counted.expect("counting never fails");
    findings + length
}
