//! `capi-lint post-render`: what Helm calls. Manifests on standard output after everything passed, or nothing at all.
//!
//! Measured: Helm 3 takes empty output for an empty release and shows standard error only on failure; Helm 4 swallows it
//! always, so a refusal is also written to the standard error of Helm itself (`--host helm4`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::Outcome;
use super::common::{self, JudgeArgs, ReportArgs};
use crate::config::{DedupeSetting, Settings};
use crate::input::ChartOptions;
use crate::judge;
use crate::output::locate::Locator;
use crate::output::{self, Format, Report, Style};
use crate::pipe;
use crate::progress::{self, Phase};
use crate::release::Release;
use crate::rules::view::Delivery;
use crate::schema::validate::Client;
use crate::stream;
use crate::transform::{self, Labels, label};

/// Arguments of `post-render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What happens to objects that stand twice [default: identical]
    #[arg(long, value_enum)]
    dedupe: Option<DedupeSetting>,
    /// Label for every object; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    label: Vec<(String, String)>,
    /// Label for every Cluster object, such as cni=calico; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    cluster_label: Vec<(String, String)>,
    /// Write the report to a file too
    #[arg(long, value_name = "FILE")]
    report_file: Option<PathBuf>,
    /// Who calls: helm4 shows a refusal on Helm's own standard error, which Helm 4 takes from its plugins
    #[arg(long, value_enum, default_value_t)]
    host: Host,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    format: Format,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    report: ReportArgs,
    /// The next post-renderer and its arguments: gets the manifests on standard input
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD")]
    exec: Vec<String>,
}

/// Who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Host {
    /// Helm 3, or a shell: standard error is seen.
    #[default]
    Helm3,
    /// A Helm 4 plugin: standard error is swallowed.
    Helm4,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as cni=calico")?;
    label::check(key, value).map_err(|error| error.to_string())?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Post-renders.
///
/// # Errors
/// Input, settings or the report file that cannot be used; an edit that is not what it declared; a chained post-renderer that
/// fails. Standard output stays empty then.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let outcome = render(args);
    if let (Err(error), Host::Helm4) = (&outcome, args.host) {
        tell_helm(format!("capi-lint: {error:#}\n").as_bytes());
    }
    outcome
}

fn render(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let mut options = common::judge_options(&args.judge, &settings)?;
    if args.host == Host::Helm4 && args.judge.client.or(settings.client).is_none() {
        options.possible_client = Some(Client::Apply);
    }
    options.delivery = Delivery::Helm;
    let inputs = common::inputs(&[], &ChartOptions::default(), true)?;
    let mut streams = Vec::new();
    for input in inputs {
        streams.extend(stream::parse_input(input, options.jobs)?);
    }
    let release = Release::new(&streams, args.judge.namespace(&settings));
    progress::enter(Phase::Judging, format!("{} objects", release.objects.len()));
    let transform_options = transform::Options { jobs: options.jobs, ..transform_options(args, &settings)? };
    let plan = transform::plan(&release, &transform_options);
    let findings = judge::judge(&release, &options, plan.findings.clone());
    let report = Report { objects: release.objects.len(), findings: Locator::new(&release).locate(findings) };
    progress::enter(Phase::Writing, "");
    let threshold = args.report.threshold(&settings);
    let refused = report.reaches(threshold);
    tell(args, &report, args.report.style(io::stderr().is_terminal(), threshold, options.jobs), refused)?;
    if refused {
        return Ok(Outcome::Findings);
    }
    let output = transform::write(&release, &plan)?;
    if args.exec.is_empty() {
        let out = io::stdout().lock().as_fd().try_clone_to_owned()?;
        pipe::widen(&out, streams.iter().map(super::super::stream::Stream::len).sum());
        write_all(&mut fs::File::from(out), output)?;
        common::leave(plan);
        common::leave(report);
        common::leave(release);
        common::leave(streams);
        return Ok(Outcome::Clean);
    }
    chain(&args.exec, output)
}

fn write_all(out: &mut impl Write, output: transform::Output<'_>) -> io::Result<()> {
    output.pieces(|piece| out.write_all(piece))?;
    out.flush()
}

fn transform_options(args: &Args, settings: &Settings) -> anyhow::Result<transform::Options> {
    let mut labels: Labels = settings.labels.clone();
    labels.all.extend(each_once("--label", &args.label)?);
    labels.clusters.extend(each_once("--cluster-label", &args.cluster_label)?);
    Ok(transform::Options {
        dedupe: args.dedupe.or(settings.dedupe).map_or_else(Default::default, Into::into),
        labels,
        jobs: 1,
    })
}

/// Labels of which none is asked for with two values: one of the two would be lost in silence.
fn each_once(flag: &str, labels: &[(String, String)]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for (key, value) in labels {
        if let Some(other) = all.insert(key.clone(), value.clone()).filter(|other| other != value) {
            bail!("{flag} {key} is given twice, as '{other}' and as '{value}': an object has one value for a label");
        }
    }
    Ok(all)
}

/// The report goes to standard error, to the report file, and on a refusal under Helm 4 to Helm's own standard error.
fn tell(args: &Args, report: &Report<'_>, style: Style, refused: bool) -> anyhow::Result<()> {
    let mut text = Vec::new();
    if refused {
        writeln!(text, "capi-lint refuses this release: nothing was handed to Helm.\n")?;
    }
    output::write(report, args.format, style, &mut text)?;
    if let Some(path) = &args.report_file {
        let mut plain = Vec::new();
        output::write(report, args.format, Style { color: false, ..style }, &mut plain)?;
        common::write_report(path, &plain)?;
    }
    if refused || !report.findings.is_empty() {
        // Nobody reading is no reason to let a release through or to stop it.
        let _ = io::stderr().write_all(&text);
    }
    if refused && args.host == Host::Helm4 {
        tell_helm(&text);
    }
    Ok(())
}

/// Writes to the standard error of the process that called, or to the terminal. Only where that is a pipe or a terminal: a
/// regular file would be overwritten by Helm, whose offset in it is its own (measured).
fn tell_helm(text: &[u8]) {
    let parent = std::os::unix::process::parent_id();
    let stderr = PathBuf::from(format!("/proc/{parent}/fd/2"));
    let written = is_pipe_or_terminal(&stderr) && append(&stderr, text);
    if !written {
        let _ = is_pipe_or_terminal(Path::new("/dev/tty")) && append(Path::new("/dev/tty"), text);
    }
}

fn is_pipe_or_terminal(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo() || metadata.file_type().is_char_device())
}

fn append(path: &Path, text: &[u8]) -> bool {
    fs::OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(text)).is_ok()
}

/// Hands the manifests to the next post-renderer; its output is handed on only when it succeeded.
fn chain(command: &[String], manifests: transform::Output<'_>) -> anyhow::Result<Outcome> {
    let (program, arguments) = command.split_first().context("--exec needs a command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run the next post-renderer '{program}'"))?;
    let mut stdin = child.stdin.take().context("the next post-renderer has no standard input")?;
    let output = std::thread::scope(|scope| {
        let writer = scope.spawn(move || manifests.pieces(|piece| stdin.write_all(piece)));
        let output = child.wait_with_output();
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        output.map(|output| (output, written))
    });
    let (output, written) = output.with_context(|| format!("the next post-renderer '{program}' was lost"))?;
    if !output.status.success() {
        bail!("the next post-renderer '{program}' failed ({}): nothing was handed to Helm", output.status);
    }
    written.with_context(|| format!("the next post-renderer '{program}' did not read all manifests"))?;
    let is_empty = output.stdout.iter().all(u8::is_ascii_whitespace);
    let is_blank = |piece: &[u8]| if piece.iter().all(u8::is_ascii_whitespace) { Ok(()) } else { Err(()) };
    if is_empty && manifests.pieces(is_blank).is_err() {
        bail!("the next post-renderer '{program}' put out nothing: Helm would take that for an empty release");
    }
    let mut out = io::stdout().lock();
    out.write_all(&output.stdout)?;
    out.flush()?;
    Ok(Outcome::Clean)
}
