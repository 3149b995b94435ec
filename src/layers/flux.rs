//! Flux: `Kustomization` and `HelmRelease` go where their kubeconfig leads: by Cluster API's convention the Secret
//! `<cluster>-kubeconfig` in the object's own namespace.

use super::universe::Found;
use super::{Aim, Collector, Fate, Layer, text};
use crate::object::Object;

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    if !matches!(&*object.kind, "Kustomization" | "HelmRelease") {
        return;
    }
    let Some(spec) = object.spec() else { return };
    let Some(config) = spec.get("kubeConfig") else {
        return out.push(object, Layer::Flux, spec, Aim::All, Found::home());
    };
    match (config.get("secretRef"), config.get("configMapRef")) {
        (Some(_), Some(_)) => {
            out.unclear(
                object,
                Layer::Flux,
                config,
                "kubeConfig says both secretRef and configMapRef: Flux takes exactly one",
            );
        }
        (None, None) => {
            out.unclear(
                object,
                Layer::Flux,
                config,
                "kubeConfig says neither secretRef nor configMapRef: Flux takes exactly one",
            );
        }
        (None, Some(_)) => out.push(object, Layer::Flux, config, Aim::All, Found::unknown()),
        (Some(secret), None) => {
            let Some(name) = text(secret, "name") else { return };
            let value = secret.get("name").unwrap_or(secret);
            let namespace = out.namespace_of(object);
            let own = out.view.release.find("", "Secret", namespace, &name).is_some()
                || out.view.is_external("", "Secret", namespace, &name);
            let found = match name.strip_suffix("-kubeconfig") {
                Some(cluster) => {
                    let found = out.universe.named(Layer::Flux, Some(namespace), cluster);
                    if found.fate == Fate::Nobody && own { Found::unknown() } else { found }
                }
                // A Secret of another name may hold the kubeconfig of any cluster.
                None => Found::unknown(),
            };
            out.push(object, Layer::Flux, value, Aim::Name(name), found);
        }
    }
}
