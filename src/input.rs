//! Where manifests come from: standard input, files, folders and charts become sources (a name and bytes).
//!
//! The only module that reads manifests from the outside; nothing later opens a file. It must not look into the bytes.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use walkdir::WalkDir;

use crate::pipe;
use crate::progress::{self, Phase};
use crate::schema::suggest::nearest;
use crate::threads;

mod arriving;

pub use arriving::{Arriving, Block};

/// A named run of bytes: a file, standard input, or what a chart rendered to.
#[derive(Debug)]
pub struct Source {
    /// As findings print it: a path as the user gave it, `<stdin>`, or the chart's folder.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Sources that are judged together as one release.
#[derive(Debug, Default)]
pub struct SourceGroup {
    /// In the order in which they were given or found.
    pub sources: Vec<Source>,
}

/// What is judged together as one release.
#[derive(Debug)]
pub enum Input {
    /// Read.
    Read(SourceGroup),
    /// A large standard input, or a large file, still being read.
    Arriving(Arriving),
}

/// How charts are rendered.
#[derive(Clone, Debug, Default)]
pub struct ChartOptions {
    /// Values files, passed on as `-f`.
    pub values: Vec<PathBuf>,
    /// Passed on as `--set`.
    pub set: Vec<String>,
    /// The release's name; `release-name` where absent, as Helm has it.
    pub release: Option<String>,
    /// The release's namespace.
    pub namespace: Option<String>,
    /// The Helm to run; `helm` from PATH where absent.
    pub helm: Option<PathBuf>,
    /// How many charts are rendered at once; none and one are one after the other.
    pub jobs: usize,
}

/// Why a source could not be read. Exit code 2: this is no finding about its content.
#[derive(Debug)]
pub enum InputError {
    /// The file or folder could not be read.
    Unreadable {
        /// What was asked for.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// A folder without a manifest or chart in it.
    NothingFound {
        /// The folder.
        path: PathBuf,
    },
    /// A device that does not end.
    Endless {
        /// What it is called.
        path: PathBuf,
    },
    /// More than places can be counted in.
    TooLarge {
        /// What it is called.
        path: PathBuf,
    },
    /// Bytes where text is wanted.
    NotText {
        /// What it is called.
        path: PathBuf,
    },
    /// `helm` is not on PATH.
    NoHelm {
        /// The chart or release that wanted it.
        chart: PathBuf,
        /// What was tried.
        helm: PathBuf,
        /// Why it did not start.
        cause: io::Error,
    },
    /// Helm is not there to ask it for a release.
    NoHelmForRelease {
        /// The release.
        name: String,
        /// What was tried.
        helm: PathBuf,
        /// Why it did not start.
        cause: io::Error,
    },
    /// `helm get` failed.
    Release {
        /// The release.
        name: String,
        /// What Helm said.
        said: String,
    },
    /// `helm template` failed.
    Rendering {
        /// The chart.
        chart: PathBuf,
        /// What Helm said.
        said: String,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, cause } if cause.kind() == io::ErrorKind::NotFound => {
                write!(f, "there is no file or folder {}", path.display())?;
                match neighbour(path) {
                    Some(neighbour) => write!(f, "; did you mean {}?", neighbour.display()),
                    None => Ok(()),
                }
            }
            Self::Unreadable { path, cause } => write!(f, "cannot read {}: {cause}", path.display()),
            Self::NothingFound { path } => write!(
                f,
                "{} holds no .yaml, .yml or .json file and no chart (a folder with Chart.yaml)",
                path.display()
            ),
            Self::Endless { path } => {
                write!(f, "{} is a device that does not end, and no file with manifests", path.display())
            }
            Self::TooLarge { path } => write!(
                f,
                "{} is larger than four gigabytes, and no release: a cluster's whole storage holds less. Give fewer manifests at a \
                 time",
                path.display()
            ),
            Self::NotText { path } => write!(f, "{} is no UTF-8 text", path.display()),
            Self::NoHelm { chart, helm, cause } => write!(
                f,
                "{} needs Helm, and '{}' does not run ({cause}). Install Helm, name one with --helm FILE, or bring the manifests \
                 along: helm template … | capi-lint",
                chart.display(),
                helm.display()
            ),
            Self::NoHelmForRelease { name, helm, cause } => write!(
                f,
                "release:{name} asks Helm for the release: cannot run '{}' ({cause}). Install Helm, or hand in its Secret: {}",
                helm.display(),
                SecretCommand(name)
            ),
            Self::Release { name, said } => {
                write!(f, "helm get of the release {name} failed. Helm says:\n{}", said.trim_end())?;
                if said.contains("unreachable") {
                    write!(
                        f,
                        "\nNo management cluster answers: see kubectl config current-context and KUBECONFIG. Without one, save \
                         the release where there is one and hand that file in: {}",
                        SecretCommand(name)
                    )
                } else if said.contains("not found") {
                    f.write_str("\nHelm knows no such release or revision there: see helm list and helm history, and give -n NAMESPACE")
                } else {
                    Ok(())
                }
            }
            Self::Rendering { chart, said } => {
                write!(f, "helm template {} failed. Helm says:\n{}", chart.display(), said.trim_end())?;
                if said.contains("missing in charts/ directory") {
                    write!(f, "\nhelp: helm dependency build {}", chart.display())
                } else {
                    write!(f, "\nhelp: values that it needs are passed on to Helm: -f values.yaml, --set key=value")
                }
            }
        }
    }
}

impl std::error::Error for InputError {}

/// The file or folder beside a missing one whose name is nearest.
fn neighbour(missing: &Path) -> Option<PathBuf> {
    let folder = missing.parent()?;
    let name = missing.file_name()?.to_str()?;
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names: Vec<String> =
        fs::read_dir(here).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    nearest(name, names.iter().map(String::as_str)).map(|name| folder.join(name))
}

/// How a release gets into a file.
struct SecretCommand<'n>(&'n str);

impl fmt::Display for SecretCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubectl get secret -n NAMESPACE -l owner=helm,name={} -o json > release.json", self.0)
    }
}

/// Reads the arguments of a command: no argument and `-` mean standard input. One group per folder, per chart and for
/// standard input; all files given by name form one group together.
///
/// # Errors
/// The first source that cannot be read, or chart that does not render.
pub fn read(paths: &[PathBuf], charts: &ChartOptions) -> Result<Vec<SourceGroup>, InputError> {
    progress::enter(Phase::Reading, "sources");
    if paths.is_empty() {
        return Ok(vec![SourceGroup::one(STANDARD_INPUT.into(), whole_input()?)]);
    }
    let mut files = SourceGroup::default();
    let mut groups = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            groups.push(Group::Read(SourceGroup::one(STANDARD_INPUT.into(), whole_input()?)));
            continue;
        }
        let kind = fs::metadata(path).map_err(|cause| InputError::Unreadable { path: path.clone(), cause })?;
        if kind.is_dir() {
            groups.extend(read_folder(path)?);
        } else if is_packaged_chart(path) {
            groups.push(Group::Chart(path.clone()));
        } else {
            files.sources.push(read_file(path)?);
        }
    }
    if !files.sources.is_empty() {
        groups.insert(0, Group::Read(files));
    }
    // Helm takes by far the most time of all.
    let made = threads::in_turn(groups.len(), charts.jobs, |number| match &groups[number] {
        Group::Read(_) => Ok(None),
        Group::Chart(chart) => render(chart, charts).map(Some),
    });
    let of_group = |(group, made): (Group, Result<Option<Source>, InputError>)| match (group, made?) {
        (Group::Read(group), _) => Ok(group),
        (Group::Chart(_), rendered) => Ok(SourceGroup { sources: rendered.into_iter().collect() }),
    };
    groups.into_iter().zip(made).map(of_group).collect()
}

/// One release among those that were asked for.
enum Group {
    /// It is there.
    Read(SourceGroup),
    /// A chart that is still to be rendered: its folder, or its package.
    Chart(PathBuf),
}

/// As [`read`], but of a large standard input, or a large file, only the beginning, where there is nothing else: the rest is read
/// while that is parsed.
///
/// # Errors
/// As [`read`].
pub fn begin(paths: &[PathBuf], charts: &ChartOptions) -> Result<Vec<Input>, InputError> {
    let is_standard_input = |path: &PathBuf| path.as_os_str() == "-";
    if paths.is_empty() || paths.len() == 1 && paths.iter().all(is_standard_input) {
        progress::enter(Phase::Reading, "sources");
        let (name, path) = (STANDARD_INPUT.into(), Path::new(STANDARD_INPUT_PATH));
        return Ok(vec![begin_source(name, path, standard_input_file()?)?]);
    }
    if let [path] = paths
        && is_large_manifest(path)
    {
        progress::enter(Phase::Reading, "sources");
        let file = fs::File::open(path).map_err(|cause| InputError::Unreadable { path: path.into(), cause })?;
        return Ok(vec![begin_source(path.display().to_string(), path, file)?]);
    }
    Ok(read(paths, charts)?.into_iter().map(Input::Read).collect())
}

/// Standard input, as findings print it.
pub const STANDARD_INPUT: &str = "<stdin>";

/// All of standard input.
///
/// # Errors
/// Input that cannot be read, or is too large.
pub fn whole_input() -> Result<Vec<u8>, InputError> {
    read_all(standard_input_file()?, Path::new(STANDARD_INPUT_PATH))
}

/// Standard input, as errors call it.
const STANDARD_INPUT_PATH: &str = "standard input";

fn standard_input_file() -> Result<fs::File, InputError> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    input.map(fs::File::from).map_err(|cause| InputError::Unreadable { path: STANDARD_INPUT_PATH.into(), cause })
}

/// Whether a path is that of a file that is worth being parsed while it is read. A template of a chart is none: it is no manifest
/// yet, which is told by its text.
fn is_large_manifest(path: &Path) -> bool {
    let is_large =
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > arriving::BLOCK as u64);
    let is_template = path.components().any(|folder| folder.as_os_str() == "templates");
    is_large && !is_template && !is_packaged_chart(path)
}

/// The beginning of a source, or all of it where that is not large, or JSON: that may be one value, and something else than a
/// manifest.
fn begin_source(name: String, path: &Path, mut file: fs::File) -> Result<Input, InputError> {
    let unreadable = |cause| InputError::Unreadable { path: path.into(), cause };
    let metadata = file.metadata().map_err(unreadable)?;
    let is_pipe = metadata.file_type().is_fifo();
    if !is_pipe && !metadata.is_file() || metadata.is_file() && metadata.len() > MOST_BYTES {
        return Ok(Input::Read(SourceGroup::one(name, read_all(file, path)?)));
    }
    let begin = if is_pipe { 0 } else { file.stream_position().map_err(unreadable)? };
    let left = metadata.len().saturating_sub(begin) as usize;
    let is_large_file = !is_pipe && left >= arriving::BLOCK;
    let beginning = if is_large_file { pipe::USUAL } else { arriving::BLOCK };
    let mut bytes = Vec::with_capacity(beginning.min(left.max(pipe::USUAL) + 1));
    read_up_to(&mut file, is_pipe, beginning, &mut bytes).map_err(unreadable)?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if bytes.len() >= beginning && first.is_some_and(|byte| *byte != b'{') {
        return Ok(Input::Arriving(if is_large_file {
            Arriving::file(name, path, begin, file).map_err(unreadable)?
        } else {
            Arriving::pipe(name, path, bytes, file)
        }));
    }
    // A large input of nothing but blanks is read to its end, which says whether it is empty.
    file.take((MOST_BYTES + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(InputError::TooLarge { path: path.into() });
    }
    Ok(Input::Read(SourceGroup::one(name, bytes)))
}

impl SourceGroup {
    fn one(name: String, bytes: Vec<u8>) -> Self {
        Self { sources: vec![Source { name, bytes }] }
    }
}

/// Reads up to so many bytes; a pipe through which more than usual come is widened.
fn read_up_to(file: &mut fs::File, is_pipe: bool, most: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    if is_pipe {
        // Most releases are through by then.
        let first = file.by_ref().take(pipe::USUAL.min(most) as u64).read_to_end(bytes)?;
        pipe::widen(&*file, first + 1);
    }
    file.by_ref().take((most - bytes.len()) as u64).read_to_end(bytes).map(|_| ())
}

/// All of a file, or of a pipe by its name.
///
/// # Errors
/// A file that cannot be read, or is too large.
pub fn whole(path: &Path) -> Result<Vec<u8>, InputError> {
    let file = fs::File::open(path).map_err(|cause| InputError::Unreadable { path: path.into(), cause })?;
    read_all(file, path)
}

/// All of a file of text.
///
/// # Errors
/// A file that cannot be read, is too large, or no text.
pub fn whole_text(path: &Path) -> Result<String, InputError> {
    String::from_utf8(whole(path)?).map_err(|_| InputError::NotText { path: path.into() })
}

/// Bytes that a source may have: places in it are counted in 32 bits.
const MOST_BYTES: u64 = u32::MAX as u64;

/// Bytes that a device may give: a person types less, and `/dev/zero` never ends.
const MOST_OF_DEVICE: u64 = 16 << 20;

fn read_all(file: fs::File, path: &Path) -> Result<Vec<u8>, InputError> {
    let unreadable = |cause| InputError::Unreadable { path: path.into(), cause };
    let metadata = file.metadata().map_err(unreadable)?;
    let is_device = metadata.file_type().is_char_device() || metadata.file_type().is_block_device();
    let most = if is_device { MOST_OF_DEVICE } else { MOST_BYTES };
    let too_large = || {
        let path = path.to_path_buf();
        if is_device { InputError::Endless { path } } else { InputError::TooLarge { path } }
    };
    if metadata.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A byte more than it has now: so that its end is seen without growing the room.
    bytes.try_reserve_exact(metadata.len() as usize + 1).map_err(|error| unreadable(io::Error::other(error)))?;
    let mut file = file;
    read_up_to(&mut file, metadata.file_type().is_fifo(), most as usize + 1, &mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// The manifests below a folder, charts left out: what other files may refer to.
///
/// # Errors
/// The first file or folder that cannot be read.
pub fn manifests(folder: &Path) -> Result<Vec<Source>, InputError> {
    let mut manifests = Vec::new();
    walk(folder, &mut |found| {
        if let Found::Manifest(path) = found {
            manifests.push(read_file(path)?);
        }
        Ok(())
    })?;
    Ok(manifests)
}

fn read_file(path: &Path) -> Result<Source, InputError> {
    Ok(Source { name: path.display().to_string(), bytes: whole(path)? })
}

/// A folder is one release of its manifests, plus one for each chart below it. Symbolic links to files are followed, those to
/// folders are not (they may loop).
fn read_folder(folder: &Path) -> Result<Vec<Group>, InputError> {
    if is_chart(folder) {
        return Ok(vec![Group::Chart(folder.into())]);
    }
    let mut manifests = SourceGroup::default();
    let mut groups = Vec::new();
    walk(folder, &mut |found| {
        match found {
            Found::Chart(chart) => groups.push(Group::Chart(chart.into())),
            Found::Manifest(file) => {
                manifests.sources.push(read_file(file)?);
                if manifests.sources.len() % 100 == 0 {
                    progress::enter(Phase::Reading, format!("{} files", manifests.sources.len()));
                }
            }
        }
        Ok(())
    })?;
    if !manifests.sources.is_empty() {
        groups.insert(0, Group::Read(manifests));
    }
    if groups.is_empty() { Err(InputError::NothingFound { path: folder.into() }) } else { Ok(groups) }
}

/// What lies in a folder.
enum Found<'p> {
    Chart(&'p Path),
    Manifest(&'p Path),
}

/// Goes through a folder in the order of names, past what is hidden and not into charts.
fn walk(folder: &Path, found: &mut dyn FnMut(Found<'_>) -> Result<(), InputError>) -> Result<(), InputError> {
    let mut walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(|error| InputError::Unreadable {
            path: error.path().unwrap_or(folder).into(),
            cause: error.into_io_error().unwrap_or_else(|| io::Error::other("a symbolic link leads in a circle")),
        })?;
        if entry.file_type().is_dir() {
            let hidden = entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
            if hidden {
                walk.skip_current_dir();
            } else if entry.depth() > 0 && is_chart(entry.path()) {
                found(Found::Chart(entry.path()))?;
                walk.skip_current_dir();
            }
        } else if is_manifest(entry.path()) {
            // A link that leads nowhere is a manifest that is lost; pipes, sockets and devices never were one.
            let there = fs::metadata(entry.path())
                .map_err(|cause| InputError::Unreadable { path: entry.path().into(), cause })?;
            if there.is_file() {
                found(Found::Manifest(entry.path()))?;
            }
        }
    }
    Ok(())
}

/// Whether a folder is a Helm chart.
pub fn is_chart(folder: &Path) -> bool {
    folder.join("Chart.yaml").is_file()
}

/// Whether a file is a chart as `helm package` writes it, by its name.
fn is_packaged_chart(path: &Path) -> bool {
    let ends = |path: &Path, end: &str| path.extension().is_some_and(|extension| extension == end);
    ends(path, "tgz") || ends(path, "gz") && path.file_stem().is_some_and(|stem| ends(Path::new(stem), "tar"))
}

/// Whether a file looks like a manifest by its name. What tells kustomize how to build is none: no server sees it.
pub fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let hidden = name.starts_with('.') || matches!(name, "kustomization.yaml" | "kustomization.yml");
    !hidden && matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml" | "json"))
}

/// The manifests and hooks of an installed release, as Helm tells them.
///
/// # Errors
/// No Helm, or a Helm that knows no such release.
pub fn helm_release(name: &str, revision: Option<&str>, options: &ChartOptions) -> Result<Source, InputError> {
    let helm = options.helm.clone().unwrap_or_else(|| "helm".into());
    progress::enter(Phase::Rendering, format!("release {name}"));
    let get =
        |what: &str| {
            let mut command = Command::new(&helm);
            command.arg("get").arg(what);
            if let Some(namespace) = &options.namespace {
                command.arg("--namespace").arg(namespace);
            }
            if let Some(revision) = revision {
                command.arg("--revision").arg(revision);
            }
            let output =
                command.arg("--").arg(name).stdin(Stdio::null()).output().map_err(|cause| {
                    InputError::NoHelmForRelease { name: name.to_owned(), helm: helm.clone(), cause }
                })?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(InputError::Release { name: name.to_owned(), said });
            }
            Ok(output.stdout)
        };
    let mut bytes = get("manifest")?;
    let hooks = get("hooks")?;
    if hooks.iter().any(|byte| !byte.is_ascii_whitespace()) {
        bytes.extend_from_slice(b"\n---\n");
        bytes.extend(hooks);
    }
    let name = revision.map_or_else(|| format!("release:{name}"), |revision| format!("release:{name}@{revision}"));
    Ok(Source { name, bytes })
}

/// What `helm template` makes of a chart.
fn render(chart: &Path, options: &ChartOptions) -> Result<Source, InputError> {
    progress::enter(Phase::Rendering, chart.display().to_string());
    let source = rendered(chart, options);
    progress::enter(Phase::Reading, "sources");
    source
}

fn rendered(chart: &Path, options: &ChartOptions) -> Result<Source, InputError> {
    let helm = options.helm.clone().unwrap_or_else(|| "helm".into());
    let mut command = Command::new(&helm);
    command.arg("template").arg(options.release.as_deref().unwrap_or("release-name"));
    // A chart named like an option must not become one.
    command.arg(if chart.is_absolute() { chart.to_path_buf() } else { Path::new(".").join(chart) });
    if let Some(namespace) = &options.namespace {
        command.arg("--namespace").arg(namespace);
    }
    for file in &options.values {
        command.arg("--values").arg(file);
    }
    for value in &options.set {
        command.arg("--set").arg(value);
    }
    let output = command.stdin(Stdio::null()).output().map_err(|cause| InputError::NoHelm {
        chart: chart.into(),
        helm,
        cause,
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(InputError::Rendering { chart: chart.into(), said });
    }
    Ok(Source { name: chart.display().to_string(), bytes: output.stdout })
}
