//! A management plane without webhooks: some CRDs, and our verdict on what is sent to it.

use std::path::Path;

use capi_lint::input::Source;
use capi_lint::object::Object;
use capi_lint::release::Release;
use capi_lint::report::{Finding, Provenance, Severity};
use capi_lint::schema::facts::KindFacts;
use capi_lint::schema::import;
use capi_lint::schema::pack::{ReleaseFacts, pack};
use capi_lint::schema::table::{Kind, Table};
use capi_lint::schema::validate::{self, Client, Compiled, Options};
use capi_lint::stream::{Content, Stream};
use capi_lint::yaml;

/// All clients.
pub const CLIENTS: [Client; 3] = [Client::Create, Client::Warn, Client::Apply];

/// A client's name with the oracle.
pub fn client_name(client: Client) -> &'static str {
    match client {
        Client::Create => "create",
        Client::Warn => "warn",
        Client::Apply => "apply",
    }
}

/// A verdict; the worst of several is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is no object.
    Nothing,
    Accept,
    UnknownKind,
    Reject,
    Unparsable,
}

impl Verdict {
    /// Its name with the oracle.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Nothing => "none",
            Verdict::Accept => "accept",
            Verdict::UnknownKind => "unknown-kind",
            Verdict::Reject => "reject",
            Verdict::Unparsable => "unparsable",
        }
    }
}

/// What we say to one object.
pub struct Judged {
    pub verdict: Verdict,
    /// Path, rule and message of each error.
    pub errors: Vec<(String, &'static str, String)>,
}

/// CRDs, ready to judge by.
pub struct Plane {
    table: Table,
    compiled: Compiled,
}

impl Plane {
    /// The kinds of all YAML files of some folders and files.
    pub fn new(paths: &[&Path]) -> Self {
        let mut kinds: Vec<KindFacts> = Vec::new();
        for path in paths {
            let files = walkdir::WalkDir::new(path).sort_by_file_name().into_iter().filter_map(Result::ok);
            for file in files.filter(|file| file.path().extension().is_some_and(|ending| ending == "yaml")) {
                let bytes = std::fs::read(file.path()).expect("a CRD file");
                for document in yaml::split(&bytes) {
                    let text = document.text(&bytes).expect("text");
                    let parsed = yaml::parse(text).expect("YAML");
                    let Some(root) = parsed.root() else { continue };
                    kinds.extend(import::document(&root.to_json()).expect("a CRD"));
                }
            }
        }
        let release = ReleaseFacts { provider: "plane".into(), version: "v0".into(), ..ReleaseFacts::default() };
        let table = Table::open(pack(&[(release, kinds)]).leak()).expect("a table");
        let compiled = Compiled::new(&table);
        Self { table, compiled }
    }

    fn kind(&self, object: &Object<'_>) -> Option<Kind<'_>> {
        self.table.kind(object.group(), &object.kind).find(|kind| kind.is_version(object.version()) && kind.served())
    }

    fn judge(&self, object: &Object<'_>, client: Client) -> Judged {
        let mut findings = Vec::new();
        let Some(kind) = self.kind(object) else {
            validate::judge_unknown(object, &self.table, Options { client }, &mut findings);
            // What is refused before anybody asks for the kind; the oracle looks no further.
            findings.retain(|finding| matches!(finding.rule.name, "wrong-type" | "invalid-value"));
            let judged = judged(object, &findings);
            return if findings.is_empty() { Judged { verdict: Verdict::UnknownKind, ..judged } } else { judged };
        };
        validate::judge(object, kind, &self.compiled, Options { client }, &[], &mut findings);
        judged(object, &findings)
    }

    /// The verdicts on the objects of a stream, in order.
    pub fn judge_stream(&self, bytes: &[u8], client: Client) -> Vec<Judged> {
        let source = Source { name: "test".into(), bytes: bytes.to_vec() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "default");
        let mut out = Vec::new();
        for (number, document) in streams[0].documents.iter().enumerate() {
            let of_document = |finding: &&Finding| finding.place.is_some_and(|place| place.document == number as u32);
            match document.content {
                Content::Broken(_) => out.push(Judged { verdict: Verdict::Unparsable, errors: Vec::new() }),
                Content::Parsed { .. } => {
                    let objects = release.objects.iter().filter(|object| object.document == number as u32);
                    out.extend(objects.map(|object| self.judge(object, client)));
                    let malformed =
                        release.findings.iter().filter(of_document).filter(|f| f.rule.name == "malformed-object");
                    out.extend(malformed.map(|finding| {
                        let error = (String::new(), finding.rule.name, finding.message.clone());
                        let parsed = document.parsed();
                        let root = parsed.and_then(|parsed| parsed.value(finding.place?.node?));
                        let text = |key| root.and_then(|root| root.get(key)?.as_str());
                        // The oracle looks an empty apiVersion up and finds nothing; we call that malformed.
                        let named = text("apiVersion").is_some() && text("kind").is_some_and(|kind| !kind.is_empty());
                        let verdict = if named { Verdict::UnknownKind } else { Verdict::Reject };
                        Judged { verdict, errors: vec![error] }
                    }));
                }
            }
        }
        out
    }

    /// The verdict on a change, as `kubectl replace` sends it.
    pub fn judge_update(&self, old: &[u8], new: &[u8]) -> Judged {
        let sources = [old, new].map(|bytes| Source { name: "test".into(), bytes: bytes.to_vec() });
        let streams = [[Stream::parse(&sources[0], 1)], [Stream::parse(&sources[1], 1)]];
        let [old, new] = [Release::new(&streams[0], "default"), Release::new(&streams[1], "default")];
        let (Some(old), Some(new)) = (old.objects.get(0), new.objects.get(0)) else {
            return Judged { verdict: Verdict::Reject, errors: Vec::new() };
        };
        let mut findings = Vec::new();
        let Some(kind) = self.kind(new) else { return Judged { verdict: Verdict::UnknownKind, errors: Vec::new() } };
        validate::judge_update(old, new, kind, &self.compiled, Options::default(), &[], &mut findings);
        judged(new, &findings)
    }
}

fn judged(object: &Object<'_>, findings: &[Finding]) -> Judged {
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error && finding.rule.provenance == Provenance::Admission)
        .map(|finding| {
            let node = finding.place.and_then(|place| place.node);
            let path = finding.path.clone().or_else(|| node.map(|node| object.path(node))).unwrap_or_default();
            (path, finding.rule.name, finding.message.clone())
        })
        .collect();
    Judged { verdict: if errors.is_empty() { Verdict::Accept } else { Verdict::Reject }, errors }
}
