//! `capi-lint schema`: the schemas that count, and CRDs of one's own as files of facts.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::Outcome;
use crate::config::shape;
use crate::file::{self, Lasting};
use crate::input::{self, ChartOptions, Source};
use crate::schema::bundle::{CapiVersion, Schemas};
use crate::schema::json_schema::JsonSchemas;
use crate::schema::pack::ReleaseFacts;
use crate::schema::table::{Kind, Scope};
use crate::schema::{describe, folder, load, notation, suggest};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The kinds that are known, with their versions and where they come from.
    List(ListArgs),
    /// The fields of a kind as a tree.
    Show(ShowArgs),
    /// CRDs into files of structural facts, for --schemas or for the bundle.
    Import(ImportArgs),
    /// What .capi-lint.yaml may hold: a JSON Schema for editors, or the manual.
    Settings(SettingsArgs),
}

#[derive(Debug, clap::Args)]
struct SettingsArgs {
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: SettingsFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum SettingsFormat {
    /// A JSON Schema.
    #[default]
    Json,
    /// The manual as one Markdown page.
    Markdown,
}

/// Which schemas count.
#[derive(Debug, clap::Args)]
struct ChoiceArgs {
    /// CAPI release of the management cluster, such as 1.13 [default: the newest bundled]
    #[arg(long, value_name = "VERSION")]
    capi_version: Option<CapiVersion>,
    /// CRDs of your own (files or folders); they win over the bundled ones
    #[arg(long, value_name = "PATH")]
    schemas: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Only kinds, groups or providers with this text in their name
    filter: Option<String>,
    /// How the list is printed
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// A line each.
    #[default]
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// KIND, KIND.GROUP or either with /VERSION: Cluster, Cluster.cluster.x-k8s.io/v1beta2
    kind: String,
    /// The status too
    #[arg(long)]
    status: bool,
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// CRDs: files, folders, or - for standard input (kubectl get crd -o yaml)
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The folder to write to, one file for each kind and version
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// For the bundle: the provider's short name; files go to DIR/PROVIDER/RELEASE, their origin to DIR/SOURCES.json
    #[arg(long, requires_all = ["release", "repository", "licence"])]
    provider: Option<String>,
    /// The provider's release, such as v2.11.1
    #[arg(long, requires = "provider")]
    release: Option<String>,
    /// The repository on GitHub, such as kubernetes-sigs/cluster-api-provider-aws
    #[arg(long, requires = "provider")]
    repository: Option<String>,
    /// The commit that the CRDs were read at
    #[arg(long, requires = "provider")]
    commit: Option<String>,
    /// The licence of the CRDs, by its SPDX name
    #[arg(long, requires = "provider")]
    licence: Option<String>,
}

impl ImportArgs {
    /// Where the CRDs come from, where they are meant for the bundle.
    fn origin(&self) -> Option<ReleaseFacts> {
        Some(ReleaseFacts {
            provider: self.provider.clone()?,
            version: self.release.clone()?,
            repository: self.repository.clone()?,
            commit: self.commit.clone().unwrap_or_default(),
            licence: self.licence.clone()?,
        })
    }
}

/// Runs `schema list`, `schema show`, `schema import` and `schema settings`.
///
/// # Errors
/// Schemas that cannot be read, a kind that nobody knows, a folder that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::List(args) => list(args)?,
        Command::Show(args) => show(args)?,
        Command::Import(args) => import(args)?,
        Command::Settings(args) => settings(args.format)?,
    }
    Ok(Outcome::Clean)
}

fn settings(format: SettingsFormat) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        SettingsFormat::Json => writeln!(out, "{:#}", shape::json_schema()),
        SettingsFormat::Markdown => write!(out, "{}", shape::manual()),
    }
}

/// The schemas that count for a run: the user's own before the bundled ones.
///
/// # Errors
/// Schemas of the user that cannot be read, or that hold neither a CRD nor a JSON Schema.
pub fn choose(capi: Option<CapiVersion>, own: &[PathBuf]) -> anyhow::Result<(Schemas, JsonSchemas)> {
    let schemas = Schemas::new(capi.unwrap_or_else(CapiVersion::newest));
    if own.is_empty() {
        return Ok((schemas, JsonSchemas::default()));
    }
    let sources = sources(own)?;
    let json = JsonSchemas::load(&sources).context("--schemas")?;
    if !json.is_empty() && load::kinds(&sources).context("--schemas")?.is_empty() {
        return Ok((schemas, json));
    }
    let table = load::table(&sources).context("--schemas")?;
    Ok((schemas.with_user(table), json))
}

fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let groups = input::read(paths, &ChartOptions::default())?;
    Ok(groups.into_iter().flat_map(|group| group.sources).collect())
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let (schemas, _) = choose(args.choice.capi_version, &args.choice.schemas)?;
    let filter = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let matches = |kind: &Kind<'_>| {
        let names = [kind.kind(), kind.group(), kind.release().provider()];
        names.iter().any(|name| name.to_lowercase().contains(&filter))
    };
    let kinds: Vec<Kind<'_>> = schemas.kinds().filter(matches).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        ListFormat::Text => list_text(&kinds, &mut out)?,
        ListFormat::Json => {
            let kinds: Vec<_> = kinds.into_iter().map(as_json).collect();
            let list = serde_json::json!({"version": 1, "capiVersion": schemas.capi().to_string(), "kinds": kinds});
            writeln!(out, "{list}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// One line for each kind: its versions, and the release they come from.
fn list_text(kinds: &[Kind<'_>], out: &mut impl Write) -> io::Result<()> {
    let mut count = 0;
    for versions in kinds.chunk_by(|a, b| (a.group(), a.kind()) == (b.group(), b.kind())) {
        let Some(first) = versions.first() else { continue };
        let marked: Vec<String> = versions.iter().map(|kind| marked_version(*kind)).collect();
        let name = format!("{}.{}", first.kind(), first.group());
        let release = format!("{} {}", first.release().provider(), first.release().version());
        writeln!(out, "{:<66} {:<32} {release}", name.trim_end_matches('.'), marked.join(" "))?;
        count += 1;
    }
    writeln!(out, "\n{count} kinds. * is stored, ~ deprecated, ! not served.")
}

fn marked_version(kind: Kind<'_>) -> String {
    let marks = [(kind.storage(), '*'), (kind.deprecated(), '~'), (!kind.served(), '!')];
    let marks: String = marks.into_iter().filter_map(|(on, mark)| on.then_some(mark)).collect();
    format!("{}{marks}", kind.version())
}

fn as_json(kind: Kind<'_>) -> serde_json::Value {
    serde_json::json!({
        "group": kind.group(),
        "version": kind.version(),
        "kind": kind.kind(),
        "plural": kind.plural(),
        "namespaced": kind.scope() == Scope::Namespaced,
        "served": kind.served(),
        "storage": kind.storage(),
        "deprecated": kind.deprecated(),
        "provider": kind.release().provider(),
        "release": kind.release().version(),
        "repository": kind.release().repository(),
    })
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let (schemas, _) = choose(args.choice.capi_version, &args.choice.schemas)?;
    let (name, version) = match args.kind.split_once('/') {
        Some((name, version)) => (name, Some(version)),
        None => (args.kind.as_str(), None),
    };
    let (wanted, group) = match name.split_once('.') {
        Some((kind, group)) => (kind, Some(group)),
        None => (name, None),
    };
    let is_wanted = |kind: &Kind<'_>| {
        let named = kind.kind().eq_ignore_ascii_case(wanted) || kind.plural().eq_ignore_ascii_case(wanted);
        named && group.is_none_or(|group| group == kind.group())
    };
    let mut found: Vec<Kind<'_>> = schemas.kinds().filter(is_wanted).collect();
    if group.is_none() && found.iter().any(|kind| is_capis(*kind)) {
        found.retain(|kind| is_capis(*kind));
    }
    if found.is_empty() {
        match suggest::nearest(wanted, schemas.kinds().map(Kind::kind)) {
            Some(near) => bail!("no schema for '{name}'; did you mean '{near}'?"),
            None => bail!("no schema for '{name}'; capi-lint schema list names them all"),
        }
    }
    let groups: BTreeSet<&str> = found.iter().map(|kind| kind.group()).collect();
    if groups.len() > 1 {
        let names: Vec<String> = groups.iter().map(|group| format!("{wanted}.{group}")).collect();
        bail!("'{name}' stands in several groups: {}", names.join(", "));
    }
    // Without a version the stored one: what the cluster holds.
    let stored = found.iter().find(|kind| version.map_or_else(|| kind.storage(), |version| kind.is_version(version)));
    let Some(kind) = stored.or(if version.is_none() { found.last() } else { None }) else {
        let versions: Vec<&str> = found.iter().map(|kind| kind.version()).collect();
        bail!("no version '{}' of '{name}'; known: {}", version.unwrap_or_default(), versions.join(", "));
    };
    let mut out = io::stdout().lock();
    out.write_all(describe::kind(*kind, args.status).as_bytes())?;
    Ok(())
}

/// `Cluster` alone means CAPI's, though other projects have kinds of that name.
fn is_capis(kind: Kind<'_>) -> bool {
    kind.group() == "cluster.x-k8s.io" || kind.group().ends_with(".cluster.x-k8s.io")
}

fn import(args: &ImportArgs) -> anyhow::Result<()> {
    let kinds = load::kinds(&sources(&args.paths)?)?;
    if kinds.is_empty() {
        bail!("no CustomResourceDefinition in these files");
    }
    let origin = args.origin();
    let target = match &origin {
        Some(release) => args.output.join(&release.provider).join(&release.version),
        None => args.output.clone(),
    };
    fs::create_dir_all(&target).with_context(|| target.display().to_string())?;
    for (name, kind) in folder::file_names(&kinds).into_iter().zip(&kinds) {
        let file = target.join(name);
        file::replace(&file, notation::kind(kind).as_bytes(), Lasting::Process)
            .with_context(|| file.display().to_string())?;
    }
    if let Some(release) = origin {
        let file = args.output.join(folder::SOURCES);
        let sources = fs::read_to_string(&file).unwrap_or_else(|_| "[]".into());
        let sources = serde_json::from_str(&sources).with_context(|| file.display().to_string())?;
        let sources = notation::text(&folder::with_release(sources, &release).into());
        file::replace(&file, sources.as_bytes(), Lasting::Process).with_context(|| file.display().to_string())?;
    }
    writeln!(io::stdout(), "{} files written to {}", kinds.len(), target.display())?;
    Ok(())
}
