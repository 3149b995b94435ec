//! Random releases and settings, as templates of people's own give them: objects that Cluster API knows and does not know, in every
//! way in which YAML lets one write them, with what lies between them.

use capi_lint::yaml::edit;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json, json};

/// A release as a stream of bytes.
#[derive(Clone, Debug)]
pub struct Release {
    pub text: String,
}

const KINDS: &[(&str, &str)] = &[
    ("cluster.x-k8s.io/v1beta1", "Cluster"),
    ("cluster.x-k8s.io/v1beta2", "Cluster"),
    ("cluster.x-k8s.io/v1beta2", "MachineDeployment"),
    ("cluster.x-k8s.io/v1beta1", "MachineHealthCheck"),
    ("controlplane.cluster.x-k8s.io/v1beta2", "KubeadmControlPlane"),
    ("bootstrap.cluster.x-k8s.io/v1beta2", "KubeadmConfigTemplate"),
    ("infrastructure.cluster.x-k8s.io/v1beta2", "DockerCluster"),
    ("infrastructure.cluster.x-k8s.io/v1beta2", "AWSMachineTemplate"),
    ("addons.cluster.x-k8s.io/v1beta2", "ClusterResourceSet"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Namespace"),
    ("apps/v1", "Deployment"),
    ("example.org/v1", "Widget"),
    ("v1", "\"yes\""),
];

const NAMES: &[&str] = &["prod", "app-prod-eu", "dev-1", "x", "a.b", "\"1\"", "'007'"];

/// Text that YAML reads as something else, or that is awkward to write.
const AWKWARD: &[&str] = &[
    "yes",
    "null",
    "~",
    "1.30",
    "0x1f",
    "1e3",
    "a: b",
    "#x",
    "a #b",
    "- a",
    "",
    "é",
    "two\nlines\n",
    " lead",
    "trail ",
    "\t",
    "{{ .x }}",
    "${VAR}",
    "'",
    "\"",
    "\\",
    "\u{2028}",
    "\u{85}",
    "---",
    "...",
    "a\n---\nb",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "?",
    "a:",
    "[",
    "}",
    "\n",
    "\n\n",
    "kind: Secret",
    "# Source: x",
    "\u{1f600}",
    "-----BEGIN X-----\nabc\n-----END X-----\n",
    "0123",
    "12:30",
    "=",
    "<<",
    ".inf",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9-]{0,8}",
        3 => select(AWKWARD).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
    ]
}

/// What may stand in a field.
fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        5 => text().prop_map(Json::from),
        2 => any::<i32>().prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
        1 => select(vec![0.5, -1e300, 1e21, 3.0]).prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((text(), inner), 0..4).prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// Fields that Cluster API's objects have, so that references lead somewhere.
fn spec() -> BoxedStrategy<Json> {
    let known = (select(NAMES), 0..4_i64, any::<bool>()).prop_map(|(name, replicas, paused)| {
        let name = name.trim_matches(['"', '\'']);
        json!({"clusterName": name, "replicas": replicas, "paused": paused, "template": {"spec": {
            "clusterName": name, "version": "v1.33.0",
            "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "AWSMachineTemplate", "name": name},
        }}})
    });
    prop_oneof![
        3 => known,
        3 => vec(("[a-z]{1,6}", tree()), 0..5).prop_map(|entries| Json::Object(entries.into_iter().collect())),
        1 => tree(),
    ]
    .boxed()
}

/// How the labels of an object are written.
#[derive(Clone, Copy, Debug)]
enum Written {
    Absent,
    Null,
    Empty,
    Flow,
    Block,
    Indented,
    Commented,
    Anchored,
    Shared,
    Quoted,
    Explicit,
}

const WRITTEN: &[Written] = &[
    Written::Absent,
    Written::Null,
    Written::Empty,
    Written::Flow,
    Written::Block,
    Written::Indented,
    Written::Commented,
    Written::Anchored,
    Written::Shared,
    Written::Quoted,
    Written::Explicit,
];

fn labels(written: Written) -> &'static str {
    match written {
        Written::Absent => "",
        Written::Null => "  labels:\n",
        Written::Empty => "  labels: {}\n",
        Written::Flow => "  labels: {a: b, \"c\": 'd'}\n",
        Written::Block => "  labels:\n    owner: somebody\n    cluster.x-k8s.io/cluster-name: prod\n",
        Written::Indented => "  labels:\n         tier: gold\n",
        Written::Commented => "  labels: # why\n    # first\n    a: b # second\n    # third\n",
        Written::Anchored => "  labels: &labels\n    a: b\n  annotations: *labels\n",
        Written::Shared => "  annotations: &shared\n    a: b\n  labels: *shared\n",
        Written::Quoted => "  \"labels\":\n    \"a\": \"b\"\n",
        Written::Explicit => "  ? labels\n  : a: b\n",
    }
}

#[derive(Clone, Debug)]
struct Object {
    api_version: &'static str,
    kind: &'static str,
    name: &'static str,
    namespace: Option<&'static str>,
    hook: bool,
    labels: Written,
    spec: Json,
}

fn object() -> impl Strategy<Value = Object> {
    let namespace = proptest::option::of(select(vec!["default", "fleet"]));
    (select(KINDS), select(NAMES), namespace, proptest::bool::weighted(0.1), select(WRITTEN), spec()).prop_map(
        |((api_version, kind), name, namespace, hook, labels, spec)| Object {
            api_version,
            kind,
            name,
            namespace,
            hook,
            labels,
            spec,
        },
    )
}

impl Object {
    /// Over lines; some ways of writing labels have annotations of their own.
    fn block(&self) -> String {
        let mut text =
            format!("apiVersion: {}\nkind: {}\nmetadata:\n  name: {}\n", self.api_version, self.kind, self.name);
        if let Some(namespace) = self.namespace {
            text += &format!("  namespace: {namespace}\n");
        }
        text += labels(self.labels);
        if self.hook && !matches!(self.labels, Written::Anchored | Written::Shared) {
            text += "  annotations:\n    helm.sh/hook: post-install, pre-delete\n";
        }
        let body = Json::Object(Map::from_iter([("spec".to_owned(), self.spec.clone())]));
        text + &edit::render_block(&body, 0) + "\n"
    }

    /// As JSON, on one line or many.
    fn json(&self, pretty: bool) -> String {
        let plain = |text: &str| text.trim_matches(['"', '\'']).to_owned();
        let mut object = json!({
            "apiVersion": self.api_version, "kind": plain(self.kind), "metadata": {"name": plain(self.name)}, "spec": self.spec,
        });
        if let Some(namespace) = self.namespace {
            object["metadata"]["namespace"] = namespace.into();
        }
        match self.labels {
            Written::Absent => {}
            Written::Null => object["metadata"]["labels"] = Json::Null,
            Written::Empty => object["metadata"]["labels"] = json!({}),
            _ => object["metadata"]["labels"] = json!({"a": "b"}),
        }
        (if pretty { format!("{object:#}") } else { object.to_string() }) + "\n"
    }
}

/// One document, without its separator.
fn document() -> BoxedStrategy<String> {
    let head = select(vec!["", "", "# Source: chart/templates/a.yaml\n", "\n# note\n\n", "# a\n# Source: b.yaml\n"]);
    let tail = select(vec!["", "", "", "\n\n", "# end\n", "  # deep end\n"]);
    let one = prop_oneof![
        8 => object().prop_map(|object| object.block()),
        1 => (object(), any::<bool>()).prop_map(|(object, pretty)| object.json(pretty)),
        1 => vec(object(), 0..4).prop_map(|objects| list(&objects)),
        1 => select(fixtures()),
    ];
    let none = select(vec![
        "",
        "# nothing but a comment\n",
        "a: 1\n",
        "kind: Cluster\n",
        "- a\n",
        "just text\n",
        "a: [b\n",
        "a: \"open\n",
        "null\n",
        "kind: A\nkind: B\n",
    ]);
    prop_oneof![
        9 => (head, one, tail).prop_map(|(head, one, tail)| format!("{head}{one}{tail}")),
        1 => none.prop_map(str::to_owned),
    ]
    .boxed()
}

/// Objects as items of a list.
fn list(objects: &[Object]) -> String {
    let mut text = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
    for object in objects {
        for (number, line) in object.block().lines().enumerate() {
            text += if number == 0 { "- " } else { "  " };
            text += line;
            text.push('\n');
        }
    }
    text
}

/// The documents of our own fixtures that are not long.
fn fixtures() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["fixtures/rules", "fixtures/render", "fixtures/migrate", "fixtures/admission"] {
        for stream in super::seeds::files(&super::seeds::repository(folder), &["yaml"], 1 << 16) {
            for raw in capi_lint::yaml::split(&stream) {
                let text = String::from_utf8_lossy(&stream[raw.span]).into_owned();
                if text.len() < 3000 && text.ends_with('\n') {
                    found.push(text);
                }
            }
        }
    }
    found
}

/// A document and what is made of it: it may stand twice, the second time with a change.
fn repeated() -> impl Strategy<Value = Vec<String>> {
    (document(), 0..12_u8).prop_map(|(document, what)| match what {
        0 => vec![document.clone(), document],
        1 => vec![document.clone(), format!("# the same\n{document}")],
        2 => vec![document.clone(), document.replace("prod", "dev").replace("replicas: 1", "replicas: 2")],
        3 => vec![document.clone(), document.replace("spec:", "other:")],
        _ => vec![document],
    })
}

/// A release of some documents, each behind its separator.
pub fn release(most: usize) -> impl Strategy<Value = Release> {
    let separator = select(vec!["---\n", "---\n", "--- # next\n", "---   \n"]);
    let ends =
        (any::<bool>(), proptest::bool::weighted(0.2), proptest::bool::weighted(0.1), proptest::bool::weighted(0.1));
    (vec((separator, repeated()), 0..most), ends).prop_map(|(documents, (leads, is_crlf, is_open, is_marked))| {
        let mut text = String::new();
        for (separator, documents) in documents {
            for document in documents {
                if leads || !text.is_empty() {
                    if !text.is_empty() && !text.ends_with('\n') {
                        text.push('\n');
                    }
                    text += separator;
                }
                text += &document;
            }
        }
        if is_open {
            text.truncate(text.trim_end().len());
        }
        if is_crlf {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        if is_marked {
            text.insert(0, '\u{FEFF}');
        }
        Release { text }
    })
}

/// Settings as their file has them, and how post-render deals with duplicates.
pub fn settings() -> impl Strategy<Value = String> {
    let key = select(vec!["owner", "example.com/team", "tier", "a", "cni", "\"yes\""]);
    let value = select(vec!["platform", "\"true\"", "\"\"", "\"1\"", "x.y_z", "\"no\""]);
    let labels = move || vec((key.clone(), value.clone()), 0..3);
    let dedupe = select(vec!["identical", "identical", "keep-first", "keep-last", "off"]);
    let inherit = proptest::bool::weighted(0.4);
    let from_name = proptest::bool::weighted(0.3);
    (labels(), labels(), labels(), inherit, from_name, dedupe).prop_map(
        |(all, clusters, by_cluster, inherit, from_name, dedupe)| {
            let entries = |labels: Vec<(&str, &str)>| {
                let unique: std::collections::BTreeMap<_, _> = labels.into_iter().collect();
                let unique: Vec<String> = unique.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", unique.join(", "))
            };
            let mut text = format!("dedupe: \"{dedupe}\"\nlabels:\n  all: {}\n", entries(all));
            text +=
                &format!("  clusters: {}\n  by-cluster:\n    '*prod*': {}\n", entries(clusters), entries(by_cluster));
            if inherit {
                text += "  inherit: [cni, a]\n";
            }
            if from_name {
                text += "  from-name: '{app}-{environment}'\n";
            }
            text
        },
    )
}
