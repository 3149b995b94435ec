//! Helm's stored releases: a Secret whose data holds base64 of base64 of a gzipped JSON document, for Helm 3 and Helm 4.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value as Json;

use crate::base64;

/// The type of the Secrets that Helm keeps its releases in.
const SECRET_TYPE: &str = "helm.sh/release.v1";

/// Bytes that a release may unpack to; a Secret holds at most one megabyte, so more is no release.
const LIMIT: u64 = 512 << 20;

/// Why a Secret holds no release that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReadable {
    /// `data.release` is absent or no base64.
    Encoding,
    /// The content does not unpack.
    Compression,
    /// What it unpacks to is no release.
    Content,
    /// A list holds Secrets of several releases.
    SeveralReleases,
}

impl fmt::Display for NotReadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "its data.release is absent or no base64",
            Self::Compression => "its content does not unpack",
            Self::Content => "what it unpacks to is no Helm release",
            Self::SeveralReleases => "it holds several releases; pick one with kubectl's -l owner=helm,name=NAME",
        })
    }
}

/// The manifests of a release Secret, hooks included; `None` where the bytes are no such Secret. Of a list of them
/// (`kubectl get secret -l owner=helm -o json`) the newest deployed revision counts: what an upgrade starts from; where none is
/// deployed, the newest.
pub fn manifests(bytes: &[u8]) -> Option<Result<String, NotReadable>> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return None;
    }
    // Nearly every other document is manifests; they are not worth reading twice.
    memchr::memmem::find(bytes, SECRET_TYPE.as_bytes())?;
    let document: Json = serde_json::from_slice(bytes).ok()?;
    let candidates: Vec<&Json> = match document.get("items").and_then(Json::as_array) {
        Some(items) => {
            let releases: Vec<&Json> = items.iter().filter(|item| is_release(item)).collect();
            let names: HashSet<Option<&str>> = releases.iter().map(|secret| label(secret, "name")).collect();
            if names.len() > 1 {
                return Some(Err(NotReadable::SeveralReleases));
            }
            releases
        }
        None => vec![&document],
    };
    let newest = candidates
        .into_iter()
        .filter(|secret| is_release(secret))
        .max_by_key(|secret| (is_deployed(secret), revision(secret)))?;
    Some(unpack(newest))
}

fn label<'s>(secret: &'s Json, name: &str) -> Option<&'s str> {
    secret.get("metadata")?.get("labels")?.get(name)?.as_str()
}

fn is_deployed(secret: &Json) -> bool {
    label(secret, "status") == Some("deployed")
}

fn is_release(secret: &Json) -> bool {
    secret.get("kind").and_then(Json::as_str) == Some("Secret")
        && secret.get("type").and_then(Json::as_str) == Some(SECRET_TYPE)
}

fn revision(secret: &Json) -> u64 {
    label(secret, "version").and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn unpack(secret: &Json) -> Result<String, NotReadable> {
    let stored = secret.get("data").and_then(|data| data.get("release")?.as_str()).ok_or(NotReadable::Encoding)?;
    let once = base64::decode(stored.as_bytes()).ok_or(NotReadable::Encoding)?;
    let packed = base64::decode(&once).ok_or(NotReadable::Encoding)?;
    let mut text = Vec::new();
    if packed.starts_with(&[0x1F, 0x8B]) {
        GzDecoder::new(&packed[..]).take(LIMIT).read_to_end(&mut text).map_err(|_| NotReadable::Compression)?;
    } else {
        text = packed;
    }
    let release: Json = serde_json::from_slice(&text).map_err(|_| NotReadable::Content)?;
    let mut manifest = release.get("manifest").and_then(Json::as_str).ok_or(NotReadable::Content)?.to_owned();
    for hook in release.get("hooks").and_then(Json::as_array).into_iter().flatten() {
        if let Some(text) = hook.get("manifest").and_then(Json::as_str) {
            manifest.push_str("\n---\n");
            manifest.push_str(text);
        }
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
    }
}
