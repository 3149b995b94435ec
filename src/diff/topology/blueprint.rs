//! A ClusterClass together with the templates that it names.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::class::{self, Slot};
use crate::diff::json;
use crate::diff::verdict::is_deleted;
use crate::object::Object;
use crate::release::Release;

/// A class and its templates, as written.
#[derive(Debug)]
pub struct Blueprint {
    /// The class's name.
    pub name: String,
    /// The class.
    pub class: Json,
    /// The template of each slot; `None` where the release does not have it.
    pub templates: BTreeMap<Slot, (class::TemplateRef, Option<Json>)>,
    /// A template that is there only until the upgrade deletes it.
    pub deleted: Option<class::TemplateRef>,
}

impl Blueprint {
    /// Reads a class and looks its templates up in the class's namespace.
    pub fn of(release: &Release<'_>, object: &Object<'_>) -> Self {
        let class = object.root.to_json();
        let namespace = release.namespace_of(object);
        let read = |(slot, of): (Slot, class::TemplateRef)| {
            let template =
                release.find(&of.group, &of.kind, namespace, &of.name).map(|template| template.root.to_json());
            (slot, (of, template))
        };
        let templates = class::templates(&class).into_iter().map(read).collect();
        Self { name: object.name.to_string(), class, templates, deleted: None }
    }

    /// Takes templates that the release no longer has from the one before: they stay, or Helm deletes them after it has sent
    /// everything else, and the controller reads them until then.
    pub fn with_leftovers(mut self, before: &Release<'_>, namespace: &str) -> Self {
        for (of, template) in self.templates.values_mut().filter(|(_, template)| template.is_none()) {
            let Some(object) = before.find(&of.group, &of.kind, namespace, &of.name) else { continue };
            *template = Some(object.root.to_json());
            if is_deleted(object) {
                self.deleted.get_or_insert_with(|| of.clone());
            }
        }
        self
    }

    /// Whether nothing in it differs from another one.
    pub fn says_the_same(&self, other: &Self) -> bool {
        json::same(self.class.get("spec"), other.class.get("spec"))
            && self.templates.len() == other.templates.len()
            && self.templates.iter().zip(&other.templates).all(|((slot, (_, a)), (other, (_, b)))| {
                let spec =
                    |template: &Option<Json>| template.as_ref().and_then(|template| template.get("spec").cloned());
                slot == other && json::same(spec(a).as_ref(), spec(b).as_ref())
            })
    }

    /// Whether the class defines a variable.
    pub fn defines(&self, name: &str) -> bool {
        class::variables(&self.class).any(|(known, _)| known == name)
    }

    /// The class's patches.
    pub fn patches(&self) -> &[Json] {
        json::items(&self.class, &["spec", "patches"])
    }

    /// Whether a patch speaks of a variable.
    pub fn patches_mention(&self, name: &str) -> bool {
        self.patches().iter().any(|patch| mentions(patch, name))
    }

    /// `Kind name: path` of each template of the control plane, or of workers, whose content differs from that in the same slot
    /// of another blueprint.
    pub fn changed_templates(&self, after: &Self, is_control_plane: bool) -> Vec<String> {
        let mut found = Vec::new();
        let concerns = |slot: &Slot| match slot {
            Slot::Infrastructure => false,
            Slot::ControlPlane | Slot::MachineInfrastructure => is_control_plane,
            Slot::Bootstrap(..) | Slot::Machines(..) => !is_control_plane,
        };
        for (slot, (of, template)) in after.templates.iter().filter(|(slot, _)| concerns(slot)) {
            let old = self.templates.get(slot).and_then(|(_, old)| old.as_ref()).and_then(|old| old.get("spec"));
            let new = template.as_ref().and_then(|new| new.get("spec"));
            let mut paths = Vec::new();
            json::leaf_differences(old, new, &mut vec!["spec".to_owned()], &mut paths);
            if let Some(path) = paths.first() {
                let text = format!("{} {}: {}", of.kind, of.name, path.join("."));
                if !found.contains(&text) {
                    found.push(text);
                }
            }
        }
        found
    }
}

/// Whether a variable's name stands in the texts of a patch, as a word.
fn mentions(patch: &Json, name: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_' || character == '-';
    match patch {
        Json::String(text) => text.match_indices(name).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        }),
        Json::Array(list) => list.iter().any(|item| mentions(item, name)),
        Json::Object(map) => map.values().any(|value| mentions(value, name)),
        _ => false,
    }
}
