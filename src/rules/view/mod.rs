//! What the rules look at: the release with its references resolved once and its objects grouped by cluster.
//!
//! Built once a run in one pass over the objects, so that no rule has to search and none grows faster than the fleet. It says
//! what is there; whether that is right is for the rules. An object that stands there a second time to the byte is the same object:
//! it is no neighbour of itself, and what is to be said about it is said once.

mod addons;
mod cluster;
mod selector;
mod version;

pub use addons::Addon;
pub use cluster::{ClusterView, Environment, MachineSource, Part};
pub use selector::{Labels, Selector, labels};
pub use version::Version;

pub use crate::object::is_capi_group;
pub use crate::release::{Link, Role};

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::config::Settings;
use crate::grouped::Grouped;
use crate::layers::{self, Layers};
use crate::object::Object;
use crate::release::Release;
use crate::schema::bundle::Schemas;

/// What the rules are told besides the release.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'v> {
    /// What the settings ask for.
    pub settings: &'v Settings,
    /// Which kinds and versions the management cluster serves, where it is known.
    pub schemas: Option<&'v Schemas>,
    /// Who brings the release to the server.
    pub delivery: Delivery,
}

/// Who brings a release to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody told us.
    #[default]
    Unknown,
    /// Helm itself, which keeps it in a Secret.
    Helm,
}

impl<'v> Circumstances<'v> {
    /// These settings, and nothing else known.
    pub fn of(settings: &'v Settings) -> Self {
        Self { settings, schemas: None, delivery: Delivery::Unknown }
    }
}

/// The release as the rules see it.
#[derive(Debug)]
pub struct View<'v, 'a> {
    /// All objects.
    pub release: &'v Release<'a>,
    /// What the settings ask for.
    pub settings: &'v Settings,
    /// Which kinds and versions the management cluster serves, where it is known.
    pub schemas: Option<&'v Schemas>,
    /// Who brings the release to the server.
    pub delivery: Delivery,
    /// The clusters, in the order of `Release::clusters`.
    pub clusters: Vec<ClusterView<'v, 'a>>,
    /// The add-ons that choose clusters by label.
    pub addons: Vec<Addon<'v, 'a>>,
    /// Objects by kind, so that a rule looks at those it is about and at no other.
    kinds: Vec<OfKind<'v>>,
    /// Numbers of the release's links, by the object they lead to.
    leading: Grouped<u32>,
    layers: OnceLock<Layers<'v, 'a>>,
}

/// The objects of one kind, whatever their version.
#[derive(Debug)]
struct OfKind<'v> {
    group: &'v str,
    kind: &'v str,
    objects: Vec<u32>,
}

impl<'v, 'a> View<'v, 'a> {
    /// Looks a release through.
    pub fn new(release: &'v Release<'a>, circumstances: &Circumstances<'v>) -> Self {
        let mut view = Self {
            release,
            settings: circumstances.settings,
            schemas: circumstances.schemas,
            delivery: circumstances.delivery,
            clusters: Vec::new(),
            addons: Vec::new(),
            kinds: by_kind(release),
            leading: turned_round(release),
            layers: OnceLock::new(),
        };
        view.clusters = cluster::collect(&view);
        view.addons = addons::collect(&view);
        view
    }

    /// An object by its number.
    pub fn object(&self, number: u32) -> Option<&'v Object<'a>> {
        self.release.objects.get(number as usize)
    }

    /// The objects of a group and kind, in order.
    pub fn of_kind(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &'v Object<'a>> + '_ {
        self.of_kinds(move |g, k| g == group && k == kind)
    }

    /// The objects of all kinds that fit, kind by kind; within a kind in order.
    pub fn of_kinds<F: Fn(&str, &str) -> bool>(
        &self,
        fits: F,
    ) -> impl Iterator<Item = &'v Object<'a>> + use<'_, 'v, 'a, F> {
        let kinds = self.kinds.iter().filter(move |of_kind| fits(of_kind.group, of_kind.kind));
        kinds.flat_map(|of_kind| &of_kind.objects).filter_map(|number| self.object(*number))
    }

    /// What the layers above Cluster API target; looked through when first somebody asks.
    pub fn layers(&self) -> &Layers<'v, 'a> {
        self.layers.get_or_init(|| layers::layers(self))
    }

    /// The references that lead to an object.
    pub fn leading_to(&self, object: &Object<'_>) -> impl Iterator<Item = &Link<'a>> + '_ {
        let links = self.leading.of(object.number as usize);
        links.iter().filter_map(|number| self.release.links.get(*number as usize))
    }

    /// Whether a reference leads to an object, or to another of its identity.
    pub fn is_referred_to(&self, object: &Object<'_>) -> bool {
        !self.leading.of(self.release.twins().first_of(object.number) as usize).is_empty()
    }

    /// The object at the end of a reference under `spec` of an object, such as `controlPlaneRef`.
    pub fn target_of(&self, from: &Object<'_>, field: &str) -> Option<&'v Object<'a>> {
        let mut links = self.release.links_from(from.number).iter();
        // Of a copy they are those of the object that stands there first.
        let is_field = |link: &Link<'a>| self.object(link.from).is_some_and(|from| link.value(from).key_is(field));
        let link = links.find(|link| link.is_direct && is_field(link))?;
        self.object(link.target()?)
    }

    /// Whether the settings say that an object exists though the release does not hold it.
    pub fn is_external(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        self.settings.external.iter().any(|external| external.holds(group, kind, namespace, name))
    }
}

/// The numbers of links by the object they lead to.
fn turned_round(release: &Release<'_>) -> Grouped<u32> {
    let links = (0_u32..).zip(&release.links);
    Grouped::new(release.objects.len(), &links.filter_map(|(number, link)| Some((link.target()? as usize, number))))
}

fn by_kind<'v>(release: &'v Release<'_>) -> Vec<OfKind<'v>> {
    let mut kinds: Vec<OfKind<'v>> = Vec::new();
    let mut numbers: FxHashMap<(&str, &str), usize> = FxHashMap::default();
    // Charts render an object of each kind for one cluster after the other, or all of a kind: the last one's is a good guess.
    let mut last = usize::MAX;
    for object in release.objects.iter().filter(|object| !release.twins().is_copy(object.number)) {
        let (group, kind) = (object.group(), &*object.kind);
        if kinds.get(last).is_none_or(|of_kind| of_kind.kind != kind || of_kind.group != group) {
            last = *numbers.entry((group, kind)).or_insert_with(|| {
                kinds.push(OfKind { group, kind, objects: Vec::new() });
                kinds.len() - 1
            });
        }
        if let Some(of_kind) = kinds.get_mut(last) {
            of_kind.objects.push(object.number);
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Source;
    use crate::stream::Stream;

    #[test]
    fn a_copy_that_is_written_otherwise_leads_where_the_first_one_does() {
        let head = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: a}\nspec:\n";
        let (paused, plane) = (
            "  paused: true\n",
            "  controlPlaneRef:\n    apiGroup: controlplane.cluster.x-k8s.io\n    kind: KubeadmControlPlane\n    name: a\n",
        );
        let target =
            "apiVersion: controlplane.cluster.x-k8s.io/v1beta2\nkind: KubeadmControlPlane\nmetadata: {name: a}\n";
        let text = format!("{head}{plane}{paused}---\n{head}{paused}{plane}---\n{target}");
        let streams = [Stream::parse(&Source { name: "copies".into(), bytes: text.into_bytes() }, 1)];
        let release = Release::new(&streams, "");
        let settings = Settings::default();
        let view = View::new(&release, &Circumstances::of(&settings));
        assert!(release.twins().is_copy(1));
        for cluster in [0, 1] {
            let cluster = view.object(cluster).expect("a cluster");
            let plane = view.target_of(cluster, "controlPlaneRef").map(|object| object.number);
            assert_eq!(plane, Some(2));
        }
    }
}
