//! Applications for clusters that nobody knows.

use super::view::View;
use crate::layers::{Aim, Fate, Layer, Role, Target};
use crate::report::{Finding, Severity};
use crate::schema::suggest::nearest;

crate::rule! {
    /// An object of a layer above Cluster API names a cluster that is neither in the release nor in the inventory.
    ///
    /// The server accepts it. Argo CD then reports an unknown cluster, Flux waits for a Secret that never comes, KubeFed and the
    /// others place nothing, without a word.
    ///
    /// Looked at are Argo CD (`destination`, the elements of a list generator), Flux (`kubeConfig.secretRef`, by the name
    /// `<cluster>-kubeconfig` in its own namespace), KubeFed (`placement`), Fleet (`clusterName`), Karmada (`clusterNames`), Open
    /// Cluster Management (the namespace of a ManifestWork) and Sveltos (`clusterRefs`). Where the release or the inventory
    /// (`--inventory`: Cluster objects, kubeconfig files, Argo CD's cluster Secrets) holds a layer's own objects for clusters,
    /// their names count.
    ///
    /// Silent where no cluster is known at all. It is an **error** where the name differs by a letter or two from a known one, or
    /// where an inventory says what there is.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata: {name: app-staging}
    /// ---
    /// kind: Application
    /// spec:
    ///   destination: {name: app-stagin, namespace: shop}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the cluster's name, or hand in with `--inventory` what exists besides the release.
    pub UNKNOWN_TARGET = "unknown-target", Warning, Controller;
}

/// Findings that get a suggestion: to compare every name with every other one would take longer than the fleet is large.
const COMPARED: usize = 50;

/// Looks at every target that is named.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let layers = view.layers();
    let first = out.len();
    for target in &layers.targets {
        if target.fate != Fate::Nobody || target.role != Role::Places {
            continue;
        }
        let (what, name) = match &target.aim {
            Aim::Name(name) => ("cluster", name),
            Aim::Server(url) => ("server", url),
            _ => continue,
        };
        let object = target.object;
        // Flux names the Secret.
        let stem = if target.layer == Layer::Flux { name.trim_end_matches("-kubeconfig") } else { name };
        let elsewhere = view.clusters.iter().find(|cluster| cluster.object.is_some() && cluster.cluster.name == stem);
        let absence = match elsewhere {
            Some(_) if target.layer == Layer::Flux => "is not in its namespace",
            _ => "is neither in this release nor in the inventory",
        };
        let message = format!(
            "{} '{}' targets the {what} '{stem}', which {absence}: {}",
            object.kind,
            object.name,
            consequence(target)
        );
        let finding = object.finding(&UNKNOWN_TARGET, target.value, message);
        let near = if what == "cluster" && out.len() < first + COMPARED {
            nearest(stem, layers.universe.names())
        } else {
            None
        };
        out.push(match (elsewhere, near) {
            (Some(cluster), _) if target.layer == Layer::Flux => finding.severity(Severity::Error).suggest(format!(
                "Cluster '{stem}' lives in namespace '{}', and Flux looks for its Secret in its own: move the {} there",
                cluster.cluster.namespace, object.kind
            )),
            (_, Some(near)) => finding.severity(Severity::Error).suggest(format!("did you mean '{near}'?")),
            _ if layers.universe.is_stated => finding.severity(Severity::Error),
            _ => finding.suggest("check the name; --inventory FILE says which clusters exist besides the release"),
        });
    }
}

fn consequence(target: &Target<'_, '_>) -> &'static str {
    match target.layer {
        Layer::Argo => "Argo CD does not know where to go and syncs nothing",
        Layer::Flux => "Flux waits for the Secret with its kubeconfig",
        _ => "nothing is placed there",
    }
}
