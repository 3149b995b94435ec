//! What Cluster API's admission webhooks and conversions refuse, from the objects alone.
//!
//! The API server hands each object to CAPI's mutating webhooks, judges it by its schema, and hands it to the validating
//! webhooks. This module stands for the webhooks; the schema is judged elsewhere. One file per kind family; each names the
//! fields by their v1beta2 path and, where the object is older, by the old one, because the server converts before it asks.
//!
//! It must not look at anything but the object, its peers and the options, and must not repeat what a schema already says.
//! Updates (old object against new) are for `diff`.

use crate::object::Object;
use crate::release::Release;
use crate::report::Finding;

mod addons;
mod address;
mod alike;
mod check;
mod cluster;
mod cluster_class;
mod conversion;
mod decoding;
mod docker;
mod go_names;
mod health_check;
mod ipam;
mod kubeadm_config;
mod kubeadm_control_plane;
mod machine;
mod metadata;
mod options;
mod patch;
mod prefilled;
pub mod providers;
mod quantity;
mod rules;
mod runtime;
mod selector;
mod semver;
mod taint;
mod topology;
mod url;
mod variable;
mod variable_schema;
mod variable_value;

pub use alike::{Passed, judge_alike};
pub use decoding::{LabelledBy, Sent, drops};
pub use options::{Gate, Gates, Operation, Options, State};
pub use prefilled::prefilled;
pub use quantity::duration as go_duration;
pub use rules::{LIST as RULES, *};

use check::Check;

/// Where the rules look for another object of the same release.
pub trait Peers {
    /// The object of this identity. Without a namespace it is sought in that of the object that asks.
    fn find(
        &self,
        from: &Object<'_>,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Object<'_>>;
}

/// Peers, and what is done when somebody asks for one: who does, hangs on more than his own object.
pub(crate) struct Overheard<'p, F> {
    /// Who is asked.
    pub peers: &'p dyn Peers,
    /// What is done then.
    pub note: F,
}

impl<F: Fn()> Peers for Overheard<'_, F> {
    fn find(
        &self,
        from: &Object<'_>,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Object<'_>> {
        (self.note)();
        self.peers.find(from, group, kind, namespace, name)
    }
}

/// No peers: an object judged alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Peers for Alone {
    fn find(&self, _: &Object<'_>, _: &str, _: &str, _: Option<&str>, _: &str) -> Option<&Object<'_>> {
        None
    }
}

impl Peers for Release<'_> {
    fn find(
        &self,
        from: &Object<'_>,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Object<'_>> {
        // Spelt out, since `Release` has a method of the same name.
        let namespace = namespace.unwrap_or_else(|| from.namespace().unwrap_or_else(|| self.namespace()));
        Release::find(self, group, kind, namespace, name)
    }
}

/// One of the checks of a kind. It looks at nothing but what it is given, and at no finding before it.
type Judgement = fn(&mut Check<'_, '_>);

/// Judges one object as CAPI's webhooks would on creation.
pub fn judge(object: &Object<'_>, peers: &dyn Peers, options: &Options, out: &mut Vec<Finding>) {
    let mut check = Check { object, peers, options, out };
    judgements(object).for_each(|judgement| judgement(&mut check));
}

/// The checks of an object's kind, in the order of their findings. Each is the smaller the fewer words it looks at, so that few
/// of them look at the names by which the objects of a fleet differ ([`alike`]).
fn judgements(object: &Object<'_>) -> impl Iterator<Item = Judgement> {
    let of_kind: &[Judgement] = match object.group() {
        "cluster.x-k8s.io" => match &*object.kind {
            "Cluster" => cluster::JUDGEMENTS,
            "ClusterClass" => &[cluster_class::judge],
            "Machine" => &[machine::judge_machine],
            "MachineSet" => machine::OF_SET,
            "MachineDeployment" => machine::OF_DEPLOYMENT,
            "MachinePool" => &[machine::judge_pool],
            "MachineHealthCheck" => &[health_check::judge],
            "MachineDrainRule" => &[health_check::judge_drain_rule],
            _ => &[],
        },
        "addons.cluster.x-k8s.io" => &[addons::judge],
        "ipam.cluster.x-k8s.io" => &[ipam::judge],
        "runtime.cluster.x-k8s.io" => &[runtime::judge],
        "bootstrap.cluster.x-k8s.io" => &[kubeadm_config::judge],
        "controlplane.cluster.x-k8s.io" => match &*object.kind {
            "KubeadmControlPlane" => kubeadm_control_plane::JUDGEMENTS,
            "KubeadmControlPlaneTemplate" => &[kubeadm_control_plane::judge_template],
            _ => &[providers::judge],
        },
        "infrastructure.cluster.x-k8s.io" => &[docker::judge, providers::judge],
        "vmware.infrastructure.cluster.x-k8s.io" => &[providers::judge],
        _ => &[],
    };
    [conversion::judge, decoding::judge, decoding::cluster_name].into_iter().chain(of_kind.iter().copied())
}
