//! Properties that hold for every release and every setting: post-render loses nothing and lets nothing through, verdicts do not
//! depend on threads, on how the input comes in, or on its line breaks.
//!
//! Each runs with a fixed seed and with a fresh one. A failure is reduced and prints `PROPERTY_SEED`, which runs it again; proptest
//! keeps it in `regressions.txt`, from where it is tried first ever after. `PROPERTY_TIMES` is by how much more cases a seed gives.
#![allow(
    clippy::too_many_lines,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::type_complexity,
    clippy::collapsible_if,
    clippy::single_match,
    clippy::needless_borrows_for_generic_args,
    clippy::cloned_ref_to_slice_refs,
    reason = "lists of words, and texts put together"
)]

mod generate;
#[path = "../support/judged.rs"]
mod judged;
#[path = "../support/post_rendered.rs"]
mod post_rendered;
#[path = "../fuzzing/seeds.rs"]
#[allow(dead_code, reason = "most of it is for the fuzzer")]
mod seeds;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use capi_lint::config::Settings;
use capi_lint::judge::Options;
use capi_lint::report::Finding;
use capi_lint::rules::view::Delivery;
use capi_lint::transform;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};

/// The seed of every run.
const FIXED: u64 = 10;

/// Runs a property with both seeds.
fn property<S: Strategy>(cases: u32, given: S, holds: impl Fn(S::Value) -> Result<(), String>) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let fresh = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let cases = cases * number("PROPERTY_TIMES").unwrap_or(1) as u32;
    for seed in [FIXED, number("PROPERTY_SEED").unwrap_or(fresh)] {
        let config = Config {
            cases,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/properties/regressions.txt"))),
            max_shrink_time: 20_000,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&given, |value| holds(value).map_err(TestCaseError::fail));
        if let Err(error) = outcome {
            panic!("PROPERTY_SEED={seed}: {error}");
        }
    }
}

fn transform_options(settings: &str) -> transform::Options {
    let settings = Settings::parse(settings).expect("settings");
    let dedupe = settings.dedupe.map_or_else(Default::default, Into::into);
    transform::Options { dedupe, labels: settings.labels, jobs: 1 }
}

#[test]
fn post_render_loses_no_object_and_changes_what_it_says() {
    property(400, (generate::release(8), generate::settings()), |(release, settings)| {
        post_rendered::check(release.text.as_bytes(), &transform_options(&settings)).map(drop)
    });
}

#[test]
fn what_post_render_hands_on_has_no_error_that_was_not_there() {
    let mut judging = Options::default();
    judging.delivery = Delivery::Helm;
    property(100, (generate::release(6), generate::settings()), |(release, settings)| {
        let output = post_rendered::check(release.text.as_bytes(), &transform_options(&settings))?.output;
        let before = judged::findings(release.text.as_bytes(), &judging);
        judged::is_no_worse(&before, &judged::findings(&output, &judging))
    });
}

/// What a finding says, without where.
fn said(findings: &[Finding]) -> Vec<(&'static str, String, Option<String>)> {
    findings.iter().map(|finding| (finding.rule.name, finding.message.clone(), finding.path.clone())).collect()
}

#[test]
fn line_breaks_make_no_difference() {
    let judging = Options::default();
    property(100, generate::release(6), |release| {
        let lf = release.text.replace("\r\n", "\n");
        let crlf = lf.replace('\n', "\r\n");
        let (with_lf, with_crlf) =
            (said(&judged::findings(lf.as_bytes(), &judging)), said(&judged::findings(crlf.as_bytes(), &judging)));
        if with_lf == with_crlf { Ok(()) } else { Err(format!("LF {with_lf:#?}\nCRLF {with_crlf:#?}")) }
    });
}

/// A release so large that more than one thread has something to do.
fn many(release: &str) -> String {
    let mut text = release.trim_start_matches('\u{FEFF}').to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let times = (300_000 / text.len().max(1)).clamp(1, 400);
    (0..times).map(|number| format!("---\n{}", text.replace("prod", &format!("prod{number}")))).collect()
}

#[test]
fn threads_make_no_difference() {
    let judging: Vec<Options> = [1, 2, 5]
        .into_iter()
        .map(|jobs| {
            let mut options = Options::default();
            options.jobs = jobs;
            options
        })
        .collect();
    property(1, (generate::release(12), generate::settings()), |(release, settings)| {
        let text = many(&release.text);
        let found: Vec<String> =
            judging.iter().map(|options| format!("{:?}", judged::findings(text.as_bytes(), options))).collect();
        if found.iter().any(|other| *other != found[0]) {
            return Err("other findings on more threads".into());
        }
        let output = |jobs: usize| {
            let options = transform::Options { jobs, ..transform_options(&settings) };
            let source = capi_lint::input::Source { name: "in".into(), bytes: text.clone().into_bytes() };
            let streams = [capi_lint::stream::Stream::parse(&source, jobs)];
            let release = capi_lint::release::Release::new(&streams, "default");
            let plan = transform::plan(&release, &options);
            let output = transform::write(&release, &plan).map_err(|error| error.to_string())?;
            Ok::<_, String>(output.to_bytes())
        };
        if output(1)? == output(4)? { Ok(()) } else { Err("other output on more threads".into()) }
    });
}

/// Runs the binary, with standard input coming in pieces.
fn run(arguments: &[&str], input: &[u8], pieces: &[usize]) -> (Option<i32>, Vec<u8>, Vec<u8>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_capi-lint"))
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut left, mut sizes) = (input, pieces.iter().cycle());
            while !left.is_empty() {
                let size = sizes.next().map_or(left.len(), |size| (*size).clamp(1, left.len()));
                let (piece, rest) = left.split_at(size);
                if stdin.write_all(piece).is_err() {
                    return;
                }
                left = rest;
            }
        });
        child.wait_with_output().expect("it ends")
    });
    (output.status.code(), output.stdout, output.stderr)
}

#[test]
fn the_binary_does_what_the_library_does_however_the_input_comes() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("properties.yaml");
    let file = file.to_str().expect("a path");
    let given = (generate::release(6), generate::settings(), proptest::collection::vec(1..4000_usize, 1..6));
    property(12, given, |(release, settings, pieces)| {
        let input = release.text.as_bytes();
        std::fs::write(file, &settings).expect("written");
        let arguments = ["post-render", "--config", file, "--fail-on", "never", "-n", "default"];
        let (code, stdout, stderr) = run(&arguments, input, &pieces);
        let is_empty = input.iter().all(u8::is_ascii_whitespace);
        if is_empty {
            // Helm never sends nothing: that is a mistake of the caller's.
            return if stdout.is_empty() { Ok(()) } else { Err("something came out of nothing".into()) };
        }
        let expected = post_rendered::check(input, &transform_options(&settings))?.output;
        if code != Some(0) || stdout != expected {
            return Err(format!(
                "exit code {code:?}\n{}\n{}",
                String::from_utf8_lossy(&stderr),
                String::from_utf8_lossy(&stdout)
            ));
        }
        let (code, stdout, _) = run(&["post-render", "--config", file, "-n", "default"], input, &[usize::MAX]);
        let refused = code == Some(1) && stdout.is_empty();
        if !refused && (code != Some(0) || stdout != expected) {
            return Err(format!("exit code {code:?} with {} bytes", stdout.len()));
        }
        let all = run(&["lint", "--format", "json", "--jobs", "1", "--fail-on", "never"], input, &[usize::MAX]);
        for (jobs, pieces) in [("4", &[usize::MAX][..]), ("1", &pieces[..])] {
            let other = run(&["lint", "--format", "json", "--jobs", jobs, "--fail-on", "never"], input, pieces);
            if other != all {
                return Err(format!("lint says something else with --jobs {jobs}, input in pieces of {pieces:?}"));
            }
        }
        Ok(())
    });
}
