//! What the rules hang on besides the object: the release of Cluster API and its feature gates.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::schema::bundle::CapiVersion;

/// A feature gate that a webhook asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// ClusterClass and `spec.topology`.
    ClusterTopology,
    /// MachinePools; on unless switched off.
    MachinePool,
    /// Runtime extensions.
    RuntimeSdk,
    /// Ignition in kubeadm configurations.
    KubeadmBootstrapFormatIgnition,
    /// Taints on Machines.
    MachineTaintPropagation,
    /// Ignition in the AWS provider.
    BootstrapFormatIgnition,
    /// Extended locations in the Azure provider.
    EdgeZone,
    /// Own private addresses of public API servers in the Azure provider.
    ApiServerIlb,
    /// More than one network for a machine of the vSphere provider's supervisor mode.
    MultiNetworks,
}

impl Gate {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ClusterTopology,
        Self::MachinePool,
        Self::RuntimeSdk,
        Self::KubeadmBootstrapFormatIgnition,
        Self::MachineTaintPropagation,
        Self::BootstrapFormatIgnition,
        Self::EdgeZone,
        Self::ApiServerIlb,
        Self::MultiNetworks,
    ];

    /// Its name, as the manager's `--feature-gates` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterTopology => "ClusterTopology",
            Self::MachinePool => "MachinePool",
            Self::RuntimeSdk => "RuntimeSDK",
            Self::KubeadmBootstrapFormatIgnition => "KubeadmBootstrapFormatIgnition",
            Self::MachineTaintPropagation => "MachineTaintPropagation",
            Self::BootstrapFormatIgnition => "BootstrapFormatIgnition",
            Self::EdgeZone => "EdgeZone",
            Self::ApiServerIlb => "APIServerILB",
            Self::MultiNetworks => "MultiNetworks",
        }
    }

    /// Whether a manager has it on when nobody says anything.
    pub fn on_by_default(self) -> bool {
        self == Self::MachinePool
    }
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|gate| gate.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|gate| gate.name()).collect();
            format!("no feature gate {name:?} is known here, only {}", known.join(", "))
        })
    }
}

/// What is known of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The settings say it is on.
    On,
    /// The settings say it is off.
    Off,
    /// Nobody said.
    Unknown,
}

/// The feature gates of the management cluster, as far as the settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates(BTreeMap<Gate, bool>);

impl Gates {
    /// Says that a gate is on or off.
    pub fn set(&mut self, gate: Gate, on: bool) {
        self.0.insert(gate, on);
    }

    /// What is known of a gate.
    pub fn state(&self, gate: Gate) -> State {
        match self.0.get(&gate) {
            Some(true) => State::On,
            Some(false) => State::Off,
            None => State::Unknown,
        }
    }
}

impl FromIterator<(Gate, bool)> for Gates {
    fn from_iter<T: IntoIterator<Item = (Gate, bool)>>(gates: T) -> Self {
        Self(gates.into_iter().collect())
    }
}

/// Settings of the webhook rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The release of Cluster API whose webhooks judge.
    pub capi_version: CapiVersion,
    /// Its feature gates.
    pub gates: Gates,
    /// What is done to the object.
    pub operation: Operation,
}

/// What is done to an object: some webhooks look less closely at a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// It is made.
    #[default]
    Create,
    /// It is there, and changed.
    Update,
}

impl Default for Options {
    fn default() -> Self {
        Self { capi_version: CapiVersion::newest(), gates: Gates::default(), operation: Operation::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_nobody_spoke_of_is_unknown() {
        let gates: Gates = [(Gate::RuntimeSdk, false)].into_iter().collect();
        assert_eq!(gates.state(Gate::RuntimeSdk), State::Off);
        assert_eq!(gates.state(Gate::ClusterTopology), State::Unknown);
        assert_eq!("RuntimeSDK".parse(), Ok(Gate::RuntimeSdk));
    }
}
