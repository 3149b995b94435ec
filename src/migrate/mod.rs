//! v1beta1 manifests to v1beta2, as changes of their text.
//!
//! Why: v1beta1 is deprecated and about to be unserved, the conversion webhooks answer only inside a management cluster,
//! and `clusterctl convert` loses comments and order. What differs between the versions stands in tables, one file a kind
//! family; `change` is their vocabulary. An object becomes a `tree` that remembers its text, `apply` carries the table out
//! on it, `render` writes it back. This module proves each result to itself: the text written must parse to the tree that
//! the tables gave, else the document is refused and stays as it was. It does no I/O, and leaves every document of another
//! kind alone.

mod apply;
pub mod change;
mod cluster_class;
mod conflicts;
mod core;
mod decode;
mod docker;
mod duration;
mod fit;
mod flow;
pub mod half_migrated;
pub mod kinds;
mod kubeadm;
mod layout;
mod patches;
mod placeholder;
mod render;
mod stream;
pub mod suggestion;
pub mod templates;
mod tree;

use serde_json::Value as Json;

use crate::secrets;
use crate::yaml::{self, Value};
use fit::Fit;
use kinds::{MigratedKind, TARGET};
use layout::Layout;
pub use patches::Context;
use render::Renderer;
pub use stream::{Document, Stream, each_alone, stream, streams};
use tree::{Data, Tree};

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// A field that v1beta2 does not have: it was dropped.
    Removed,
    /// Something that could not follow and stays at the old version.
    Left,
    /// A field that v1beta2 requires and the object does not have.
    Missing,
}

/// Something to say about a document that was brought to v1beta2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// Where it stood: an offset in the document.
    pub offset: usize,
    /// The path of the field, as it was.
    pub path: String,
    /// What became of it and what to do.
    pub message: String,
}

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where: an offset in the document.
    pub offset: usize,
    /// The path of the field; empty for the whole document.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// A document brought to v1beta2.
#[derive(Clone, Debug, PartialEq)]
pub struct Migration {
    /// The new text.
    pub text: String,
    /// What the text means.
    pub value: Json,
    /// Fields that went away, in the order of the text.
    pub notes: Vec<Note>,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Not of a kind that has a v1beta2 of Cluster API's making.
    NotConcerned,
    /// At v1beta2 already.
    Already,
    /// Brought to v1beta2.
    Migrated(Migration),
    /// Cannot be brought to v1beta2; it stays as it was.
    Refused(Reason),
}

/// Brings one document to v1beta2. The context says which templates are brought there with it.
pub fn document(text: &str, context: &Context) -> Outcome {
    let body = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mark = text.len() - body.len();
    let line_break = if body.contains("\r\n") { "\r\n" } else { "\n" };
    let open = !body.ends_with('\n');
    let closed = if open { format!("{body}{line_break}") } else { body.to_owned() };
    match migrate(&closed, context) {
        Outcome::Migrated(mut migration) => {
            if open {
                // Where line breaks are mixed, it may end in the other one.
                let kept = migration.text.strip_suffix(line_break).or_else(|| migration.text.strip_suffix('\n'));
                migration.text.truncate(kept.unwrap_or(&migration.text).len());
            }
            migration.text.insert_str(0, &text[..mark]);
            migration.notes.iter_mut().for_each(|note| note.offset += mark);
            Outcome::Migrated(migration)
        }
        Outcome::Refused(reason) => Outcome::Refused(Reason { offset: reason.offset + mark, ..reason }),
        outcome => outcome,
    }
}

/// Brings a document to v1beta2 whose text ends its last line.
fn migrate(text: &str, context: &Context) -> Outcome {
    let parsed = match yaml::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let said = error.to_string();
            let said = secrets::Values::around(text, error.offset).scrub(&said).into_owned();
            return refuse(error.offset, format!("not readable as YAML: {said}"));
        }
    };
    let Some(root) = parsed.root() else { return Outcome::NotConcerned };
    if !may_concern(root) {
        return Outcome::NotConcerned;
    }
    let mut tree = Tree::of(root);
    let before = tree.clone();
    let mut notes = Vec::new();
    match convert(&mut tree, context, &mut notes) {
        Ok(Concern::None) => return Outcome::NotConcerned,
        Ok(Concern::Already) => return Outcome::Already,
        Ok(Concern::Changed) => {}
        Err(reason) => return Outcome::Refused(reason),
    }
    if let Some(twice) = parsed.duplicates().first() {
        let message = "a key stands twice; the server takes the last. Delete the other one first";
        return refuse(twice.second.range().start, message.into());
    }
    if parsed.ignored().is_some() {
        return refuse(0, "text follows that the server never reads. Delete it or put --- before it".into());
    }
    match write(&before, &tree, text) {
        Some(text) => Outcome::Migrated(Migration { text, value: tree.to_json(), notes }),
        None => refuse(0, UNWRITABLE.into()),
    }
}

/// Whether a document may hold an object of Cluster API's own groups: a look at one field, since most do not.
fn may_concern(root: Value<'_>) -> bool {
    let version = root.get("apiVersion").and_then(|version| version.as_str());
    version.is_some_and(|version| version == "v1" || version.contains("cluster.x-k8s.io/"))
}

const UNWRITABLE: &str = "written in a way that cannot be changed without losing something (comments between brackets, an \
                          anchor whose content changes, a tag such as !!int, keys behind ?). Rewrite it in plain block style first";

/// What an object means in v1beta2, its text apart; `None` where it is no v1beta1 object or cannot be brought over.
pub fn meaning(root: Value<'_>) -> Option<Json> {
    meaning_among(root, &Context::default())
}

/// The same, where the patches of a class follow these templates.
pub fn meaning_among(root: Value<'_>, context: &Context) -> Option<Json> {
    let mut tree = Tree::of(root);
    matches!(convert(&mut tree, context, &mut Vec::new()), Ok(Concern::Changed)).then(|| tree.to_json())
}

fn refuse(offset: usize, message: String) -> Outcome {
    Outcome::Refused(Reason { offset, path: String::new(), message })
}

/// The tree as text, proven: the text of the untouched tree is the source, and the new text means the new tree.
fn write(before: &Tree<'_>, after: &Tree<'_>, text: &str) -> Option<String> {
    let layout = Layout::of(before.origin?, text)?;
    if Renderer::render(before, text, &layout)? != text {
        return None;
    }
    let written = Renderer::render(after, text, &layout)?;
    let parsed = yaml::parse(&written).ok()?;
    let meaning = parsed.root()?.to_json();
    (meaning == after.to_json() && parsed.duplicates().is_empty()).then_some(written)
}

/// Whether a document has anything to migrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Concern {
    None,
    Already,
    Changed,
}

/// Converts a tree; the items of a `List` one by one.
fn convert(tree: &mut Tree<'_>, context: &Context, notes: &mut Vec<Note>) -> Result<Concern, Reason> {
    let is_list = tree.get("kind").and_then(Tree::text).is_some_and(|kind| kind == "List")
        && tree.get("apiVersion").and_then(Tree::text).is_some_and(|version| version == "v1");
    if !is_list {
        return convert_object(tree, context, notes);
    }
    let mut concern = Concern::None;
    if let Some(Tree { data: Data::Seq(items), .. }) = tree.at_mut(["items"].into_iter()) {
        for item in items {
            concern = concern.max(convert_object(&mut item.value, context, notes)?);
        }
    }
    Ok(concern)
}

fn convert_object(tree: &mut Tree<'_>, context: &Context, notes: &mut Vec<Note>) -> Result<Concern, Reason> {
    let text = |key: &str| tree.get(key).and_then(Tree::text).map(str::to_owned);
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else { return Ok(Concern::None) };
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let Some(known) = kinds::find(group, &kind) else { return unknown(tree.origin, group, version, &kind) };
    if version != TARGET && !known.from.contains(&version) {
        return Err(wrong_version(tree.origin, known, version));
    }
    if version == TARGET {
        return Ok(Concern::Already);
    }
    if tree.at(["metadata", "annotations", CONVERSION_DATA].into_iter()).is_some() {
        return Err(Reason {
            offset: 0,
            path: format!("metadata.annotations[{CONVERSION_DATA:?}]"),
            message: format!(
                "the annotation {CONVERSION_DATA} was written by a management cluster and holds another version of this \
                 object, which wins over the manifest. Delete it first"
            ),
        });
    }
    let namespace = tree.at(["metadata", "namespace"].into_iter()).and_then(Tree::text).map(str::to_owned);
    let fit = Fit::of(group, version, &kind);
    let missing_before = fit.missing_before(tree);
    fit.drop_unknown(tree, notes);
    let mut application = apply::Application { namespace, notes };
    application.run(tree, known.changes, "")?;
    application.run(tree, STATUS, "")?;
    fit.drop_empty(tree);
    if let Some(path) = fit.unknown_after(tree) {
        return Err(Reason {
            offset: 0,
            message: format!(
                "{TARGET} has no field {path}, and how to do without it is not known here; change it by hand"
            ),
            path,
        });
    }
    fit.missing_after(tree, &missing_before, notes);
    if known.kind == "ClusterClass" {
        patches::follow(tree, context, notes);
    }
    if let Some(entry) = tree.entry_mut("apiVersion") {
        entry.value.data = Data::Scalar(format!("{group}/{TARGET}").into());
    }
    Ok(Concern::Changed)
}

/// Where conversion webhooks keep what the older version cannot hold.
const CONVERSION_DATA: &str = "cluster.x-k8s.io/conversion-data";

const STATUS: &[change::Change] = &[change::Change::Remove {
    at: "status",
    instead: "the controllers write the status; it has no place in a manifest",
}];

/// A version that was taken away before v1beta1, or that never was.
fn wrong_version(root: Option<Value<'_>>, known: &MigratedKind, version: &str) -> Reason {
    let MigratedKind { group, kind, .. } = known;
    Reason {
        offset: offset_of(root, "apiVersion"),
        path: "apiVersion".into(),
        message: format!(
            "no supported release of Cluster API serves {kind} at {group}/{version}; bring it to {} first, as the notes of \
             its old releases say",
            known.from.join(" or ")
        ),
    }
}

/// A kind without a table: another provider's, or a mistake in a group of Cluster API's own.
fn unknown(root: Option<Value<'_>>, group: &str, version: &str, kind: &str) -> Result<Concern, Reason> {
    if !kinds::OWN_GROUPS.contains(&group) || version == TARGET {
        return Ok(Concern::None);
    }
    let elsewhere = kinds::KINDS.iter().find(|known| known.kind == kind);
    let hint = elsewhere.map_or_else(
        || "no provider has its kinds in this group; templates of infrastructure are in infrastructure.cluster.x-k8s.io".into(),
        |known| format!("did you mean {}?", known.group),
    );
    Err(Reason {
        offset: offset_of(root, "kind"),
        path: "kind".into(),
        message: format!("the server knows no {kind} of {group}/{version}: {hint}"),
    })
}

fn offset_of(root: Option<Value<'_>>, key: &str) -> usize {
    root.and_then(|root| root.get(key)).map_or(0, |value| value.span().range().start)
}
