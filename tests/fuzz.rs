//! Fuzzing on the stable toolchain: each target for some seconds, half of them with a fixed seed and half with a fresh one, and all
//! inputs that once failed (`fixtures/fuzz/TARGET/*.txt`).
//!
//! `FUZZ_SECONDS` says how long a target runs (`make fuzz`: 60), `FUZZ_SEED` which seed is not fresh, `FUZZ_GO` that Go's reader of
//! YAML is asked too.

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

mod fuzzing;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuzzing::engine::{self, Length, Target};
use fuzzing::{seeds, target};

/// The seed of every run.
const FIXED: u64 = 10;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn fuzz(name: &str) {
    let mut target = target(name).expect("a target");
    replay(&mut *target);
    let fresh = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let time = Duration::from_millis(number("FUZZ_SECONDS").map_or(3000, |seconds| 1000 * seconds) / 2);
    for seed in [FIXED, number("FUZZ_SEED").unwrap_or(fresh)] {
        let length = Length { time, executions: u64::MAX, patience: 20 };
        let outcome = engine::run(&mut *target, seed, length, &mut |_| {});
        eprintln!("{name}: {} executions, {} kept, slowest {:?}", outcome.executions, outcome.kept, outcome.slowest);
        let failures: Vec<String> = outcome
            .failures
            .iter()
            .map(|failure| {
                format!("{}\n--- the least input\n{}\n", failure.what, String::from_utf8_lossy(&failure.input))
            })
            .collect();
        assert!(failures.is_empty(), "{name}, FUZZ_SEED={seed}:\n{}", failures.join("\n"));
    }
}

/// What once failed holds now.
fn replay(target: &mut dyn Target) {
    let folder = seeds::repository("fixtures/fuzz").join(target.name());
    for input in seeds::files(&folder, &["txt"], usize::MAX) {
        let result = engine::attempt(target, &input);
        let wrong = target.check_batch(std::slice::from_ref(&input));
        assert!(result.is_ok() && wrong.is_empty(), "{:?} {wrong:?}\n{}", result, String::from_utf8_lossy(&input));
    }
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            fuzz($name);
        })*

        #[test]
        fn every_target_is_run() {
            let named = [$($name),*];
            let all: Vec<&str> = fuzzing::all().iter().map(|target| target.name()).collect();
            assert_eq!(named[..], all[..]);
        }
    };
}

targets! {
    yaml "yaml"
    split "split"
    edit "edit"
    post_render "post-render"
    judge "judge"
    schema "schema"
    settings "settings"
    helm_release "helm-release"
    cel "cel"
    migrate "migrate"
    diff "diff"
    go_template "go-template"
}
