//! A plan as text, JSON and Markdown.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use super::model::{Model, Times};
use super::{Plan, duration};
use crate::output::table;
use crate::release::secret_size;

/// A format of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One document for programs.
    Json,
    /// For a pull request or a step summary.
    Markdown,
}

/// Names of clusters that a table shows of each wave.
const NAMES: usize = 4;

/// Writes a plan.
///
/// # Errors
/// When the writer fails.
pub fn write(plan: &Plan, model: &Model, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, plan)?;
        return writeln!(out);
    }
    let table = if format == Format::Markdown { table::markdown } else { table::aligned };
    writeln!(out, "{} clusters, {} machines", plan.clusters, plan.machines)?;
    writeln!(out)?;
    table(&waves(plan), |column| (1..3).contains(&column) || column > 3, out)?;
    writeln!(out)?;
    let once = plan.at_once;
    writeln!(
        out,
        "All at once: {} instead of {} one after the other{}; by the model {}.",
        duration::text(once.parallel),
        duration::text(once.sequential),
        saved(once),
        duration::text(once.modelled)
    )?;
    if plan.waves.len() > 1 {
        let waves = plan.in_waves;
        writeln!(
            out,
            "In {} waves, each after the one before: {}{}; by the model {}.",
            plan.waves.len(),
            duration::text(waves.parallel),
            saved(waves),
            duration::text(waves.modelled)
        )?;
    }
    writeln!(
        out,
        "Reckoned with {} a cluster (--per-cluster){}; the model: {} for one cluster alone (--alone), {} machines a second \
         (--machines-per-second), time = the larger of the two.",
        duration::text(model.per_cluster),
        model.parallel.map_or_else(String::new, |number| format!(", {number} at once (--parallel)")),
        duration::text(model.alone),
        model.machines_per_second
    )?;
    writeln!(
        out,
        "Defaults: 3 min is the course's figure for the Docker provider; 51 s and 1 machine a second were measured with CAPI \
         1.13.5 and its in-memory provider on 2 cores."
    )?;
    writeln!(
        out,
        "As one Helm release: a Secret of some {} kB, {} % of what the server takes; the chart's files and values come on top.",
        plan.release_secret.div_ceil(1000),
        plan.release_secret * 100 / secret_size::LIMIT
    )?;
    if !plan.shards.is_empty() {
        writeln!(out)?;
        table(&shards(plan), table::numbers_behind_a_name, out)?;
    }
    for note in &plan.notes {
        writeln!(out, "\nNote: {note}.")?;
    }
    Ok(())
}

fn saved(times: Times) -> String {
    let share = |a: Duration, b: Duration| 100.0 - a.as_secs_f64() * 100.0 / b.as_secs_f64();
    if times.sequential > times.parallel {
        format!(" ({:.0} % less)", share(times.parallel, times.sequential))
    } else {
        String::new()
    }
}

fn waves(plan: &Plan) -> Vec<Vec<String>> {
    let head = ["WAVE", "CLUSTERS", "MACHINES", "NAMES", "ONE BY ONE", "TOGETHER", "MODEL"].map(str::to_owned).to_vec();
    let rows = plan.waves.iter().enumerate().map(|(number, wave)| {
        let mut names = wave.clusters.iter().take(NAMES).cloned().collect::<Vec<_>>().join(" ");
        if wave.clusters.len() > NAMES {
            let _ = write!(names, " and {} more", wave.clusters.len() - NAMES);
        }
        let times = wave.seconds;
        vec![
            format!("{}. {}", number + 1, wave.name),
            wave.clusters.len().to_string(),
            wave.machines.to_string(),
            names,
            duration::text(times.sequential),
            duration::text(times.parallel),
            duration::text(times.modelled),
        ]
    });
    std::iter::once(head).chain(rows).collect()
}

fn shards(plan: &Plan) -> Vec<Vec<String>> {
    let head = ["SHARD", "CLUSTERS", "OBJECTS", "MACHINES", "RELEASE SECRET", "OF ITS LIMIT", "MODEL"];
    let rows = plan.shards.iter().map(|shard| {
        vec![
            format!("shard-{}", shard.shard),
            shard.clusters.len().to_string(),
            shard.objects.to_string(),
            shard.machines.to_string(),
            format!("{} kB", shard.release_secret.div_ceil(1000)),
            format!("{} %", shard.release_secret * 100 / secret_size::LIMIT),
            duration::text(shard.seconds.modelled),
        ]
    });
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect()
}
