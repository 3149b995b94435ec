//! `capi-lint migrate --templates CHART`: the templates of a chart, proven by rendering it before and after.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value as Json;
use walkdir::WalkDir;

use super::Outcome;
use super::common::ChartArgs;
use super::migrate::Args;
use crate::input;
use crate::migrate;
use crate::migrate::templates::{Template, template};
use crate::yaml::{self, Tape};

/// A template that changes.
struct Changed {
    /// Its path below the chart.
    path: PathBuf,
    old: String,
    new: String,
}

/// Migrates the templates of a chart.
///
/// # Errors
/// A chart that cannot be read or does not render, files that cannot be written.
pub fn run(args: &Args, chart: &Path) -> anyhow::Result<Outcome> {
    if !chart.join("Chart.yaml").is_file() {
        bail!("{} is no chart: it has no Chart.yaml", chart.display());
    }
    let (changed, todo) = propose(chart)?;
    if changed.is_empty() {
        return Ok(if todo > 0 { Outcome::Findings } else { Outcome::Clean });
    }
    let old = render(chart, &args.charts)?;
    let copy = std::env::temp_dir().join(format!("capi-lint-migrate-{}", std::process::id()));
    let new = copied(chart, &copy, &changed).and_then(|()| render(&copy, &args.charts));
    let _ = fs::remove_dir_all(&copy);
    let different =
        differences(&migrate::each_alone(&old).text(&old), &new.context("the migrated templates do not render")?);
    for object in &different {
        let _ = writeln!(
            io::stderr(),
            "capi-lint: {object} does not render to what it was, migrated; look at its template"
        );
    }
    if args.in_place && different.is_empty() {
        for file in &changed {
            let path = chart.join(&file.path);
            fs::write(&path, &file.new).with_context(|| format!("cannot write {}", path.display()))?;
        }
    } else if !args.check {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for file in &changed {
            let changes = similar::TextDiff::from_lines(&file.old, &file.new);
            let name = file.path.display();
            write!(out, "{}", changes.unified_diff().header(&format!("a/{name}"), &format!("b/{name}")))?;
        }
        out.flush()?;
    }
    Ok(if todo > 0 || !different.is_empty() || args.check { Outcome::Findings } else { Outcome::Clean })
}

/// The templates that change, and how many documents are left to a person; says which.
fn propose(chart: &Path) -> anyhow::Result<(Vec<Changed>, usize)> {
    let (mut changed, mut todo) = (Vec::new(), 0);
    for entry in WalkDir::new(chart.join("templates")).sort_by_file_name() {
        let entry = entry?;
        let is_template =
            entry.path().extension().is_some_and(|extension| ["yaml", "yml", "tpl"].iter().any(|e| extension == *e));
        if !is_template || !entry.file_type().is_file() {
            continue;
        }
        let old =
            fs::read_to_string(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
        if !old.contains("cluster.x-k8s.io/v1") {
            continue;
        }
        let migrated = template(&old);
        todo += tell(entry.path(), &migrated);
        if migrated.text != old {
            let path = entry.path().strip_prefix(chart)?.to_path_buf();
            changed.push(Changed { path, old, new: migrated.text });
        }
    }
    Ok((changed, todo))
}

fn tell(path: &Path, migrated: &Template) -> usize {
    for (document, reason) in migrated.stream.refused() {
        let before = migrated.masked.get(..document.span.start + reason.offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let _ = writeln!(io::stderr(), "{}:{line}: to do by hand: {}", path.display(), reason.message);
    }
    migrated.stream.refused().count()
}

fn render(chart: &Path, charts: &ChartArgs) -> anyhow::Result<Vec<u8>> {
    let groups = input::read(&[chart.to_path_buf()], &charts.options(None))?;
    Ok(groups.into_iter().flat_map(|group| group.sources).flat_map(|source| source.bytes).collect())
}

fn copied(chart: &Path, copy: &Path, changed: &[Changed]) -> anyhow::Result<()> {
    for entry in WalkDir::new(chart) {
        let entry = entry?;
        let to = copy.join(entry.path().strip_prefix(chart)?);
        if entry.path().is_dir() {
            fs::create_dir_all(&to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    for file in changed {
        fs::write(copy.join(&file.path), &file.new)?;
    }
    Ok(())
}

/// The objects that are not the same in both streams: `Kind name`.
fn differences(old: &[u8], new: &[u8]) -> Vec<String> {
    let (old, new) = (values(old), values(new));
    let name = |value: &Json| {
        let text = |value: &Json| value.as_str().unwrap_or("?").to_owned();
        format!("{} {}", text(&value["kind"]), text(&value["metadata"]["name"]))
    };
    let mut found: Vec<String> = old.iter().filter(|value| !new.contains(value)).map(name).collect();
    found.extend(new.iter().filter(|value| !old.contains(value)).map(name));
    found.sort();
    found.dedup();
    found
}

/// What a stream means, without what is empty: an action that wrote nothing may leave a key without value.
fn values(stream: &[u8]) -> Vec<Json> {
    let value = |document: yaml::RawDocument| {
        let mut tape = Tape::new();
        let text = document.text(stream).ok()?;
        let parsed = yaml::parse(text, &mut tape).ok()?;
        Some(without_empty(tape.document(text, parsed.nodes).root()?.to_json()))
    };
    yaml::split(stream).filter_map(value).collect()
}

fn without_empty(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| (key, without_empty(value)));
            let is_empty = |value: &Json| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
            Json::Object(entries.filter(|(_, value)| !is_empty(value)).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(without_empty).collect()),
        scalar => scalar,
    }
}
