//! Two releases, of which one was made of the other by mutation: the comparison ends, prints, and finds nothing where nothing is.

use capi_lint::diff::output::{self, Format, View};
use capi_lint::diff::{self, Options};
use capi_lint::input::Source;
use capi_lint::release::Release;
use capi_lint::stream::Stream;
use clap::ValueEnum;

use super::engine::{Shape, Target};
use super::mutate::{self, Random};
use super::seeds;

#[derive(Default)]
pub struct Diff {
    options: Option<Options>,
}

/// Between the old release and the new one.
const BETWEEN: &[u8] = b"\n# ==== new ====\n";

impl Target for Diff {
    fn name(&self) -> &'static str {
        "diff"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = seeds::files(&seeds::repository("fixtures/fuzz/diff"), &["txt"], 20_000);
        for folder in std::fs::read_dir(seeds::repository("fixtures/diff")).into_iter().flatten().flatten() {
            let read = |name: &str| std::fs::read(folder.path().join(name));
            if let (Ok(old), Ok(new)) = (read("old.yaml"), read("new.yaml")) {
                all.push([&old, BETWEEN, &new].concat());
            }
        }
        all.sort();
        let streams =
            seeds::short_streams(3000).into_iter().filter(|stream| stream.windows(4).any(|part| part == b"x-k8"));
        all.extend(streams.map(|stream| [&stream, BETWEEN, &stream].concat()));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        seeds::MANIFEST
    }

    fn derive(&self, random: &mut Random, pool: &[Vec<u8>]) -> Vec<u8> {
        let both = random.pick(pool);
        let at = both.windows(BETWEEN.len()).position(|part| part == BETWEEN).unwrap_or(both.len());
        let (mut old, mut new) = (both[..at].to_vec(), both.get(at + BETWEEN.len()..).unwrap_or_default().to_vec());
        let changed = if random.one_in(4) { &mut old } else { &mut new };
        for _ in 0..=random.below(3) {
            mutate::change(random, changed, pool, self.words());
        }
        [&old, BETWEEN, &new].concat()
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let options = self.options.get_or_insert_with(Options::default);
        let at = input.windows(BETWEEN.len()).position(|part| part == BETWEEN).unwrap_or(input.len());
        let new = input.get(at + BETWEEN.len()..).unwrap_or_default().to_vec();
        let sources =
            [Source { name: "old".into(), bytes: input[..at].to_vec() }, Source { name: "new".into(), bytes: new }];
        let streams = [[Stream::parse(&sources[0], 1)], [Stream::parse(&sources[1], 1)]];
        let releases = [Release::new(&streams[0], "default"), Release::new(&streams[1], "default")];
        let found = diff::diff(&releases[0], &releases[1], options);
        for format in Format::value_variants() {
            let mut out = Vec::new();
            output::write(&found, *format, &View { context: 3, ..View::default() }, &mut out)
                .map_err(|error| error.to_string())?;
            if *format == Format::Json && serde_json::from_slice::<serde_json::Value>(&out).is_err() {
                return Err("the JSON is none".into());
            }
        }
        // Objects that stand twice have each a partner in the other release.
        for release in &releases {
            let same = diff::diff(release, release, options);
            if !same.changes.is_empty()
                || !same
                    .rollout
                    .iter()
                    .all(|row| row.machines.replaced + row.machines.added + row.machines.removed == 0)
            {
                return Err(format!(
                    "a release is not what it is itself: {:?}",
                    same.changes.iter().map(|change| change.kind).collect::<Vec<_>>()
                ));
            }
        }
        let said: Vec<&str> =
            found.verdict.refusals.iter().chain(&found.verdict.warnings).map(|said| said.finding.rule.name).collect();
        Ok(Shape::of((found.changes.len().min(6), found.rollout.len().min(4), said)))
    }
}
