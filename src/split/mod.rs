//! A rendered stream as folders that another engine takes over: one for each cluster, wave, shard or kind.
//!
//! Nothing is rendered anew: every document keeps its bytes and stands in exactly one file, so the parts add up to the whole.
//! [`layout`] adds the files that the engine needs, [`write`] puts all of them on disk without touching anybody else's. This
//! module itself reads and writes nothing.

pub mod layout;
pub mod write;

use std::collections::BTreeMap;
use std::fmt;

use crate::object::Object;
use crate::plan::shards;
use crate::plan::waves::{self, By as WaveBy};
use crate::release::Membership;
use crate::rules::view::View;
use crate::yaml;
use layout::Layout;

/// What makes a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// The cluster.
    Cluster,
    /// The wave of clusters that change together.
    Wave,
    /// The management cluster.
    Shard,
    /// The kind of object.
    Kind,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What makes a folder.
    pub by: By,
    /// For whom.
    pub layout: Layout,
    /// What makes a wave.
    pub waves: Vec<WaveBy>,
    /// How many management clusters there are.
    pub shards: usize,
    /// How the engine finds the folders.
    pub engine: layout::Engine,
}

/// The folder of what belongs to no single part. It comes first, by name too.
pub const SHARED: &str = "00-shared";

/// The file in which a part's documents stand.
pub const MANIFESTS: &str = "manifests.yaml";

/// A folder and the documents in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Relative, with slashes: `cluster-1`, `01-dev/cluster-1`.
    pub folder: String,
    /// Numbers of documents, in order.
    pub documents: Vec<u32>,
}

/// Files by their relative paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Why a stream cannot be split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// Documents that are no objects: they would be lost.
    Unreadable(usize),
    /// A name that cannot be a folder.
    Name(String),
    /// Two parts would share a folder.
    Collision(String),
    /// A document whose last line has no end, and another behind it.
    OpenEnd(String),
    /// The layout makes no sense here, and why.
    Layout(&'static str),
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(number) => {
                write!(f, "{number} document(s) cannot be read and would be lost; capi-lint lint says why")
            }
            Self::Name(name) => {
                write!(f, "'{name}' cannot be the name of a folder; capi-lint lint says what names are allowed")
            }
            Self::Collision(name) => write!(f, "two parts would be written to the folder '{name}'"),
            Self::OpenEnd(name) => write!(
                f,
                "the last line of '{name}' is text without a line end, and nothing can be put behind it without changing that text: \
                 end the line"
            ),
            Self::Layout(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SplitError {}

/// All files of a release.
///
/// # Errors
/// A stream that cannot be split without a loss, names that cannot be folders, a layout that does not fit.
pub fn files(view: &View<'_, '_>, options: &Options) -> Result<Files, SplitError> {
    options.layout.fits(options.by)?;
    let parts = parts(view, options)?;
    let mut files = Files::new();
    for part in &parts {
        files.insert(format!("{}/{MANIFESTS}", part.folder), text(view, &part.documents)?.into_bytes());
    }
    layout::add(&parts, view, options, &mut files);
    Ok(files)
}

/// The parts, shared objects first.
///
/// # Errors
/// As [`files`].
pub fn parts(view: &View<'_, '_>, options: &Options) -> Result<Vec<Part>, SplitError> {
    let unreadable: usize = view.release.unreadable().map(|finding| finding.count).sum();
    if unreadable > 0 {
        return Err(SplitError::Unreadable(unreadable));
    }
    let folders = Folders::new(view, options)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let objects: Vec<&Object<'_>> = view.release.objects.iter().collect();
    // A list of objects is one document, and goes where all of them belong.
    for document in objects.chunk_by(|one, other| one.document == other.document) {
        let Some(first) = document.first() else { continue };
        let folder = folders.of_document(view, document)?;
        let place = *places.entry(folder.clone()).or_insert_with(|| {
            parts.push(Part { folder, documents: Vec::new() });
            parts.len() - 1
        });
        if let Some(part) = parts.get_mut(place) {
            part.documents.push(first.document);
        }
    }
    parts.sort_by_key(|part| (!part.folder.starts_with(SHARED), folders.wave_of(&part.folder)));
    Ok(parts)
}

/// Where the parts go.
struct Folders {
    by: By,
    shared: String,
    /// For each cluster; empty for those that go to the shared folder.
    of_cluster: Vec<String>,
}

impl Folders {
    fn new(view: &View<'_, '_>, options: &Options) -> Result<Self, SplitError> {
        let nested = options.by == By::Cluster && options.layout.has_waves();
        let shared = if nested { format!("{SHARED}/shared") } else { SHARED.to_owned() };
        let clusters = &view.release.clusters;
        let mut of_cluster = vec![String::new(); clusters.len()];
        match options.by {
            By::Kind => {}
            By::Shard => {
                for (cluster, folder) in clusters.iter().zip(&mut of_cluster) {
                    let shard = shards::shard(&cluster.namespace, &cluster.name, options.shards);
                    *folder = format!("shard-{}", shard + 1);
                }
            }
            By::Cluster | By::Wave => {
                let names = cluster_names(view)?;
                let mut waves = vec![String::new(); clusters.len()];
                for (number, wave) in waves::waves(view, &options.waves).into_iter().enumerate() {
                    let folder = format!("{:02}-{}", number + 1, slug(&wave.name));
                    for cluster in wave.clusters {
                        if let Some(slot) = waves.get_mut(cluster) {
                            slot.clone_from(&folder);
                        }
                    }
                }
                for ((name, wave), folder) in names.into_iter().zip(waves).zip(&mut of_cluster) {
                    *folder = match (options.by, nested) {
                        (By::Wave, _) => wave,
                        (_, true) if !wave.is_empty() => format!("{wave}/{name}"),
                        // Objects of a cluster that is not here belong to no wave.
                        (_, true) => format!("{SHARED}/{name}"),
                        (_, false) => name,
                    };
                }
            }
        }
        if options.by == By::Cluster && of_cluster.contains(&shared) {
            return Err(SplitError::Collision(shared));
        }
        Ok(Self { by: options.by, shared, of_cluster })
    }

    fn of_document(&self, view: &View<'_, '_>, objects: &[&Object<'_>]) -> Result<String, SplitError> {
        let mut folders = objects.iter().map(|object| self.of_object(view, object));
        let first = folders.next().unwrap_or_else(|| Ok(self.shared.clone()))?;
        for other in folders {
            if other? != first {
                return Ok(self.shared.clone());
            }
        }
        Ok(first)
    }

    fn of_object(&self, view: &View<'_, '_>, object: &Object<'_>) -> Result<String, SplitError> {
        if self.by == By::Kind {
            let name = object.kind.to_lowercase();
            return if is_folder(&name) { Ok(name) } else { Err(SplitError::Name(object.kind.to_string())) };
        }
        let membership = view.release.membership().get(object.number as usize).copied().unwrap_or_default();
        let folder = match membership {
            Membership::One(cluster) => self.of_cluster.get(cluster as usize).filter(|folder| !folder.is_empty()),
            Membership::Shared | Membership::Unassigned => None,
        };
        Ok(folder.unwrap_or(&self.shared).clone())
    }

    /// What the order of parts goes by: waves have numbers, everything else stays in the order of the release.
    fn wave_of(&self, folder: &str) -> String {
        match self.by {
            By::Wave | By::Shard => folder.to_owned(),
            By::Cluster => folder.split_once('/').map_or_else(String::new, |(wave, _)| wave.to_owned()),
            By::Kind => String::new(),
        }
    }
}

/// A folder name for each cluster: its name, with the namespace before it where the name stands twice.
fn cluster_names(view: &View<'_, '_>) -> Result<Vec<String>, SplitError> {
    let clusters = &view.release.clusters;
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for cluster in clusters {
        *count.entry(&cluster.name).or_default() += 1;
    }
    let mut names: Vec<String> = Vec::with_capacity(clusters.len());
    for cluster in clusters {
        let is_alone = count.get(&*cluster.name) == Some(&1);
        let name = if is_alone { cluster.name.to_string() } else { format!("{}.{}", cluster.namespace, cluster.name) };
        if !is_folder(&name) {
            return Err(SplitError::Name(name));
        }
        names.push(name);
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(SplitError::Collision(pair[0].clone()));
    }
    Ok(names)
}

/// Names of objects are folders on every system; whatever else a manifest says is not trusted to be one.
fn is_folder(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    name.len() <= 253
        && name.bytes().all(fits)
        && name.bytes().next().is_some_and(|first| first != b'.' && first != b'-')
}

/// Words as a part of a name.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.to_lowercase().chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.ends_with('-') && !slug.is_empty() && character != '%' {
            slug.push('-');
        }
    }
    let short: String = slug.chars().take(50).collect();
    let short = short.trim_end_matches('-');
    if short.is_empty() { "wave".to_owned() } else { short.to_owned() }
}

/// Documents as one stream, each with the bytes it came with. The last document of a source may end in the middle of a line: then
/// a line end is added, unless it would become a part of a text.
fn text(view: &View<'_, '_>, documents: &[u32]) -> Result<String, SplitError> {
    let mut text = String::new();
    for (position, number) in documents.iter().enumerate() {
        let document = view.release.source_of(*number);
        if !document.starts_with("---") {
            text.push_str("---\n");
        }
        text.push_str(&document);
        if text.ends_with('\n') {
            continue;
        }
        if may_end_line(view.release.text_of(*number)) {
            text.push('\n');
        } else if position + 1 < documents.len() {
            let name = view.release.objects.iter().find(|object| object.document == *number);
            return Err(SplitError::OpenEnd(name.map_or_else(String::new, |object| object.name.to_string())));
        }
    }
    Ok(text)
}

/// Whether a document means the same with a line end behind it: a block of text at its end would grow by one.
fn may_end_line(document: &str) -> bool {
    let meaning = |text: &str| {
        let parsed = yaml::parse(text).ok()?;
        Some(parsed.root()?.to_json())
    };
    meaning(document) == meaning(&format!("{document}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_at_the_end_is_not_to_grow() {
        assert!(may_end_line("a: b") && may_end_line("a: |\n  b\n") && may_end_line("a: |-\n  b"));
        assert!(!may_end_line("a: |\n  b"));
    }

    #[test]
    fn names_that_are_no_folders() {
        for name in ["..", "../up", "a/b", "", "-x", ".git", "A", "a\\b", "a b", "é"] {
            assert!(!is_folder(name), "{name}");
        }
        assert!(is_folder("app-prod.eu-1"));
        assert_eq!(
            (slug("prod 30%"), slug("no environment"), slug("Ünï")),
            ("prod-30".into(), "no-environment".into(), "n".into())
        );
    }
}
