//! How long a fleet takes to come up.
//!
//! Two ways to reckon, side by side. The course's: every cluster takes the same time, one after the other or all at once. The
//! measured one: a management cluster brings up a certain number of machines a second; as long as it keeps up, a fleet takes as
//! long as one cluster alone, and from then on as long as its machines.

use std::time::Duration;

use serde::Serialize;

/// The numbers that a plan reckons with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// One cluster, as the course takes it.
    pub per_cluster: Duration,
    /// Clusters that come up at the same time; all of a wave where nobody says.
    pub parallel: Option<usize>,
    /// One cluster alone on this management cluster.
    pub alone: Duration,
    /// Machines a second that this management cluster brings up.
    pub machines_per_second: f64,
}

/// The course's time of one cluster, with the Docker provider.
pub const PER_CLUSTER: Duration = Duration::from_secs(180);

/// One cluster of three machines alone, measured on 2 cores with the in-memory provider.
pub const ALONE: Duration = Duration::from_secs(51);

/// Machines a second, measured there.
pub const MACHINES_PER_SECOND: f64 = 1.0;

impl Default for Model {
    fn default() -> Self {
        Self { per_cluster: PER_CLUSTER, parallel: None, alone: ALONE, machines_per_second: MACHINES_PER_SECOND }
    }
}

/// How long a set of clusters takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// One after the other.
    #[serde(serialize_with = "seconds")]
    pub sequential: Duration,
    /// As many at once as the plan says.
    #[serde(serialize_with = "seconds")]
    pub parallel: Duration,
    /// By the machines that the management cluster brings up in a second.
    #[serde(serialize_with = "seconds")]
    pub modelled: Duration,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs_f64().round() as u64)
}

impl std::ops::Add for Times {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sequential: self.sequential.saturating_add(other.sequential),
            parallel: self.parallel.saturating_add(other.parallel),
            modelled: self.modelled.saturating_add(other.modelled),
        }
    }
}

impl Model {
    /// The times of clusters, given by their machines, that are begun together.
    pub fn times(&self, machines: &[u64]) -> Times {
        let clusters = machines.len();
        if clusters == 0 {
            return Times::default();
        }
        let at_once = self.parallel.unwrap_or(clusters).clamp(1, clusters);
        let rounds = clusters.div_ceil(at_once) as u32;
        Times {
            sequential: self.per_cluster.saturating_mul(clusters as u32),
            parallel: self.per_cluster.saturating_mul(rounds),
            modelled: machines
                .chunks(at_once)
                .map(|round| self.modelled(round.iter().sum()))
                .fold(Duration::ZERO, Duration::saturating_add),
        }
    }

    /// The time of machines that are begun together.
    pub fn modelled(&self, machines: u64) -> Duration {
        let worked = machines as f64 / self.machines_per_second;
        self.alone.max(Duration::try_from_secs_f64(worked).unwrap_or(Duration::MAX / 1_000_000))
    }

    /// Machines from which on the management cluster is what limits.
    pub fn machines_at_full_speed(&self) -> u64 {
        (self.alone.as_secs_f64() * self.machines_per_second) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(clusters: usize) -> (u64, u64) {
        let times = Model::default().times(&vec![3; clusters]);
        (times.sequential.as_secs() / 60, times.parallel.as_secs() / 60)
    }

    #[test]
    fn the_figures_of_the_course() {
        assert_eq!(minutes(3), (9, 3));
        assert_eq!(minutes(10), (30, 3));
        assert_eq!(minutes(100), (300, 3));
    }

    #[test]
    fn rounds_of_a_few_at_once() {
        let model = Model { parallel: Some(4), ..Model::default() };
        let times = model.times(&[3; 10]);
        assert_eq!(times.parallel, PER_CLUSTER * 3);
        assert_eq!(times.modelled, ALONE * 3);
        assert_eq!(model.times(&[]), Times::default());
    }
}
