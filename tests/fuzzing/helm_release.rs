//! A Secret that Helm keeps a release in, broken in any of its layers: JSON, gzip, base64, base64 again, the Secret.

use std::io::{Read, Write};

use capi_lint::diff::helm_release;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;

use super::engine::{Shape, Target};
use super::mutate::{self, Random};
use super::seeds;

pub struct HelmRelease;

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().chain([0; 2].iter()).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let letters = (0..4).map(|at| LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
        out.extend(letters.enumerate().map(|(at, letter)| if at <= part.len() { letter } else { b'=' }));
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn secret(stored: &str, name: &str, revision: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": "sh.helm.release.v1.a.v1", "labels": {"name": name, "owner": "helm", "status": "deployed", "version": revision}},
        "data": {"release": stored}
    })
}

const RELEASE: &str = r#"{"name": "fleet", "info": {"status": "deployed"}, "chart": {"metadata": {"name": "multi-cluster"}}, "manifest": "---\n# Source: a/b.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n", "hooks": [{"name": "b", "manifest": "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: b\n", "events": ["pre-install"]}], "version": 1, "namespace": "default"}"#;

impl Target for HelmRelease {
    fn name(&self) -> &'static str {
        "helm-release"
    }

    /// Releases, unpacked: [`HelmRelease::derive`] packs them.
    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = vec![RELEASE.as_bytes().to_vec(), b"{}".to_vec(), br#"{"manifest": ""}"#.to_vec()];
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/helm-release"), &["txt"], 20_000));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "\"manifest\": ",
            "\"hooks\": ",
            "null",
            "[]",
            "{}",
            "\"\"",
            "\"",
            "\\u0000",
            "\\ud800",
            "1",
            ",",
            ":",
            "{",
            "}",
            "[",
            "]",
            "=",
            "==",
            "A",
            "/",
            "+",
            "-",
            "_",
            "\n",
            " ",
            "helm.sh/release.v1",
            "\"kind\": \"Secret\"",
            "\"type\": \"helm.sh/release.v1\"",
            "\"data\": {\"release\": ",
            "\"items\": [",
            "\"version\": \"99999999999999999999\"",
            "H4sI",
            "\u{1f}",
            "\0",
            "é",
        ]
    }

    fn derive(&self, random: &mut Random, pool: &[Vec<u8>]) -> Vec<u8> {
        let broken = random.below(6);
        let mut layer = random.pick(pool).clone();
        if layer.windows(11).any(|window| window == b"\"release\": ") {
            // One that is packed already: its Secret is what changes.
            mutate::change(random, &mut layer, pool, self.words());
            return layer;
        }
        let mut at = 0;
        let mut step = |layer: &mut Vec<u8>| {
            if at == broken {
                (0..=random.below(3)).for_each(|_| mutate::change(random, layer, pool, self.words()));
            }
            at += 1;
        };
        step(&mut layer);
        layer = gzip(&layer);
        step(&mut layer);
        layer = base64(&layer);
        step(&mut layer);
        layer = base64(&layer);
        step(&mut layer);
        let stored = String::from_utf8_lossy(&layer).into_owned();
        let one = secret(&stored, "fleet", "2");
        let list = match random.below(4) {
            0 => json!({"kind": "List", "items": [one, secret("", "fleet", "1")]}),
            1 => json!({"kind": "List", "items": [one, secret("", "other", "1")]}),
            _ => one,
        };
        let mut text = list.to_string().into_bytes();
        if broken >= 4 {
            mutate::change(random, &mut text, pool, self.words());
        }
        text
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let read = helm_release::manifests(input);
        // A slow reading of the same. Broken text where nobody looks is no matter to the reader, nor to Go's; to a general tool it is.
        let expected = serde_json::from_slice(input).ok().and_then(|document| slowly(&document));
        if let (Some(Ok(manifests)), Some(expected)) = (&read, expected) {
            if expected != *manifests {
                return Err(format!("other manifests: {manifests:?} for {expected:?}"));
            }
        }
        Ok(Shape::of(match read {
            None => (0, 0),
            Some(Err(reason)) => (1, reason as usize),
            Some(Ok(manifests)) => (2, manifests.len().checked_ilog2().unwrap_or(0) as usize),
        }))
    }
}

/// The newest deployed release of a document, by general tools.
fn slowly(document: &serde_json::Value) -> Option<String> {
    let all: Vec<&serde_json::Value> =
        document["items"].as_array().map_or_else(|| vec![document], |items| items.iter().collect());
    let version = |secret: &serde_json::Value| {
        let labels = &secret["metadata"]["labels"];
        (
            labels["status"] == "deployed",
            labels["version"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0),
        )
    };
    let releases =
        all.into_iter().filter(|secret| secret["kind"] == "Secret" && secret["type"] == "helm.sh/release.v1");
    let stored = releases.max_by_key(|secret| version(secret))?["data"]["release"].as_str()?.as_bytes().to_vec();
    let packed = decoded(&decoded(&stored)?)?;
    let mut unpacked = Vec::new();
    if packed.starts_with(&[0x1F, 0x8B]) {
        GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).ok()?;
    } else {
        unpacked = packed;
    }
    let release: serde_json::Value = serde_json::from_slice(&unpacked).ok()?;
    let hooks = release["hooks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|hook| hook["manifest"].as_str())
        .filter(|text| !text.is_empty());
    Some([release["manifest"].as_str()?].into_iter().chain(hooks).collect::<Vec<_>>().join("\n---\n"))
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let letter = |byte: u8| {
        let all = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain([b'+', b'/']);
        all.into_iter().position(|letter| letter == byte)
    };
    let kept = text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=');
    let bits: Option<Vec<usize>> = kept.map(|byte| letter(*byte)).collect();
    let bits: Vec<bool> =
        bits?.into_iter().flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1 == 1)).collect();
    Some(bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect())
}
