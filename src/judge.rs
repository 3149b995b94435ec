//! The verdict on a release: schema, then CAPI's webhooks, then what only the whole release shows.
//!
//! Each layer hands in findings; this module only says in which order they run, on how many threads, and puts together what
//! many objects share. The result is the same for any number of threads.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::admission::{self, Gates};
use crate::baseline::Baseline;
use crate::config::{Settings, Switch, UnknownKinds};
use crate::ignores::Ignores;
use crate::migrate::half_migrated;
use crate::object::Object;
use crate::release::Release;
use crate::report::{Alike, Finding, Severity};
use crate::rules::view::{Circumstances, Delivery, View};
use crate::schema::bundle::{self, Schemas};
use crate::schema::definition;
use crate::schema::json_schema::JsonSchemas;
use crate::schema::kinds::Kinds;
use crate::schema::table::Kind;
use crate::schema::validate::{self, Client, Compiled, Passed};
use crate::{report, rules, threads};

mod same_text;

use same_text::SameText;

/// How a release is judged.
#[derive(Debug)]
pub struct Options {
    /// The schemas that count.
    pub schemas: Schemas,
    /// The user's JSON Schemas; for their kinds they stand in for `schemas`.
    pub json_schemas: JsonSchemas,
    /// Who sends the objects to the server.
    pub client: Client,
    /// A stricter client that may send them instead: what only it refuses is a warning. Helm 4 applies new releases on the
    /// server's side, and goes on client-side with those that Helm 3 made; a post-renderer cannot tell which.
    pub possible_client: Option<Client>,
    /// What an object of a kind without schema is.
    pub unknown_kinds: UnknownKinds,
    /// Whether CAPI's webhooks judge too.
    pub admission: Switch,
    /// The feature gates of CAPI's managers, as far as they are known.
    pub gates: Gates,
    /// What the settings say to the rules.
    pub settings: Settings,
    /// The date by which ignores expire, as `2026-12-31`; without it none does.
    pub today: Option<String>,
    /// Findings that are known and not told again.
    pub baseline: Option<Baseline>,
    /// Who brings the release to the server.
    pub delivery: Delivery,
    /// Threads.
    pub jobs: usize,
    compiled: CompiledTables,
}

impl Default for Options {
    fn default() -> Self {
        Self::new(Schemas::default())
    }
}

impl Options {
    /// The defaults, with these schemas.
    pub fn new(schemas: Schemas) -> Self {
        Self {
            compiled: CompiledTables::new(&schemas),
            schemas,
            json_schemas: JsonSchemas::default(),
            client: Client::default(),
            possible_client: None,
            unknown_kinds: UnknownKinds::default(),
            admission: Switch::default(),
            gates: Gates::default(),
            settings: Settings::default(),
            today: None,
            baseline: None,
            delivery: Delivery::default(),
            jobs: 1,
        }
    }
}

/// Patterns and rules of the tables, compiled when first needed.
#[derive(Debug)]
struct CompiledTables {
    bundled: Compiled,
    users: Option<Compiled>,
}

impl CompiledTables {
    fn new(schemas: &Schemas) -> Self {
        let users = schemas.tables().find(|table| !std::ptr::eq(*table, bundle::bundled()));
        Self { bundled: Compiled::new(bundle::bundled()), users: users.map(|table| Compiled::checked(table, true)) }
    }

    fn of(&self, kind: Kind<'_>, schemas: &Schemas) -> &Compiled {
        self.users.as_ref().filter(|_| schemas.is_users(kind)).unwrap_or(&self.bundled)
    }
}

/// Objects below which a further thread costs more than it brings.
const OBJECTS_PER_THREAD: usize = 500;

/// Judges a release. What duplicates are depends on whether somebody takes them out (`transform::dedupe`), so those findings
/// come in from the caller as `more`: severities, ignores and the baseline hold for them too.
pub fn judge(release: &Release<'_>, options: &Options, more: Vec<Finding>) -> Vec<Finding> {
    let judged = Judged::of(release, options);
    let ignores = Ignores::read(release, &options.settings, options.today.as_deref());
    let is_asked_for_each = ignores.may_hold_back() || options.baseline.is_some();
    let stays_one = |alike: &Alike| {
        alike.finding.severity != Severity::Error
            && !is_asked_for_each
            && options.settings.rules.get(alike.finding.rule.name).is_none()
    };
    report::merged(judged.settled(release, options, more, ignores, stays_one))
}

/// As [`judge`], with every finding by itself: what a baseline is written from.
pub fn unmerged(release: &Release<'_>, options: &Options, more: Vec<Finding>) -> Vec<Finding> {
    let ignores = Ignores::read(release, &options.settings, options.today.as_deref());
    Judged::of(release, options).settled(release, options, more, ignores, |_| false)
}

/// What is to be said about a release, or about some of its objects.
#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    /// What is the same for all objects of a kind.
    alike: Vec<Alike>,
}

impl Judged {
    fn of(release: &Release<'_>, options: &Options) -> Self {
        let circumstances =
            Circumstances { settings: &options.settings, schemas: Some(&options.schemas), delivery: options.delivery };
        let objects = threads::Parts::of(&release.objects, options.jobs, OBJECTS_PER_THREAD);
        // First somebody looks the release through for the rules, while others begin with the objects; the rules come last, the
        // last of the list before the others: they look at the whole text, take longest, and nobody shall wait for them in the end.
        let view: OnceLock<View<'_, '_>> = OnceLock::new();
        let view = || view.get_or_init(|| View::new(release, &circumstances));
        let same_text = SameText::default();
        let count = 1 + objects.count() + rules::count();
        let begin = || Judge::new(release, options, &same_text);
        let mut parts = threads::in_turn_with(count, objects.threads, begin, |judge, number| match number {
            0 => {
                view();
                Self::default()
            }
            _ if number <= objects.count() => judge.objects(objects.part(number - 1).1),
            _ => Self {
                findings: rules::check_one(view(), objects.count() + rules::count() - number),
                alike: Vec::new(),
            },
        });
        parts[1 + objects.count()..].reverse();
        let mut findings =
            Vec::with_capacity(release.findings.len() + parts.iter().map(|part| part.findings.len()).sum::<usize>());
        findings.extend_from_slice(&release.findings);
        let mut alike = Vec::new();
        for part in parts {
            findings.extend(part.findings);
            alike.extend(part.alike);
        }
        Self { findings, alike: Alike::all(alike) }
    }

    /// With the caller's findings, and without those that are ignored or known. `stays_one` says of what holds of many places
    /// that nobody looks at each of them.
    fn settled(
        self,
        release: &Release<'_>,
        options: &Options,
        more: Vec<Finding>,
        ignores: Ignores<'_>,
        stays_one: impl Fn(&Alike) -> bool,
    ) -> Vec<Finding> {
        let mut findings = self.findings;
        let place = |object: u32, field: &str| Some(release.objects.get(object as usize)?.field_place(field));
        for alike in self.alike {
            if stays_one(&alike) {
                findings.extend(alike.together(place));
            } else {
                findings.extend(alike.one_by_one(place));
            }
        }
        findings.extend(more);
        let mut findings = ignores.settle(release, findings);
        if let Some(baseline) = &options.baseline {
            baseline.retain_new(release, &mut findings);
        }
        findings
    }
}

/// Judges objects one after the other, and has at hand what it found out before.
struct Judge<'r, 'o, 'a> {
    release: &'r Release<'a>,
    options: &'o Options,
    same_text: &'r SameText,
    kinds: Kinds<'o>,
    /// How the webhooks are asked, where they are.
    webhooks: Option<admission::Options>,
    passed: Passed<'o, 'a>,
    admitted: admission::Passed<'a>,
}

impl<'r, 'o, 'a> Judge<'r, 'o, 'a> {
    fn new(release: &'r Release<'a>, options: &'o Options, same_text: &'r SameText) -> Self {
        Self {
            release,
            options,
            same_text,
            kinds: Kinds::new(&options.schemas, options.unknown_kinds),
            webhooks: (options.admission == Switch::On).then(|| webhooks(options)),
            passed: Passed::default(),
            admitted: admission::Passed::default(),
        }
    }

    fn objects(&mut self, objects: &[Object<'a>]) -> Judged {
        let mut findings = Vec::new();
        for object in objects {
            self.object(object, &mut findings);
        }
        Judged { findings, alike: self.kinds.remarks() }
    }

    fn object(&mut self, object: &Object<'a>, findings: &mut Vec<Finding>) {
        let options = self.options;
        if options.json_schemas.judge(object, findings) {
            return;
        }
        let kind = self.kinds.find(object);
        if let Some(known) = self.same_text.findings(object) {
            findings.extend(known);
            return;
        }
        let from = findings.len();
        let Some(kind) = kind else {
            validate::judge_unknown(object, bundle::bundled(), validate::Options { client: options.client }, findings);
            self.same_text.remember(object, findings.get(from..).unwrap_or_default());
            return;
        };
        judge_schema(object, kind, options.client, options, Some(&mut self.passed), findings);
        limit(findings, from);
        if let Some(client) = options.possible_client {
            judge_possible(object, kind, client, options, findings, from);
        }
        if definition::is_definition(object) {
            definition::judge(object, findings);
        }
        if let Some(webhooks) = &self.webhooks {
            admission::judge_alike(object, self.release, webhooks, &mut self.admitted, findings);
            limit(findings, from);
        }
        self.same_text.remember(object, findings.get(from..).unwrap_or_default());
    }
}

/// What only a stricter client refuses of an object, whose other findings begin at `from`.
fn judge_possible(
    object: &Object<'_>,
    kind: Kind<'_>,
    client: Client,
    options: &Options,
    findings: &mut Vec<Finding>,
    from: usize,
) {
    let mut stricter = Vec::new();
    judge_schema(object, kind, client, options, None, &mut stricter);
    limit(&mut stricter, 0);
    let known = |finding: &Finding| {
        let mut own = findings.iter().skip(from);
        own.any(|other| other.place == finding.place && other.rule.name == finding.rule.name)
    };
    stricter.retain(|finding| !known(finding));
    findings.extend(stricter.into_iter().map(|finding| finding.severity(Severity::Warning)));
}

/// Findings of one rule about one object; the rest are counted. The server's own reader stops at a hundred.
const MOST_OF_OBJECT: usize = 200;

/// Bounds the findings of the object whose first one would stand at `from`.
fn limit(findings: &mut Vec<Finding>, from: usize) {
    if findings.len() - from > MOST_OF_OBJECT {
        let mut own = findings.split_off(from);
        report::cap(&mut own, MOST_OF_OBJECT);
        findings.append(&mut own);
    }
}

/// Judges what an upgrade sends: objects of the new release, with what they are in the cluster now. What stood there before
/// is not said again: the server let it pass. Others are looked up in `cluster`: what is there while the upgrade runs.
pub fn judge_sent<'o, 'a: 'o>(
    sent: impl Iterator<Item = (Option<&'o Object<'a>>, &'o Object<'a>)>,
    cluster: &Release<'a>,
    options: &Options,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let on_create = webhooks(options);
    let on_update = admission::Options { operation: admission::Operation::Update, ..webhooks(options) };
    let mut kinds = Kinds::new(&options.schemas, options.unknown_kinds);
    let mut judged: FxHashMap<u32, &Object<'_>> = FxHashMap::default();
    for (old, new) in sent {
        judged.insert(new.number, new);
        let Some(kind) = kinds.find(new) else { continue };
        match old.filter(|old| old.version() == new.version()) {
            Some(old) => {
                let compiled = options.compiled.of(kind, &options.schemas);
                let client = validate::Options { client: options.client };
                let from = findings.len();
                validate::judge_update(old, new, kind, compiled, client, prefilled(new, options), &mut findings);
                let sent = admission::Sent { new, old: Some(old), labelled_by: labelled_by(options) };
                leave_out_mended(sent, kind, options, &mut findings, from);
            }
            None => judge_schema(new, kind, options.client, options, None, &mut findings),
        }
        if definition::is_definition(new) {
            definition::judge(new, &mut findings);
        }
        if options.admission == Switch::On {
            let mut after = Vec::new();
            let webhooks = if old.is_some() { &on_update } else { &on_create };
            admission::judge(new, cluster, webhooks, &mut after);
            let mut before = Vec::new();
            if let Some(old) = old.filter(|_| !after.is_empty()) {
                admission::judge(old, cluster, webhooks, &mut before);
            }
            let stood = |finding: &Finding| {
                before.iter().any(|other| other.rule.name == finding.rule.name && other.message == finding.message)
            };
            findings.extend(after.into_iter().filter(|finding| !stood(finding)));
        }
    }
    let place = |object: u32, field: &str| Some(judged.get(&object)?.field_place(field));
    findings.extend(kinds.remarks().into_iter().flat_map(|alike| alike.one_by_one(place)));
    findings
}

fn webhooks(options: &Options) -> admission::Options {
    admission::Options { capi_version: options.schemas.capi(), gates: options.gates.clone(), ..Default::default() }
}

fn prefilled(object: &Object<'_>, options: &Options) -> &'static [&'static str] {
    match options.admission {
        Switch::On => admission::prefilled(object.group(), &object.kind, object.version()),
        Switch::Off => &[],
    }
}

fn labelled_by(options: &Options) -> admission::LabelledBy {
    match options.delivery {
        Delivery::Helm => admission::LabelledBy::PostRender,
        Delivery::Unknown => admission::LabelledBy::Webhook,
    }
}

/// Takes out what the webhooks mend before the schema is asked.
fn leave_out_mended(
    sent: admission::Sent<'_, '_>,
    kind: Kind<'_>,
    options: &Options,
    findings: &mut Vec<Finding>,
    from: usize,
) {
    if options.admission == Switch::On && findings.len() > from {
        let stands = |finding: &Finding| !admission::drops(sent, kind, options.schemas.capi(), finding);
        let own: Vec<Finding> = findings.drain(from..).filter(stands).collect();
        findings.extend(own);
    }
}

fn judge_schema<'s, 'a>(
    object: &Object<'a>,
    kind: Kind<'s>,
    client: Client,
    options: &Options,
    passed: Option<&mut Passed<'s, 'a>>,
    findings: &mut Vec<Finding>,
) {
    let compiled = options.compiled.of(kind, &options.schemas);
    let from = findings.len();
    let how = validate::Options { client };
    let prefilled = prefilled(object, options);
    match passed {
        Some(passed) => validate::judge_alike(object, kind, compiled, how, prefilled, passed, findings),
        None => validate::judge(object, kind, compiled, how, prefilled, findings),
    }
    let sent = admission::Sent { new: object, old: None, labelled_by: labelled_by(options) };
    leave_out_mended(sent, kind, options, findings, from);
    if findings.len() > from {
        half_migrated::improve(object, findings.get_mut(from..).unwrap_or_default());
    }
}
