//! `capi-lint version`: the version, and what is bundled.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::Outcome;
use crate::schema::bundle;

/// Arguments of `version`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: VersionFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum VersionFormat {
    /// Lines.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What this binary is. The shape of its JSON is a promise: fields are added, never changed.
#[derive(Serialize)]
struct Identity {
    version: &'static str,
    /// The machine it runs on.
    target: String,
    /// The releases of CAPI's own providers that `--capi-version` chooses from, oldest first.
    capi: Vec<String>,
    /// Releases by provider, oldest first.
    bundle: BTreeMap<&'static str, Vec<&'static str>>,
    /// Kinds in all their versions.
    kinds: usize,
}

impl Identity {
    fn this() -> Self {
        let table = bundle::bundled();
        let mut releases: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for release in table.releases() {
            releases.entry(release.provider()).or_default().push(release.version());
        }
        for versions in releases.values_mut() {
            versions.sort_by_key(|version| numbers(version));
        }
        Self {
            version: env!("CARGO_PKG_VERSION"),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            capi: releases.get("core").into_iter().flatten().map(|version| (*version).to_owned()).collect(),
            bundle: releases,
            kinds: table.kinds().len(),
        }
    }
}

/// What a version is sorted by: `v1.10.2` comes after `v1.9.11`.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|character: char| !character.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// Prints the version.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let identity = Identity::this();
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        VersionFormat::Text => text(&identity, &mut out)?,
        VersionFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &identity)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(Outcome::Clean)
}

fn text(identity: &Identity, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "capi-lint {} ({})", identity.version, identity.target)?;
    writeln!(out, "judges as Cluster API {}", identity.capi.join(", "))?;
    writeln!(out, "knows {} kinds of {} providers: capi-lint schema list", identity.kinds, identity.bundle.len())
}
