//! `capi-lint migrate`: v1beta1 manifests to v1beta2, comments kept.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;

use super::Outcome;
use super::common::{self, ChartArgs};
use super::migrate_write::{self, Replacement};
use crate::input::Source;
use crate::migrate::{self, NoteKind, Outcome as Result, Stream};
use crate::secrets;

/// Arguments of `migrate`.
#[allow(clippy::struct_excessive_bools)] // Flags of a command line are what they are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, folders, charts (their rendering), or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Rewrite the files; nothing is written where any document is refused
    #[arg(long, conflicts_with_all = ["check", "diff"])]
    pub(super) in_place: bool,
    /// Write nothing; exit 1 where something is to migrate
    #[arg(long)]
    pub(super) check: bool,
    /// Print what would change
    #[arg(long)]
    diff: bool,
    /// Migrate the templates of a chart, as far as they are plain; the chart is rendered before and after and must mean the same
    #[arg(long, value_name = "CHART", conflicts_with = "paths")]
    templates: Option<PathBuf>,
    /// The version to bring manifests to
    #[arg(long, value_enum, default_value_t)]
    to: Target,
    /// An empty standard input is fine
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    pub(super) charts: ChartArgs,
}

/// A version that manifests can be brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The version that Cluster API stores since v1.11.
    #[default]
    V1beta2,
}

/// Migrates.
///
/// # Errors
/// Sources that cannot be used, files and output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let Target::V1beta2 = args.to;
    if let Some(chart) = &args.templates {
        return super::migrate_templates::run(args, chart);
    }
    let groups = common::sources(&args.paths, &args.charts.options("", common::all_cores()), args.allow_empty)?;
    let sources: Vec<Source> = groups.into_iter().flat_map(|group| group.sources).collect();
    let bytes: Vec<&[u8]> = sources.iter().map(|source| source.bytes.as_slice()).collect();
    let streams: Vec<Stream> = migrate::streams(&bytes);
    let runs: Vec<(&Source, &Stream)> = sources.iter().zip(&streams).collect();
    let refused = runs.iter().map(|(source, stream)| tell(source, stream)).sum::<usize>();
    let migrated = streams.iter().map(Stream::migrated).sum::<usize>();
    if args.in_place {
        in_place(&runs, refused)?;
    } else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut open = false;
        for (source, stream) in &runs {
            if args.diff {
                diff(source, stream, &mut out)?;
            } else if !args.check {
                open = print(source, stream, open, &mut out)?;
            }
        }
        out.flush()?;
    }
    if args.in_place || args.check {
        let _ = writeln!(io::stderr(), "capi-lint: {}", summary(args, migrated, refused));
    }
    let findings = refused > 0 || (args.check && migrated > 0);
    Ok(if findings { Outcome::Findings } else { Outcome::Clean })
}

fn summary(args: &Args, migrated: usize, refused: usize) -> String {
    let verb = match (args.check, refused) {
        (true, _) => "to migrate",
        (false, 0) => "migrated",
        (false, _) => "could be migrated (nothing was written)",
    };
    let documents = if migrated == 1 { "document" } else { "documents" };
    format!("{migrated} {documents} {verb}, {refused} refused")
}

/// Says what went away and what was refused; gives the number of the latter.
fn tell(source: &Source, stream: &Stream) -> usize {
    let mut err = io::stderr().lock();
    for document in &stream.documents {
        let at = |offset: usize| place(source, document.span.start + offset);
        match &document.outcome {
            Result::Migrated(migration) => {
                for note in &migration.notes {
                    let _ = match note.kind {
                        NoteKind::Removed => {
                            writeln!(err, "{}: removed {}: {}", at(note.offset), note.path, note.message)
                        }
                        NoteKind::Left | NoteKind::Missing => writeln!(err, "{}: {}", at(note.offset), note.message),
                    };
                }
            }
            Result::Refused(reason) => {
                let _ = writeln!(err, "{}: not migrated: {}", at(reason.offset), reason.message);
            }
            Result::NotConcerned | Result::Already => {}
        }
    }
    stream.refused().count()
}

fn place(source: &Source, offset: usize) -> String {
    let before = source.bytes.get(..offset).unwrap_or(&source.bytes);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1) + 1;
    format!("{}:{line}:{column}", source.name)
}

/// Several sources become one stream: a separator stands between. Gives whether something was printed so far.
fn print(source: &Source, stream: &Stream, open: bool, out: &mut dyn Write) -> io::Result<bool> {
    let text = stream.text(&source.bytes);
    if open && !text.is_empty() && !text.starts_with(b"---") {
        out.write_all(b"\n---\n")?;
    }
    out.write_all(&text)?;
    Ok(open || !text.is_empty())
}

fn diff(source: &Source, stream: &Stream, out: &mut dyn Write) -> io::Result<()> {
    let (old, new) = (String::from_utf8_lossy(&source.bytes), stream.text(&source.bytes));
    let new = String::from_utf8_lossy(&new);
    if old != new {
        // For people and logs: what must not be seen is masked here, and in nothing that is meant for a server.
        let (old, new) = (secrets::masked(&old), secrets::masked(&new));
        let name = source.name.trim_start_matches('/');
        unified(out, &format!("a/{name}"), &format!("b/{name}"), &old, &new)?;
    }
    Ok(())
}

/// Writes two texts as a unified diff under the names given, as `git apply` and `patch` read it.
///
/// # Errors
/// Those of the output.
pub(super) fn unified(out: &mut dyn Write, from: &str, to: &str, old: &str, new: &str) -> io::Result<()> {
    write!(out, "{}", similar::TextDiff::from_lines(old, new).unified_diff().header(from, to))
}

/// Rewrites the files that change.
fn in_place(runs: &[(&Source, &Stream)], refused: usize) -> anyhow::Result<()> {
    if let Some((source, _)) = runs.iter().find(|(source, _)| !Path::new(&source.name).is_file()) {
        bail!(
            "--in-place rewrites files, and {} is none (charts: migrate their templates, not what they render to)",
            source.name
        );
    }
    if refused > 0 {
        return Ok(());
    }
    let changed = runs.iter().filter(|(_, stream)| stream.migrated() > 0);
    let replacements = changed.map(|(source, stream)| Replacement {
        path: PathBuf::from(&source.name),
        old: &source.bytes,
        new: stream.text(&source.bytes),
    });
    migrate_write::replace(&replacements.collect::<Vec<_>>())
}
