//! `schemas/` and `NOTICE` are what the import makes of the upstream CRDs.
//!
//! The CRDs are not part of the repository. Where they are at hand (`CAPI_LINT_SHARED`, by default `../shared`), the test makes
//! the files anew and compares; `make schemas` sets `CAPI_LINT_UPDATE_SCHEMAS` and it writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use capi_lint::schema::facts::{KindFacts, Scope};
use capi_lint::schema::openapi::OpenApi;
use capi_lint::schema::{folder, import, notation};
use capi_lint::yaml;
use serde_json::{Map, Value as Json, json};

type Files = BTreeMap<PathBuf, String>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("CAPI_LINT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    folder.join("crds/SOURCES.json").exists().then_some(folder)
}

#[test]
fn schemas_are_what_the_import_makes_of_the_crds() {
    let Some(shared) = shared() else {
        println!("skipped: no upstream CRDs at hand (CAPI_LINT_SHARED)");
        return;
    };
    let files = generate(&shared);
    let stale: BTreeSet<PathBuf> = committed().difference(&files.keys().cloned().collect()).cloned().collect();
    if std::env::var_os("CAPI_LINT_UPDATE_SCHEMAS").is_some() {
        for file in &stale {
            fs::remove_file(root().join(file)).unwrap();
        }
        for (file, text) in &files {
            fs::create_dir_all(root().join(file).parent().unwrap()).unwrap();
            if fs::read_to_string(root().join(file)).ok().as_ref() != Some(text) {
                fs::write(root().join(file), text).unwrap();
            }
        }
        return;
    }
    let differs =
        |(file, text): &(&PathBuf, &String)| fs::read_to_string(root().join(file)).ok().as_ref() != Some(*text);
    let different: Vec<&PathBuf> = files.iter().filter(differs).map(|(file, _)| file).collect();
    assert!(different.is_empty() && stale.is_empty(), "run `make schemas`; different: {different:?}, stale: {stale:?}");
}

/// Text of upstream must not come in with the facts.
#[test]
fn no_description_or_message_is_kept() {
    for file in committed().iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let json: Json = serde_json::from_str(&text).unwrap();
        if let Some(schema) = json.get("schema") {
            no_prose(schema, file);
        }
    }
}

fn no_prose(schema: &Json, file: &Path) {
    for keyword in ["description", "title", "example", "externalDocs"] {
        assert!(schema.get(keyword).is_none(), "{}: {keyword}", file.display());
    }
    for rule in schema.get("x-kubernetes-validations").and_then(Json::as_array).into_iter().flatten() {
        assert!(rule.get("message").is_none() && rule.get("messageExpression").is_none(), "{}", file.display());
    }
    let children = schema.get("properties").and_then(Json::as_object).into_iter().flatten().map(|(_, child)| child);
    let single = ["items", "additionalProperties"].into_iter().filter_map(|name| schema.get(name));
    children.chain(single).for_each(|child| no_prose(child, file));
}

fn committed() -> BTreeSet<PathBuf> {
    let files = walkdir::WalkDir::new(root().join("schemas")).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file() && entry.file_name() != ".gitkeep");
    files.map(|entry| entry.path().strip_prefix(root()).unwrap().to_owned()).collect()
}

/// All files of `schemas/`, and `NOTICE`.
fn generate(shared: &Path) -> Files {
    let mut releases: Vec<(Json, Vec<KindFacts>)> = Vec::new();
    for folder in ["crds", "crds-fleet"] {
        for source in read_json(&shared.join(folder).join("SOURCES.json")).as_array().unwrap() {
            // Its repositories have no licence file.
            if !text(source, "slug").starts_with("microk8s") {
                releases.push(provider(&shared.join(folder), source));
            }
        }
    }
    releases.extend(history(shared, &releases));
    releases.push(kubernetes(&shared.join("openapi")));
    releases.sort_by_cached_key(|(source, _)| folder::order(source));
    let mut files = Files::new();
    for (source, kinds) in &releases {
        let release = folder::release(source);
        let place = PathBuf::from("schemas").join(&release.provider).join(&release.version);
        for (name, kind) in folder::file_names(kinds).into_iter().zip(kinds) {
            assert!(
                files.insert(place.join(&name), notation::kind(kind)).is_none(),
                "{name} twice in {}",
                place.display()
            );
        }
    }
    let sources: Vec<Json> = releases.into_iter().map(|(source, _)| source).collect();
    files.insert("NOTICE".into(), notice(&sources));
    files.insert("schemas/SOURCES.json".into(), notation::text(&Json::Array(sources)));
    files
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn read_json(file: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The CRDs of one folder of the upstream data.
fn provider(folder: &Path, source: &Json) -> (Json, Vec<KindFacts>) {
    let slug = text(source, "slug");
    let patches = source.get("schema_patches").and_then(Json::as_array).cloned().unwrap_or_default();
    let mut kinds = crds(&folder.join(slug), &patches);
    for extracted in source.get("extracted_files").and_then(Json::as_array).into_iter().flatten() {
        let document = read_json(&folder.join(slug).join(text(extracted, "file")));
        let api = OpenApi::new(&document).unwrap();
        let scope = if text(extracted, "scope") == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
        let kind = text(extracted, "kind");
        for version in extracted["versions"].as_array().unwrap() {
            let key = (text(extracted, "group"), version.as_str().unwrap(), kind);
            kinds.push(api.kind_of(key, &format!("{}s", kind.to_lowercase()), scope).unwrap().unwrap());
        }
    }
    let mut out = Map::new();
    out.insert("provider".into(), slug.into());
    for name in ["version", "repository", "commit", "path", "licence"] {
        out.insert(name.into(), source[name].clone());
    }
    let contracts = source.get("contract_labels").and_then(Json::as_object).into_iter().flatten();
    let contracts: Map<String, Json> = contracts
        .map(|(contract, versions)| {
            let versions: Vec<&str> = versions.as_str().unwrap_or_default().split('_').collect();
            (contract.trim_start_matches("cluster.x-k8s.io/").to_owned(), json!(versions))
        })
        .collect();
    if !contracts.is_empty() {
        out.insert("contracts".into(), contracts.into());
    }
    if !patches.is_empty() {
        out.insert("patched".into(), true.into());
    }
    (out.into(), kinds)
}

/// Earlier releases of CAPI, whose origin is that of the newest.
fn history(shared: &Path, newest: &[(Json, Vec<KindFacts>)]) -> Vec<(Json, Vec<KindFacts>)> {
    let mut releases = Vec::new();
    for version in folders(&shared.join("crds-history")) {
        for provider in folders(&shared.join("crds-history").join(&version)) {
            let core =
                |name: &str| newest.iter().map(|(source, _)| source).find(|source| text(source, "provider") == name);
            let like = core(&provider).or_else(|| core("docker")).unwrap();
            let source = json!({
                "provider": provider,
                "version": version,
                "repository": like["repository"],
                "licence": like["licence"],
            });
            releases.push((source, crds(&shared.join("crds-history").join(&version).join(&provider), &[])));
        }
    }
    releases
}

/// The kinds built into Kubernetes' API server.
fn kubernetes(folder: &Path) -> (Json, Vec<KindFacts>) {
    let version = folders(folder).pop().unwrap();
    let mut kinds = Vec::new();
    for file in fs::read_dir(folder.join(&version)).unwrap() {
        let document = read_json(&file.unwrap().path());
        kinds.extend(OpenApi::new(&document).unwrap().kinds().unwrap());
    }
    kinds.sort_by(|a, b| (&a.group, &a.kind, &a.version).cmp(&(&b.group, &b.kind, &b.version)));
    let source = json!({
        "provider": "kubernetes",
        "version": version,
        "repository": "kubernetes/kubernetes",
        "path": "api/openapi-spec",
        "licence": "Apache-2.0",
    });
    (source, kinds)
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn crds(folder: &Path, patches: &[Json]) -> Vec<KindFacts> {
    let mut kinds = Vec::new();
    let mut applied = 0;
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        for mut document in documents(file) {
            let name = document.pointer("/metadata/name").cloned();
            for change in patches.iter().filter(|change| name.as_ref() == change.get("crd")) {
                patch(&mut document, change);
                applied += 1;
            }
            kinds.extend(import::document(&document).unwrap());
        }
    }
    assert_eq!(applied, patches.len(), "patches without a CRD in {}", folder.display());
    kinds
}

fn documents(file: &Path) -> Vec<Json> {
    let stream = fs::read(file).unwrap();
    let mut documents = Vec::new();
    for document in yaml::split(&stream) {
        let text = std::str::from_utf8(&stream[document.span.clone()]).unwrap();
        let parsed = yaml::parse(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        documents.extend(parsed.root().map(|root| root.to_json()));
    }
    documents
}

/// A JSON patch, as far as the upstream kustomizations use them.
fn patch(document: &mut Json, change: &Json) {
    assert_eq!(text(change, "op"), "add");
    let (parent, key) = text(change, "path").rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    parent.as_object_mut().unwrap().insert(key.to_owned(), change["value"].clone());
}

/// What the facts were taken from, repository by repository.
fn notice(sources: &[Json]) -> String {
    let mut repositories: BTreeMap<(&str, &str), BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for source in sources {
        let repository = repositories.entry((text(source, "repository"), text(source, "licence"))).or_default();
        repository.entry(text(source, "version")).or_default().insert(text(source, "provider"));
    }
    let mut out = String::from(
        "capi-lint\n\n\
         The files in schemas/ hold structural facts (names, types, bounds, patterns, CEL expressions) that were taken from the\n\
         CustomResourceDefinitions and OpenAPI documents of the projects below. Their descriptions and messages were not taken over.\n\
         Commits and paths are in schemas/SOURCES.json. This file is made by `make schemas`.\n",
    );
    for ((repository, licence), releases) in repositories {
        let _ = write!(out, "\nhttps://github.com/{repository} ({licence})\n");
        for (version, providers) in releases {
            let _ = writeln!(out, "  {version}: {}", providers.into_iter().collect::<Vec<_>>().join(", "));
        }
    }
    out
}
