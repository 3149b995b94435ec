//! The command line: one file a subcommand, with its arguments and what it does with them.
//!
//! The only layer that prints and that turns results into exit codes: 0 nothing at or above `--fail-on`, 1 findings, 2
//! capi-lint could not do its work.

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{memory, progress};

mod common;
mod completions;
mod contexts;
mod count;
mod diff;
mod explain;
mod graph;
mod hook;
mod kubectl;
mod lint;
mod migrate;
mod migrate_templates;
mod migrate_write;
mod plan;
mod post_render;
mod report;
mod schema;
mod split;
mod verify;
mod version;

/// Lints and post-renders Cluster API manifests: the verdict of the management cluster, offline.
///
/// helm template … | capi-lint lints what Helm rendered; helm install --post-renderer capi-lint --post-renderer-args post-render
/// (Helm 3) or --post-renderer capi-lint-post-render (Helm 4, a plugin) puts it between Helm and the cluster.
#[derive(Debug, Parser)]
#[command(name = "capi-lint", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Without a command capi-lint lints standard input or the paths given.\n\
Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 capi-lint could not do its work.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say on standard error how long each phase took
    #[arg(long, global = true)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lint manifests: standard input, files, folders, charts.
    Lint(lint::Args),
    /// Helm's post-renderer: standard input to standard output, or refuse.
    PostRender(post_render::Args),
    /// Kinds per cluster, machines expected, totals.
    Count(count::Args),
    /// v1beta1 manifests to v1beta2, comments kept.
    Migrate(migrate::Args),
    /// Two releases: what changes, what would be refused, which machines roll.
    Diff(Box<diff::Args>),
    /// Waves, shards, time and size of a fleet.
    Plan(plan::Args),
    /// A rendered stream as folders for Argo CD, Flux or kustomize.
    Split(Box<split::Args>),
    /// Kubeconfig files as inventory: hub and spokes, and what is wrong with them.
    Contexts(contexts::Args),
    /// The rendered release against the live objects: is every cluster up, every machine running.
    Verify(Box<verify::Args>),
    /// The bundled schemas: list, show, import CRDs of one's own.
    Schema(schema::Args),
    /// The references of a release as a picture: Mermaid, Graphviz or SVG.
    Graph(graph::Args),
    /// The fleet as one HTML file: clusters, findings, references, and what an upgrade would roll.
    Report(Box<report::Args>),
    /// The manual page of a rule.
    Explain(explain::Args),
    /// All rules.
    Rules(explain::RulesArgs),
    /// What pre-commit calls with the files of a commit.
    Hook(Box<hook::Args>),
    /// Completions for a shell.
    Completions(completions::Args),
    /// The version, and what is bundled.
    Version(version::Args),
}

/// What the exit codes mean: a promise to scripts.
pub const EXIT_CODES: [(u8, &str); 4] = [
    (0, "nothing at or above `--fail-on`; for `diff`, nothing refused and no gate closed"),
    (1, "findings at or above `--fail-on`, a refusal, a gate, an expectation that is not met"),
    (2, "capi-lint could not do its work: usage, unreadable input, broken settings, a chart that does not render"),
    (3, "`diff --exit-code` alone: nothing is wrong, and something changes"),
];

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing at or above the threshold.
    Clean,
    /// Findings.
    Findings,
    /// Nothing wrong, but not the same: asked for by `diff --exit-code`.
    Changes,
}

/// Runs `capi-lint` with these arguments (the program's own name first).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    quiet_panics();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.len() == 1 && io::stdin().is_terminal() {
        let _ = Cli::command().print_help();
        return ExitCode::from(2);
    }
    exit(Cli::try_parse_from(with_command(arguments)).map_err(Into::into).and_then(dispatch))
}

/// The command line as clap knows it: what manual pages and completions are made from.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs `capi-lint post-render` with these arguments: what the second binary does.
pub fn run_post_render(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    quiet_panics();
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    arguments.insert(1.min(arguments.len()), "post-render".into());
    exit(Cli::try_parse_from(arguments).map_err(Into::into).and_then(dispatch))
}

/// A defect of capi-lint ends the run with exit code 2 and the place in its source. What a panic says itself may quote the text
/// that it was about, and so a Secret: that is not printed.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(io::stderr(), "{}", defect(panic.location()));
        std::process::exit(2);
    }));
}

fn defect(place: Option<&std::panic::Location<'_>>) -> String {
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    format!(
        "capi-lint: a defect of capi-lint{place}, version {}; nothing more was done. Please report it",
        env!("CARGO_PKG_VERSION")
    )
}

/// `capi-lint`, `capi-lint --format json` and `capi-lint path` mean `capi-lint lint …`.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    // The one flag that stands before any command.
    let first = arguments.iter().skip(1).find(|argument| *argument != "--verbose");
    let lints = match first.and_then(|first| first.to_str()) {
        None => true,
        Some("-h" | "--help" | "-V" | "--version") => false,
        Some(first) if first.starts_with('-') => true,
        Some(first) => {
            let is_path = || std::path::Path::new(first).exists() || first.contains(['/', '.']);
            // The commands are asked last: to list them takes as long as a small release.
            is_path() && Cli::command().find_subcommand(first).is_none()
        }
    };
    if lints {
        arguments.insert(1.min(arguments.len()), "lint".into());
    }
    arguments
}

fn dispatch(cli: Cli) -> anyhow::Result<Outcome> {
    memory::keep_what_comes_back();
    progress::watch();
    let outcome = work(cli.command);
    let times = progress::finish();
    if cli.verbose {
        let _ = writeln!(io::stderr(), "capi-lint: {times}");
    }
    outcome
}

fn work(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Lint(args) => lint::run(&args),
        Command::PostRender(args) => post_render::run(&args),
        Command::Count(args) => count::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Split(args) => split::run(&args),
        Command::Contexts(args) => contexts::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Rules(args) => explain::rules(&args),
        Command::Hook(args) => hook::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Version(args) => version::run(&args),
    }
}

fn exit(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Changes) => ExitCode::from(3),
        Err(error) => {
            if let Some(usage) = error.downcast_ref::<clap::Error>() {
                let _ = usage.print();
                return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
            }
            // A reader that went away (`| head`) is no failure worth a word, but no success either: not all was said.
            if error
                .chain()
                .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == ErrorKind::BrokenPipe))
            {
                return ExitCode::from(2);
            }
            let _ = writeln!(io::stderr(), "capi-lint: {error:#}");
            ExitCode::from(2)
        }
    }
}
