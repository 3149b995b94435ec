//! post-render of any stream: no object is lost or made up, what was not to change keeps its bytes, the second time changes nothing.

use std::collections::BTreeMap;

use capi_lint::input::Source;
use capi_lint::release::Release;
use capi_lint::stream::Stream;
use capi_lint::transform::{self, Dedupe, Labels, Options};
use serde_json::{Value as Json, json};

use super::engine::{Shape, Target};
use super::mutate::Random;
use super::seeds;

pub struct PostRender;

fn options(random: &mut Random) -> Options {
    let mut labels = Labels::default();
    if random.one_in(2) {
        labels.all.insert("owner".into(), "platform".into());
    }
    if random.one_in(2) {
        labels.clusters.insert("cni".into(), "calico".into());
        labels.inherit.push("cni".into());
    }
    if random.one_in(4) {
        labels.all.insert("example.com/yes".into(), random.pick(&["true", "", "1", "null"]).to_string());
    }
    if random.one_in(4) {
        labels.from_name = transform::label::NamePattern::try_from("{app}-{environment}".to_owned()).ok();
    }
    let dedupe = *random.pick(&[Dedupe::Identical, Dedupe::Identical, Dedupe::KeepFirst, Dedupe::KeepLast, Dedupe::Off]);
    Options { dedupe, labels, jobs: 1 }
}

/// An object with labels added.
fn labelled(mut object: Json, labels: &[(String, String)]) -> Json {
    for (key, value) in labels {
        for name in ["metadata", "labels"] {
            let at = if name == "metadata" { &mut object } else { &mut object["metadata"] };
            if at[name].is_null() {
                at[name] = json!({});
            }
        }
        object["metadata"]["labels"][key] = value.as_str().into();
    }
    object
}

fn rendered(release: &Release<'_>, options: &Options) -> Result<Vec<u8>, String> {
    let plan = transform::plan(release, options);
    let pieces = transform::write(release, &plan).map_err(|error| format!("broken edit: {}\n{error}", error.what))?;
    Ok(pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect())
}

impl Target for PostRender {
    fn name(&self) -> &'static str {
        "post-render"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = seeds::short_streams(1800);
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/post-render"), &["txt"], 4000));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        seeds::MANIFEST
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let mut random = Random::of(input);
        let options = options(&mut random);
        let source = Source { name: "in".into(), bytes: input.to_vec() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "default");
        let plan = transform::plan(&release, &options);
        let pieces = transform::write(&release, &plan).map_err(|error| format!("broken edit: {}\n{error}", error.what))?;
        let output: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect();
        let after_source = Source { name: "out".into(), bytes: output };
        let after_streams = [Stream::parse(&after_source, 1)];
        let after = Release::new(&after_streams, "default");
        // Each document that stays, in order.
        let mut left = after_streams[0].documents.iter();
        for (number, document) in (0..).zip(&streams[0].documents) {
            if plan.dropped.contains(&number) {
                continue;
            }
            let Some(other) = left.next() else { return Err(format!("document {number} is gone")) };
            let same = input[document.span.clone()] == after_source.bytes[other.span.clone()];
            if !plan.edits.contains_key(&number) && !same {
                return Err(format!("document {number} changed, though nothing was to change in it"));
            }
        }
        if left.next().is_some() {
            return Err("a document came out that did not come in".into());
        }
        // Each object that stays, in order, and the labels that were declared.
        let none = Vec::new();
        let is_gone = |object: &capi_lint::object::Object<'_>| {
            plan.dropped.contains(&object.document) || plan.dropped_items.contains(&object.number)
        };
        let expected: Vec<Json> = release
            .objects
            .iter()
            .filter(|object| !is_gone(object))
            .map(|object| labelled(object.root.to_json(), plan.added.get(&object.number).unwrap_or(&none)))
            .collect();
        let found: Vec<Json> = after.objects.iter().map(|object| object.root.to_json()).collect();
        if expected != found {
            let at = expected.iter().zip(&found).position(|(a, b)| a != b);
            return Err(format!("other objects came out: {} for {}, at {at:?}\n{:?}", found.len(), expected.len(), String::from_utf8_lossy(&after_source.bytes)));
        }
        let mut kept: BTreeMap<String, usize> = BTreeMap::new();
        release.objects.iter().for_each(|object| *kept.entry(identity(&release, object)).or_default() += 1);
        for object in &after.objects {
            kept.remove(&identity(&after, object));
        }
        if let Some((lost, _)) = kept.first_key_value() {
            return Err(format!("an object is lost: {lost}"));
        }
        let again = rendered(&after, &options)?;
        if again != after_source.bytes {
            return Err(format!("the second time changes it again\n--- once\n{}\n--- twice\n{}", String::from_utf8_lossy(&after_source.bytes), String::from_utf8_lossy(&again)));
        }
        let rules: Vec<&str> = plan.findings.iter().map(|finding| finding.rule.name).collect();
        Ok(Shape::of((rules, plan.dropped.len().min(3), plan.edits.len().min(5), plan.dropped_items.len().min(3), release.findings.len().min(4))))
    }
}

fn identity(release: &Release<'_>, object: &capi_lint::object::Object<'_>) -> String {
    format!("{}/{}/{}", object.group(), object.kind, release.display_name(object))
}
