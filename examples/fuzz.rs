//! The fuzzer for as long as one likes, with optimisation and every check for overflows:
//!
//!     cargo run --profile fuzz --example fuzz -- --target yaml --seconds 60 --seed 1 [--executions N] [--go]
//!
//! Without `--target` all targets run, each for that long. What fails is reduced and written to `target/fuzz/TARGET-….txt`; the
//! input in hand always stands in `target/fuzz/TARGET-SEED.current`, for a crash that ends the process.

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

#[path = "../tests/fuzzing/mod.rs"]
mod fuzzing;

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fuzzing::engine::{self, Length, Shape, Target};
use fuzzing::seeds;

struct Arguments {
    targets: Vec<Box<dyn Target>>,
    seconds: u64,
    executions: u64,
    seed: u64,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments { targets: Vec::new(), seconds: 60, executions: u64::MAX, seed: 1 };
    let mut words = std::env::args().skip(1);
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--target" => names.push(value()?),
            "--seconds" => found.seconds = value()?.parse()?,
            "--executions" => found.executions = value()?.parse()?,
            "--seed" => found.seed = value()?.parse()?,
            _ => {
                return Err(
                    "usage: fuzz [--target NAME]… [--seconds N] [--executions N] [--seed N]; FUZZ_GO=1 asks Go too"
                        .into(),
                );
            }
        }
    }
    found.targets = fuzzing::all();
    if let Some(name) = names.iter().find(|name| !found.targets.iter().any(|target| target.name() == **name)) {
        let known: Vec<&str> = found.targets.iter().map(|target| target.name()).collect();
        return Err(format!("there is no target {name}; known are {}", known.join(", ")).into());
    }
    found.targets.retain(|target| names.is_empty() || names.iter().any(|name| name == target.name()));
    Ok(found)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { targets, seconds, executions, seed } = arguments()?;
    let folder = seeds::repository("target/fuzz");
    fs::create_dir_all(&folder)?;
    let mut failed = false;
    for mut target in targets {
        let name = target.name();
        let current = File::create(folder.join(format!("{name}-{seed}.current")))?;
        let mut before = |input: &[u8]| {
            // Length and bytes in one call; nobody minds what an earlier, longer input leaves behind.
            let record = [format!("{}\n", input.len()).as_bytes(), input].concat();
            let _ = current.write_all_at(&record, 0);
        };
        let start = Instant::now();
        let length = Length { time: Duration::from_secs(seconds), executions, patience: 1 };
        let outcome = engine::run(&mut *target, seed, length, &mut before);
        println!(
            "{name} seed {seed}: {} executions in {:.0} s, {} kept, slowest {:?}, {} failures",
            outcome.executions,
            start.elapsed().as_secs_f64(),
            outcome.kept,
            outcome.slowest,
            outcome.failures.len()
        );
        for failure in &outcome.failures {
            let path = folder.join(format!("{name}-{:016x}.txt", Shape::of(&failure.input).0));
            fs::write(&path, &failure.input)?;
            println!("  {}\n  {}", path.display(), failure.what.replace('\n', "\n    "));
            failed = true;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
