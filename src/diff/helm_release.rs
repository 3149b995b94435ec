//! Helm's stored releases: a Secret whose data holds base64 of base64 of a gzipped JSON document, for Helm 3 and Helm 4.

use std::collections::HashSet;
use std::fmt;
use std::io::{BufReader, Read};

use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::base64;

/// The type of the Secrets that Helm keeps its releases in.
const SECRET_TYPE: &str = "helm.sh/release.v1";

/// Bytes that a release may unpack to. A Secret holds at most one megabyte, and manifests pack to a hundredth at best.
const LIMIT: u64 = 256 << 20;

/// Bytes that a list of kubectl with nothing in it has at most.
const LONGEST_EMPTY_LIST: usize = 512;

/// Why a Secret holds no release that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReadable {
    /// `data.release` is absent or no base64.
    Encoding,
    /// The content does not unpack.
    Compression,
    /// What it unpacks to is no release.
    Content,
    /// It unpacks to more than any release.
    TooLarge,
    /// A list holds Secrets of several releases.
    SeveralReleases,
    /// A list holds nothing at all.
    NoRelease,
}

impl fmt::Display for NotReadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "its data.release is absent or no base64",
            Self::Compression => "its content does not unpack",
            Self::Content => "what it unpacks to is no Helm release",
            Self::TooLarge => "it unpacks to more than 256 megabytes, which no release does",
            Self::SeveralReleases => "it holds several releases; pick one with kubectl's -l owner=helm,name=NAME",
            Self::NoRelease => "kubectl found none; helm list -A shows the releases and their namespaces",
        })
    }
}

/// What is read of a Secret, or of a list of them; everything else is passed over and takes no room.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Secret {
    kind: Option<String>,
    #[serde(rename = "type")]
    type_name: Option<String>,
    metadata: Metadata,
    data: Option<Data>,
    items: Option<Vec<Secret>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    labels: Option<Labels>,
}

/// Helm's labels.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Labels {
    name: Option<String>,
    status: Option<String>,
    version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    release: Option<String>,
}

/// What is read of a release.
#[derive(Deserialize)]
struct Stored {
    manifest: String,
    #[serde(default)]
    hooks: Option<Vec<Hook>>,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    manifest: String,
}

/// The manifests of a release Secret, hooks included; `None` where the bytes are no such Secret. Of a list of them
/// (`kubectl get secret -l owner=helm -o json`) the newest deployed revision counts: what an upgrade starts from; where none is
/// deployed, the newest.
pub fn manifests(bytes: &[u8]) -> Option<Result<String, NotReadable>> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return None;
    }
    // Nearly every other document is manifests; they are not worth reading twice.
    if bytes.len() > LONGEST_EMPTY_LIST {
        memchr::memmem::find(bytes, SECRET_TYPE.as_bytes())?;
    }
    let mut document: Secret = serde_json::from_slice(bytes).ok()?;
    if document.kind.as_deref() == Some("List") && document.items.as_ref().is_some_and(Vec::is_empty) {
        return Some(Err(NotReadable::NoRelease));
    }
    let candidates: Vec<Secret> = match document.items.take() {
        Some(items) => {
            let releases: Vec<Secret> = items.into_iter().filter(Secret::is_release).collect();
            let names: HashSet<Option<&str>> =
                releases.iter().map(|secret| secret.label(|labels| &labels.name)).collect();
            if names.len() > 1 {
                return Some(Err(NotReadable::SeveralReleases));
            }
            releases
        }
        None => vec![document],
    };
    let newest = candidates
        .iter()
        .filter(|secret| secret.is_release())
        .max_by_key(|secret| (secret.label(|labels| &labels.status) == Some("deployed"), secret.revision()))?;
    Some(unpack(newest))
}

impl Secret {
    fn label(&self, name: impl Fn(&Labels) -> &Option<String>) -> Option<&str> {
        name(self.metadata.labels.as_ref()?).as_deref()
    }

    fn is_release(&self) -> bool {
        self.kind.as_deref() == Some("Secret") && self.type_name.as_deref() == Some(SECRET_TYPE)
    }

    fn revision(&self) -> u64 {
        self.label(|labels| &labels.version).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

fn unpack(secret: &Secret) -> Result<String, NotReadable> {
    let stored = secret.data.as_ref().and_then(|data| data.release.as_deref()).ok_or(NotReadable::Encoding)?;
    let once = base64::decode(stored.as_bytes()).ok_or(NotReadable::Encoding)?;
    let packed = base64::decode(&once).ok_or(NotReadable::Encoding)?;
    drop(once);
    let release: Stored = if packed.starts_with(&[0x1F, 0x8B]) {
        // Read as it unpacks: what is not wanted of it never takes room, however small it was packed.
        let mut unpacked = GzDecoder::new(&packed[..]).take(LIMIT + 1);
        let read = serde_json::from_reader(BufReader::with_capacity(1 << 16, &mut unpacked));
        match read {
            Ok(release) => release,
            Err(_) if unpacked.limit() == 0 => return Err(NotReadable::TooLarge),
            Err(error) if error.is_io() => return Err(NotReadable::Compression),
            Err(_) => return Err(NotReadable::Content),
        }
    } else {
        serde_json::from_slice(&packed).map_err(|_| NotReadable::Content)?
    };
    let mut manifest = release.manifest;
    for hook in release.hooks.into_iter().flatten().filter(|hook| !hook.manifest.is_empty()) {
        manifest.push_str("\n---\n");
        manifest.push_str(&hook.manifest);
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_documents_are_no_release() {
        assert_eq!(manifests(b"kind: Secret"), None);
        assert_eq!(manifests(br#"{"kind": "Secret", "type": "Opaque"}"#), None);
        let empty = br#"{"kind": "Secret", "type": "helm.sh/release.v1", "data": {}}"#;
        assert_eq!(manifests(empty), Some(Err(NotReadable::Encoding)));
        let none = br#"{"apiVersion": "v1", "items": [], "kind": "List", "metadata": {"resourceVersion": ""}}"#;
        assert_eq!(manifests(none), Some(Err(NotReadable::NoRelease)));
    }
}
