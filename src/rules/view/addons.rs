//! Add-ons that choose their clusters by label: ClusterResourceSets and HelmChartProxies.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{Labels, Selector, View, labels};
use crate::object::Object;
use crate::yaml::Value;

/// An add-on and the clusters of the release that it selects.
#[derive(Debug)]
pub struct Addon<'v, 'a> {
    /// The ClusterResourceSet or HelmChartProxy.
    pub object: &'v Object<'a>,
    /// Its `spec.clusterSelector`.
    pub value: Value<'a>,
    /// The same, read.
    pub selector: Selector<'a>,
    /// Indexes into `View::clusters`.
    pub clusters: Vec<usize>,
}

const GROUP: &str = "addons.cluster.x-k8s.io";

/// All add-ons with a selector, and whom they select.
pub fn collect<'v, 'a>(view: &View<'v, 'a>) -> Vec<Addon<'v, 'a>> {
    let is_addon = |group: &str, kind: &str| group == GROUP && matches!(kind, "ClusterResourceSet" | "HelmChartProxy");
    let objects: Vec<&Object<'a>> = view.of_kinds(is_addon).collect();
    if objects.is_empty() {
        return Vec::new();
    }
    let index = Index::new(view);
    objects
        .into_iter()
        .filter_map(|object| {
            let value = object.at(&["spec", "clusterSelector"])?;
            let selector = Selector::read(value).filter(|selector| !selector.is_empty())?;
            let clusters = index.selected(view.release.namespace_of(object), &selector);
            Some(Addon { object, value, selector, clusters })
        })
        .collect()
}

/// Clusters by label, so that a selector does not look at the whole fleet.
struct Index<'v, 'a> {
    labels: Vec<Option<(&'v str, Labels<'a>)>>,
    by_label: FxHashMap<(Cow<'a, str>, Cow<'a, str>), Vec<usize>>,
}

impl<'v, 'a> Index<'v, 'a> {
    fn new(view: &View<'v, 'a>) -> Self {
        let of_cluster =
            |object: &'v Object<'a>| (view.release.namespace_of(object), labels(object.at(&["metadata", "labels"])));
        let all: Vec<_> = view.clusters.iter().map(|cluster| cluster.object.map(of_cluster)).collect();
        let mut by_label: FxHashMap<_, Vec<usize>> = FxHashMap::default();
        for (number, entry) in all.iter().enumerate() {
            for (key, text) in entry.iter().flat_map(|(_, labels)| labels) {
                by_label.entry((key.clone(), text.clone())).or_default().push(number);
            }
        }
        Self { labels: all, by_label }
    }

    fn selected(&self, namespace: &str, selector: &Selector<'a>) -> Vec<usize> {
        let fits = |number: &usize| {
            let entry = self.labels.get(*number).and_then(Option::as_ref);
            entry.is_some_and(|(theirs, labels)| {
                let may_be_one = namespace.is_empty() || theirs.is_empty() || *theirs == namespace;
                may_be_one && selector.matches(labels)
            })
        };
        // The label that the fewest clusters carry leaves the least to look at.
        let candidates = |key: &str| -> Vec<usize> {
            let lists = selector.allowed(key).filter_map(|text| self.by_label.get(&(Cow::Borrowed(key), text.clone())));
            lists.flatten().copied().collect()
        };
        let narrowest =
            selector.keys().filter(|key| selector.allowed(key).next().is_some()).map(candidates).min_by_key(Vec::len);
        match narrowest {
            Some(mut candidates) => {
                candidates.retain(fits);
                candidates.sort_unstable();
                candidates.dedup();
                candidates
            }
            None => (0..self.labels.len()).filter(|number| fits(number)).collect(),
        }
    }
}
