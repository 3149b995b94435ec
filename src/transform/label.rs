//! Labels that post-render adds to `metadata.labels`: the cluster's name on all of its objects, and what the settings ask for.
//!
//! Never into selectors or `spec.template`: a label there would change what an object selects or roll its machines. A label
//! that is there with another value is never overwritten.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::{Added, Plan};
use crate::glob::Glob;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::release::{Cluster, Membership, Release, assign_without};
use crate::report::Finding;
use crate::threads;
use crate::yaml::edit::{self, Edit, Formed};
use crate::yaml::{PerForm, Value};

crate::rule! {
    /// A label that capi-lint was asked to add is there already, with another value.
    ///
    /// It is left as it is. For `cluster.x-k8s.io/cluster-name` that means that an object says it belongs to another cluster
    /// than the one that its `spec.clusterName` or its references put it in.
    ///
    /// ## Example
    ///
    /// `--label environment=prod` over a Cluster that carries `environment: staging`.
    ///
    /// ## Fix
    ///
    /// Remove the label from the template, or from the settings.
    pub LABEL_CONFLICT = "label-conflict", Warning, Advice;

    /// A label could not be added, because of the way in which the object's metadata is written.
    ///
    /// Text that is shared through an anchor cannot get a label without changing the other place too; such objects leave
    /// without the label.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// metadata: *common
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `metadata` out in each object.
    pub LABEL_NOT_ADDED = "label-not-added", Warning, Advice;
}

crate::config::settings! {
    /// The labels to add.
    #[derive(Default)]
    #[serde(default)]
    pub struct Labels {
        /// On every object.
        pub all: BTreeMap<String, String>,
        /// On Cluster objects.
        pub clusters: BTreeMap<String, String>,
        /// On a cluster and all of its objects, by a pattern of the cluster's name such as `app-prod-*`.
        pub by_cluster: BTreeMap<String, BTreeMap<String, String>>,
        /// Keys of labels that are copied from a Cluster to its objects.
        pub inherit: Vec<String>,
        /// A pattern that takes a Cluster's name apart: `{app}-{environment}-{region}` gives three labels.
        pub from_name: Option<NamePattern>,
    }
}

/// Why a label cannot be one.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidLabel(String);

impl std::fmt::Display for InvalidLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidLabel {}

/// Checks a label as the API server does: the key is a name of at most 63 characters with an optional DNS prefix, the value at
/// most 63 characters; both begin and end with a letter or digit.
///
/// # Errors
/// What is wrong with it.
pub fn check(key: &str, value: &str) -> Result<(), InvalidLabel> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let dns_label = |part: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = part.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    if prefix.is_some_and(|prefix| prefix.len() > 253 || !prefix.split('.').all(dns_label)) {
        return Err(InvalidLabel(format!("'{key}': what stands before the / must be a DNS name such as example.com")));
    }
    if name.is_empty() || !is_label_text(name) {
        return Err(InvalidLabel(format!(
            "'{key}' is no label key: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
        )));
    }
    if !is_label_text(value) {
        return Err(InvalidLabel(format!(
            "'{value}' is no label value: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
        )));
    }
    Ok(())
}

fn is_label_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Objects below which a further thread costs more than it brings.
const OBJECTS_PER_THREAD: usize = 1000;

/// Plans the labels of every object that is not among `gone`.
pub fn plan<'r>(release: &'r Release<'_>, labels: &'r Labels, gone: &BTreeSet<u32>, plan: &mut Plan<'r>) {
    // Duplicates that go have no say in what the others belong to.
    let (clusters, membership) = if gone.is_empty() {
        (Cow::Borrowed(release.clusters.as_slice()), Cow::Borrowed(release.membership()))
    } else {
        let (clusters, membership) = assign_without(release, gone, plan.jobs);
        (Cow::Owned(clusters), Cow::Owned(membership))
    };
    let wishes = Wishes::new(release, &clusters, &membership, labels);
    let (objects, begin) = (&release.objects, PerForm::default);
    let parts = threads::in_parts_with(objects, plan.jobs, OBJECTS_PER_THREAD, begin, |formed, _, objects| {
        let mut part = Part::default();
        let mut add = Vec::new();
        for object in objects.iter().filter(|object| gone.is_empty() || !gone.contains(&object.number)) {
            part.label(object, &wishes, formed, &mut add);
        }
        part
    });
    plan.edits.reserve(parts.iter().map(|part| part.edits.len()).sum());
    for part in parts {
        plan.edits.extend(part.edits);
        plan.added.append(part.added);
        plan.findings.extend(part.findings);
    }
}

/// The plan for some of the objects.
#[derive(Default)]
struct Part<'l> {
    edits: Vec<(u32, Edit)>,
    added: Added<'l>,
    findings: Vec<Finding>,
}

impl<'l> Part<'l> {
    /// Plans the labels of one object; `formed` are the documents of which forms were made, `add` is room for labels.
    fn label<'r>(
        &mut self,
        object: &Object<'r>,
        wishes: &Wishes<'_, 'l>,
        formed: &mut PerForm<'r, Formed>,
        add: &mut Vec<Label<'l>>,
    ) {
        let Some(metadata) = object.metadata().filter(Value::is_map) else { return };
        let entry = metadata.get("labels");
        let present = entry.filter(|labels| !labels.is_null());
        if present.is_some_and(|labels| !labels.is_map()) {
            return;
        }
        add.clear();
        for (key, value) in wishes.of(object) {
            match present.and_then(|labels| labels.get(key)) {
                None => add.push((key.clone(), value.clone())),
                Some(label) if label.as_str().as_deref() == Some(&**value) => {}
                Some(label) => {
                    let was = label.as_str().map_or_else(|| label.raw().to_owned(), Cow::into_owned);
                    let message =
                        format!("the label {key} is '{was}' here, and was to become '{value}': it is left as it is");
                    self.findings.push(object.finding(&LABEL_CONFLICT, label, message));
                }
            }
        }
        if add.is_empty() {
            return;
        }
        let document = object.root.document();
        let formed = formed.get(document, || Formed::of(document));
        let edits = match entry {
            Some(labels) => formed.insert_texts(labels, None, add),
            None => formed.insert_texts(metadata, Some("labels"), add),
        };
        match edits {
            Ok(edits) => {
                self.edits.extend(edits.into_iter().map(|edit| (object.document, edit)));
                self.added.push(object, add.drain(..));
            }
            Err(reason) => {
                let keys = add.iter().map(|(key, _)| &**key).collect::<Vec<_>>().join(", ");
                let message = format!("the label {keys} cannot be added here: {reason}");
                self.findings.push(object.finding(&LABEL_NOT_ADDED, metadata, message));
            }
        }
    }
}

type Label<'l> = edit::Entry<'l>;

/// What is wished for, worked out once per cluster. Labels that the server would not take are left out.
struct Wishes<'m, 'l> {
    membership: &'m [Membership],
    /// By cluster: the labels that all of its objects get, its name first.
    clusters: Vec<Vec<Label<'l>>>,
    /// By cluster: labels that its Cluster object alone gets.
    own: HashMap<u32, Vec<Label<'l>>>,
    /// On every object.
    all: Vec<Label<'l>>,
}

impl<'m, 'l> Wishes<'m, 'l> {
    fn new(
        release: &'l Release<'_>,
        clusters: &[Cluster<'l>],
        membership: &'m [Membership],
        labels: &'l Labels,
    ) -> Self {
        let by_name: Vec<(Glob, &BTreeMap<String, String>)> =
            labels.by_cluster.iter().map(|(pattern, add)| (Glob::new(pattern), add)).collect();
        let is_valid = |(key, value): &Label<'_>| check(key, value).is_ok();
        let mut own = HashMap::new();
        let clusters = (0..)
            .zip(clusters)
            .map(|(number, cluster)| {
                let mut shared: Vec<Label<'l>> = by_name
                    .iter()
                    .filter(|(pattern, _)| pattern.matches(&cluster.name))
                    .flat_map(|(_, add)| borrowed(add))
                    .collect();
                let mut named: Vec<Label<'l>> = borrowed(&labels.clusters).collect();
                named.extend(labels.from_name.iter().flat_map(|pattern| pattern.take_apart(&cluster.name)));
                if let Some(object) = cluster.object.and_then(|number| release.objects.get(number as usize)) {
                    for key in &labels.inherit {
                        let stated = object.label(key);
                        let wished =
                            shared.iter().chain(&named).find(|(name, _)| name == key).map(|(_, value)| value.clone());
                        if let Some(value) = stated.map(|value| Cow::Owned(value.into_owned())).or(wished) {
                            shared.push((Cow::Borrowed(key), value));
                        }
                    }
                    named.retain(is_valid);
                    if !named.is_empty() {
                        own.insert(number, named);
                    }
                }
                shared.insert(0, (Cow::Borrowed(CLUSTER_NAME_LABEL), cluster.name.to_cow()));
                shared.retain(is_valid);
                shared
            })
            .collect();
        let all = borrowed(&labels.all).filter(is_valid).collect();
        Self { membership, clusters, own, all }
    }

    /// The labels for one object, each key once, the more specific wish first.
    fn of(&self, object: &Object<'_>) -> impl Iterator<Item = &Label<'l>> {
        let cluster = self.membership.get(object.number as usize).and_then(Membership::one);
        let shared = cluster.and_then(|cluster| self.clusters.get(cluster));
        let is_cluster = !self.own.is_empty() && object.is(CLUSTER_GROUP, "Cluster");
        let own = cluster.filter(|_| is_cluster).and_then(|cluster| self.own.get(&(cluster as u32)));
        let wishes = shared.into_iter().flatten().chain(own.into_iter().flatten()).chain(&self.all);
        let before = wishes.clone();
        wishes
            .enumerate()
            .filter(move |(number, (key, _))| before.clone().take(*number).all(|(other, _)| other != key))
            .map(|(_, label)| label)
    }
}

fn borrowed(labels: &BTreeMap<String, String>) -> impl Iterator<Item = Label<'_>> {
    labels.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Cow::Borrowed(value.as_str())))
}

/// A pattern such as `{app}-{environment}-{region}`: names in braces are labels, the rest is text.
///
/// Each name takes as little as it can, the last one all that is left, so that `app-prod-eu-west-1` gives the region
/// `eu-west-1`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct NamePattern {
    /// Text and the label that follows it.
    parts: Vec<(String, String)>,
    tail: String,
}

impl TryFrom<String> for NamePattern {
    type Error = InvalidLabel;

    fn try_from(pattern: String) -> Result<Self, InvalidLabel> {
        let mut parts = Vec::new();
        let mut rest = pattern.as_str();
        while let Some((text, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| InvalidLabel(format!("'{pattern}': a brace is opened and never closed")))?;
            check(name, "")?;
            if text.is_empty() && !parts.is_empty() {
                return Err(InvalidLabel(format!(
                    "'{pattern}': put a character between two names, such as {{a}}-{{b}}"
                )));
            }
            parts.push((text.to_owned(), name.to_owned()));
            rest = after;
        }
        if parts.is_empty() {
            return Err(InvalidLabel(format!("'{pattern}' names no label: write {{environment}} and the like")));
        }
        Ok(Self { parts, tail: rest.to_owned() })
    }
}

impl NamePattern {
    /// The labels that a name gives; none where the name does not fit.
    pub fn take_apart<'l>(&'l self, name: &str) -> Vec<Label<'l>> {
        self.fit(name).unwrap_or_default()
    }

    fn fit<'l>(&'l self, name: &str) -> Option<Vec<Label<'l>>> {
        let mut rest = name.strip_suffix(self.tail.as_str())?.strip_prefix(self.parts.first()?.0.as_str())?;
        let mut labels = Vec::with_capacity(self.parts.len());
        for (number, (_, label)) in self.parts.iter().enumerate() {
            let value = match self.parts.get(number + 1) {
                Some((separator, _)) => {
                    let (value, after) = rest.split_once(separator.as_str())?;
                    rest = after;
                    value
                }
                None => rest,
            };
            if value.is_empty() {
                return None;
            }
            labels.push((Cow::Borrowed(label.as_str()), Cow::Owned(value.to_owned())));
        }
        Some(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Source;
    use crate::stream::Stream;
    use crate::transform;

    fn taken(pattern: &str, name: &str) -> Vec<(String, String)> {
        let pattern = NamePattern::try_from(pattern.to_owned()).unwrap();
        pattern.take_apart(name).into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
    }

    #[test]
    fn the_last_name_takes_all_that_is_left() {
        let labels = taken("{app}-{environment}-{region}", "app-prod-eu-west-1");
        assert_eq!(
            labels,
            [("app", "app"), ("environment", "prod"), ("region", "eu-west-1")].map(|(k, v)| (k.into(), v.into()))
        );
    }

    #[test]
    fn a_name_that_does_not_fit_gives_nothing() {
        assert!(taken("{app}-{environment}-{region}", "production").is_empty());
        assert!(NamePattern::try_from("plain".to_owned()).is_err());
        assert!(NamePattern::try_from("{a}{b}".to_owned()).is_err());
    }

    #[test]
    fn what_stands_twice_gets_the_same_labels() {
        let cluster = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata:\n  name: prod\nspec:\n  infrastructureRef:\n    \
                       apiGroup: infrastructure.cluster.x-k8s.io\n    kind: DockerCluster\n    name: prod\n";
        let infrastructure =
            "apiVersion: infrastructure.cluster.x-k8s.io/v1beta2\nkind: DockerCluster\nmetadata:\n  name: prod\n";
        let text = [cluster, infrastructure, infrastructure].join("---\n");
        let twice = [cluster, infrastructure, cluster, infrastructure].join("---\n");
        let labelled = |text: &str, dedupe: transform::Dedupe| {
            let streams = [Stream::parse(&Source { name: "twice".into(), bytes: text.into() }, 1)];
            let release = Release::new(&streams, "");
            let options = transform::Options { dedupe, ..transform::Options::default() };
            let plan = transform::plan(&release, &options);
            let written = transform::write(&release, &plan).expect("edits that hold").to_bytes();
            String::from_utf8(written).expect("text").matches("cluster.x-k8s.io/cluster-name: prod").count()
        };
        assert_eq!(labelled(&text, transform::Dedupe::Off), 3);
        assert_eq!(labelled(&twice, transform::Dedupe::Off), 4);
        for dedupe in [transform::Dedupe::Identical, transform::Dedupe::KeepFirst, transform::Dedupe::KeepLast] {
            assert_eq!(labelled(&twice, dedupe), 2, "{dedupe:?}");
        }
    }

    #[test]
    fn labels_are_checked_as_the_server_does() {
        assert!(check("cni", "calico").is_ok());
        assert!(check("topology.kubernetes.io/zone", "").is_ok());
        assert!(check("a/b/c", "x").is_err());
        assert!(check("cni", "-x").is_err());
        assert!(check("cni", &"x".repeat(64)).is_err());
    }
}
