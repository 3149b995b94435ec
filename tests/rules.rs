//! Every rule of the release layer against its fixtures, and the manual against the code.
//!
//! A fixture says in its leading comments what is expected: `# expect: SEVERITY RULE PATH`, one line a finding, and
//! `# settings: …` where the rule needs some (`# today:`, and `# noise:` for large ones). A `pass.yaml` expects nothing of its rule.
//!
//! Write the manual anew with `CAPI_LINT_RECORD=1 cargo test --test rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use capi_lint::config::Settings;
use capi_lint::input::Source;
use capi_lint::judge::{self, Options};
use capi_lint::release::Release;
use capi_lint::report::Severity;
use capi_lint::rules::view::Circumstances;
use capi_lint::schema::bundle::Schemas;
use capi_lint::stream::Stream;
use capi_lint::transform::dedupe;
use capi_lint::{ignores, rules};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn marked<'t>(text: &'t str, mark: &str) -> Vec<&'t str> {
    let comments = text.lines().take_while(|line| line.starts_with('#'));
    comments.filter_map(|line| line.strip_prefix("# ")?.strip_prefix(mark)).map(str::trim).collect()
}

/// What is found in a text, as fixtures write it: severity, rule, path.
fn found(text: &str, settings: &Settings, today: Option<&str>) -> Vec<String> {
    let source = Source { name: "fixture.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "");
    let mut options = Options::default();
    options.settings.clone_from(settings);
    options.today = today.map(str::to_owned);
    let mut lines: Vec<String> = judge::unmerged(&release, &options, dedupe::findings(&release))
        .iter()
        .map(|finding| {
            let object = finding.place.and_then(|place| release.objects.get(place.object? as usize));
            let path = ignores::field(object, finding);
            format!("{} {} {path}", finding.severity, finding.rule.name).trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines
}

/// Text that does not compress, for fixtures that say `# noise: BYTES`; the same each time.
fn noise(length: usize) -> String {
    let mut seed = 1_u32;
    let mut text = String::with_capacity(length + 8);
    while text.len() < length {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let _ = write!(text, "{:04x}", seed >> 16);
    }
    text
}

fn of_rule(name: &str, text: &str) -> Vec<String> {
    let noisy = marked(text, "noise:").first().map(|length| text.replace("{noise}", &noise(length.parse().unwrap())));
    let text = noisy.as_deref().unwrap_or(text);
    let settings = Settings::parse(&marked(text, "settings:").join("\n")).expect("the fixture's settings");
    let today = marked(text, "today:").first().copied();
    let of_rule = |line: &String| line.split(' ').nth(1) == Some(name);
    found(text, &settings, today).into_iter().filter(of_rule).collect()
}

/// What users run into, and the rules that answer: each has fixtures. (Changes between two releases are in `fixtures/diff`.)
const DEMAND: &[(&str, &[&str])] = &[
    ("dangling references", &["dangling-reference", "reference-kind", "unknown-cluster"]),
    ("duplicates, hooks included", &["duplicate-object", "conflicting-duplicate"]),
    ("uninstall in the wrong order", &["uninstall-order"]),
    ("rotated templates deleted too early", &["template-without-keep"]),
    ("versions", &["invalid-version", "version-without-v", "version-policy", "reference-version"]),
    ("workers and control plane apart", &["version-skew"]),
    ("even control planes", &["even-control-plane", "even-topology-control-plane", "single-control-plane"]),
    ("clusterName, selectors, labels", &["cluster-name-mismatch", "selector-mismatch", "cluster-label-mismatch"]),
    ("addons that match nothing", &["addon-selects-nothing", "cni-not-selected"]),
    ("health checks", &["health-check-overlap", "health-check-selects-nothing"]),
    ("names", &["invalid-name", "long-name"]),
    ("replicas beside an autoscaler", &["autoscaled-replicas"]),
    ("CIDRs", &["cidr-overlap", "cidr-overlap-across"]),
    ("deprecation", &["deprecated-version"]),
    ("release Secret too large", &["release-too-large"]),
    ("topology variables, clusterctl move", &["invalid-variable", "move-label"]),
];

#[test]
fn every_rule_has_fixtures_that_say_what_is_expected() {
    let mut faults = Vec::new();
    let demanded = DEMAND.iter().flat_map(|(_, rules)| *rules).copied();
    let names: BTreeSet<&str> = rules::with_fixtures().map(|rule| rule.name).chain(demanded).collect();
    for rule in names {
        for file in ["fail.yaml", "pass.yaml"] {
            let path: PathBuf = root().join("fixtures/rules").join(rule).join(file);
            let Ok(text) = fs::read_to_string(&path) else {
                faults.push(format!("{} is absent", path.display()));
                continue;
            };
            let mut expected: Vec<&str> =
                marked(&text, "expect:").into_iter().filter(|line| *line != "nothing").collect();
            expected.sort_unstable();
            if expected.is_empty() != (file == "pass.yaml") {
                faults.push(format!("{} says nothing of what is expected, or too much", path.display()));
            }
            let found = of_rule(rule, &text);
            if found != expected {
                faults.push(format!("{}\n  expected {expected:#?}\n  found {found:#?}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A text with each of its documents twice, one behind the other.
fn doubled(text: &str) -> String {
    let mut documents = text.split("\n---\n");
    let marks = documents.next().unwrap_or_default().to_owned();
    documents.fold(marks, |doubled, document| {
        let document = document.trim_end_matches('\n');
        doubled + &format!("\n---\n{document}\n---\n# Source: another/template.yaml\n{document}")
    })
}

#[test]
fn an_object_that_stands_there_twice_is_no_neighbour_of_itself() {
    let (mut faults, mut tried) = (Vec::new(), 0);
    // Those that speak of copies and of bytes.
    let counts_copies = |name: &str| name.contains("duplicate") || name == "release-too-large";
    for rule in rules::with_fixtures().filter(|rule| !counts_copies(rule.name)) {
        for file in ["fail.yaml", "pass.yaml"] {
            let Ok(text) = fs::read_to_string(root().join("fixtures/rules").join(rule.name).join(file)) else {
                continue;
            };
            let (once, twice) = (of_rule(rule.name, &text), of_rule(rule.name, &doubled(&text)));
            let of = |found: &[String]| found.iter().cloned().collect::<BTreeSet<String>>();
            if of(&once) != of(&twice) {
                faults.push(format!("{}, {file}: once {once:#?}, twice {twice:#?}", rule.name));
            }
            tried += 1;
        }
    }
    assert!(faults.is_empty() && tried > 80, "{tried} {}", faults.join("\n"));
}

#[test]
fn every_manual_page_shows_what_where_and_the_cure() {
    for rule in rules::with_fixtures() {
        for section in ["## Example", "## Fix"] {
            assert!(rule.manual.contains(section), "{} has no section '{section}'", rule.name);
        }
        assert!(rules::summary(rule).len() > 10, "{} has no summary", rule.name);
    }
    let mut names: Vec<_> = rules::all().map(|rule| rule.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two rules of one name");
}

#[test]
fn the_manual_is_fresh() {
    let path = root().join("docs/rules.md");
    let manual = rules::manual();
    if std::env::var_os("CAPI_LINT_RECORD").is_some() {
        fs::create_dir_all(root().join("docs")).unwrap();
        fs::write(&path, &manual).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == manual, "docs/rules.md is stale: CAPI_LINT_RECORD=1 cargo test --test rules writes it anew");
}

#[test]
fn folders_without_a_rule_are_left_over() {
    for entry in fs::read_dir(root().join("fixtures/rules")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(rules::all().any(|rule| rule.name == name), "fixtures/rules/{name} belongs to no rule");
    }
}

/// Nanoseconds that this thread has had a processor; other tests run beside, and machines are busy.
fn processor_time() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// A fleet of clusters, rendered by the chart.
fn fleet(clusters: usize) -> Source {
    let one = fs::read_to_string(root().join("fixtures/render/multi-cluster.yaml")).unwrap();
    let parts = (0..clusters / 3).map(|number| format!("---\n{}", one.replace("cluster-", &format!("c{number}-"))));
    Source { name: "fleet.yaml".to_owned(), bytes: parts.collect::<String>().into_bytes() }
}

/// Ten times the fleet may not cost much more than ten times the work: a rule that compares every cluster with every other one
/// would cost a hundred times.
#[test]
fn rules_grow_with_the_fleet_and_no_faster() {
    if processor_time().is_none() {
        eprintln!("skipped: this system does not tell how long a thread had a processor");
        return;
    }
    let settings = Settings::parse("extends: fleet\nmeshed: true").unwrap();
    let time = |clusters: usize| {
        let source = fleet(clusters);
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        let run = || {
            let start = processor_time().unwrap_or(0);
            assert!(rules::check(&release, &Circumstances::of(&settings)).len() >= clusters);
            processor_time().unwrap_or(0) - start
        };
        (0..5).map(|_| run()).min().unwrap_or(0)
    };
    let (small, large) = (time(300), time(3000));
    assert!(large < small.max(3_000_000) * 40, "300 clusters take {small} ns, 3000 take {large} ns");
}

/// What the rules cost: `cargo test --test rules -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure_the_rules() {
    for clusters in [999, 9999] {
        let source = fleet(clusters);
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        for settings in ["", "extends: fleet\nmeshed: true"] {
            let settings = Settings::parse(settings).unwrap();
            let start = std::time::Instant::now();
            let found = rules::check(&release, &Circumstances::of(&settings)).len();
            println!(
                "{clusters} clusters, {} objects: rules {:?}, {found} findings",
                release.objects.len(),
                start.elapsed()
            );
        }
        let start = std::time::Instant::now();
        let all = judge::judge(&release, &Options::default(), Vec::new()).len();
        println!("{clusters} clusters: all layers {:?}, {all} findings", start.elapsed());
    }
}

/// The corpus folder with manifests nobody in this project wrote, where it is there.
fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("CAPI_LINT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let corpus = named.join("corpus");
    if !corpus.is_dir() {
        eprintln!("skipped: {} is absent (CAPI_LINT_SHARED names another place)", corpus.display());
    }
    corpus.is_dir().then_some(corpus)
}

/// The streams of the corpus that a server accepts whole; relative paths.
fn accepted_streams(corpus: &Path) -> Vec<String> {
    let mut accepted: BTreeMap<String, bool> = BTreeMap::new();
    for line in fs::read_to_string(corpus.join("verdicts.jsonl")).unwrap().lines() {
        let verdict: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = verdict["file"].as_str().unwrap_or_default();
        let is_stream = file.starts_with("manifests/") || file.contains("/rendered/");
        let told = &verdict["verdicts"]["warn"];
        // A kind that the server does not know says nothing for or against the stream.
        let fine = told == "accept" || told == "unknown-kind";
        if is_stream {
            *accepted.entry(file.to_owned()).or_insert(true) &= fine;
        }
    }
    accepted.into_iter().filter(|(_, fine)| *fine).map(|(file, _)| file).collect()
}

/// Two clusters of this stream were put together from values that give both the same address: the rule is right about them.
const SHARE_AN_ADDRESS: &str = "charts/icn-clusters/0.1.0/rendered/three-clusters.yaml";

/// How often a rule spoke, and in how many streams.
#[derive(Default)]
struct Told {
    findings: usize,
    streams: usize,
}

/// What the rules say, with the default settings, of every stream that a server accepts. Numbers stand in `docs/corpus.md`;
/// what is said of each stream is printed with `--nocapture`. (What the other layers say is for `make parity`.)
#[test]
fn no_false_alarm_on_streams_that_a_server_accepts() {
    let Some(corpus) = corpus() else { return };
    let options = Options::default();
    let circumstances = Circumstances { schemas: Some(&options.schemas), ..Circumstances::of(&options.settings) };
    let files = accepted_streams(&corpus);
    let mut counts: BTreeMap<(Severity, &str), Told> = BTreeMap::new();
    let mut errors = Vec::new();
    for file in &files {
        let source = Source { name: file.clone(), bytes: fs::read(corpus.join(file)).unwrap() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        let mut here: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
        for finding in rules::check(&release, &circumstances) {
            *here.entry((finding.severity, finding.rule.name)).or_default() += 1;
            if finding.severity >= Severity::Warning {
                println!("{file}: {} {} {}", finding.severity, finding.rule.name, finding.message);
            }
            if finding.severity == Severity::Error && file != SHARE_AN_ADDRESS {
                errors.push(format!("{file}: {} {}", finding.rule.name, finding.message));
            }
        }
        for (key, count) in here {
            let told = counts.entry(key).or_default();
            told.findings += count;
            told.streams += 1;
        }
    }
    if std::env::var_os("CAPI_LINT_RECORD").is_some() {
        fs::write(root().join("docs/corpus.md"), corpus_page(files.len(), &counts)).unwrap();
    }
    assert!(errors.is_empty(), "{} of {} streams: {}", errors.len(), files.len(), errors.join("\n"));
}

fn corpus_page(streams: usize, counts: &BTreeMap<(Severity, &str), Told>) -> String {
    let mut page = format!(
        "# The rules on a corpus\n\nGenerated by `make corpus`: what the rules that look at the whole release say, with the default \
         settings, of {streams} streams that a server accepts (manifests of providers and renderings of charts, none of them \
         written for this project). The one error is right: values that give two clusters the same address.\n\n\
         | severity | rule | findings | streams |\n|---|---|---|---|\n"
    );
    for ((severity, rule), told) in counts.iter().rev() {
        let _ = writeln!(page, "| {severity} | {rule} | {} | {} |", told.findings, told.streams);
    }
    page
}

/// Cases from issue threads that a server takes, and what is to be said of them: severity, rule.
const BROKEN: &[(&str, Severity, &str)] = &[
    ("capv-897-overlapping-selectors", Severity::Warning, "overlapping-selectors"),
    ("capi-6040-worker-newer-than-control-plane", Severity::Error, "version-skew"),
    ("capa-2029-machinepool-config-template", Severity::Error, "reference-kind"),
    ("capi-4651-version-without-v", Severity::Warning, "version-without-v"),
    ("capv-908-missing-selector", Severity::Warning, "missing-selector"),
];

#[test]
fn what_people_ran_into_is_found_and_its_cure_is_not() {
    let Some(corpus) = corpus() else { return };
    let told = |file: &str, rule: &str| {
        let Ok(bytes) = fs::read(corpus.join("broken").join(file)) else { return None };
        let source = Source { name: file.to_owned(), bytes };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        let findings = judge::unmerged(&release, &Options::default(), Vec::new());
        Some(findings.iter().filter(|finding| finding.rule.name == rule).map(|finding| finding.severity).max())
    };
    for (case, severity, rule) in BROKEN {
        assert_eq!(told(&format!("{case}.yaml"), rule), Some(Some(*severity)), "{case}");
        assert!(matches!(told(&format!("{case}.fixed.yaml"), rule), None | Some(None)), "{case} fixed");
    }
}

/// A field that only a newer Kamaji has is refused where `--schemas` gives the older one, and by that alone.
#[test]
fn a_field_of_a_newer_provider_is_found_with_the_older_schema() {
    let Some(corpus) = corpus() else { return };
    let case = corpus.join("broken/kamaji-271-unknown-field.yaml");
    let crd = corpus.join("../crds/kamaji-control-plane/controlplane.cluster.x-k8s.io_kamajicontrolplanes.yaml");
    let (Ok(bytes), Ok(crd)) = (fs::read(&case), fs::read_to_string(&crd)) else {
        eprintln!("skipped: {} or {} is absent", case.display(), crd.display());
        return;
    };
    let mut crd: serde_json::Value = serde_yaml::from_str(&crd).unwrap();
    for version in crd["spec"]["versions"].as_array_mut().unwrap() {
        let agent = "/schema/openAPIV3Schema/properties/spec/properties/addons/properties/konnectivity/properties/agent/properties";
        version.pointer_mut(agent).unwrap().as_object_mut().unwrap().remove("mode");
    }
    let older = Source { name: "older.json".to_owned(), bytes: crd.to_string().into_bytes() };
    let table = capi_lint::schema::load::table(&[older]).unwrap();
    let found = |schemas: Schemas| {
        let source = Source { name: "case.yaml".to_owned(), bytes: bytes.clone() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        let findings = judge::unmerged(&release, &Options::new(schemas), Vec::new());
        let of_rule = findings.iter().find(|finding| finding.rule.name == "unknown-field");
        of_rule.map(|finding| finding.severity)
    };
    assert_eq!(found(Schemas::default()), None);
    assert_eq!(found(Schemas::default().with_user(table)), Some(Severity::Error));
}
