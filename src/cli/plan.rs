//! `capi-lint plan`: waves, shards, time and size of a fleet.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::Outcome;
use super::common::{self, ChartArgs, JudgeArgs};
use crate::plan::model::{self, Model};
use crate::plan::output::{self, Format};
use crate::plan::waves::By;
use crate::plan::{self, Options, duration};
use crate::release::Release;
use crate::rules::view::{Circumstances, View};
use crate::stream;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 planned, 2 capi-lint could not do its work. The limits themselves are the rule fleet-size's."
)]
pub struct Args {
    /// Files, folders, charts, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    waves: WaveArgs,
    #[command(flatten)]
    times: TimeArgs,
    /// Spread the fleet over N management clusters
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    shards: Option<u16>,
    /// How the plan is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

/// What makes a wave.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WaveArgs {
    /// What makes a wave: environment, region, label=KEY, percent=10,30,100, size=N; given again, it divides the waves of the one
    /// before [default: environment]
    #[arg(long = "by", value_name = "WHAT")]
    pub by: Vec<By>,
}

/// How times are reckoned.
#[derive(Clone, Debug, clap::Args)]
struct TimeArgs {
    /// Time of one cluster, where nothing slows it down [default: 3m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Times")]
    per_cluster: Option<Duration>,
    /// Clusters that come up at the same time [default: all of a wave]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Times")]
    parallel: Option<u32>,
    /// The model: time of one cluster alone [default: 51s, or --per-cluster where that is given]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Times")]
    alone: Option<Duration>,
    /// The model: machines a second that the management cluster brings up
    #[arg(long, value_name = "RATE", value_parser = rate, default_value_t = model::MACHINES_PER_SECOND, help_heading = "Times")]
    machines_per_second: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err("machines a second are more than 0".to_owned()) }
}

impl TimeArgs {
    fn model(&self) -> Model {
        Model {
            per_cluster: self.per_cluster.unwrap_or(model::PER_CLUSTER),
            parallel: self.parallel.map(|number| number as usize),
            alone: self.alone.or(self.per_cluster).unwrap_or(model::ALONE),
            machines_per_second: self.machines_per_second,
        }
    }
}

/// Plans.
///
/// # Errors
/// Sources or settings that cannot be used, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let charts = args.charts.options(namespace, args.judge.jobs());
    let groups = common::sources(&args.paths, &charts, false)?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, args.judge.jobs());
    let release = Release::new(&streams, namespace);
    let view = View::new(&release, &Circumstances::of(&settings));
    let options =
        Options { by: args.waves.by.clone(), model: args.times.model(), shards: args.shards.map(usize::from) };
    let plan = plan::plan(&view, &options);
    let mut out = io::BufWriter::new(io::stdout().lock());
    output::write(&plan, &options.model, args.format, &mut out)?;
    out.flush()?;
    if let Some(message) = common::unreadable(&release, "are not planned") {
        let _ = writeln!(io::stderr(), "capi-lint: {message}");
        return Ok(Outcome::Findings);
    }
    Ok(Outcome::Clean)
}
