//! Edits do what they say and nothing else: each is tried on every node of every fixture (and of the corpus, where it is),
//! and the text that comes out must parse to the tree that went in, changed in that one place.

use std::path::{Path, PathBuf};

use capi_lint::yaml::edit::{self, Edit, Uneditable};
use capi_lint::yaml::{self, Value};
use serde_json::{Value as Json, json};

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

fn path_of(value: Value<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = value;
    while let Some(parent) = edit::parent(at) {
        steps.push(match at.key() {
            Some(key) if parent.is_map() => Step::Key(key.into_owned()),
            _ => Step::Item(parent.items().position(|item| item.index() == at.index()).expect("an item")),
        });
        at = parent;
    }
    steps.reverse();
    steps
}

fn target<'j>(tree: &'j mut Json, path: &[Step]) -> &'j mut Json {
    path.iter().fold(tree, |tree, step| match step {
        Step::Key(key) => tree.get_mut(key).expect("the key"),
        Step::Item(index) => tree.get_mut(index).expect("the item"),
    })
}

fn read(text: &str) -> Result<Json, yaml::SyntaxError> {
    let parsed = yaml::parse(text)?;
    Ok(parsed.root().map_or(Json::Null, |root| root.to_json()))
}

/// What was tried, and how often it was done rather than refused.
#[derive(Default)]
struct Tally {
    done: usize,
    refused: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn check(&mut self, what: &str, text: &str, edits: Result<Vec<Edit>, Uneditable>, expected: &Json) {
        let Ok(edits) = edits else {
            self.refused += 1;
            return;
        };
        self.done += 1;
        let after = edit::apply(text, &edits).expect("edits of one call do not overlap");
        match read(&after) {
            Ok(tree) if tree == *expected => {}
            tree if self.wrong.len() < 12 => self
                .wrong
                .push(format!("{what}: {edits:?}\n--- before\n{text}\n--- after\n{after}\n--- gives {tree:?}")),
            _ => self.wrong.push(what.to_owned()),
        }
    }
}

fn try_everything(name: &str, text: &str, tally: &mut Tally) {
    let Ok(document) = yaml::parse(text) else { return };
    if document.len() > 400 || document.ignored().is_some() || !document.duplicates().is_empty() || text.contains("<<")
    {
        return;
    }
    let Some(root) = document.root() else { return };
    let tree = root.to_json();
    for value in (0..document.len() as u32).filter_map(|index| document.value(index)) {
        let path = path_of(value);
        let change = |change: &dyn Fn(&mut Json)| {
            let mut expected = tree.clone();
            change(target(&mut expected, &path));
            expected
        };
        let nested = json!({"x": ["1", {"y": "a\nb\n", "z": {}}], "w": null});
        if value.is_map() || value.is_null() {
            for new in [json!("yes"), nested.clone(), json!("two\nlines"), json!([])] {
                let expected = change(&|tree| {
                    if tree.is_null() {
                        *tree = json!({});
                    }
                    tree["new/key"] = new.clone();
                });
                tally.check(
                    &format!("{name}: insert at {}", value.path()),
                    text,
                    edit::insert(value, "new/key", &new),
                    &expected,
                );
            }
        }
        if value.is_seq() || value.is_null() {
            let expected = change(&|tree| {
                if tree.is_null() {
                    *tree = json!([]);
                }
                tree.as_array_mut().expect("a list").push(nested.clone());
            });
            tally.check(&format!("{name}: push at {}", value.path()), text, edit::push(value, &nested), &expected);
        }
        for new in [json!("it's: \"x\""), json!(7), nested.clone(), json!("plain"), json!("null"), json!({})] {
            let expected = change(&|tree| *tree = new.clone());
            tally.check(&format!("{name}: replace {}", value.path()), text, edit::replace(value, &new), &expected);
        }
        let Some((last, above)) = path.split_last() else { continue };
        let mut expected = tree.clone();
        match (target(&mut expected, above), last) {
            (Json::Object(entries), Step::Key(key)) => drop(entries.shift_remove(key)),
            (Json::Array(items), Step::Item(index)) => drop(items.remove(*index)),
            _ => unreachable!(),
        }
        tally.check(&format!("{name}: remove {}", value.path()), text, edit::remove(value), &expected);
        if let Step::Key(key) = last {
            let mut expected = tree.clone();
            let Json::Object(entries) = target(&mut expected, above) else { unreachable!() };
            let renamed = entries
                .iter()
                .map(|(old, value)| (if old == key { "no: w".to_owned() } else { old.clone() }, value.clone()));
            *entries = renamed.collect();
            tally.check(&format!("{name}: rename {}", value.path()), text, edit::rename(value, "no: w"), &expected);
        }
        let moved = format!("a:\n    - {}\n", edit::source_at(value, 6));
        if !value.is_aliased()
            && !text.contains(['*', '%', '\u{85}', '\u{2028}'])
            && value.tag() == yaml::tape::Tag::None
        {
            let moved_tree = read(&moved).map(|tree| tree["a"][0].clone());
            // A block scalar with an indicator counts from another column there, and one without its last line break may gain one.
            let in_flow = edit::parent(value)
                .is_some_and(|parent| matches!(parent.style(), yaml::Style::FlowMap | yaml::Style::FlowSeq));
            let plain = !in_flow
                && !value.raw().contains(['|', '>'])
                && !value.raw().contains('!')
                && !value.raw().contains('&');
            if plain
                && moved_tree.as_ref().ok() != Some(&value.to_json())
                && !value.raw().is_empty()
                && value.raw() != "-"
            {
                tally.wrong.push(format!("{name}: moved {}:\n{text}\n---\n{moved}\n{moved_tree:?}", value.path()));
            }
        }
    }
}

/// Edits the value at a path of keys; what comes out, or why nothing does.
fn edited(
    text: &str,
    path: &[&str],
    change: impl FnOnce(Value<'_>) -> Result<Vec<Edit>, Uneditable>,
) -> Result<String, Uneditable> {
    let parsed = yaml::parse(text).expect("YAML");
    let value = parsed.root().and_then(|root| root.below(path)).expect("the value");
    change(value).map(|edits| edit::apply(text, &edits).expect("edits of one call do not overlap"))
}

#[test]
fn what_is_out_of_the_ordinary_is_changed_exactly_or_not_at_all() {
    let new = json!("new");
    // Of a key that stands twice the later entry is what everybody reads; without it the earlier one would come to light.
    let twice = "a: 1\nb: {c: 1}\na: 2\n";
    assert_eq!(edited(twice, &["a"], |a| edit::replace(a, &new)).as_deref(), Ok("a: 1\nb: {c: 1}\na: new\n"));
    assert_eq!(edited(twice, &["a"], edit::remove), Err(Uneditable::Spelling));
    assert_eq!(edited(twice, &["a"], |a| edit::rename(a, "z")), Err(Uneditable::Spelling));
    assert_eq!(edited(twice, &["b"], edit::remove).as_deref(), Ok("a: 1\na: 2\n"));
    let first = |root: Value<'_>| edit::replace(root.children().next().expect("the hidden one"), &new);
    assert_eq!(edited(twice, &[], first), Err(Uneditable::Spelling));
    // A tag stays, and makes text of everything; an anchor stays as well, and changes nothing.
    assert_eq!(edited("a: !!str 1\n", &["a"], |a| edit::replace(a, &json!(2))), Err(Uneditable::Spelling));
    assert_eq!(edited("a: !!str 1\n", &["a"], |a| edit::replace(a, &new)).as_deref(), Ok("a: !!str new\n"));
    assert_eq!(edited("a: &x 1\n", &["a"], |a| edit::replace(a, &new)).as_deref(), Ok("a: &x new\n"));
    assert_eq!(edited("a: &x 1\nb: *x\n", &["a"], |a| edit::replace(a, &new)), Err(Uneditable::Shared));
    // What is ordinary in an odd document is changed as everywhere.
    let odd = "? a\n: &x {b: 1}\nlist: [1,\n\t2]\nlabels:\n  c: d\n";
    let labelled = edited(odd, &["labels"], |labels| edit::insert_texts(labels, None, &[("e".into(), "f".into())]));
    assert_eq!(labelled, Ok(format!("{odd}  e: f\n")));
}

fn yaml_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            into.push(path);
        }
    }
    into.sort();
}

#[test]
fn every_edit_on_the_corpus_changes_just_that() {
    let named = std::env::var_os("CAPI_LINT_SHARED");
    let shared = named.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let mut files = Vec::new();
    yaml_files(&shared.join("corpus/manifests"), &mut files);
    if files.is_empty() {
        eprintln!("skipped: {} has no corpus (CAPI_LINT_SHARED names another place)", shared.display());
        return;
    }
    let mut tally = Tally::default();
    // Every document, but not every node of all of them: the cost is quadratic in a document's size.
    for (number, file) in files.iter().enumerate() {
        let stream = std::fs::read(file).expect("readable");
        for raw in yaml::split(&stream).skip(number % 3).step_by(3) {
            let Ok(text) = raw.text(&stream) else { continue };
            if text.len() < 3000 {
                try_everything(&file.display().to_string(), text, &mut tally);
            }
        }
    }
    eprintln!("corpus: {} edits done, {} refused", tally.done, tally.refused);
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n=====\n"));
}

#[test]
fn every_edit_on_every_node_changes_just_that() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tally = Tally::default();
    let mut files = Vec::new();
    yaml_files(&root.join("fixtures/yaml"), &mut files);
    assert!(files.len() > 150);
    for file in files {
        let Ok(text) = String::from_utf8(std::fs::read(&file).expect("readable")) else { continue };
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        try_everything(&name, &text, &mut tally);
        if !text.contains('\r') {
            try_everything(&format!("{name} with CRLF"), &text.replace('\n', "\r\n"), &mut tally);
        }
    }
    eprintln!("fixtures: {} edits done, {} refused", tally.done, tally.refused);
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n=====\n"));
    assert!(tally.done > tally.refused);
}

/// Strings that look like something else, and strings made at random out of what could go wrong.
fn strings() -> Vec<String> {
    let awkward = [
        "",
        " ",
        "a",
        "yes",
        "y",
        "no",
        "null",
        "~",
        "1",
        "1.0",
        "0x1",
        "0o7",
        "1e3",
        ".5",
        ".inf",
        "-",
        "--",
        "---",
        "...",
        "- a",
        "-a",
        "-1",
        "a: b",
        "a:b",
        "a:",
        ":a",
        "a #b",
        "a#b",
        "#a",
        "{a}",
        "a{b",
        "[a",
        "a, b",
        "a,b",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "'a'",
        "it's",
        "\"a\"",
        "a\\b",
        "@a",
        "`a`",
        "%a",
        "?a",
        "? a",
        "<<",
        "=",
        "2001-01-01",
        "22:30",
        " a",
        "a ",
        "a\nb",
        "a\nb\n",
        "a\n\nb\n\n",
        "\na",
        " a\nb",
        "a \nb",
        "a\tb",
        "\ta",
        "a\rb",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{feff}a",
        "\0",
        "\u{7f}",
        "\u{1F600}",
        "é",
        "#a\nb",
        "a\n#b",
        "a\n---\nb",
        "---\na\n",
        "a\n  b\nc",
        "True",
        "OFF",
        "+1",
        "1_000",
        "0b1",
        "a\u{fffe}b",
    ];
    let pieces = [
        ":", " ", "#", "-", "a", "1", ",", "[", "]", "{", "}", "'", "\"", "\\", "\n", "\t", ".", "~", "é", "?", "!",
        "&", "*", "|", ">", "%", "@", "y", "e",
    ];
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let made = (0..20_000).map(|_| (0..=random(6)).map(|_| pieces[random(pieces.len())]).collect());
    awkward.into_iter().map(str::to_owned).chain(made.collect::<Vec<String>>()).collect()
}

#[test]
fn whatever_is_quoted_reads_back() {
    for string in strings() {
        let quoted = edit::quote(&string);
        let text =
            format!("{quoted}: [{quoted}, {{{quoted}: {quoted}}}]\nother: {quoted} # comment\nlist:\n- {quoted}\n");
        let expected = json!({string.clone(): [string, {string.clone(): string}], "other": string, "list": [string]});
        assert_eq!(read(&text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn whatever_is_rendered_reads_back() {
    for pair in strings().chunks(3) {
        let [one, two, three] = pair else { continue };
        let value = json!({"a": one, "b": [two, {"c": three, "d": [[one, two], [], {}]}], (two): {"e": three}, "f": null, "g": 1.5, "h": false});
        for indent in [0, 2, 7] {
            let block = edit::render_block(&value, indent);
            assert_eq!(read(&block).as_ref(), Ok(&value), "{block}");
            let nested = format!("x:\n{}\nz: 1\n", edit::render_block(&value, indent + 1));
            assert_eq!(read(&nested).map(|tree| tree["x"].clone()), Ok(value.clone()), "{nested}");
        }
        assert_eq!(read(&edit::render_inline(&value)).as_ref(), Ok(&value));
    }
}
