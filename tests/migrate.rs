//! `migrate` against Cluster API's own conversion webhook, against the schemas of both versions, and on the corpus.

#[path = "migrate/upgrade.rs"]
mod upgrade;

use std::fmt::Write as _;
use std::path::PathBuf;

use capi_lint::migrate::change::{Form, Step, relocate};
use capi_lint::migrate::{self, Context, NoteKind, Outcome};
use serde_json::Value as Json;

fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("CAPI_LINT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if path.is_dir() {
        Some(path)
    } else {
        println!("skipped: no shared data at {}", path.display());
        None
    }
}

/// The one rule by which the webhook's artefacts are set aside: Go writes no zero value where the type says so, and
/// writes one where it does not. So what stands on one side only must be zero all through. Entries with names are
/// compared by name, since the webhook's come in the order of a Go map.
fn difference(ours: &Json, theirs: &Json, path: &str) -> Option<String> {
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key).unwrap_or(&Json::Null), b.get(key).unwrap_or(&Json::Null));
                difference(a, b, &format!("{path}.{key}"))
            })
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            let name = |item: &Json| item.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
            let sorted = |items: &[Json]| {
                let mut items: Vec<Json> = items.to_vec();
                items.sort_by_key(name);
                items
            };
            let (a, b) = (sorted(a), sorted(b));
            a.iter().zip(&b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{path}[{i}]")))
        }
        (a, b) if a == b || (is_zero(a) && is_zero(b)) => None,
        (a, b) if length(a).is_some_and(|a| length(b).is_some_and(|b| a == b)) || is_quantity(a, b) => None,
        (a, b) => Some(format!("{path}: ours {a}, webhook {b}")),
    }
}

/// A duration that stays one: the webhook writes `90m` as `1h30m0s`.
fn length(value: &Json) -> Option<i128> {
    let text = value.as_str()?;
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text.trim_start_matches('+')), |rest| (-1, rest));
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len()));
        let scale = match unit {
            "h" => 3.6e12,
            "m" => 6e10,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" => 1e3,
            "ns" => 1.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    #[allow(clippy::cast_possible_truncation)] // Nanoseconds of a test.
    (!text.is_empty()).then_some(sign * sum as i128)
}

/// A quantity may be written as a number, and comes back as a text.
fn is_quantity(ours: &Json, theirs: &Json) -> bool {
    let written = ours.to_string();
    ours.is_number() && theirs.as_str() == Some(&*written)
}

fn is_zero(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) if text == "0s" || text == "0" => true,
        Json::Bool(truth) => !truth,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.values().all(is_zero),
    }
}

/// A value as a chart would write it.
fn block(value: &Json, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                write!(out, "{pad}{}:", Json::String(key.clone())).unwrap();
                inside(value, indent, out);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                let mut text = String::new();
                if matches!(item, Json::Object(map) if !map.is_empty()) {
                    block(item, indent + 2, &mut text);
                    write!(out, "{pad}- {}", text.trim_start()).unwrap();
                } else {
                    write!(out, "{pad}-").unwrap();
                    inside(item, indent, out);
                }
            }
        }
        scalar => writeln!(out, "{pad}{scalar}").unwrap(),
    }
}

fn inside(value: &Json, indent: usize, out: &mut String) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(value, indent + 2, out);
        }
        Json::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(value, indent + 2, out);
        }
        scalar => writeln!(out, " {scalar}").unwrap(),
    }
}

/// Converts the `in` of every line of a file of pairs, in three ways of writing it, and gives what differs from `out`.
fn disagreements(file: &std::path::Path) -> (usize, Vec<String>) {
    let pairs = std::fs::read_to_string(file).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for (number, line) in pairs.lines().enumerate() {
        let pair: Json = serde_json::from_str(line).unwrap();
        let mut yaml = String::new();
        block(&pair["in"], 0, &mut yaml);
        let forms = [
            ("block", yaml),
            ("json", pair["in"].to_string()),
            ("pretty", serde_json::to_string_pretty(&pair["in"]).unwrap()),
        ];
        for (form, text) in forms {
            count += 1;
            let problem = match (migrate::document(&text, &Context::default()), pair.get("refused")) {
                (Outcome::Refused(_), Some(_)) => None,
                (Outcome::Migrated(migration), None) => difference(&migration.value, &pair["out"], ""),
                (other, refused) => Some(format!("{other:?}, webhook refused: {refused:?}")),
            };
            if let Some(problem) = problem {
                wrong.push(format!("pair {number} ({}, {form}): {problem}", pair["in"]["kind"]));
            }
        }
    }
    (count, wrong)
}

#[test]
fn converts_as_the_webhook_does() {
    let Some(shared) = shared() else { return };
    let (count, wrong) = disagreements(&shared.join("recorded/conversion.jsonl"));
    println!("{count} conversions, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Random objects, converted by Cluster API's own functions: `tests/oracle/convert` writes such a file, and
/// `CAPI_LINT_CONVERSIONS` names it.
#[test]
fn converts_random_objects_as_the_webhook_does() {
    let Some(file) = std::env::var_os("CAPI_LINT_CONVERSIONS") else {
        println!("skipped: CAPI_LINT_CONVERSIONS names no file of tests/oracle/convert");
        return;
    };
    let (count, wrong) = disagreements(file.as_ref());
    println!("{count} conversions, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every file with manifests below a folder of the corpus.
fn streams(root: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(root)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .filter(|path| !path.components().any(|part| matches!(part.as_os_str().to_str(), Some("chart" | "values"))))
        .collect();
    files.sort();
    files
}

/// The comments of a document, by lines: what follows a `#` that no scalar and no key holds.
fn comments(text: &str) -> Vec<String> {
    let Ok(parsed) = capi_lint::yaml::parse(text) else { return Vec::new() };
    let Some(root) = parsed.root() else { return Vec::new() };
    let document = root.document();
    let mut covered = vec![false; text.len()];
    for index in root.index()..root.end_index() {
        let value = document.value(index).unwrap();
        let scalar = (!value.is_map() && !value.is_seq()).then(|| value.span().range());
        for range in [Some(value.key_span().range()), scalar].into_iter().flatten() {
            if !value.is_map() && !value.is_seq() || range.end - range.start < 200 {
                covered[range].fill(true);
            }
        }
    }
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(hash) = text[at..].find('#').map(|offset| at + offset) {
        let end = text[hash..].find('\n').map_or(text.len(), |offset| hash + offset);
        if covered[hash] {
            at = hash + 1;
        } else {
            found.push(text[hash..end].trim_end().to_owned());
            at = end;
        }
    }
    found.sort();
    found
}

#[test]
fn corpus_keeps_every_comment() {
    let Some(shared) = shared() else { return };
    let (mut migrated, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for file in streams(&shared.join("corpus")) {
        let bytes = std::fs::read(&file).unwrap();
        for (number, document) in capi_lint::yaml::split(&bytes).enumerate() {
            let Ok(text) = document.text(&bytes) else { continue };
            match migrate::document(text, &Context::default()) {
                Outcome::Migrated(migration) => {
                    migrated += 1;
                    let (before, after) = (comments(text), comments(&migration.text));
                    if before != after {
                        let lost: Vec<_> = before.iter().filter(|comment| !after.contains(comment)).collect();
                        wrong.push(format!("{}#{number}: {lost:?}", file.display()));
                    }
                    if !matches!(migrate::document(&migration.text, &Context::default()), Outcome::Already) {
                        wrong.push(format!("{}#{number}: not at v1beta2 after it", file.display()));
                    }
                }
                Outcome::Refused(reason) => refused.push(format!("{}#{number}: {}", file.display(), reason.message)),
                Outcome::NotConcerned | Outcome::Already => {}
            }
        }
    }
    println!("{migrated} documents migrated, {} refused\n{}", refused.len(), refused.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The schemas of all versions of a kind, from its CRD.
fn schemas(shared: &std::path::Path, group: &str, kind: &str) -> std::collections::BTreeMap<String, Json> {
    for folder in ["core", "kubeadm-bootstrap", "kubeadm-control-plane", "docker"] {
        for file in streams(&shared.join("crds").join(folder)) {
            if !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{group}_"))) {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let text = text.strip_prefix("---\n").unwrap_or(&text);
            let parsed = capi_lint::yaml::parse(text).unwrap();
            let crd = parsed.root().unwrap().to_json();
            if crd["spec"]["names"]["kind"] == kind {
                let versions = crd["spec"]["versions"].as_array().unwrap();
                let schema = |version: &Json| {
                    (version["name"].as_str().unwrap().to_owned(), version["schema"]["openAPIV3Schema"].clone())
                };
                return versions.iter().map(schema).collect();
            }
        }
    }
    panic!("no CRD for {group} {kind}");
}

/// The schema at a path.
fn schema_at<'s>(schema: &'s Json, path: &[Step]) -> Option<&'s Json> {
    path.iter().try_fold(schema, |schema, step| match step {
        Step::Key(key) => schema["properties"]
            .get(key)
            .or_else(|| Some(&schema["additionalProperties"]).filter(|more| more.is_object())),
        Step::Item(_) => schema.get("items"),
    })
}

/// Every field of a schema.
fn fields(schema: &Json, path: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    if !path.is_empty() {
        found.push(path.clone());
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    let inner = properties.map(|(key, schema)| (Step::Key(key.clone()), schema));
    let more = Some(&schema["additionalProperties"]).filter(|more| more.is_object());
    let more = more.map(|schema| (Step::Key("any".into()), schema));
    let items = schema.get("items").map(|schema| (Step::Item("0".into()), schema));
    for (step, schema) in inner.chain(more).chain(items) {
        path.push(step);
        fields(schema, path, found);
        path.pop();
    }
}

fn show(path: &[Step]) -> String {
    path.iter()
        .map(|step| match step {
            Step::Key(key) => format!(".{key}"),
            Step::Item(item) => format!("[{item}]"),
        })
        .collect()
}

#[test]
fn tables_cover_every_field_of_the_old_schemas() {
    let Some(shared) = shared() else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for known in migrate::kinds::KINDS {
        let schemas = schemas(&shared, known.group, known.kind);
        let new = &schemas["v1beta2"];
        for version in known.from {
            let mut paths = Vec::new();
            fields(&schemas[*version]["properties"]["spec"], &mut vec![Step::Key("spec".into())], &mut paths);
            count += paths.len();
            for path in paths {
                let old_type = schema_at(&schemas[*version], &path).unwrap()["type"].clone();
                let at = format!("{} {version} {}", known.kind, show(&path));
                match relocate(known.changes, &path) {
                    Err(_) if schema_at(new, &path).is_some() && !show(&path).contains("ef.") => {
                        wrong.push(format!("{at}: removed, but v1beta2 has it"));
                    }
                    Err(_) => {}
                    Ok(relocated) => {
                        for path in &relocated.paths {
                            let Some(schema) = schema_at(new, path) else {
                                // All that was in it moved: each of those fields is looked at on its own.
                                if relocated.form == Some(Form::Structure) {
                                    continue;
                                }
                                wrong.push(format!("{at}: v1beta2 has no {}", show(path)));
                                continue;
                            };
                            let expected = match relocated.form {
                                None | Some(Form::Structure | Form::Reference | Form::Group) => old_type.clone(),
                                Some(Form::Seconds) => "integer".into(),
                                Some(Form::Arguments | Form::Named | Form::Argument | Form::InsideNamed) => {
                                    "array".into()
                                }
                            };
                            if schema["type"] != expected {
                                wrong.push(format!("{at}: {} is {}, not {expected}", show(path), schema["type"]));
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{count} fields of the old schemas, {} not covered", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An object with every field of a schema that is not named in `without`.
fn full(schema: &Json, name: &str) -> Json {
    if schema["x-kubernetes-int-or-string"] == true {
        return 7.into();
    }
    match schema["type"].as_str() {
        Some("object") if schema["properties"].is_object() => Json::Object(
            schema["properties"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), full(v, k))).collect(),
        ),
        Some("object") if schema["additionalProperties"].is_object() => {
            serde_json::json!({ "any": full(&schema["additionalProperties"], name) })
        }
        Some("array") => Json::Array(vec![full(&schema["items"], name), full(&schema["items"], name)]),
        Some("string") => match name.to_lowercase() {
            name if name == "token" => "abcdef.0123456789abcdef".into(),
            name if name.contains("timeout")
                || name.ends_with("duration")
                || name == "ttl"
                || name.ends_with("period") =>
            {
                "5m30s".into()
            }
            name if name == "apiversion" => "group.example/v1".into(),
            _ => "text".into(),
        },
        Some("integer" | "number") => 3.into(),
        Some("boolean") => true.into(),
        _ => Json::Null,
    }
}

/// The paths at which a value has what the schema does not.
fn unknown_fields(value: &Json, schema: &Json, path: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let at = format!("{path}.{key}");
                match schema["properties"].get(key).or_else(|| schema.get("additionalProperties")) {
                    Some(schema) => unknown_fields(value, schema, &at, found),
                    None if schema["x-kubernetes-preserve-unknown-fields"] == true => {}
                    None => found.push(at),
                }
            }
        }
        Json::Array(items) => {
            if schema["type"] != "array" {
                found.push(format!("{path}: list"));
            }
            for item in items {
                unknown_fields(item, &schema["items"], &format!("{path}[]"), found);
            }
        }
        scalar => {
            let fits = match schema["type"].as_str() {
                Some("integer") => scalar.is_i64(),
                Some("string") => scalar.is_string(),
                Some("boolean") => scalar.is_boolean(),
                _ => !scalar.is_object(),
            };
            if !fits && !scalar.is_null() {
                found.push(format!("{path}: {scalar}"));
            }
        }
    }
}

#[test]
fn an_object_with_every_old_field_has_only_new_ones_after() {
    let Some(shared) = shared() else { return };
    let mut wrong = Vec::new();
    for known in migrate::kinds::KINDS {
        let schemas = schemas(&shared, known.group, known.kind);
        for version in known.from {
            let mut object = full(&schemas[*version], "");
            object["apiVersion"] = format!("{}/{version}", known.group).into();
            object["kind"] = known.kind.into();
            object["metadata"] = serde_json::json!({ "name": "full" });
            let mut yaml = String::new();
            block(&object, 0, &mut yaml);
            match migrate::document(&yaml, &Context::default()) {
                Outcome::Migrated(migration) => {
                    let mut unknown = Vec::new();
                    let mut value = migration.value.clone();
                    value.as_object_mut().unwrap().shift_remove("metadata");
                    unknown_fields(&value, &schemas["v1beta2"], "", &mut unknown);
                    wrong.extend(unknown.into_iter().map(|at| format!("{} {version}: {at}", known.kind)));
                }
                other => wrong.push(format!("{} {version}: {other:?}", known.kind)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the API server says against an object, by its schema.
fn errors(text: &str) -> Vec<String> {
    use capi_lint::report::Severity;
    use capi_lint::schema::bundle::{Schemas, bundled};
    use capi_lint::schema::validate::{Client, Compiled, Options, judge};
    let source = capi_lint::input::Source { name: "document".into(), bytes: text.as_bytes().to_vec() };
    let streams = [capi_lint::stream::Stream::parse(&source, 1)];
    let release = capi_lint::release::Release::new(&streams, "");
    let schemas = Schemas::default();
    let compiled = Compiled::new(bundled());
    let mut findings = Vec::new();
    for object in &release.objects {
        if let Some(kind) = schemas.find(object.group(), object.version(), &object.kind) {
            // Webhooks fill in how a rollout is done, and a selector.
            let prefilled = ["spec.selector", "spec.rollout.strategy.type", "spec.template.spec.rollout.strategy.type"];
            judge(object, kind, &compiled, Options { client: Client::Warn }, &prefilled, &mut findings);
        }
    }
    let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| format!("{}: {}", finding.rule.name, finding.message)).collect()
}

#[test]
fn what_was_valid_stays_valid() {
    let Some(shared) = shared() else { return };
    let (mut valid, mut missing, mut wrong) = (0, 0, Vec::new());
    for file in streams(&shared.join("corpus")) {
        let bytes = std::fs::read(&file).unwrap();
        let stream = migrate::stream(&bytes);
        for document in &stream.documents {
            let Outcome::Migrated(migration) = &document.outcome else { continue };
            let old = std::str::from_utf8(&bytes[document.span.clone()]).unwrap();
            if errors(old).is_empty() {
                valid += 1;
                // What v1beta2 requires and v1beta1 did not, no conversion can know. It must be said.
                let said = migration.notes.iter().filter(|note| note.kind == NoteKind::Missing).count();
                missing += usize::from(said > 0);
                let errors = errors(&migration.text);
                if errors.len() > said {
                    wrong.push(format!("{}: {said} said of {errors:?}", file.display()));
                }
            }
        }
    }
    println!(
        "{valid} valid documents migrated, {missing} lack what v1beta2 requires, {} others invalid after",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn broken_text_is_refused_or_migrated_but_never_a_crash() {
    let Some(shared) = shared() else { return };
    let mut tried = 0;
    for file in streams(&shared.join("corpus/manifests")).iter().step_by(7) {
        let bytes = std::fs::read(file).unwrap();
        for document in capi_lint::yaml::split(&bytes) {
            let Ok(text) = document.text(&bytes) else { continue };
            if !text.contains("cluster.x-k8s.io/v1beta1") || text.len() > 20_000 {
                continue;
            }
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for at in 0..lines.len() {
                let without: String = [&lines[..at], &lines[at + 1..]].concat().concat();
                let doubled: String = [&lines[..=at], &lines[at..]].concat().concat();
                let deeper: String = [&lines[..at], &["  "][..], &lines[at..]].concat().concat();
                let cut = lines[..at].concat() + &lines[at][..lines[at].len() / 2];
                for broken in [without, doubled, deeper, cut, text.replace(": ", ":  # odd\n    ")] {
                    tried += 1;
                    let _ = migrate::document(&broken, &Context::default());
                }
            }
        }
    }
    println!("{tried} broken documents");
}

#[test]
fn half_migrated_objects_learn_the_new_place() {
    use capi_lint::migrate::half_migrated;
    use capi_lint::schema::bundle::{Schemas, bundled};
    use capi_lint::schema::validate::{Compiled, Options, judge};
    let text = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: a}\nspec:\n  infrastructureRef:\n    \
                apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\n    kind: DockerCluster\n    name: a\n  topology:\n    \
                class: quick-start\n    rolloutAfter: now\n    version: v1.30.0\n    controlPlane:\n      nodeDrainTimeout: 5m\n      \
                misspelt: 1\n";
    let source = capi_lint::input::Source { name: "document".into(), bytes: text.into() };
    let streams = [capi_lint::stream::Stream::parse(&source, 1)];
    let release = capi_lint::release::Release::new(&streams, "");
    let object = release.objects.get(0).expect("an object");
    let schemas = Schemas::default();
    let kind = schemas.find(object.group(), object.version(), &object.kind).unwrap();
    let mut findings = Vec::new();
    judge(object, kind, &Compiled::new(bundled()), Options::default(), &[], &mut findings);
    half_migrated::improve(object, &mut findings);
    let half = findings.iter().filter(|finding| finding.rule.name == half_migrated::HALF_MIGRATED.name);
    let said: Vec<String> = half
        .map(|finding| format!("{} → {}", finding.message, finding.suggestion.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        said,
        [
            "`spec.infrastructureRef.apiVersion` is how v1beta1 has it; in v1beta2 it is spec.infrastructureRef.apiGroup, the \
             group without the version → write `apiGroup: infrastructure.cluster.x-k8s.io` instead",
            "`spec.topology.class` is how v1beta1 has it; in v1beta2 it is spec.topology.classRef.name → write `name: \
             quick-start` there",
            "`spec.topology.rolloutAfter` is how v1beta1 has it; in v1beta2 it is gone → it never had an effect; set \
             rollout.after at controlPlane and at each machineDeployment",
            "`spec.topology.controlPlane.nodeDrainTimeout` is how v1beta1 has it; in v1beta2 it is \
             spec.topology.controlPlane.deletion.nodeDrainTimeoutSeconds, in seconds → write `nodeDrainTimeoutSeconds: 300` \
             there",
        ]
    );
    assert!(findings.iter().any(|finding| finding.rule.name == "unknown-field"), "the misspelt field stays unknown");
}

/// A value of an old field, alone in an object.
fn alone(path: &[Step], leaf: Json) -> Json {
    path.iter().rev().fold(leaf, |value, step| match step {
        Step::Key(key) => serde_json::json!({ key.as_str(): value }),
        Step::Item(_) => serde_json::json!([value]),
    })
}

/// Every field that moved, changed its form or is gone, alone in an object of v1beta2: it, or what it stands in, is named
/// with its new place.
#[test]
fn every_moved_field_is_known_as_half_migrated() {
    use capi_lint::migrate::half_migrated;
    use capi_lint::schema::bundle::{Schemas, bundled};
    use capi_lint::schema::validate::{Compiled, Options, judge};
    let Some(shared) = shared() else { return };
    let (table, compiled) = (Schemas::default(), Compiled::new(bundled()));
    let (mut count, mut wrong) = (0, Vec::new());
    for known in migrate::kinds::KINDS.iter().filter(|known| known.from.contains(&"v1beta1")) {
        let schemas = schemas(&shared, known.group, known.kind);
        let mut paths = Vec::new();
        fields(&schemas["v1beta1"]["properties"]["spec"], &mut vec![Step::Key("spec".into())], &mut paths);
        for path in paths {
            let relocated = relocate(known.changes, &path);
            let stays = matches!(&relocated, Ok(new) if new.paths == [path.clone()] && matches!(new.form, None | Some(Form::Structure)));
            if stays {
                continue;
            }
            count += 1;
            let schema = schema_at(&schemas["v1beta1"], &path).unwrap();
            let mut object = alone(
                &path,
                full(
                    schema,
                    path.iter()
                        .rev()
                        .find_map(|step| match step {
                            Step::Key(key) => Some(key.as_str()),
                            Step::Item(_) => None,
                        })
                        .unwrap_or_default(),
                ),
            );
            object["apiVersion"] = format!("{}/v1beta2", known.group).into();
            object["kind"] = known.kind.into();
            object["metadata"] = serde_json::json!({ "name": "half" });
            let source = capi_lint::input::Source { name: "document".into(), bytes: object.to_string().into_bytes() };
            let streams = [capi_lint::stream::Stream::parse(&source, 1)];
            let release = capi_lint::release::Release::new(&streams, "");
            let kind = table.find(known.group, "v1beta2", known.kind).unwrap();
            let mut findings = Vec::new();
            judge(release.objects.get(0).expect("an object"), kind, &compiled, Options::default(), &[], &mut findings);
            half_migrated::improve(release.objects.get(0).expect("an object"), &mut findings);
            let shown = show(&path);
            let named = findings.iter().filter(|finding| finding.rule.name == half_migrated::HALF_MIGRATED.name).any(
                |finding| {
                    let at = finding.message.split('`').nth(1).unwrap_or_default();
                    // A reference stands where it stood: it is for its fields to be named.
                    let (shown, at) = (shown.as_str(), format!(".{at}"));
                    (shown.starts_with(&at) || at.starts_with(shown)) && finding.suggestion.is_some()
                },
            );
            if !named {
                let said: Vec<_> = findings.iter().map(|finding| &finding.message).collect();
                wrong.push(format!("{} {shown}: {said:?}", known.kind));
            }
        }
    }
    println!("{count} fields that moved, {} not named", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
