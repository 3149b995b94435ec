//! Arguments that mean the same in every command, and the way from arguments to a judged release.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::OnceLock;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::admission::Gates;
use crate::config::{FailOn, Settings, Switch, UnknownKinds};
use crate::file::{self, Lasting};
use crate::input::{ChartOptions, Input, STANDARD_INPUT, Source, SourceGroup};
use crate::inventory::Inventory;
use crate::judge;
use crate::output::{self, Format, Report, Style};
use crate::progress::{self, Phase};
use crate::release::Release;
use crate::schema::validate::{Client, names};
use crate::stream::Stream;

/// How manifests are judged.
#[derive(Clone, Debug, Default, Args)]
pub struct JudgeArgs {
    /// Settings file [default: .capi-lint.yaml, found upwards from the working directory]
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub config: Option<PathBuf>,
    /// CAPI release of the management cluster, such as 1.13 [default: the newest bundled]
    #[arg(long, value_name = "VERSION", help_heading = "Judging")]
    pub capi_version: Option<String>,
    /// How the manifests reach the server [default: create]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub client: Option<Client>,
    /// Whether CAPI's admission webhooks judge too [default: on]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub admission: Option<Switch>,
    /// Feature gates of the management cluster, such as ClusterTopology=true,RuntimeSDK=false
    #[arg(long, value_delimiter = ',', value_name = "GATE=BOOL", help_heading = "Judging")]
    pub gates: Vec<String>,
    /// CRDs or JSON Schemas of your own (files or folders); they win over the bundled ones
    #[arg(long, value_name = "PATH", help_heading = "Judging")]
    pub schemas: Vec<PathBuf>,
    /// What an object of a kind without schema is [default: note]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub unknown_kinds: Option<UnknownKinds>,
    /// Clusters that exist besides the release: Cluster objects, kubeconfig files, Argo CD's cluster Secrets; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub inventory: Vec<PathBuf>,
    /// The release holds all that its objects refer to: references that lead out of it are errors
    #[arg(long, help_heading = "Judging")]
    pub complete: bool,
    /// The date by which ignores expire, such as 2026-12-31; without it none does
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = "Judging")]
    pub today: Option<String>,
    /// Findings of this file are known and not told again
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub baseline: Option<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, value_parser = namespace, help_heading = "Judging")]
    pub namespace: Option<String>,
    /// Threads [default: all cores]; the result is the same for any number
    #[arg(long, value_name = "N", help_heading = "Judging")]
    pub jobs: Option<usize>,
}

fn date(text: &str) -> Result<String, String> {
    if crate::config::is_date(text) { Ok(text.to_owned()) } else { Err("write a date as 2026-12-31".to_owned()) }
}

fn namespace(text: &str) -> Result<String, String> {
    if text.is_empty() || names::is_dns_label(text) {
        Ok(text.to_owned())
    } else {
        Err("a namespace is at most 63 lower-case letters, digits and '-', with a letter or digit at both ends"
            .to_owned())
    }
}

/// How charts are rendered.
#[derive(Clone, Debug, Default, Args)]
pub struct ChartArgs {
    /// Values file for charts; may be repeated
    #[arg(short = 'f', long = "values", value_name = "FILE", help_heading = "Charts")]
    pub values: Vec<PathBuf>,
    /// Set a value for charts; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Charts")]
    pub set: Vec<String>,
    /// Name of the release
    #[arg(long, value_name = "NAME", help_heading = "Charts")]
    pub release: Option<String>,
    /// Helm to render charts with [default: helm on PATH]
    #[arg(long, value_name = "FILE", help_heading = "Charts")]
    pub helm: Option<PathBuf>,
}

impl ChartArgs {
    /// As `input` takes them. Without a namespace Helm's own counts; `jobs` charts are rendered at once.
    pub fn options(&self, namespace: &str, jobs: usize) -> ChartOptions {
        ChartOptions {
            values: self.values.clone(),
            set: self.set.clone(),
            release: self.release.clone(),
            namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
            helm: helm(self.helm.as_ref()),
            jobs,
        }
    }
}

/// One thread for each processor, as where `--jobs` says nothing.
pub fn all_cores() -> usize {
    // The answer takes a dozen system calls: it is asked for once.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, Into::into))
}

/// How findings are printed.
#[derive(Clone, Debug, Default, Args)]
pub struct ReportArgs {
    /// Least severity that makes the exit code 1 [default: error]
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Colours; auto heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    pub color: Color,
    /// Only what reaches --fail-on, and the closing line
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
}

/// A format, and the file it goes to: `json`, `sarif=out.sarif`.
#[derive(Clone, Debug)]
pub struct FormatTarget {
    format: Format,
    file: Option<PathBuf>,
}

impl FromStr for FormatTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(PathBuf::from(file))));
        let format = Format::from_str(name, true).map_err(|_| {
            let names: Vec<String> = Format::value_variants()
                .iter()
                .filter_map(ValueEnum::to_possible_value)
                .map(|value| value.get_name().to_owned())
                .collect();
            format!("there is no format '{name}'; take one of {}", names.join(", "))
        })?;
        Ok(Self { format, file })
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where a terminal reads.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether there are colours on a stream that is a terminal or not.
    pub fn is_on(self, terminal: bool) -> bool {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self {
            Self::Always => true,
            Self::Never => false,
            // Any value but the empty one says no, as no-color.org has it.
            Self::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
            Self::Auto => is_set("CLICOLOR_FORCE") || (terminal && !is_dumb()),
        }
    }
}

impl ReportArgs {
    /// The threshold: flag, else setting, else error.
    pub fn threshold(&self, settings: &Settings) -> FailOn {
        self.fail_on.or(settings.fail_on).unwrap_or_default()
    }

    /// How to print to a stream that is a terminal or not, on at most `jobs` threads.
    pub fn style(&self, terminal: bool, threshold: FailOn, jobs: usize) -> Style {
        Style { color: self.color.is_on(terminal), quiet: self.quiet.then_some(threshold), jobs }
    }
}

impl JudgeArgs {
    /// The settings that hold here.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let folder = std::env::current_dir().context("cannot tell the working directory")?;
        let mut settings = Settings::find(self.config.as_deref(), &folder)?;
        let files: Vec<PathBuf> = if self.inventory.is_empty() {
            settings.inventory.iter().map(|path| settings.folder.join(path)).collect()
        } else {
            self.inventory.clone()
        };
        if !files.is_empty() {
            settings.known_clusters = inventory(&files, self.jobs())?;
        }
        Ok(settings)
    }

    /// Number of threads.
    pub fn jobs(&self) -> usize {
        self.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(all_cores)
    }

    /// The default namespace: flag, else what Helm was told, else setting, else none.
    pub fn namespace<'s>(&'s self, settings: &'s Settings) -> &'s str {
        let told = self.namespace.as_deref().or(HELM_PLUGIN.namespace.as_deref());
        told.or(settings.namespace.as_deref()).unwrap_or_default()
    }
}

/// What Helm keeps from its plugins' arguments and hands them by the environment. Empty where no Helm runs us as its plugin.
#[derive(Debug, Default)]
pub struct HelmPlugin {
    /// Whether Helm runs us as its plugin.
    pub is_on: bool,
    /// The `--namespace` that was given to Helm, or that of the kubeconfig, unless it is `default`.
    pub namespace: Option<String>,
    /// The Helm that runs us.
    pub helm: Option<PathBuf>,
}

/// The Helm that runs us, if one does.
pub static HELM_PLUGIN: LazyLock<HelmPlugin> = LazyLock::new(|| {
    // The variables are inherited by what another plugin runs: only our own names prove that they are meant for us.
    let is_ours =
        std::env::var("HELM_PLUGIN_NAME").is_ok_and(|name| name == "capi-lint" || name == "capi-lint-post-render");
    if !is_ours {
        return HelmPlugin::default();
    }
    HelmPlugin {
        is_on: true,
        namespace: std::env::var("HELM_NAMESPACE").ok().filter(|name| !name.is_empty() && name != "default"),
        helm: std::env::var_os("HELM_BIN").filter(|path| !path.is_empty()).map(PathBuf::from),
    }
});

/// The Helm to run: the one that was named, else the one that runs us, else the one on PATH.
pub fn helm(named: Option<&PathBuf>) -> Option<PathBuf> {
    named.or(HELM_PLUGIN.helm.as_ref()).cloned()
}

/// The clusters that inventory files hold.
fn inventory(files: &[PathBuf], jobs: usize) -> anyhow::Result<Inventory> {
    let groups = crate::input::read(files, &ChartOptions::default())?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams: Vec<_> = sources.iter().map(|source| Stream::parse(source, jobs)).collect();
    let mut inventory = Inventory::default();
    inventory.add(&Release::new(&streams, ""));
    if inventory.is_empty() {
        bail!("the inventory names no cluster: neither Cluster objects, nor contexts, nor Argo CD's cluster Secrets");
    }
    Ok(inventory)
}

/// Reads the sources of a command; an input without a byte is refused unless allowed, since it is nearly always a
/// `helm template` that failed into the pipe.
pub fn sources(paths: &[PathBuf], charts: &ChartOptions, allow_empty: bool) -> anyhow::Result<Vec<SourceGroup>> {
    greet(paths);
    let mut groups = crate::input::read(paths, charts)?;
    check_sources(paths, &mut groups.iter_mut().collect::<Vec<_>>(), allow_empty)?;
    Ok(groups)
}

/// As [`sources`]; the rest of a large standard input, or of a large file, is read while its beginning is parsed.
pub fn inputs(paths: &[PathBuf], charts: &ChartOptions, allow_empty: bool) -> anyhow::Result<Vec<Input>> {
    greet(paths);
    let mut inputs = crate::input::begin(paths, charts)?;
    let mut groups = Vec::new();
    for input in &mut inputs {
        match input {
            Input::Read(group) => groups.push(group),
            // More than blanks, and alone.
            Input::Arriving(_) => return Ok(inputs),
        }
    }
    check_sources(paths, &mut groups, allow_empty)?;
    Ok(inputs)
}

/// Tells a person at a terminal what is waited for.
fn greet(paths: &[PathBuf]) {
    let reads_stdin = paths.is_empty() || paths.iter().any(|path| path.as_os_str() == "-");
    if reads_stdin && io::stdin().is_terminal() {
        let _ = writeln!(io::stderr(), "capi-lint: reading manifests from the terminal; end with Ctrl-D");
    }
}

/// Leaves out files that are no manifests, and refuses what can only be a mistake.
fn check_sources(paths: &[PathBuf], groups: &mut [&mut SourceGroup], allow_empty: bool) -> anyhow::Result<()> {
    if let Some((template, chart)) = paths.iter().find_map(|path| chart_of_template(path, groups)) {
        bail!(
            "{} is a template of a chart, and no manifest yet. Lint the chart, which is rendered then: capi-lint lint {}",
            template.display(),
            chart.display()
        );
    }
    let is_blank = |source: &Source| source.name == STANDARD_INPUT && source.bytes.iter().all(u8::is_ascii_whitespace);
    if !allow_empty && groups.iter().any(|group| group.sources.iter().all(is_blank)) {
        bail!(
            "standard input is empty. A command before the pipe has probably failed (set -o pipefail tells). Use --allow-empty \
             where nothing is expected"
        );
    }
    let named: HashSet<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let is_named = |source: &Source| source.name == STANDARD_INPUT || named.contains(&source.name);
    for group in groups.iter_mut() {
        group.sources.retain(|source| is_named(source) || may_hold_objects(&source.bytes));
    }
    if groups.iter().all(|group| group.sources.is_empty()) {
        bail!("nothing there is a manifest: no file has apiVersion and kind");
    }
    Ok(())
}

/// Whether any line of a file speaks of an object: a folder of manifests holds values of charts and files of other tools too, of
/// which nothing is to be said. Where only one of the two keys is there, or what is no text, it is a manifest that is broken.
fn may_hold_objects(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    let has_key = |line: &str, key: &str| {
        let rest = line.trim_start_matches(['"', '\'']).strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start_matches([' ', '\t']).starts_with(':'))
    };
    // JSON, and YAML that is written like it, need no lines.
    let is_flow = memchr::memchr(b'{', bytes).is_some();
    let mut entries = text.split(['\n', '{', ',']).map(|entry| entry.trim_end_matches('\r'));
    entries.any(|entry| {
        let entry = entry.trim_start_matches('\u{feff}');
        let indented = entry.trim_start_matches([' ', '\t', '-', '?']);
        has_key(indented, "apiVersion") || has_key(if is_flow { indented } else { entry }, "kind")
    })
}

/// The chart of a file that was given by its name and is one of the chart's templates, with `{{ … }}` still in it.
fn chart_of_template<'p>(path: &'p Path, groups: &[&mut SourceGroup]) -> Option<(&'p Path, &'p Path)> {
    let templates =
        path.ancestors().skip(1).find(|folder| folder.file_name().is_some_and(|name| name == "templates"))?;
    let chart = templates.parent().filter(|chart| crate::input::is_chart(chart))?;
    let name = path.display().to_string();
    let source = groups.iter().flat_map(|group| &group.sources).find(|source| source.name == name)?;
    let is_template = memchr::memmem::find(&source.bytes, b"{{").is_some();
    is_template.then_some((path, if chart.as_os_str().is_empty() { Path::new(".") } else { chart }))
}

/// What was asked for, from flags and settings.
pub fn judge_options(args: &JudgeArgs, settings: &Settings) -> anyhow::Result<judge::Options> {
    let capi = args.capi_version.as_deref().or(settings.capi_version.as_deref()).map(str::parse).transpose()?;
    // Flags are relative to where one stands, settings to their file.
    let own: Vec<PathBuf> = if args.schemas.is_empty() {
        settings.schemas.iter().map(|path| settings.folder.join(path)).collect()
    } else {
        args.schemas.clone()
    };
    let (schemas, json_schemas) = super::schema::choose(capi, &own)?;
    settings.check_custom_rules(&schemas)?;
    let mut options = judge::Options::new(schemas);
    options.json_schemas = json_schemas;
    options.client = args.client.or(settings.client).unwrap_or_default();
    options.unknown_kinds = args.unknown_kinds.or(settings.unknown_kinds).unwrap_or_default();
    options.admission = args.admission.or(settings.admission).unwrap_or_default();
    options.gates = gates(args, settings)?;
    options.settings = settings.clone();
    options.settings.complete |= args.complete;
    options.today.clone_from(&args.today);
    let of_settings = settings.baseline.as_ref().map(|path| settings.folder.join(path));
    if let Some(path) = args.baseline.clone().or(of_settings) {
        options.baseline = Some(crate::baseline::Baseline::read(&path).map_err(anyhow::Error::msg)?);
    }
    options.jobs = args.jobs();
    Ok(options)
}

/// The gates of the settings, and over them those of the flag.
fn gates(args: &JudgeArgs, settings: &Settings) -> anyhow::Result<Gates> {
    let mut gates = Gates::default();
    let mut set = |name: &str, on: bool| -> anyhow::Result<()> {
        gates.set(name.parse().map_err(anyhow::Error::msg)?, on);
        Ok(())
    };
    for (name, on) in &settings.gates {
        set(name, *on)?;
    }
    for gate in &args.gates {
        let (name, on) =
            gate.split_once('=').with_context(|| format!("--gates {gate}: write GATE=true or GATE=false"))?;
        set(name, on.parse().with_context(|| format!("--gates {gate}: '{on}' is neither true nor false"))?)?;
    }
    Ok(gates)
}

/// Leaves what is large to the end of the process, which is near: the kernel takes memory back faster than we hand it back piece
/// by piece.
pub fn leave<T>(large: T) {
    std::mem::forget(large);
}

/// Writes a report in each format that was asked for: into files where they are named, one to standard output (text, where
/// all go to files).
///
/// # Errors
/// Two formats for standard output, a file that cannot be written.
pub fn print(report: &Report<'_>, targets: &[FormatTarget], style: Style) -> anyhow::Result<()> {
    progress::enter(Phase::Writing, "");
    let mut to_stdout = targets.iter().filter(|target| target.file.is_none());
    let format = to_stdout.next().map_or(Format::Text, |target| target.format);
    if to_stdout.next().is_some() {
        bail!("two formats go to standard output; give one of them a file: --format sarif=capi-lint.sarif");
    }
    for target in targets {
        let Some(file) = &target.file else { continue };
        let mut text = Vec::new();
        output::write(report, target.format, Style { color: false, ..style }, &mut text)?;
        write_report(file, &text)?;
    }
    let mut out = io::BufWriter::with_capacity(REPORT_AT_ONCE, io::stdout().lock());
    output::write(report, format, style, &mut out)?;
    out.flush()?;
    Ok(())
}

/// A report is handed out in pieces of so many bytes.
const REPORT_AT_ONCE: usize = 1 << 16;

/// Writes a report to a file: whole, or not at all.
pub fn write_report(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    file::replace(path, text, Lasting::Process)
        .with_context(|| format!("cannot write the report to {}", path.display()))
}

/// What was found among documents that are no objects: a command that leaves them out must say so. Their number, in words.
pub fn unreadable(release: &Release<'_>, what_becomes: &str) -> Option<String> {
    let number: usize = release.unreadable().map(|finding| finding.count).sum();
    (number > 0).then(|| format!("{number} document(s) could not be read and {what_becomes}; capi-lint lint says why"))
}
