//! What a change of each field does to machines that run: one table, as data.
//!
//! Read in Cluster API 1.13.5: `controlplane/kubeadm/internal/filters.go` and `desiredstate/desired_state.go` (control planes),
//! `internal/controllers/machinedeployment/mdutil/util.go` (machine deployments), `machineset` and `machinepool` controllers.
//! The most telling path counts: the longest row that a changed path stands under.

use serde_json::Value as Json;

use super::OwnerKind;
use crate::diff::json;

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Every machine is replaced.
    Rolls,
    /// A reference: machines are replaced when group, kind or name differ, not for the version.
    RollsByName,
    /// Only the machine that `kubeadm init` made compares it.
    First,
    /// Machines that joined compare it.
    Joined,
    /// Machines that were made before that time are replaced.
    Time,
    /// Machines whose certificates are about to expire are replaced.
    Certificates,
    /// Machines come or go.
    Scales,
    /// How fast, in which order, or whether at all.
    Pace,
    /// Taken over by machines that run.
    InPlace,
    /// Machines that are made later have it.
    NextMachine,
    /// Nothing happens to machines.
    Nothing,
}

use Effect::{Certificates, First, InPlace, Joined, NextMachine, Nothing, Pace, Rolls, RollsByName, Scales, Time};

/// Below `spec` of a KubeadmControlPlane.
const CONTROL_PLANE: &[(&str, Effect)] = &[
    ("replicas", Scales),
    ("version", Rolls),
    ("machineTemplate.metadata", InPlace),
    ("machineTemplate.spec.infrastructureRef", RollsByName),
    ("machineTemplate.spec.deletion", InPlace),
    ("machineTemplate.spec.readinessGates", InPlace),
    ("machineTemplate.spec.taints", InPlace),
    ("kubeadmConfigSpec.clusterConfiguration", Rolls),
    ("kubeadmConfigSpec.clusterConfiguration.dns", Nothing),
    ("kubeadmConfigSpec.clusterConfiguration.controlPlaneEndpoint", Nothing),
    ("kubeadmConfigSpec.initConfiguration", First),
    ("kubeadmConfigSpec.initConfiguration.timeouts.controlPlaneComponentHealthCheckSeconds", NextMachine),
    ("kubeadmConfigSpec.joinConfiguration", Joined),
    ("kubeadmConfigSpec.joinConfiguration.discovery", NextMachine),
    ("kubeadmConfigSpec.joinConfiguration.timeouts.controlPlaneComponentHealthCheckSeconds", NextMachine),
    ("kubeadmConfigSpec.files", Rolls),
    ("kubeadmConfigSpec.diskSetup", Rolls),
    ("kubeadmConfigSpec.mounts", Rolls),
    ("kubeadmConfigSpec.bootCommands", Rolls),
    ("kubeadmConfigSpec.preKubeadmCommands", Rolls),
    ("kubeadmConfigSpec.postKubeadmCommands", Rolls),
    ("kubeadmConfigSpec.users", Rolls),
    ("kubeadmConfigSpec.ntp", Rolls),
    ("kubeadmConfigSpec.format", Rolls),
    ("kubeadmConfigSpec.verbosity", Rolls),
    ("kubeadmConfigSpec.ignition", Rolls),
    ("rollout.before", Certificates),
    ("rollout.after", Time),
    ("rollout.strategy", Pace),
    ("remediation", Nothing),
    ("machineNaming", NextMachine),
];

/// Below `spec` of a MachineDeployment.
const MACHINE_DEPLOYMENT: &[(&str, Effect)] = &[
    ("clusterName", Nothing),
    ("replicas", Scales),
    ("rollout.after", Time),
    ("rollout.strategy", Pace),
    ("selector", Nothing),
    ("template.metadata", InPlace),
    ("template.spec.clusterName", Nothing),
    ("template.spec.bootstrap.configRef", RollsByName),
    ("template.spec.bootstrap.dataSecretName", Rolls),
    ("template.spec.infrastructureRef", RollsByName),
    ("template.spec.version", Rolls),
    ("template.spec.failureDomain", Rolls),
    ("template.spec.providerID", Nothing),
    ("template.spec.minReadySeconds", InPlace),
    ("template.spec.readinessGates", InPlace),
    ("template.spec.deletion", InPlace),
    ("template.spec.taints", InPlace),
    ("machineNaming", NextMachine),
    ("remediation", Nothing),
    ("deletion.order", Pace),
    ("paused", Pace),
];

/// Below `spec` of a MachinePool: the provider decides how; what CAPI hands it is listed here.
const MACHINE_POOL: &[(&str, Effect)] = &[
    ("clusterName", Nothing),
    ("replicas", Scales),
    ("template.metadata", NextMachine),
    ("template.spec.clusterName", Nothing),
    ("template.spec.bootstrap.configRef", RollsByName),
    ("template.spec.bootstrap.dataSecretName", Rolls),
    ("template.spec.infrastructureRef", RollsByName),
    ("template.spec.version", Rolls),
    ("template.spec.failureDomain", Rolls),
    ("template.spec.providerID", Nothing),
    ("template.spec.minReadySeconds", Nothing),
    ("template.spec.readinessGates", Nothing),
    ("template.spec.deletion", InPlace),
    ("template.spec.taints", Nothing),
    ("providerIDList", Nothing),
    ("failureDomains", NextMachine),
];

/// Below `spec` of a MachineSet: it never replaces a machine.
const MACHINE_SET: &[(&str, Effect)] = &[
    ("clusterName", Nothing),
    ("replicas", Scales),
    ("selector", Nothing),
    ("template", NextMachine),
    ("template.metadata", InPlace),
    ("template.spec.deletion", InPlace),
    ("template.spec.minReadySeconds", InPlace),
    ("template.spec.readinessGates", InPlace),
    ("template.spec.taints", InPlace),
    ("machineNaming", NextMachine),
    ("deletion.order", Pace),
];

/// The rows of a kind of owner.
pub fn table(kind: OwnerKind) -> &'static [(&'static str, Effect)] {
    match kind {
        OwnerKind::ControlPlane => CONTROL_PLANE,
        OwnerKind::MachineDeployment => MACHINE_DEPLOYMENT,
        OwnerKind::MachinePool => MACHINE_POOL,
        OwnerKind::MachineSet => MACHINE_SET,
        OwnerKind::Machine => &[],
    }
}

/// What a change of a path below `spec` does.
pub fn effect(kind: OwnerKind, path: &str) -> Option<Effect> {
    let covers = |row: &str| path.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let rows = table(kind).iter().filter(|(row, _)| covers(row));
    rows.max_by_key(|(row, _)| row.len()).map(|(_, effect)| *effect)
}

/// Changes that do not replace a machine, and what becomes of them; `(path, effect)` in the order of the table.
pub fn harmless(kind: OwnerKind, before: &Json, after: &Json) -> Vec<(String, Effect)> {
    let mut found = Vec::new();
    for (row, effect) in table(kind) {
        if !matches!(effect, InPlace | NextMachine | Certificates | Pace) {
            continue;
        }
        let keys: Vec<&str> = std::iter::once("spec").chain(row.split('.')).collect();
        let mut paths = Vec::new();
        let mut at = keys.iter().map(|key| (*key).to_owned()).collect();
        json::leaf_differences(json::at(before, &keys), json::at(after, &keys), &mut at, &mut paths);
        for path in paths {
            let text = path.join(".");
            let own = text.strip_prefix("spec.").and_then(|path| self::effect(kind, path)) == Some(*effect);
            if own && !found.iter().any(|(known, _)| *known == text) {
                found.push((text, *effect));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::bundle::Schemas;
    use crate::schema::table::Schema;

    /// Fields of a schema, down to where the table speaks of them.
    fn undecided(schema: Schema<'_>, path: &str, kind: OwnerKind, missing: &mut Vec<String>) {
        if effect(kind, path).is_some() {
            return;
        }
        let within = table(kind).iter().any(|(row, _)| path.is_empty() || row.starts_with(&format!("{path}.")));
        if !within {
            missing.push(path.to_owned());
            return;
        }
        for (name, property) in schema.properties() {
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            undecided(property.schema, &below, kind, missing);
        }
    }

    #[test]
    fn every_field_is_decided() {
        let schemas = Schemas::default();
        for (group, name, kind) in [
            ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane", OwnerKind::ControlPlane),
            ("cluster.x-k8s.io", "MachineDeployment", OwnerKind::MachineDeployment),
            ("cluster.x-k8s.io", "MachinePool", OwnerKind::MachinePool),
            ("cluster.x-k8s.io", "MachineSet", OwnerKind::MachineSet),
        ] {
            let found = schemas.find(group, "v1beta2", name).unwrap();
            let spec = found.schema().property("spec").unwrap().schema;
            let mut missing = Vec::new();
            undecided(spec, "", kind, &mut missing);
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
    }

    #[test]
    fn rows_are_fields() {
        let schemas = Schemas::default();
        let found = schemas.find("controlplane.cluster.x-k8s.io", "v1beta2", "KubeadmControlPlane").unwrap();
        for (row, _) in CONTROL_PLANE {
            let mut schema = found.schema().property("spec").unwrap().schema;
            for key in row.split('.') {
                schema = schema.property(key).unwrap_or_else(|| panic!("{row}")).schema;
            }
        }
    }

    #[test]
    fn the_longest_row_counts() {
        let of = |path| effect(OwnerKind::ControlPlane, path);
        assert_eq!(of("kubeadmConfigSpec.clusterConfiguration.apiServer.extraArgs"), Some(Rolls));
        assert_eq!(of("kubeadmConfigSpec.clusterConfiguration.dns.imageTag"), Some(Nothing));
        assert_eq!(of("kubeadmConfigSpec.joinConfiguration.discovery.file"), Some(NextMachine));
    }
}
