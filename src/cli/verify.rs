//! `capi-lint verify`: a rendered release against what lives on the management cluster; waits for it where asked to.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;

use super::Outcome;
use super::common::{self, ChartArgs, Color, JudgeArgs};
use super::kubectl::{KubectlArgs, Question};
use crate::config::FailOn;
use crate::input::{self, Source};
use crate::output::paint::Paint;
use crate::plan::duration;
use crate::release::Release;
use crate::schema::bundle::Schemas;
use crate::stream;
use crate::verify::checklist::{Checklist, What};
use crate::verify::live::{self, Live, Scope, Secret};
use crate::verify::output::{self, Format};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "MANIFEST: a file, a folder, a chart, - for standard input, or release:NAME[@REVISION] (asks Helm).\n\
Exit codes: 0 all that was looked at is as it should be, 1 something is not (or not yet), 2 capi-lint could not do its work.\n\
Secrets are asked for by name, type and label alone; their data is neither read nor printed."
)]
pub struct Args {
    /// The release as it was rendered
    #[arg(value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    /// What kubectl get … -o json printed: a file, or - for standard input [default: kubectl is run]
    #[arg(long, value_name = "FILE|-", help_heading = "Live objects", conflicts_with_all = ["kubeconfig", "context", "kubectl"])]
    live: Option<PathBuf>,
    #[command(flatten)]
    kubectl: KubectlArgs,
    /// Look again until all is well, at most so long: 90s, 10m, 1h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Time between two looks
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5s")]
    interval: Duration,
    /// How the checklist is printed
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    format: Format,
    /// Least outcome that makes the exit code 1: error (a check failed), warning (or there is something to look at) [default: error]
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Report")]
    fail_on: Option<FailOn>,
    /// Colours: by default where a terminal reads, and NO_COLOR is not set
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    color: Color,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

/// Verifies.
///
/// # Errors
/// Sources that cannot be used, live objects that cannot be had.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let from_stdin = args.live.as_deref() == Some(Path::new("-"));
    if from_stdin && (args.manifests.is_empty() || args.manifests.iter().any(|path| path.as_os_str() == "-")) {
        bail!("the manifests and the live objects cannot both be standard input; give one of them as a file");
    }
    if from_stdin && args.wait.is_some() {
        bail!("--wait cannot look twice at standard input; let capi-lint run kubectl, or give --live a file");
    }
    let sources = manifests(args, namespace)?;
    let expected = stream::parse(&sources, args.judge.jobs());
    let open = Release::new(&expected, "");
    if !open.clusters.iter().any(|cluster| cluster.object.is_some()) {
        bail!("the manifests hold no Cluster: there is nothing to verify");
    }
    let options = common::judge_options(&args.judge, &settings)?;
    let question = Question::new(&open, &options.schemas, namespace);
    let look = || look(args, &expected, namespace, &question, &options.schemas);
    let list = match args.wait {
        Some(most) => wait(look, most, args.interval)?,
        None => look()?,
    };
    let color = args.color.is_on(io::stdout().is_terminal());
    let mut out = io::BufWriter::new(io::stdout().lock());
    output::write(&list, args.format, Paint { color }, &mut out)?;
    out.flush()?;
    let summary = list.summary;
    let fails = match args.fail_on.unwrap_or_default() {
        FailOn::Never => false,
        FailOn::Error => summary.failed > 0,
        FailOn::Warning | FailOn::Info => summary.failed + summary.warnings > 0,
    };
    Ok(if fails { Outcome::Findings } else { Outcome::Clean })
}

fn manifests(args: &Args, namespace: &str) -> anyhow::Result<Vec<Source>> {
    let charts = args.charts.options(namespace, args.judge.jobs());
    let mut sources = Vec::new();
    let mut paths = Vec::new();
    for path in &args.manifests {
        match path.to_str().and_then(|text| text.strip_prefix("release:")) {
            Some(name) => {
                let (name, revision) = name.split_once('@').map_or((name, None), |(name, number)| (name, Some(number)));
                sources.push(input::helm_release(name, revision, &charts)?);
            }
            None => paths.push(path.clone()),
        }
    }
    if !paths.is_empty() || sources.is_empty() {
        let groups = common::sources(&paths, &charts, false)?;
        sources.extend(groups.into_iter().flat_map(|group| group.sources));
    }
    Ok(sources)
}

/// One look at the live objects.
fn look(
    args: &Args,
    expected: &[crate::stream::Stream],
    namespace: &str,
    question: &Question,
    schemas: &Schemas,
) -> anyhow::Result<Checklist> {
    let (bytes, secrets) = fetch(args, question)?;
    let sources = live::sources("the live objects", bytes).map_err(anyhow::Error::msg)?;
    let streams = stream::parse(&sources, args.judge.jobs());
    let (mut rendered, mut found) = (Release::new(expected, namespace), Release::new(&streams, namespace));
    if let Some(broken) = found.unreadable().next() {
        bail!("the live objects cannot be read: {}", broken.message);
    }
    if namespace.is_empty()
        && let Some(namespace) = live::namespace(&rendered, &found).map_err(anyhow::Error::msg)?
    {
        rendered = Release::new(expected, &namespace);
        found = Release::new(&streams, &namespace);
    }
    let mut seen = Live::of_file(&found);
    if args.live.is_none() {
        seen.scope = Scope::Asked;
        seen.secrets = secrets;
    }
    Ok(crate::verify::verify(&rendered, &seen, args.charts.release.as_deref(), schemas))
}

fn fetch(args: &Args, question: &Question) -> anyhow::Result<(Vec<u8>, Option<Vec<Secret>>)> {
    match &args.live {
        Some(path) if path.as_os_str() == "-" => {
            let bytes = input::whole_input()?;
            if bytes.iter().all(u8::is_ascii_whitespace) {
                bail!("standard input is empty: kubectl before the pipe has probably failed (set -o pipefail tells)");
            }
            Ok((bytes, None))
        }
        Some(path) => Ok((input::whole(path)?, None)),
        None => {
            let objects = args.kubectl.objects(question)?;
            let secrets = args.kubectl.secrets(question);
            if let Err(error) = &secrets {
                let _ = writeln!(io::stderr(), "capi-lint: Secrets are not looked at: {error:#}");
            }
            Ok((objects, secrets.ok()))
        }
    }
}

/// Looks until nothing fails that time may heal.
fn wait(look: impl Fn() -> anyhow::Result<Checklist>, most: Duration, interval: Duration) -> anyhow::Result<Checklist> {
    let start = Instant::now();
    let mut told = String::new();
    let mut last = look()?;
    loop {
        let waits: Vec<_> = last.failures().filter(|check| !matches!(check.what, What::Drift | What::Labels)).collect();
        let waited = start.elapsed();
        if waits.is_empty() || waited >= most {
            return Ok(last);
        }
        let mut lines = vec![last.summary_line()];
        for check in waits.iter().take(5) {
            let cause = check.causes.first().map_or_else(String::new, |cause| format!(": {}", one_line(cause)));
            lines.push(format!("  waiting for {}, {} ({}){cause}", check.subject, check.what.name(), check.detail));
        }
        let text = lines.join("\n");
        if text != told {
            let _ = writeln!(io::stderr(), "capi-lint: after {}: {text}", duration::text(waited));
            told = text;
        }
        std::thread::sleep(interval.max(Duration::from_millis(100)).min(most.saturating_sub(waited)));
        match look() {
            Ok(list) => last = list,
            // An API server that restarts is no verdict; the last look before the end is.
            Err(error) if start.elapsed() < most => {
                let _ = writeln!(io::stderr(), "capi-lint: {error:#}; looking again");
            }
            Err(error) => return Err(error),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
