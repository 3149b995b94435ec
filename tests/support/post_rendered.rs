//! What must hold of post-render, whatever came in: held against the plan it made, and against the input itself.

use std::collections::BTreeMap;

use capi_lint::input::Source;
use capi_lint::object::Object;
use capi_lint::release::Release;
use capi_lint::report::{Finding, Severity};
use capi_lint::stream::Stream;
use capi_lint::transform::{self, Options, Plan};
use capi_lint::yaml::edit::Entry;
use serde_json::{Value as Json, json};

/// What came out, and what was planned.
pub struct PostRendered {
    pub output: Vec<u8>,
    /// The rules of the findings, documents that went, documents that were edited, items that went, documents that are no
    /// objects.
    #[allow(dead_code, reason = "for the fuzzer alone")]
    pub seen: (Vec<&'static str>, usize, usize, usize, usize),
}

/// Post-renders a stream and says what does not hold.
///
/// # Errors
/// In words.
pub fn check(input: &[u8], options: &Options) -> Result<PostRendered, String> {
    let source = Source { name: "in".into(), bytes: input.to_vec() };
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "default");
    let plan = transform::plan(&release, options);
    let after_source = Source { name: "out".into(), bytes: written(&release, &plan)? };
    let after_streams = [Stream::parse(&after_source, 1)];
    let after = Release::new(&after_streams, "default");
    for (stream, source) in [(&streams[0], &source), (&after_streams[0], &after_source)] {
        if stream.bytes(0..stream.len()) != source.bytes {
            return Err("a stream does not give back the bytes of its source".into());
        }
    }
    documents_stay((&source, &streams[0]), (&after_source, &after_streams[0]), &plan)?;
    objects_stay(&release, &after, &plan)?;
    labels_land(&after, &plan, options)?;
    let again = written(&after, &transform::plan(&after, options))?;
    if again != after_source.bytes {
        return Err(format!("the second time changes it again\n{}", pair(&after_source.bytes, &again)));
    }
    let rules = plan.findings.iter().map(|finding| finding.rule.name).collect();
    let edited = (0..streams[0].documents.len() as u32).filter(|document| plan.edits(*document)).count();
    let seen = (rules, plan.dropped.len(), edited, plan.dropped_items.len(), release.findings.len());
    Ok(PostRendered { output: after_source.bytes, seen })
}

fn written(release: &Release<'_>, plan: &Plan<'_>) -> Result<Vec<u8>, String> {
    let output = transform::write(release, plan).map_err(|error| format!("broken edit: {}\n{error}", error.what))?;
    Ok(output.to_bytes())
}

fn pair(one: &[u8], other: &[u8]) -> String {
    format!("{}\n--------\n{}", String::from_utf8_lossy(one), String::from_utf8_lossy(other))
}

/// Documents without an edit keep their bytes, in order; none is lost, none comes from nowhere.
fn documents_stay(before: (&Source, &Stream), after: (&Source, &Stream), plan: &Plan<'_>) -> Result<(), String> {
    fn bytes<'s>((source, stream): (&'s Source, &Stream), document: usize) -> Option<&'s [u8]> {
        source.bytes.get(stream.range_of(document)?)
    }
    let mut left = 0..after.1.documents.len();
    for number in 0..before.1.documents.len() as u32 {
        if plan.dropped.contains(&number) {
            continue;
        }
        let Some(other) = left.next() else { return Err(format!("document {number} is gone")) };
        let was = bytes(before, number as usize).expect("its bytes");
        let is = bytes(after, other).expect("its bytes");
        // A JSON value that goes leaves the end of its line to the value before it.
        let has_line_end =
            !was.ends_with(b"\n") && is.strip_prefix(was).is_some_and(|rest| rest.trim_ascii().is_empty());
        if !plan.edits(number) && was != is && !has_line_end {
            return Err(format!("document {number} changed, though nothing was to change in it\n{}", pair(was, is)));
        }
    }
    if left.next().is_some() { Err("a document came out that did not come in".into()) } else { Ok(()) }
}

/// An object with labels added.
fn labelled(mut object: Json, labels: &[Entry<'_>]) -> Json {
    if labels.is_empty() {
        return object;
    }
    for path in ["/metadata", "/metadata/labels"] {
        let (above, key) = path.rsplit_once('/').expect("a path");
        if let Some(above) = object.pointer_mut(above).filter(|above| above[key].is_null()) {
            above[key] = json!({});
        }
    }
    for (key, value) in labels {
        object["metadata"]["labels"][&**key] = (&**value).into();
    }
    object
}

fn identity(release: &Release<'_>, object: &Object<'_>) -> String {
    let namespace = release.namespace_of(object);
    format!("{}/{} {namespace}/{} {:?}", object.group(), object.kind, object.name, object.hook_events())
}

/// The objects that stay are what they were, in order, with the labels that the plan declares; and of each identity one stays.
fn objects_stay(before: &Release<'_>, after: &Release<'_>, plan: &Plan<'_>) -> Result<(), String> {
    let is_gone =
        |object: &Object<'_>| plan.dropped.contains(&object.document) || plan.dropped_items.contains(&object.number);
    let staying = before.objects.iter().filter(|object| !is_gone(object));
    let expected: Vec<Json> =
        staying.map(|object| labelled(object.root.to_json(), plan.labels(object.number))).collect();
    let found: Vec<Json> = after.objects.iter().map(|object| object.root.to_json()).collect();
    if expected != found {
        let at = expected.iter().zip(&found).find(|(a, b)| a != b);
        return Err(format!("other objects came out: {} for {}, {at:?}", found.len(), expected.len()));
    }
    let mut lost: BTreeMap<String, u32> = before.objects.iter().map(|o| (identity(before, o), o.number)).collect();
    for object in &after.objects {
        lost.remove(&identity(after, object));
    }
    lost.first_key_value().map_or(Ok(()), |(lost, _)| Err(format!("an object is lost: {lost}")))
}

/// What was to stand on every object stands there, or something is said about it.
fn labels_land(after: &Release<'_>, plan: &Plan<'_>, options: &Options) -> Result<(), String> {
    for object in after.objects.iter().filter(|object| object.metadata().is_some_and(|metadata| metadata.is_map())) {
        for (key, value) in &options.labels.all {
            // Labels that are no mapping are an error of their own, and let be.
            let labels = object.at(&["metadata", "labels"]);
            let is_there =
                labels.is_some_and(|labels| labels.get(key).is_some() || !labels.is_map() && !labels.is_null());
            let is_about_labels = |rule: &str| matches!(rule, "label-not-added" | "label-conflict");
            let told = |finding: &Finding| is_about_labels(finding.rule.name) || finding.severity == Severity::Error;
            let is_told = plan.findings.iter().any(told);
            if !is_there && !is_told {
                return Err(format!("{} does not carry {key}={value}, and nobody was told", identity(after, object)));
            }
        }
    }
    Ok(())
}
