//! External secrets from a store that is not there.

use super::view::View;
use crate::report::{Finding, Severity};
use crate::schema::suggest::nearest;

const GROUP: &str = "external-secrets.io";

crate::rule! {
    /// An ExternalSecret names a store that the release does not hold, though it holds others.
    ///
    /// The server accepts it. The controller does not find the store, and makes no Secret: whatever mounts it stays in
    /// ContainerCreating.
    ///
    /// A SecretStore serves its own namespace only, a ClusterSecretStore all of them. Silent where the release holds no store at
    /// all. It is an **error** where the name differs by a letter or two from one that is there.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: SecretStore
    /// metadata: {name: vault, namespace: shop}
    /// ---
    /// kind: ExternalSecret
    /// metadata: {name: database, namespace: shop}
    /// spec:
    ///   secretStoreRef: {kind: SecretStore, name: valut}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the store's name, and its kind: without `kind` a SecretStore is meant.
    pub UNKNOWN_SECRET_STORE = "unknown-secret-store", Warning, Controller;
}

/// Looks at every ExternalSecret.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let release = view.release;
    let stores: Vec<_> = release
        .objects
        .iter()
        .filter(|object| object.group() == GROUP && matches!(&*object.kind, "SecretStore" | "ClusterSecretStore"))
        .collect();
    if stores.is_empty() {
        return;
    }
    for object in release.of_kind(GROUP, "ExternalSecret") {
        let Some(reference) = object.at(&["spec", "secretStoreRef"]) else { continue };
        let text = |key: &str| reference.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        let (Some(value), Some(name)) = (reference.get("name"), text("name")) else { continue };
        let kind = text("kind").unwrap_or("SecretStore".into());
        let own = release.namespace_of(object);
        // A cluster-wide object names no namespace, or one that means nothing.
        let fits = |store: &&&crate::object::Object<'_>| {
            store.kind == kind && (kind == "ClusterSecretStore" || release.namespace_of(store) == own)
        };
        if stores.iter().filter(fits).any(|store| store.name == name) || view.is_external(GROUP, &kind, own, &name) {
            continue;
        }
        let message = format!(
            "ExternalSecret '{}' takes its values from {kind} '{name}', which this release does not hold: no Secret is made",
            object.name
        );
        let finding = object.finding(&UNKNOWN_SECRET_STORE, value, message);
        let near = nearest(&name, stores.iter().filter(fits).map(|store| &*store.name));
        let elsewhere = stores.iter().find(|store| store.name == name);
        out.push(match (near, elsewhere) {
            (_, Some(store)) => finding.severity(Severity::Error).suggest(format!(
                "there is a {} of this name{}",
                store.kind,
                if store.kind == kind {
                    format!(" in namespace '{}'", release.namespace_of(store))
                } else {
                    String::new()
                }
            )),
            (Some(near), None) => finding.severity(Severity::Error).suggest(format!("did you mean '{near}'?")),
            (None, None) => {
                finding.suggest("check the name; a store that exists already goes into the settings: external")
            }
        });
    }
}
