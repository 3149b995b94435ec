//! `capi-lint migrate --templates CHART`: the templates of a chart, proven by rendering it before and after.
//!
//! Every set of values that the chart brings (its own, those in `ci/`) and that the user names is rendered from the old
//! templates, migrated as a stream, and compared with what the new templates render to. A template of which any object
//! differs stays as it was, and the lines that are to blame are named.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value as Json;
use walkdir::WalkDir;

use super::Outcome;
use super::migrate::{Args, unified};
use super::migrate_write::{self, Replacement};
use crate::file::{self, Lasting};
use crate::input::{self, ChartOptions};
use crate::migrate;
use crate::migrate::templates::{self, HELPERS, HELPERS_FILE, Template};
use crate::secrets;
use crate::yaml;

/// A template that changes.
struct Changed {
    /// Its path below the chart.
    path: PathBuf,
    old: String,
    new: Template,
}

/// What the chart renders to with one set of values.
struct Rendering {
    options: ChartOptions,
    objects: Vec<Object>,
}

/// A rendered object, as it means.
#[derive(PartialEq)]
struct Object {
    /// The template's path, below the chart where it is the chart's own.
    template: PathBuf,
    value: Json,
}

/// Migrates the templates of a chart.
///
/// # Errors
/// A chart that cannot be read or does not render, files that cannot be written.
pub fn run(args: &Args, chart: &Path) -> anyhow::Result<Outcome> {
    if !chart.join("Chart.yaml").is_file() {
        bail!("{} is no chart: it has no Chart.yaml", chart.display());
    }
    let (mut changed, mut by_hand) = propose(chart)?;
    let mut todo = by_hand.len();
    let before = renderings(chart, args)?;
    let mut after = Vec::new();
    while !changed.is_empty() {
        after = with_copy(chart, &changed, &before)?;
        let wrong = blame(&changed, &before, &after);
        if wrong.is_empty() {
            break;
        }
        for (number, line, message) in wrong.iter().take(LINES) {
            let path = changed.get(*number).map_or_else(PathBuf::new, |file| chart.join(&file.path));
            let _ = writeln!(io::stderr(), "{}:{line}: to do by hand: {message}", path.display());
        }
        todo += wrong.len();
        by_hand.extend(wrong.iter().filter_map(|(number, ..)| Some(changed.get(*number)?.path.clone())));
        let numbers: BTreeSet<usize> = wrong.iter().map(|(number, ..)| *number).collect();
        let mut number = 0;
        changed.retain(|_| {
            number += 1;
            !numbers.contains(&(number - 1))
        });
    }
    for file in &changed {
        for note in &file.new.notes {
            let _ = writeln!(io::stderr(), "{}:{}: {}", chart.join(&file.path).display(), note.line, note.message);
        }
    }
    // Without new templates the chart renders to what it did, which was compared as migrated.
    let unchanged = if changed.is_empty() { untouched(chart, &before)? } else { Vec::new() };
    let last = if changed.is_empty() { &unchanged } else { &after };
    todo += left(last, &by_hand);
    let _ = writeln!(io::stderr(), "capi-lint: {}", summary(&changed, &before, todo));
    if args.in_place {
        save(chart, &changed)?;
    } else if !args.check {
        print(&changed)?;
    }
    Ok(if todo > 0 || (args.check && !changed.is_empty()) { Outcome::Findings } else { Outcome::Clean })
}

/// How many lines of a template that differ are named at most, and how many differences of one object.
const LINES: usize = 40;
const PER_OBJECT: usize = 4;

fn summary(changed: &[Changed], before: &[Rendering], todo: usize) -> String {
    let objects: usize = before.iter().map(|rendering| rendering.objects.len()).sum();
    let plural = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    format!(
        "{} to migrate, proven on {} of {}; {} to do by hand",
        plural(changed.len(), "template"),
        plural(objects, "object"),
        plural(before.len(), "set") + " of values",
        if todo == 0 { "nothing".to_owned() } else { plural(todo, "thing") }
    )
}

/// The templates that change, and for each thing left to a person its template; says what.
fn propose(chart: &Path) -> anyhow::Result<(Vec<Changed>, Vec<PathBuf>)> {
    let mut files = Vec::new();
    for entry in WalkDir::new(chart.join("templates")).sort_by_file_name() {
        let entry = entry?;
        let is_template =
            entry.path().extension().is_some_and(|extension| ["yaml", "yml", "tpl"].iter().any(|e| extension == *e));
        if !is_template || !entry.file_type().is_file() {
            continue;
        }
        let text =
            fs::read_to_string(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
        if text.contains("cluster.x-k8s.io/v1") {
            files.push((entry.path().strip_prefix(chart)?.to_path_buf(), text));
        }
    }
    let proposals = templates::templates(&files.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>());
    let (mut changed, mut todo) = (Vec::new(), Vec::new());
    for ((path, old), new) in files.into_iter().zip(proposals) {
        for remark in &new.todo {
            let place = chart.join(&path);
            let _ = writeln!(io::stderr(), "{}:{}: to do by hand: {}", place.display(), remark.line, remark.message);
        }
        todo.extend(new.todo.iter().map(|_| path.clone()));
        if new.text != old {
            changed.push(Changed { path, old, new });
        }
    }
    Ok((changed, todo))
}

/// The sets of values with which the chart is rendered: what the user named, and on top of that each file in `ci/`.
fn value_sets(chart: &Path, args: &Args) -> Vec<ChartOptions> {
    let own = args.charts.options("", 1);
    let mut sets = vec![own.clone()];
    let files = WalkDir::new(chart.join("ci")).max_depth(1).sort_by_file_name().into_iter().filter_map(Result::ok);
    for file in files.filter(|file| file.file_type().is_file()) {
        if file.path().extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            let mut set = own.clone();
            set.values.insert(0, file.into_path());
            sets.push(set);
        }
    }
    sets
}

/// What the old templates render to. Values that are not enough for the chart prove nothing and are passed over.
fn renderings(chart: &Path, args: &Args) -> anyhow::Result<Vec<Rendering>> {
    let mut found = Vec::new();
    let mut failure = None;
    for options in value_sets(chart, args) {
        match render(chart, &options) {
            Ok(bytes) => {
                let migrated = migrate::stream(&bytes).text(&bytes);
                found.push(Rendering { objects: objects(&migrated), options });
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        Some(error) if found.is_empty() => {
            Err(error.context("the chart does not render, so nothing can be proven; give it values with -f or --set"))
        }
        _ => Ok(found),
    }
}

fn render(chart: &Path, options: &ChartOptions) -> anyhow::Result<Vec<u8>> {
    let groups = input::read(&[chart.to_path_buf()], options)?;
    Ok(groups.into_iter().flat_map(|group| group.sources).flat_map(|source| source.bytes).collect())
}

/// What the templates render to as they are.
fn untouched(chart: &Path, before: &[Rendering]) -> anyhow::Result<Vec<Rendering>> {
    let again = before.iter().map(|rendering| {
        let objects = objects(&render(chart, &rendering.options)?);
        Ok(Rendering { options: rendering.options.clone(), objects })
    });
    again.collect()
}

/// Renders a copy of the chart with the new templates.
fn with_copy(chart: &Path, changed: &[Changed], before: &[Rendering]) -> anyhow::Result<Vec<Rendering>> {
    // Helm names templates by the chart, not by its folder, so the copy may have any name.
    let copy = std::env::temp_dir().join(format!("capi-lint-migrate-{}", std::process::id()));
    let rendered = copied(chart, &copy, changed).and_then(|()| {
        let again = before.iter().map(|rendering| {
            let bytes = render(&copy, &rendering.options).context("the migrated templates do not render")?;
            Ok(Rendering { options: rendering.options.clone(), objects: objects(&bytes) })
        });
        again.collect()
    });
    let _ = fs::remove_dir_all(&copy);
    rendered
}

fn copied(chart: &Path, copy: &Path, changed: &[Changed]) -> anyhow::Result<()> {
    for entry in WalkDir::new(chart) {
        let entry = entry?;
        let to = copy.join(entry.path().strip_prefix(chart)?);
        if entry.path().is_dir() {
            fs::create_dir_all(&to)?;
        } else {
            fs::write(&to, fs::read(entry.path())?)?;
        }
    }
    for file in changed {
        fs::write(copy.join(&file.path), &file.new.text)?;
    }
    if changed.iter().any(|file| file.new.needs_helpers()) {
        fs::write(copy.join("templates").join(HELPERS_FILE), HELPERS)?;
    }
    Ok(())
}

/// The templates whose objects are not what they were, migrated: number, line, and what is wrong.
fn blame(changed: &[Changed], before: &[Rendering], after: &[Rendering]) -> Vec<(usize, usize, String)> {
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    for (old, new) in before.iter().zip(after) {
        for (position, object) in old.objects.iter().enumerate() {
            let same = new.objects.get(position).filter(|other| identity(&other.value) == identity(&object.value));
            let other =
                same.or_else(|| new.objects.iter().find(|other| identity(&other.value) == identity(&object.value)));
            let Some(number) = changed.iter().position(|file| object.template.ends_with(&file.path)) else {
                continue;
            };
            let Some(file) = changed.get(number) else { continue };
            for (line, message) in faults(&file.old, object, other) {
                if !found.iter().any(|known| (known.0, known.1) == (number, line)) {
                    found.push((number, line, message));
                }
            }
        }
    }
    found
}

/// What is wrong with an object, by lines of its template.
fn faults(template: &str, object: &Object, other: Option<&Object>) -> Vec<(usize, String)> {
    let kind = object.value["kind"].as_str().unwrap_or_default();
    let Some(other) = other else {
        return vec![(
            templates::line_of(template, kind, &[]).unwrap_or(1),
            format!("{kind} is no longer rendered, or under another name"),
        )];
    };
    let mut different = Vec::new();
    templates::differences(&object.value, &other.value, &mut Vec::new(), &mut different);
    let fault = |(path, wanted, written): &(Vec<String>, Json, Json)| {
        let line = templates::line_of(template, kind, path).unwrap_or(1);
        let shown = path.join(".");
        let value = |value: &Json| short(&secrets::shown(&shown, &value.to_string()));
        let (wanted, written) = (value(wanted), value(written));
        let message = format!(
            "what is written here has the form of v1beta1, or belongs elsewhere. v1beta2 wants {shown}: {wanted}; this would \
             give {written}. Write it so, here or in the values"
        );
        (line, message)
    };
    different.iter().take(PER_OBJECT).map(fault).collect()
}

fn short(text: &str) -> String {
    const LENGTH: usize = 100;
    if text.chars().count() > LENGTH {
        format!("{}…", text.chars().take(LENGTH).collect::<String>())
    } else {
        text.to_owned()
    }
}

fn identity(value: &Json) -> (String, String, String) {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    (text(&value["kind"]), text(&value["metadata"]["name"]), text(&value["metadata"]["namespace"]))
}

/// Says which objects are still rendered at v1beta1 though their templates have nothing more to migrate; gives their number.
fn left(renderings: &[Rendering], by_hand: &[PathBuf]) -> usize {
    let mut said = BTreeSet::new();
    let objects = renderings.iter().flat_map(|rendering| &rendering.objects);
    for object in objects.filter(|object| !by_hand.iter().any(|path| object.template.ends_with(path))) {
        let version = object.value["apiVersion"].as_str().unwrap_or_default();
        let Some((group, version)) = version.split_once('/') else { continue };
        let kind = object.value["kind"].as_str().unwrap_or_default();
        if migrate::kinds::find(group, kind).is_some_and(|known| known.from.contains(&version)) {
            said.insert(format!("{}: {kind} is still at {group}/{version}", object.template.display()));
        }
    }
    for line in &said {
        let _ = writeln!(io::stderr(), "{line}; if the version comes from a value, set it to v1beta2");
    }
    said.len()
}

/// The objects of a rendering, with the templates they came from.
fn objects(stream: &[u8]) -> Vec<Object> {
    let object = |document: yaml::RawDocument| {
        let text = document.text(stream).ok()?;
        let parsed = yaml::parse(text).ok()?;
        let value = parsed.root()?.to_json();
        let source = text.lines().find_map(|line| line.strip_prefix("# Source: "));
        Some(Object { template: PathBuf::from(source.unwrap_or_default().trim()), value })
    };
    yaml::split(stream).filter_map(object).collect()
}

fn save(chart: &Path, changed: &[Changed]) -> anyhow::Result<()> {
    if changed.iter().any(|file| file.new.needs_helpers()) {
        let path = chart.join("templates").join(HELPERS_FILE);
        file::replace(&path, HELPERS.as_bytes(), Lasting::Machine)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let replacements = changed.iter().map(|file| Replacement {
        path: chart.join(&file.path),
        old: file.old.as_bytes(),
        new: file.new.text.clone().into_bytes(),
    });
    migrate_write::replace(&replacements.collect::<Vec<_>>())
}

fn print(changed: &[Changed]) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for file in changed {
        let name = file.path.display();
        unified(&mut out, &format!("a/{name}"), &format!("b/{name}"), &file.old, &file.new.text)?;
    }
    if changed.iter().any(|file| file.new.needs_helpers()) {
        unified(&mut out, "/dev/null", &format!("b/templates/{HELPERS_FILE}"), "", HELPERS)?;
    }
    out.flush()?;
    Ok(())
}
