//! In which order clusters change: by environment, region or label, in shares that grow, in groups of a size.

use std::str::FromStr;

use indexmap::IndexMap;

use crate::object::Object;
use crate::rules::view::{ClusterView, Environment, View};
use crate::yaml::Value;

/// What makes a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The environment, in promotion order: development, then staging, then production.
    Environment,
    /// The region, in the order in which the release names them.
    Region,
    /// A label: the value whose clusters come first in promotion order first, and of equals in the order of the values.
    Label(String),
    /// Shares of all clusters, in percent, that grow up to 100.
    Percent(Vec<u8>),
    /// So many clusters at a time.
    Size(usize),
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        match (name, value) {
            ("environment", None) => Ok(Self::Environment),
            ("region", None) => Ok(Self::Region),
            ("label", Some(key)) if !key.is_empty() => Ok(Self::Label(key.to_owned())),
            ("percent", Some(list)) => percent(list),
            ("size", Some(number)) => match number.parse() {
                Ok(size) if size > 0 => Ok(Self::Size(size)),
                _ => Err(format!("size={number}: write a number of clusters, such as size=20")),
            },
            _ => Err(format!(
                "'{text}' makes no waves; write environment, region, label=KEY, percent=10,30,100 or size=N"
            )),
        }
    }
}

fn percent(list: &str) -> Result<By, String> {
    let shares: Result<Vec<u8>, _> = list.split(',').map(|share| share.trim().trim_end_matches('%').parse()).collect();
    let shares = shares.map_err(|_| format!("percent={list}: write shares such as percent=10,30,100"))?;
    let grows = shares.windows(2).all(|pair| pair[0] < pair[1]);
    if !grows || shares.first() == Some(&0) || shares.last() != Some(&100) {
        return Err(format!("percent={list}: shares grow, and end with 100: percent=10,30,100"));
    }
    Ok(By::Percent(shares))
}

/// Clusters that change together; indexes into `View::clusters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// What its clusters share.
    pub name: String,
    /// In promotion order.
    pub clusters: Vec<usize>,
}

/// The waves of a fleet. Each criterion divides the waves of the one before; none: by environment.
pub fn waves(view: &View<'_, '_>, criteria: &[By]) -> Vec<Wave> {
    let mut clusters: Vec<usize> = (0..view.clusters.len())
        .filter(|number| view.clusters.get(*number).is_some_and(|c| c.object.is_some()))
        .collect();
    clusters.sort_by_key(|number| view.clusters.get(*number).map(|cluster| rank(view, cluster)));
    let mut waves = vec![Wave { name: String::new(), clusters }];
    let by_environment = [By::Environment];
    for by in if criteria.is_empty() { &by_environment[..] } else { criteria } {
        waves = waves.iter().flat_map(|wave| divide(view, wave, by)).collect();
    }
    waves.retain(|wave| !wave.clusters.is_empty());
    waves
}

/// Earlier is safer. A cluster of which nobody says where it serves may be production, and comes last.
fn rank(view: &View<'_, '_>, cluster: &ClusterView<'_, '_>) -> (u8, usize) {
    let known = &view.settings.environments;
    let name = cluster.environment_name.as_deref().unwrap_or_default();
    let position = |names: &[String]| names.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(0);
    match cluster.environment {
        Environment::Development => (0, position(&known.development)),
        Environment::Other => (1, 0),
        Environment::Staging => (2, position(&known.staging)),
        Environment::Production => (3, position(&known.production)),
        Environment::Unknown => (4, 0),
    }
}

fn divide(view: &View<'_, '_>, wave: &Wave, by: &By) -> Vec<Wave> {
    let parts: Vec<(String, Vec<usize>)> = match by {
        By::Environment => {
            let environment =
                |cluster: &ClusterView<'_, '_>| cluster.environment_name.as_deref().map(str::to_lowercase);
            grouped(view, wave, "no environment", environment).into_iter().collect()
        }
        By::Region => grouped(view, wave, "no region", region).into_iter().collect(),
        By::Label(key) => {
            let mut groups = grouped(view, wave, &format!("no {key}"), |cluster| label(cluster.object, key));
            let last = groups.shift_remove_entry(&format!("no {key}"));
            // A wave is as risky as the riskiest of its clusters.
            let risk = |clusters: &[usize]| {
                clusters.iter().filter_map(|number| view.clusters.get(*number)).map(|cluster| rank(view, cluster)).max()
            };
            groups.sort_by(|a, those_of_a, b, those_of_b| (risk(those_of_a), a).cmp(&(risk(those_of_b), b)));
            groups.into_iter().chain(last).collect()
        }
        By::Percent(shares) => {
            let mut from = 0;
            let mut parts = Vec::new();
            for share in shares {
                let to = (wave.clusters.len() * usize::from(*share)).div_ceil(100);
                parts.push((format!("{share}%"), wave.clusters.get(from..to).unwrap_or_default().to_vec()));
                from = from.max(to);
            }
            parts
        }
        By::Size(size) => wave
            .clusters
            .chunks(*size)
            .enumerate()
            .map(|(number, clusters)| (format!("group {}", number + 1), clusters.to_vec()))
            .collect(),
    };
    let named = |name: String| if wave.name.is_empty() { name } else { format!("{} {name}", wave.name) };
    parts.into_iter().map(|(name, clusters)| Wave { name: named(name), clusters }).collect()
}

fn grouped(
    view: &View<'_, '_>,
    wave: &Wave,
    nobody: &str,
    of: impl Fn(&ClusterView<'_, '_>) -> Option<String>,
) -> IndexMap<String, Vec<usize>> {
    let mut groups: IndexMap<String, Vec<usize>> = IndexMap::new();
    for number in &wave.clusters {
        let name = view.clusters.get(*number).and_then(&of).unwrap_or_else(|| nobody.to_owned());
        groups.entry(name).or_default().push(*number);
    }
    groups
}

fn label(object: Option<&Object<'_>>, key: &str) -> Option<String> {
    object?.label(key).filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned)
}

/// The region as a label says it, else as the infrastructure does.
pub fn region(cluster: &ClusterView<'_, '_>) -> Option<String> {
    let labelled = label(cluster.object, "region").or_else(|| label(cluster.object, "topology.kubernetes.io/region"));
    labelled.or_else(|| {
        let spec = cluster.infrastructure?.spec()?;
        let value = ["region", "location"].iter().find_map(|field| spec.get(field)).as_ref().and_then(Value::as_str)?;
        Some(value.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_read() {
        assert_eq!("percent=10,30%,100".parse(), Ok(By::Percent(vec![10, 30, 100])));
        assert_eq!("size=20".parse(), Ok(By::Size(20)));
        assert_eq!("label=tier".parse(), Ok(By::Label("tier".into())));
        for wrong in ["percent=30,10,100", "percent=10,30", "percent=0,100", "size=0", "label=", "colour", "region=eu"]
        {
            assert!(wrong.parse::<By>().is_err(), "{wrong}");
        }
    }
}
