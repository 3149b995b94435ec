//! Which schema counts for an object: the user's own, else the bundled one of the chosen CAPI release.
//!
//! CAPI's core, kubeadm and Docker providers are bundled for several releases, of which `--capi-version` chooses one; of every
//! other provider the newest bundled release counts. A kind that the user's own schemas define is judged by those alone, since
//! they say what *their* management cluster serves.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::suggest;
use super::table::{Kind, Release, Schema, Table};

/// The bundled table, made by `build.rs`.
static BUNDLE: LazyLock<Table> = LazyLock::new(|| {
    let bytes: &'static [u8] = include_bytes!(concat!(env!("OUT_DIR"), "/schemas.table"));
    Table::open(bytes).unwrap_or_default()
});

/// The table of all bundled schemas.
pub fn bundled() -> &'static Table {
    &BUNDLE
}

/// A minor release of CAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapiVersion {
    /// `1` of v1.14.
    pub major: u16,
    /// `14` of v1.14.
    pub minor: u16,
}

impl CapiVersion {
    /// A release by its numbers.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Whether this is `1.<minor>` or newer.
    pub fn since(self, minor: u16) -> bool {
        self >= Self::new(1, minor)
    }

    /// The bundled releases, oldest first.
    pub fn bundled() -> Vec<Self> {
        let mut versions: Vec<Self> = BUNDLE.releases().filter_map(Self::of).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// The newest bundled release.
    pub fn newest() -> Self {
        BUNDLE.releases().filter_map(Self::of).max().unwrap_or(Self::new(0, 0))
    }

    fn of(release: Release<'_>) -> Option<Self> {
        release.capi().map(|(major, minor)| Self { major, minor })
    }
}

impl fmt::Display for CapiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.major, self.minor)
    }
}

/// A text that names no bundled release of CAPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCapiVersion(String);

impl fmt::Display for UnknownCapiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = CapiVersion::bundled().iter().map(ToString::to_string).collect();
        write!(f, "{:?} is no release of CAPI that is bundled; bundled are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownCapiVersion {}

impl FromStr for CapiVersion {
    type Err = UnknownCapiVersion;

    /// Takes `1.13`, `v1.13` and `v1.13.5`.
    fn from_str(text: &str) -> Result<Self, UnknownCapiVersion> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.').map(str::parse);
        let version = match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some(Self { major, minor }),
            _ => None,
        };
        version.filter(|version| Self::bundled().contains(version)).ok_or_else(|| UnknownCapiVersion(text.to_owned()))
    }
}

/// All schemas of a run.
#[derive(Clone, Debug)]
pub struct Schemas {
    user: Option<Table>,
    capi: CapiVersion,
    /// For each release of the bundle, whether it counts.
    chosen: Vec<bool>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new(CapiVersion::newest())
    }
}

/// What is known of a group, version and kind.
#[derive(Clone, Debug)]
pub enum Lookup<'t> {
    /// The server answers for it.
    Found(Kind<'t>),
    /// The kind exists, but not in this version, or not in the chosen release.
    UnknownVersion(UnknownVersion<'t>),
    /// No such kind.
    UnknownKind(UnknownKind<'t>),
}

/// A kind that is known, in a version that is not served.
#[derive(Clone, Debug)]
pub struct UnknownVersion<'t> {
    /// The versions that are served, the storage version first. Empty where the chosen release does not have the kind.
    pub served: Vec<Kind<'t>>,
    /// The asked version where it exists and is not served.
    pub unserved: Option<Kind<'t>>,
    /// The releases of CAPI that serve the asked version, oldest first; none for other providers.
    pub served_in: Vec<CapiVersion>,
}

impl UnknownVersion<'_> {
    /// The release that dropped the version, where an earlier one served it.
    pub fn dropped_in(&self, chosen: CapiVersion) -> Option<CapiVersion> {
        let last = self.served_in.iter().copied().filter(|version| *version < chosen).max()?;
        CapiVersion::bundled().into_iter().find(|version| *version > last)
    }
}

/// A kind that nobody knows.
#[derive(Clone, Debug)]
pub struct UnknownKind<'t> {
    /// Whether other kinds of the group are known, so that this one is likely misspelt.
    pub group_known: bool,
    /// The nearest kind of the same group.
    pub near_kind: Option<&'t str>,
    /// Groups that do have a kind of this name.
    pub groups: Vec<&'t str>,
}

impl Schemas {
    /// The bundled schemas, those of CAPI itself for this release.
    pub fn new(capi: CapiVersion) -> Self {
        let releases: Vec<Release<'_>> = BUNDLE.releases().collect();
        let is_newest = |number: usize| {
            let next = releases.get(number + 1);
            next.is_none_or(|next| next.provider() != releases[number].provider())
        };
        let is_chosen = |(number, release): (usize, &Release<'_>)| {
            CapiVersion::of(*release).map_or_else(|| is_newest(number), |version| version == capi)
        };
        let chosen = releases.iter().enumerate().map(is_chosen).collect();
        Self { user: None, capi, chosen }
    }

    /// Puts the user's own schemas before the bundled ones.
    #[must_use]
    pub fn with_user(mut self, table: Table) -> Self {
        self.user = Some(table);
        self
    }

    /// The chosen release of CAPI.
    pub fn capi(&self) -> CapiVersion {
        self.capi
    }

    /// The tables in the order in which they are asked.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.user.iter().chain([bundled()])
    }

    /// Whether the kind is defined by the user's own schemas.
    pub fn is_users(&self, kind: Kind<'_>) -> bool {
        self.user.as_ref().is_some_and(|table| std::ptr::eq(table, kind.table()))
    }

    fn is_chosen(&self, kind: Kind<'_>) -> bool {
        self.is_users(kind) || self.chosen.get(kind.release_number()).copied().unwrap_or_default()
    }

    /// All entries of a kind that could count: the user's own, else the bundled ones of all releases.
    fn entries(&self, group: &str, kind: &str) -> impl Iterator<Item = Kind<'_>> + Clone {
        let users = self.user.as_ref().map(|table| table.kind(group, kind)).filter(|entries| entries.len() > 0);
        users.unwrap_or_else(|| bundled().kind(group, kind))
    }

    /// The schema that counts for a group, version and kind; a version that is not served is not found.
    pub fn find(&self, group: &str, version: &str, kind: &str) -> Option<Kind<'_>> {
        self.entries(group, kind).find(|entry| entry.is_version(version) && self.is_chosen(*entry) && entry.served())
    }

    /// As [`Schemas::find`], with what can be said where nothing is found.
    pub fn lookup(&self, group: &str, version: &str, kind: &str) -> Lookup<'_> {
        if let Some(found) = self.find(group, version, kind) {
            return Lookup::Found(found);
        }
        if self.entries(group, kind).next().is_none() {
            return Lookup::UnknownKind(self.unknown_kind(group, kind));
        }
        let (mut served, unserved): (Vec<_>, Vec<_>) =
            self.entries(group, kind).filter(|entry| self.is_chosen(*entry)).partition(|entry| entry.served());
        // Entries ascend by version; the newest of those that are not stored comes next.
        served.reverse();
        served.sort_by_key(|entry| !entry.storage());
        Lookup::UnknownVersion(UnknownVersion {
            served,
            unserved: unserved.into_iter().find(|entry| entry.is_version(version)),
            served_in: self.served_in(group, version, kind),
        })
    }

    /// The releases of CAPI that serve a version of a kind, oldest first; none for other providers.
    pub fn served_in(&self, group: &str, version: &str, kind: &str) -> Vec<CapiVersion> {
        let entries = self.entries(group, kind).filter(|entry| entry.is_version(version) && entry.served());
        let mut releases: Vec<CapiVersion> = entries.filter_map(|entry| CapiVersion::of(entry.release())).collect();
        releases.sort_unstable();
        releases
    }

    /// The bundled release of CAPI, newer than the chosen one, that no longer serves a version.
    pub fn dropped_after(&self, kind: Kind<'_>) -> Option<CapiVersion> {
        let served = self.served_in(kind.group(), kind.version(), kind.kind());
        let is_capi = CapiVersion::of(kind.release()).is_some();
        CapiVersion::bundled().into_iter().find(|version| is_capi && *version > self.capi && !served.contains(version))
    }

    fn unknown_kind(&self, group: &str, kind: &str) -> UnknownKind<'_> {
        let mut known: Vec<&str> = self.kinds().filter(|entry| entry.group() == group).map(Kind::kind).collect();
        known.dedup();
        let mut groups: Vec<&str> = self.kinds().filter(|entry| entry.kind() == kind).map(Kind::group).collect();
        groups.dedup();
        UnknownKind {
            group_known: self.knows_group(group),
            near_kind: suggest::nearest(kind, known.into_iter()),
            groups,
        }
    }

    /// Whether any kind of a group is known, in any release.
    pub fn knows_group(&self, group: &str) -> bool {
        self.tables().any(|table| table.knows_group(group))
    }

    /// All kinds and versions that count, the user's own first, each table's by group, kind and version. Versions that are
    /// not served are among them.
    pub fn kinds(&self) -> impl Iterator<Item = Kind<'_>> {
        let users = move |entry: &Kind<'_>| {
            self.user.as_ref().is_some_and(|table| table.kind(entry.group(), entry.kind()).len() > 0)
        };
        let own = self.user.iter().flat_map(Table::kinds);
        own.chain(bundled().kinds().filter(move |entry| self.is_chosen(*entry) && !users(entry)))
    }

    /// The schema of `metadata`, as Kubernetes' own kinds have it.
    pub fn object_meta(&self) -> Option<Schema<'static>> {
        let config_map = bundled().kind("", "ConfigMap").next_back()?;
        config_map.schema().property("metadata").map(|property| property.schema)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::facts::Type;
    use super::super::import;
    use super::super::pack::{ReleaseFacts, pack};
    use super::*;

    fn version(minor: u16) -> Schemas {
        Schemas::new(CapiVersion::new(1, minor))
    }

    #[test]
    fn the_capi_version_chooses_the_release() {
        let newest = Schemas::default();
        let cluster = newest.find("cluster.x-k8s.io", "v1beta2", "Cluster").unwrap();
        assert_eq!((cluster.release().provider(), CapiVersion::of(cluster.release())), ("core", Some(newest.capi())));
        assert!(newest.find("cluster.x-k8s.io", "v1beta1", "Cluster").unwrap().deprecated());
        let old = version(10);
        assert!(!old.find("cluster.x-k8s.io", "v1beta1", "Cluster").unwrap().deprecated());
        let Lookup::UnknownVersion(unknown) = old.lookup("cluster.x-k8s.io", "v1beta2", "Cluster") else {
            panic!("v1.10 knows no v1beta2")
        };
        assert_eq!(unknown.served.iter().map(|kind| kind.version()).collect::<Vec<_>>(), ["v1beta1"]);
        assert_eq!(unknown.served_in.first(), Some(&CapiVersion::new(1, 11)));
        assert_eq!(unknown.dropped_in(old.capi()), None);
    }

    #[test]
    fn a_kind_that_a_release_dropped_is_known_by_its_releases() {
        let newer = version(13);
        let Lookup::UnknownVersion(unknown) =
            newer.lookup("infrastructure.cluster.x-k8s.io", "v1alpha1", "InMemoryCluster")
        else {
            panic!("in-memory kinds were in v1.8 and v1.9")
        };
        assert!(unknown.served.is_empty());
        assert_eq!(unknown.served_in, [CapiVersion::new(1, 8), CapiVersion::new(1, 9)]);
        assert_eq!(unknown.dropped_in(CapiVersion::new(1, 13)), Some(CapiVersion::new(1, 10)));
        let old = version(9);
        let kind = old.find("infrastructure.cluster.x-k8s.io", "v1alpha1", "InMemoryCluster").unwrap();
        assert_eq!(old.dropped_after(kind), Some(CapiVersion::new(1, 10)));
    }

    #[test]
    fn a_misspelt_kind_is_told_from_a_foreign_one() {
        let schemas = Schemas::default();
        let Lookup::UnknownKind(unknown) = schemas.lookup("cluster.x-k8s.io", "v1beta2", "MachineDeploymnet") else {
            panic!("misspelt")
        };
        assert!(unknown.group_known);
        assert_eq!(unknown.near_kind, Some("MachineDeployment"));
        let Lookup::UnknownKind(unknown) = schemas.lookup("example.org", "v1", "Deployment") else { panic!("foreign") };
        assert!(!unknown.group_known && unknown.near_kind.is_none());
        assert_eq!(unknown.groups, ["apps"]);
    }

    #[test]
    fn native_kinds_and_their_metadata_are_there() {
        let schemas = Schemas::default();
        let secret = schemas.find("", "v1", "Secret").unwrap();
        assert!(secret.native() && secret.release().provider() == "kubernetes");
        let metadata = schemas.object_meta().unwrap();
        assert_eq!(metadata.property("labels").unwrap().schema.ty(), Type::Object);
    }

    #[test]
    fn users_schemas_win_for_the_kinds_they_define() {
        let crd = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {
                "group": "cluster.x-k8s.io", "scope": "Namespaced", "names": {"kind": "Cluster", "plural": "clusters"},
                "versions": [{"name": "v1beta9", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
            },
        });
        let release = ReleaseFacts { provider: "yours".into(), ..ReleaseFacts::default() };
        let table = Table::open(pack(&[(release, import::document(&crd).unwrap())]).leak()).unwrap();
        let schemas = Schemas::default().with_user(table);
        assert!(schemas.is_users(schemas.find("cluster.x-k8s.io", "v1beta9", "Cluster").unwrap()));
        assert!(schemas.find("cluster.x-k8s.io", "v1beta2", "Cluster").is_none());
        assert!(!schemas.is_users(schemas.find("cluster.x-k8s.io", "v1beta2", "Machine").unwrap()));
        assert_eq!(
            schemas.kinds().filter(|kind| kind.kind() == "Cluster" && kind.group() == "cluster.x-k8s.io").count(),
            1
        );
    }

    #[test]
    fn versions_are_read_as_people_write_them() {
        for text in ["1.13", "v1.13", "v1.13.5"] {
            assert_eq!(text.parse(), Ok(CapiVersion::new(1, 13)));
        }
        let error = "1.2".parse::<CapiVersion>().unwrap_err().to_string();
        assert!(error.contains("v1.8") && error.contains("v1.14"), "{error}");
    }

    /// Not a test of time: `cargo test --profile bench-quick --lib lookup_speed -- --ignored --nocapture`.
    #[test]
    #[ignore = "prints how long lookups take"]
    fn lookup_speed() {
        let schemas = Schemas::default();
        let kind = schemas.find("controlplane.cluster.x-k8s.io", "v1beta2", "KubeadmControlPlane").unwrap();
        let (mut names, mut open) = (Vec::new(), vec![kind.schema()]);
        while let Some(schema) = open.pop() {
            for (name, property) in schema.properties() {
                names.push((schema, name));
                open.push(property.schema);
            }
            open.extend(schema.items());
        }
        let time = |what: &str, count: usize, work: &dyn Fn() -> usize| {
            let start = std::time::Instant::now();
            let found: usize = (0..1000).map(|_| std::hint::black_box(work())).sum();
            println!("{what}: {} ns ({found})", start.elapsed().as_nanos() / (1000 * count as u128));
        };
        time("property", names.len(), &|| {
            names.iter().filter(|(schema, name)| schema.property(name).is_some()).count()
        });
        let kinds: Vec<_> = schemas.kinds().filter(|kind| kind.served()).collect();
        time("kind", kinds.len(), &|| {
            kinds.iter().filter(|k| schemas.find(k.group(), k.version(), k.kind()).is_some()).count()
        });
        time("start", 1, &|| Schemas::new(CapiVersion::newest()).chosen.len());
        println!(
            "table: {} bytes, {} entries, {} patterns, {} rules",
            bundled().size(),
            bundled().kinds().len(),
            bundled().patterns().len(),
            bundled().rules().len()
        );
    }
}
