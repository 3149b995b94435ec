//! The parts of the work one by one, on 2,100 documents of `charts/multi-cluster`: `cargo bench --bench work`.
//!
//! For looking closely. What a user waits for is measured by `make bench`, and what may not grow by `tests/cost.rs`.

use capi_lint::input::Source;
use capi_lint::judge::{self, Options};
use capi_lint::release::Release;
use capi_lint::schema::bundle::Schemas;
use capi_lint::schema::validate::{self, Compiled};
use capi_lint::stream::Stream;
use capi_lint::transform::{self, dedupe};
use capi_lint::yaml;
use capi_lint::{rules, schema};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

#[path = "../tests/common/fleet.rs"]
mod fleet;

fn main() {
    divan::main();
}

fn source() -> Source {
    Source { name: "fleet".into(), bytes: fleet::of(100).into_bytes() }
}

/// Runs a part of the work on a parsed and gathered fleet.
fn on_release(bencher: Bencher<'_, '_>, work: impl Fn(&Release<'_>)) {
    let source = source();
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "default");
    bencher.counter(BytesCount::of_slice(&source.bytes)).bench_local(|| work(&release));
}

#[divan::bench]
fn split(bencher: Bencher<'_, '_>) {
    let source = source();
    bencher.counter(BytesCount::of_slice(&source.bytes)).bench_local(|| yaml::split(black_box(&source.bytes)).count());
}

#[divan::bench(args = [yaml::Parser::Either, yaml::Parser::Fallback])]
fn parse(bencher: Bencher<'_, '_>, parser: yaml::Parser) {
    let source = source();
    let documents: Vec<_> = yaml::split(&source.bytes).map(|raw| raw.text(&source.bytes).expect("text")).collect();
    bencher.counter(BytesCount::of_slice(&source.bytes)).bench_local(|| {
        documents.iter().map(|text| yaml::parse_by(text, parser).expect("a document").len()).sum::<usize>()
    });
}

#[divan::bench]
fn gather(bencher: Bencher<'_, '_>) {
    let source = source();
    let streams = [Stream::parse(&source, 1)];
    bencher
        .counter(BytesCount::of_slice(&source.bytes))
        .bench_local(|| Release::new(&streams, "default").objects.len());
}

/// Every object by itself, though the fleet's are all alike.
#[divan::bench]
fn validate(bencher: Bencher<'_, '_>) {
    let schemas = Schemas::default();
    let compiled = Compiled::new(schema::bundle::bundled());
    on_release(bencher, |release| {
        let mut findings = Vec::new();
        for object in &release.objects {
            let kind = schemas.find(object.group(), object.version(), &object.kind).expect("a known kind");
            validate::judge(object, kind, &compiled, validate::Options::default(), &[], &mut findings);
        }
        black_box(findings);
    });
}

#[divan::bench]
fn rules(bencher: Bencher<'_, '_>) {
    let options = Options::default();
    on_release(bencher, |release| {
        drop(black_box(rules::check(release, &capi_lint::rules::view::Circumstances::of(&options.settings))));
    });
}

/// All layers: schema, webhooks, rules.
#[divan::bench]
fn judge(bencher: Bencher<'_, '_>) {
    let options = Options::default();
    on_release(bencher, |release| {
        drop(black_box(judge::judge(release, &options, dedupe::findings(release))));
    });
}

/// A label for every object, proved and laid out for writing.
#[divan::bench]
fn edit(bencher: Bencher<'_, '_>) {
    on_release(bencher, |release| {
        let transform_options = transform::Options::default();
        let plan = transform::plan(release, &transform_options);
        black_box(transform::write(release, &plan).expect("edits that are what they declare").to_bytes().len());
    });
}
