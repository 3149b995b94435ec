//! What the rules look at: the release with its references resolved once and its objects grouped by cluster.
//!
//! Built once a run in one pass over the objects, so that no rule has to search and none grows faster than the fleet. It says
//! what is there; whether that is right is for the rules.

mod addons;
mod cluster;
mod links;
mod selector;
mod version;

pub use addons::Addon;
pub use cluster::{ClusterView, Environment, MachineSource, Part};
pub use links::{Link, Role};
pub use selector::{Labels, Selector, labels};
pub use version::Version;

use rustc_hash::FxHashMap;

use crate::config::Settings;
use crate::object::Object;
use crate::release::Release;

/// Whether a group is one of Cluster API's: the core, a provider's, or an add-on's.
pub fn is_capi_group(group: &str) -> bool {
    group.strip_suffix("cluster.x-k8s.io").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The release as the rules see it.
#[derive(Debug)]
pub struct View<'v, 'a> {
    /// All objects.
    pub release: &'v Release<'a>,
    /// What the settings ask for.
    pub settings: &'v Settings,
    /// All references, in order of appearance.
    pub links: Vec<Link<'a>>,
    /// The clusters, in the order of `Release::clusters`.
    pub clusters: Vec<ClusterView<'v, 'a>>,
    /// The add-ons that choose clusters by label.
    pub addons: Vec<Addon<'v, 'a>>,
    /// For each object: the links that lead to it.
    leading_to: Vec<Vec<u32>>,
    by_name: FxHashMap<&'v str, Vec<u32>>,
}

impl<'v, 'a> View<'v, 'a> {
    /// Looks a release through.
    pub fn new(release: &'v Release<'a>, settings: &'v Settings) -> Self {
        let mut by_name: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
        for object in &release.objects {
            by_name.entry(&object.name).or_default().push(object.number);
        }
        let mut view = Self {
            release,
            settings,
            links: Vec::new(),
            clusters: Vec::new(),
            addons: Vec::new(),
            leading_to: Vec::new(),
            by_name,
        };
        view.links = links::collect(&view);
        view.leading_to = vec![Vec::new(); release.objects.len()];
        for (number, link) in view.links.iter().enumerate() {
            if let Some(slot) = link.target.and_then(|target| view.leading_to.get_mut(target as usize)) {
                slot.push(number as u32);
            }
        }
        view.clusters = cluster::collect(&view);
        view.addons = addons::collect(&view);
        view
    }

    /// An object by its number.
    pub fn object(&self, number: u32) -> Option<&'v Object<'a>> {
        self.release.objects.get(number as usize)
    }

    /// The objects of a name, whatever they are.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &'v Object<'a>> + '_ {
        self.by_name.get(name).into_iter().flatten().filter_map(|number| self.object(*number))
    }

    /// The references that lead to an object.
    pub fn leading_to(&self, object: &Object<'_>) -> impl Iterator<Item = &Link<'a>> + '_ {
        let links = self.leading_to.get(object.number as usize);
        links.into_iter().flatten().filter_map(|number| self.links.get(*number as usize))
    }

    /// The object at the end of a reference under `spec` of an object, such as `controlPlaneRef`.
    pub fn target_of(&self, from: &Object<'_>, field: &str) -> Option<&'v Object<'a>> {
        let value = from.at(&["spec", field])?;
        let link = self.links_from(from).find(|link| link.value.index() == value.index())?;
        self.object(link.target?)
    }

    /// The references of an object.
    pub fn links_from(&self, from: &Object<'_>) -> impl Iterator<Item = &Link<'a>> + use<'_, 'v, 'a> {
        let number = from.number;
        let first = self.links.partition_point(|link| link.from < number);
        self.links.get(first..).into_iter().flatten().take_while(move |link| link.from == number)
    }

    /// Whether the settings say that an object exists though the release does not hold it.
    pub fn is_external(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        self.settings.external.iter().any(|external| external.holds(group, kind, namespace, name))
    }
}
