//! What a `ClusterClass` says about its templates: references, selectors and JSON patches.
//!
//! The conversion webhook leaves all of that as it is: a class may go on naming v1beta1 templates while that version is
//! served, and its patches are applied to templates read at that version. So a class on its own stays so here too. Where
//! the templates stand in the same run, and are brought to v1beta2 with it, the class follows them: reference, selectors,
//! patch paths and values of one kind together, or, where one of them needs a person, none of that kind.

use serde_json::Value as Json;

use super::apply::Application;
use super::change::{Change, Form, Relocated, Removed, Step, keys, relocate};
use super::conflicts::{self, Act, Deed, Scope};
use super::kinds::{self, MigratedKind, TARGET};
use super::templates::fragment;
use super::tree::{Data, Entry, Item, Tree};
use super::{Note, NoteKind, duration, flow};

/// The templates of a run, as they are at v1beta2.
#[derive(Clone, Debug, Default)]
pub struct Context {
    templates: Vec<Json>,
}

impl Context {
    /// Takes note of an object, or of the items of a `List`, where it is a template at v1beta2.
    pub fn add(&mut self, object: &Json) {
        let text = |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default();
        if text("kind") == "List" {
            object.get("items").and_then(Json::as_array).into_iter().flatten().for_each(|item| self.add(item));
        }
        let known = text("apiVersion").split_once('/').filter(|(_, version)| *version == TARGET);
        if known
            .is_some_and(|(group, _)| text("kind").ends_with("Template") && kinds::find(group, text("kind")).is_some())
        {
            self.templates.push(object.clone());
        }
    }

    /// Whether no template is known.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    fn find(&self, group: &str, kind: &str, name: &str) -> Option<&Json> {
        self.templates.iter().find(|template| {
            template["kind"] == kind
                && template["metadata"]["name"] == name
                && template["apiVersion"]
                    .as_str()
                    .and_then(|version| version.split_once('/'))
                    .is_some_and(|(g, _)| g == group)
        })
    }
}

/// What became of an operation.
struct Done<'a> {
    act: Act,
    /// Operations that come behind it.
    more: Vec<Item<'a>>,
}

/// A kind of template that a class names at an old version, and the templates of it.
struct Followed<'c> {
    known: &'static MigratedKind,
    old: String,
    templates: Vec<&'c Json>,
}

/// Lets a class, already converted itself, follow its templates to v1beta2.
pub(super) fn follow(class: &mut Tree<'_>, context: &Context, notes: &mut Vec<Note>) {
    let references = references(class);
    let mut versions: Vec<(String, String)> =
        references.iter().map(|named| (named.version.clone(), named.kind.clone())).collect();
    versions.sort();
    versions.dedup();
    for (old, kind) in versions {
        let Some((group, version)) = old.split_once('/') else { continue };
        let Some(known) = kinds::find(group, &kind).filter(|known| known.from.contains(&version)) else { continue };
        let mut templates = Vec::new();
        let mut absent = None;
        for named in references.iter().filter(|named| named.version == old && named.kind == kind) {
            match context.find(group, &kind, &named.name) {
                Some(template) => templates.push(template),
                None => absent = absent.or(Some(named)),
            }
        }
        if let Some(Named { offset, name, .. }) = absent {
            let reason = format!("its template {name} is not among these manifests. Migrate them together");
            notes.push(left(&kind, *offset, &reason));
            continue;
        }
        let followed = Followed { known, old: old.clone(), templates };
        let mut patches = class.at(keys("spec.patches")).cloned();
        if let Some(Err((offset, reason))) = patches.as_mut().map(|patches| followed.patches(patches)) {
            notes.push(left(&kind, offset, &reason));
            continue;
        }
        if let Some((new, place)) = patches.zip(class.at_mut(keys("spec.patches"))) {
            *place = new;
        }
        each_reference(class, &mut |reference| {
            if text(reference, "apiVersion") == old && text(reference, "kind") == kind {
                followed.raise(reference);
            }
        });
    }
}

fn left(kind: &str, offset: usize, reason: &str) -> Note {
    let message = format!("{kind} stays at its old version in this class, which works while that is served: {reason}");
    Note { kind: NoteKind::Left, offset, path: "spec".into(), message }
}

fn text(tree: &Tree<'_>, key: &str) -> String {
    tree.get(key).and_then(Tree::text).unwrap_or_default().to_owned()
}

/// A template as a class names it.
struct Named {
    version: String,
    kind: String,
    name: String,
    offset: usize,
}

fn references(class: &mut Tree<'_>) -> Vec<Named> {
    let mut found = Vec::new();
    each_reference(class, &mut |tree| {
        let offset = offset(tree);
        let (version, kind, name) = (text(tree, "apiVersion"), text(tree, "kind"), text(tree, "name"));
        found.push(Named { version, kind, name, offset });
    });
    found
}

/// Where a value stands in the document.
fn offset(tree: &Tree<'_>) -> usize {
    tree.origin.map_or(0, |origin| origin.span().range().start)
}

fn each_reference(class: &mut Tree<'_>, act: &mut dyn FnMut(&mut Tree<'_>)) {
    for path in ["spec.infrastructure", "spec.controlPlane", "spec.controlPlane.machineInfrastructure"] {
        if let Some(reference) = class.at_mut(keys(path).chain(["templateRef"])) {
            act(reference);
        }
    }
    for list in ["spec.workers.machineDeployments", "spec.workers.machinePools"] {
        let Some(Tree { data: Data::Seq(items), .. }) = class.at_mut(keys(list)) else { continue };
        for item in items {
            for path in ["bootstrap.templateRef", "infrastructure.templateRef"] {
                if let Some(reference) = item.value.at_mut(keys(path)) {
                    act(reference);
                }
            }
        }
    }
}

fn items<'t, 'a>(tree: &'t mut Tree<'a>, path: &str) -> &'t mut [Item<'a>] {
    match tree.at_mut(keys(path)) {
        Some(Tree { data: Data::Seq(items), .. }) => items,
        _ => &mut [],
    }
}

impl Followed<'_> {
    fn raise(&self, tree: &mut Tree<'_>) {
        if let Some(entry) = tree.entry_mut("apiVersion") {
            entry.value.data = Data::Scalar(format!("{}/{TARGET}", self.known.group).into());
        }
    }

    /// All patches of this kind, or where it does not go and why.
    fn patches(&self, patches: &mut Tree<'_>) -> Result<(), (usize, String)> {
        let mut deeds = Vec::new();
        for patch in items(patches, "") {
            let name = text(&patch.value, "name");
            for definition in items(&mut patch.value, "definitions") {
                let Some(selector) = definition.value.at_mut(keys("selector")) else { continue };
                if text(selector, "apiVersion") != self.old || text(selector, "kind") != self.known.kind {
                    continue;
                }
                self.raise(selector);
                let scope = Scope::of(selector);
                let Some(Tree { data: Data::Seq(operations), .. }) = definition.value.at_mut(keys("jsonPatches"))
                else {
                    continue;
                };
                for mut operation in std::mem::take(operations) {
                    let path = text(&operation.value, "path");
                    let offset = offset(&operation.value);
                    let done = self.operation(&mut operation.value).map_err(|reason| {
                        let place = self.new_place(&path).unwrap_or_default();
                        (offset, format!("patch {name:?}, path {path}: {reason}. {place}Change it by hand"))
                    })?;
                    deeds.push(Deed { offset, scope: scope.clone(), act: done.act });
                    operations.push(operation);
                    operations.extend(done.more);
                }
            }
        }
        conflicts::find(&deeds).map_or(Ok(()), Err)
    }

    /// Where v1beta2 has what a patch is about.
    fn new_place(&self, path: &str) -> Option<String> {
        let new = relocate(self.known.changes, &steps(path)).ok()?;
        let places: Vec<String> = new.paths.iter().map(|path| pointer(path)).collect();
        (places != [path]).then(|| format!("In v1beta2 it is {}. ", places.join(" and ")))
    }

    fn operation<'a>(&self, operation: &mut Tree<'a>) -> Result<Done<'a>, String> {
        let old = steps(&text(operation, "path"));
        let Relocated { paths, form } = relocate(self.known.changes, &old)
            .map_err(|Removed(instead)| format!("v1beta2 has no such field: {instead}"))?;
        let Some((new, others)) = paths.split_first() else { return Err("the value has no place now".into()) };
        let removes = text(operation, "op") == "remove";
        match form {
            None => {}
            Some(Form::Argument) => return self.argument(operation, &old, new),
            Some(_) if removes => {}
            Some(Form::Structure | Form::Arguments | Form::Named | Form::Reference) => {
                self.structure(operation, &old, new, form == Some(Form::Arguments))?;
            }
            Some(Form::Seconds) => seconds(operation)?,
            Some(Form::Group | Form::InsideNamed) => return Err("the value has another form".into()),
        }
        if *new != old {
            self.parent_exists(new)?;
            set_path(operation, new);
        }
        // A value that v1beta2 has at two places is written to both.
        let mut more = Vec::new();
        for other in others {
            self.parent_exists(other)?;
            let mut copy = Tree::of_json(&operation.to_json());
            set_path(&mut copy, other);
            more.push(Item { leads: Vec::new(), value: copy });
        }
        Ok(Done { act: Act::Whole(new.clone(), operation.to_json().to_string()), more })
    }

    /// JSON Patch creates no parents, and v1beta2 leaves out the empty ones that v1beta1 always had.
    fn parent_exists(&self, path: &[Step]) -> Result<(), String> {
        let Some((_, parent)) = path.split_last() else { return Ok(()) };
        let missing = self.templates.iter().find(|template| {
            let found = parent.iter().try_fold(**template, |value, step| match step {
                Step::Key(key) => value.get(key),
                Step::Item(item) => value.get(item.parse::<usize>().ok()?),
            });
            !found.is_some_and(|value| value.is_object() || value.is_array())
        });
        match missing {
            None => Ok(()),
            Some(template) => Err(format!(
                "the template {} has no {} to which the patch could add",
                template["metadata"]["name"].as_str().unwrap_or_default(),
                pointer(parent)
            )),
        }
    }

    /// `add …/extraArgs/name` becomes `add …/extraArgs/-` with name and value, or, where the template has the argument, a change
    /// of that item.
    fn argument<'a>(&self, operation: &mut Tree<'a>, old: &[Step], list: &[Step]) -> Result<Done<'a>, String> {
        let (Some(Step::Key(name) | Step::Item(name)), true) = (old.last(), old.len() == list.len() + 1) else {
            return Err("arguments are a list of name and value now".into());
        };
        let item = self.item_of(list, name)?;
        let (removes, adds) = (text(operation, "op") == "remove", text(operation, "op") == "add");
        let numbered = |number: usize| [list, &[Step::Item(number.to_string())]].concat();
        let done = |act| Ok(Done { act, more: Vec::new() });
        match item {
            Some(number) if removes => {
                set_path(operation, &numbered(number));
                done(Act::Take(list.to_vec()))
            }
            Some(number) => {
                set_path(operation, &[numbered(number), vec![Step::Key("value".into())]].concat());
                done(Act::Count(list.to_vec()))
            }
            None if adds => {
                let path = [list, &[Step::Item("-".into())]].concat();
                self.parent_exists(&path)?;
                name_value(operation, name)?;
                set_path(operation, &path);
                done(Act::Append(list.to_vec(), name.clone()))
            }
            None => Err(format!(
                "arguments are a list now, and the template has no {name} in it that the patch could {}",
                text(operation, "op")
            )),
        }
    }

    /// The number of an argument in the lists of all templates; `None` where no template has it.
    fn item_of(&self, list: &[Step], name: &str) -> Result<Option<usize>, String> {
        let number = |template: &&Json| {
            let list = list.iter().try_fold(*template, |value, step| match step {
                Step::Key(key) => value.get(key),
                Step::Item(_) => None,
            });
            list?.as_array()?.iter().position(|argument| argument["name"] == name)
        };
        let mut numbers: Vec<Option<usize>> = self.templates.iter().map(number).collect();
        numbers.dedup();
        match numbers.as_slice() {
            [] => Ok(None),
            [number] => Ok(*number),
            _ => Err(format!(
                "arguments are a list now, and {name} stands at another place of it, or not at all, in one of the templates"
            )),
        }
    }

    /// A value that holds fields which moved: the value is put into an otherwise empty object and converted with it.
    fn structure(&self, operation: &mut Tree<'_>, old: &[Step], new: &[Step], arguments: bool) -> Result<(), String> {
        if let Some(from) = operation.at_mut(keys("valueFrom")) {
            if let Some(template) = from.get("template").and_then(Tree::text) {
                let words = moved_below(self.known.changes, old);
                if words.iter().any(|word| word.is_none_or(|word| template.contains(word))) {
                    let template = fragment::migrate(template, (&self.old, self.known.kind), old, new)?;
                    put_template(from, "template", template);
                }
                return Ok(());
            }
            let variable = from.get("variable").and_then(Tree::text).and_then(of_variable);
            return match variable.filter(|_| arguments) {
                Some(variable) => {
                    put_template(from, "variable", arguments_of(&variable));
                    Ok(())
                }
                None => Err(
                    "the variable may hold fields that stand elsewhere now. Change its schema and every value of it, \
                             or write the value with a template"
                        .into(),
                ),
            };
        }
        let Some(entry) = operation.entry_mut("value") else { return Ok(()) };
        let value = std::mem::replace(&mut entry.value, Tree::new(Data::Scalar(Json::Null)));
        let mut object = wrap(value, old);
        let mut notes = Vec::new();
        Application { namespace: None, notes: &mut notes }
            .run(&mut object, self.known.changes, "")
            .map_err(|reason| reason.message)?;
        if let Some(note) = notes.first() {
            return Err(format!("v1beta2 has no {}: {}", note.path, note.message));
        }
        entry.value = unwrap(object, new).ok_or("its value is spread over several places now")?;
        Ok(())
    }
}

/// A duration in a patch.
fn seconds(operation: &mut Tree<'_>) -> Result<(), String> {
    let entry = operation
        .entry_mut("value")
        .ok_or("the value is a number of seconds now, and comes from a variable; make the variable an integer")?;
    let seconds = entry.value.text().and_then(duration::seconds).ok_or("the value is no duration")?;
    entry.value.data = Data::Scalar(seconds.into());
    Ok(())
}

/// The operation's value, or the template for it, as an item of name and value.
fn name_value(operation: &mut Tree<'_>, name: &str) -> Result<(), String> {
    if let Some(entry) = operation.entry_mut("value") {
        let mut value = std::mem::replace(&mut entry.value, Tree::new(Data::Scalar(Json::Null)));
        let remark = value.origin.take();
        entry.value = Tree::of_json(&serde_json::json!({ "name": name, "value": value.to_json() }));
        entry.remark = remark;
    } else if let Some(from) = operation.at_mut(keys("valueFrom")) {
        let (key, template) = argument_template(from, name)?;
        put_template(from, key, template);
    }
    Ok(())
}

/// Puts a template where a variable or another template stood.
fn put_template(from: &mut Tree<'_>, key: &str, template: String) {
    if let Some(entry) = from.entry_mut(key) {
        "template".clone_into(&mut entry.key);
        entry.key_from = None;
        entry.value.data = Data::Scalar(template.into());
    }
}

/// A variable as a template names it; `None` where a template cannot.
fn of_variable(variable: &str) -> Option<String> {
    let plain = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
    plain.then(|| format!(".{variable}"))
}

/// The template that writes a variable's mapping of arguments as a list.
fn arguments_of(variable: &str) -> String {
    format!(
        "{{{{- range $name, $value := {variable} }}}}\n- name: {{{{ $name | quote }}}}\n  value: {{{{ $value | quote }}}}\n{{{{- end }}}}\n"
    )
}

/// The template that writes an argument, and under which key its source stood.
fn argument_template(from: &Tree<'_>, name: &str) -> Result<(&'static str, String), String> {
    let plain = flow::is_plain(name);
    let name = if plain { name.to_owned() } else { Json::from(name).to_string() };
    if let Some(variable) = from.get("variable").and_then(Tree::text) {
        let variable = of_variable(variable).ok_or("the variable's name cannot stand in a template")?;
        return Ok(("variable", format!("name: {name}\nvalue: {{{{ {variable} | quote }}}}\n")));
    }
    let template = from.get("template").and_then(Tree::text).map(str::trim_end).unwrap_or_default();
    let Some((first, rest)) = template.split_once('\n') else {
        return Ok(("template", format!("name: {name}\nvalue: {template}\n")));
    };
    // A value over several lines stays one, two columns deeper.
    let deeper = rest.lines().flat_map(|line| ["  ", line, "\n"]).collect::<String>();
    match first.trim_end() {
        "|" | "|-" | ">" | ">-" => Ok(("template", format!("name: {name}\nvalue: {first}\n{deeper}"))),
        _ => Err(format!("the template writes several lines. Write name: {name} and value: before what it writes")),
    }
}

/// `/a/b~1c/0` as steps.
fn steps(pointer: &str) -> Vec<Step> {
    let step = |part: &str| {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part == "-" || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())) {
            Step::Item(part)
        } else {
            Step::Key(part)
        }
    };
    pointer.split('/').skip(1).map(step).collect()
}

fn pointer(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |mut pointer, (Step::Key(part) | Step::Item(part))| {
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        pointer
    })
}

fn set_path(operation: &mut Tree<'_>, path: &[Step]) {
    if let Some(entry) = operation.entry_mut("path") {
        entry.value.data = Data::Scalar(pointer(path).into());
    }
}

/// A value inside an object that holds nothing else.
fn wrap<'a>(value: Tree<'a>, path: &[Step]) -> Tree<'a> {
    path.iter().rev().fold(value, |value, step| match step {
        Step::Key(key) => Tree::new(Data::Map(vec![Entry::new(key, value)])),
        Step::Item(_) => Tree::new(Data::Seq(vec![Item { leads: Vec::new(), value }])),
    })
}

/// The value at a path; `None` where anything else stands in the object.
fn unwrap<'a>(object: Tree<'a>, path: &[Step]) -> Option<Tree<'a>> {
    path.iter().try_fold(object, |tree, step| match (step, tree.data) {
        (Step::Key(key), Data::Map(entries)) => {
            let mut entries: Vec<Entry<'a>> =
                entries.into_iter().filter(|entry| !entry.gone && !is_hollow(&entry.value)).collect();
            entries.pop().filter(|entry| entries.is_empty() && entry.key == *key).map(|entry| entry.value)
        }
        (Step::Item(_), Data::Seq(mut items)) => items.pop().filter(|_| items.is_empty()).map(|item| item.value),
        _ => None,
    })
}

/// Whether a mapping was made on the way and holds nothing.
fn is_hollow(tree: &Tree<'_>) -> bool {
    tree.origin.is_none() && matches!(tree.data, Data::Map(_)) && tree.entries().all(|entry| is_hollow(&entry.value))
}

/// The names of the fields below a path that a table moves, converts or removes; `None` for the value at the path itself.
fn moved_below(changes: &'static [Change], path: &[Step]) -> Vec<Option<&'static str>> {
    let mut found = Vec::new();
    collect_moved(changes, path, &mut found);
    found
}

fn collect_moved(changes: &'static [Change], path: &[Step], found: &mut Vec<Option<&'static str>>) {
    for change in changes {
        let (at, nested): (&'static str, Option<&'static [Change]>) = match change {
            Change::Move { from, .. }
            | Change::Seconds { from, .. }
            | Change::Reference { from, .. }
            | Change::TemplateReference { from, .. } => (from, None),
            Change::Arguments { at } | Change::Named { at } | Change::Remove { at, .. } => (at, None),
            Change::Fill { .. } | Change::Decode { .. } => continue,
            Change::In { at, changes } => (at, Some(changes)),
            Change::Each { list, changes } => (list, Some(changes)),
        };
        let mut rest = path;
        let mut last = None;
        let mut fits = true;
        for key in keys(at) {
            match rest.split_first() {
                Some((Step::Key(step), tail)) if step == key => rest = tail,
                Some(_) => fits = false,
                None => last = Some(key),
            }
        }
        if !fits {
            continue;
        }
        match nested {
            Some(nested) => collect_moved(nested, rest.strip_prefix(&[Step::Item("0".into())]).unwrap_or(rest), found),
            None if rest.is_empty() => found.push(last),
            None => {}
        }
    }
}
