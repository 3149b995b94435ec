//! What the rules hang on besides the object: the release of Cluster API and its feature gates.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A minor release of Cluster API: `1.13`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapiVersion(u32);

impl CapiVersion {
    /// The oldest release that capi-lint knows.
    pub const OLDEST: Self = Self(8);
    /// The newest release that capi-lint knows.
    pub const NEWEST: Self = Self(14);

    /// The release `1.<minor>`, where capi-lint knows it.
    pub fn minor(minor: u32) -> Option<Self> {
        (Self::OLDEST.0..=Self::NEWEST.0).contains(&minor).then_some(Self(minor))
    }

    /// Whether this is `1.<minor>` or newer.
    pub fn since(self, minor: u32) -> bool {
        self.0 >= minor
    }
}

impl Default for CapiVersion {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for CapiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for CapiVersion {
    type Err = String;

    /// Reads `1.13`, `v1.13` and `v1.13.5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let major = parts.next();
        let minor = parts.next().and_then(|minor| minor.parse().ok()).and_then(Self::minor);
        match (major, minor) {
            (Some("1"), Some(version)) => Ok(version),
            _ => Err(format!("{text:?} is no release of Cluster API known here: {} to {}", Self::OLDEST, Self::NEWEST)),
        }
    }
}

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
}

impl Gate {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ClusterTopology,
        Self::MachinePool,
        Self::RuntimeSdk,
        Self::KubeadmBootstrapFormatIgnition,
        Self::MachineTaintPropagation,
        Self::BootstrapFormatIgnition,
        Self::EdgeZone,
        Self::ApiServerIlb,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The release of Cluster API whose webhooks judge.
    pub capi_version: CapiVersion,
    /// Its feature gates.
    pub gates: Gates,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_with_and_without_v_and_patch() {
        assert_eq!("1.13".parse(), Ok(CapiVersion(13)));
        assert_eq!("v1.10.10".parse(), Ok(CapiVersion(10)));
        assert!("1.7".parse::<CapiVersion>().is_err());
        assert!("2.13".parse::<CapiVersion>().is_err());
    }

    #[test]
    fn a_gate_nobody_spoke_of_is_unknown() {
        let gates: Gates = [(Gate::RuntimeSdk, false)].into_iter().collect();
        assert_eq!(gates.state(Gate::RuntimeSdk), State::Off);
        assert_eq!(gates.state(Gate::ClusterTopology), State::Unknown);
        assert_eq!("RuntimeSDK".parse(), Ok(Gate::RuntimeSdk));
    }
}
