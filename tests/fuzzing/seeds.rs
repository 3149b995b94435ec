//! Where mutations begin: the files of the repository, and of the shared corpus where it is there.

use std::path::{Path, PathBuf};

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file or folder of the shared data; `None` where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CAPI_LINT_SHARED").map_or_else(|| repository("../shared"), PathBuf::from);
    Some(root.join(path)).filter(|path| path.exists())
}

/// The files below a folder whose names end in one of these, in the order of their names, those not longer than `longest`.
pub fn files(folder: &Path, extensions: &[&str], longest: usize) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    collect(folder, extensions, &mut paths);
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).filter(|bytes| bytes.len() <= longest).collect()
}

fn collect(folder: &Path, extensions: &[&str], into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let fits = path.extension().and_then(|extension| extension.to_str()).is_some_and(|e| extensions.contains(&e));
        // Templates of charts are no YAML yet; what they render to stands beside them.
        let is_template = path.components().any(|part| part.as_os_str() == "templates");
        if path.is_dir() {
            collect(&path, extensions, into);
        } else if fits && !is_template {
            into.push(path);
        }
    }
}

/// Streams of manifests: the fixtures, and the corpus.
pub fn manifests(longest: usize) -> Vec<Vec<u8>> {
    let mut all = files(&repository("fixtures"), &["yaml"], longest);
    for folder in ["corpus/manifests", "corpus/broken", "corpus/doc-snippets"] {
        all.extend(shared(folder).into_iter().flat_map(|folder| files(&folder, &["yaml", "yml"], longest)));
    }
    all
}

/// The documents of streams, one by one.
pub fn documents(streams: &[Vec<u8>], longest: usize) -> Vec<Vec<u8>> {
    let documents = streams
        .iter()
        .flat_map(|stream| capi_lint::yaml::split(stream).map(|raw| stream[raw.span].to_vec()).collect::<Vec<_>>());
    documents.filter(|document| !document.is_empty() && document.len() <= longest).collect()
}

/// Streams cut into ones of a few documents each, so that an execution is short and mutations meet.
pub fn short_streams(longest: usize) -> Vec<Vec<u8>> {
    let mut short = Vec::new();
    for stream in manifests(1 << 18) {
        let mut part: Vec<u8> = Vec::new();
        for raw in capi_lint::yaml::split(&stream) {
            let document = &stream[raw.separator.start..raw.span.end];
            if part.len() + document.len() > longest && !part.is_empty() {
                short.push(std::mem::take(&mut part));
            }
            if document.len() <= longest {
                part.extend_from_slice(document);
            }
        }
        short.push(part);
    }
    short.retain(|part| !part.is_empty());
    short
}

/// Bits of text on which YAML turns.
pub const YAML: &[&str] = &[
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "  ",
    "\t",
    ":",
    ": ",
    ":\n",
    "- ",
    "-",
    "\n- ",
    "#",
    " #",
    " # x\n",
    "\"",
    "'",
    "''",
    "\\",
    "\\n",
    "|",
    ">",
    "|-\n",
    ">+\n",
    "|2\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ", ",
    "{a: b}",
    "[a]",
    "&a ",
    "*a",
    "!!str ",
    "!",
    "? ",
    "?",
    "%",
    "@",
    "`",
    "---",
    "\n---\n",
    "...",
    "\n...\n",
    "<<: ",
    "<<: *a",
    "yes",
    "~",
    "1",
    "0x1",
    ".inf",
    "1e3",
    "a",
    "a: b\n",
    "\n  ",
    "\n ",
    "\n    ",
    "é",
    "\u{2028}",
    "\u{85}",
    "\u{feff}",
    "=",
    "\0",
    "\\u00e9",
    "key: |\n  x\n",
    "key: >\n\n  x\n   y\n",
    "a: \"b\n  c\"\n",
    "a: b\n  c\n",
    "!!binary aGk=",
    "!!int ",
    "!!null ",
    "!<x> ",
    "!!float 1",
    "\r",
    "\u{a0}",
    "-\n",
    "- - ",
    "0o7",
    "1_0",
    "-0",
    "null",
    "True",
    "&b [*a]",
    "{<<: *a}",
    "\"\\x41\"",
    "\"\\\n",
    "12:30",
    "2001-01-01",
    "\n# x\n",
    ",\n",
    "{\n",
    "}\n",
    "\"a\": 1",
    "\u{10348}",
    "\\ud834\\udd1e",
    "|+1\n",
    ">-3\n",
    "\u{7f}",
    "%YAML 1.1\n---\n",
    "%TAG !a! x:\n---\n",
];

/// Bits of manifests.
pub const MANIFEST: &[&str] = &[
    "\n---\n",
    "---\n",
    "apiVersion: v1\n",
    "kind: List\n",
    "items:\n",
    "metadata:\n",
    "  labels:\n",
    "  labels: {}\n",
    "  labels: null\n",
    "  annotations:\n",
    "    helm.sh/hook: pre-install\n",
    "  name: a\n",
    "  namespace: b\n",
    "spec:\n",
    "  clusterName: a\n",
    "    cluster.x-k8s.io/cluster-name: a\n",
    "# Source: a/templates/b.yaml\n",
    "metadata: &m\n",
    "metadata: *m\n",
    "  labels: &l\n",
    "  labels: *l\n",
    "  <<: *m\n",
    "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"x\"}}\n",
    "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata:\n  name: a\n",
    "null",
    "{}",
    "[]",
    "~",
    "\"\"",
    "1",
    "true",
    "|\n",
    ">-\n",
    "\r\n",
    " # x",
    "#x\n",
    "  ",
    "\t",
    ": ",
    "- ",
    "\n",
    "é",
    "\u{2028}",
    "...\n",
    "  - a\n",
    "? a\n: b\n",
    "  \n",
    "!!str ",
    "v1beta1",
    "v1beta2",
    "v1.30.0",
    "10m",
    "100Mi",
    "10.0.0.0/16",
    "fd00::/64",
    "{{ .x }}",
    "${X}",
    "a.b",
    "A_B",
    "-x",
    "    capi-lint/ignore: long-name\n",
    "replicas: 3\n",
    "template:\n",
    "topology:\n",
    "variables:\n",
    "class: a\n",
];
