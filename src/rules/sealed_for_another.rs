//! Sealed secrets that were sealed for another place.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::view::View;
use crate::object::Object;
use crate::report::{Finding, Severity};
use crate::yaml::Value;

const GROUP: &str = "bitnami.com";

crate::rule! {
    /// A SealedSecret holds a value that was sealed for another name or namespace.
    ///
    /// Unless it says otherwise, a value is sealed for one name in one namespace, and opens nowhere else. Each sealing comes out
    /// different, so the same sealed text in two places was copied, and opens in one of them at most. The server accepts both;
    /// the controller says that no key could open it, and makes no Secret.
    ///
    /// The annotation `sealedsecrets.bitnami.com/namespace-wide: "true"` lets any name of the namespace open it,
    /// `sealedsecrets.bitnami.com/cluster-wide: "true"` any place; both must be there when the value is sealed. It is a
    /// **warning** where `template` names another Secret than the SealedSecret itself: the Secret gets the name and the namespace
    /// of the SealedSecret.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: SealedSecret
    /// metadata: {name: proxy, namespace: app-dev}
    /// spec: {encryptedData: {token: AgBy8hCi}}
    /// ---
    /// kind: SealedSecret
    /// metadata: {name: proxy, namespace: app-prod}
    /// spec: {encryptedData: {token: AgBy8hCi}}   # opens in app-dev, or nowhere
    /// ```
    ///
    /// ## Fix
    ///
    /// Seal the value again for its place (`kubeseal --name … --namespace …`), or with `--scope cluster-wide` for all of them.
    pub SEALED_FOR_ANOTHER = "sealed-for-another", Error, Controller;
}

/// Where a sealed value may be opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Under its name in its namespace.
    Strict,
    /// Anywhere in its namespace.
    Namespace,
    /// Anywhere.
    Cluster,
}

impl Scope {
    fn of(object: &Object<'_>) -> Self {
        let is_set = |name: &str| {
            let annotation = object.at(&["metadata", "annotations"]).and_then(|annotations| annotations.get(name));
            annotation.and_then(|value| value.as_str()).is_some_and(|text| text == "true")
        };
        if is_set("sealedsecrets.bitnami.com/cluster-wide") {
            Self::Cluster
        } else if is_set("sealedsecrets.bitnami.com/namespace-wide") {
            Self::Namespace
        } else {
            Self::Strict
        }
    }
}

/// Looks at every SealedSecret, and compares their values.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut sealed: FxHashMap<String, &Object<'_>> = FxHashMap::default();
    for object in view.of_kind(GROUP, "SealedSecret") {
        other_name(view, object, out);
        let values = object.at(&["spec", "encryptedData"]).into_iter().flat_map(|data| data.entries());
        for value in values {
            let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { continue };
            match sealed.entry(text.into_owned()) {
                Entry::Vacant(place) => {
                    place.insert(object);
                }
                Entry::Occupied(first) => {
                    if let Some(finding) = copied(view, first.get(), object, value) {
                        out.push(finding);
                        // One copied value tells enough.
                        break;
                    }
                }
            }
        }
    }
}

fn copied(view: &View<'_, '_>, first: &Object<'_>, object: &Object<'_>, value: Value<'_>) -> Option<Finding> {
    let place = |object: &Object<'_>| (view.release.namespace_of(object).to_owned(), object.name.to_string());
    let ((first_namespace, first_name), (namespace, name)) = (place(first), place(object));
    let (reach, fits) = match Scope::of(object) {
        Scope::Cluster => return None,
        Scope::Namespace => ("namespace", first_namespace == namespace),
        Scope::Strict => ("name and namespace", first_namespace == namespace && first_name == name),
    };
    if fits {
        return None;
    }
    let message = format!(
        "SealedSecret '{name}' in namespace '{namespace}' holds the same sealed text as '{first_name}' in namespace \
         '{first_namespace}', but a value is sealed for one {reach}: it opens in one of them at most, and the other gets no Secret"
    );
    let help = format!("seal the value again: kubeseal --name {name} --namespace {namespace}");
    Some(object.finding(&SEALED_FOR_ANOTHER, value, message).suggest(help))
}

/// The Secret is always named as the SealedSecret, whatever the template says.
fn other_name(view: &View<'_, '_>, object: &Object<'_>, out: &mut Vec<Finding>) {
    let own = [("name", &*object.name), ("namespace", view.release.namespace_of(object))];
    for (key, own) in own {
        let Some(value) = object.below(&["spec", "template", "metadata", key]) else { continue };
        let Some(said) = value.as_str().filter(|said| !said.is_empty() && **said != *own) else { continue };
        let message = format!(
            "the template says {key} '{said}', but the Secret gets the {key} of the SealedSecret, '{own}': whoever looks for \
             '{said}' finds nothing"
        );
        let finding = object.finding(&SEALED_FOR_ANOTHER, value, message).severity(Severity::Warning);
        out.push(finding.suggest(format!("{key}: {own}")));
    }
}
