//! What becomes of a field between v1beta1 and v1beta2: the vocabulary in which each kind's conversion is written down.
//!
//! The tables (`core`, `cluster_class`, `kubeadm`, …) are data. They are read in two ways: `apply` carries them out on an
//! object, [`relocate`] follows a single path through them (JSON patches, suggestions for half-migrated objects, and the
//! test that no field of the old schemas was forgotten).

/// A path below the place where a table applies: keys joined by dots.
pub type Path = &'static str;

/// One difference between the two versions. The changes of a table happen in order, each on what the ones before left.
#[derive(Debug)]
pub enum Change {
    /// The field stands elsewhere, or has another name, and means the same.
    Move {
        /// Where it stood.
        from: Path,
        /// Where it stands.
        to: Path,
    },
    /// A duration (`5m0s`) becomes whole seconds, in one or more places.
    Seconds {
        /// Where it stood.
        from: Path,
        /// Where it stands.
        to: &'static [Path],
    },
    /// An object reference loses its version (`apiVersion` becomes `apiGroup`), namespace and other fields.
    Reference {
        /// Where it stood.
        from: Path,
        /// Where it stands.
        to: Path,
    },
    /// A reference to a template keeps `apiVersion`, and loses namespace and other fields.
    TemplateReference {
        /// Where it stood.
        from: Path,
        /// Where it stands.
        to: Path,
    },
    /// A mapping of command line arguments becomes a list of `name` and `value`.
    Arguments {
        /// Where it stands.
        at: Path,
    },
    /// A mapping of mappings becomes a list of mappings that carry their key as `name`, in order of the names.
    Named {
        /// Where it stands.
        at: Path,
    },
    /// The field is gone.
    Remove {
        /// Where it stood.
        at: Path,
        /// What to do about it, as a sentence for the user.
        instead: &'static str,
    },
    /// A field that the conversion fills in where the mapping is there and the field is not.
    Fill {
        /// Where the mapping stands.
        at: Path,
        /// The field.
        key: &'static str,
        /// Its value.
        value: &'static str,
    },
    /// A value that stays as it is, and that the server cannot decode unless it has a form of which the schema knows nothing.
    Decode {
        /// Where it stands.
        at: Path,
        /// The form.
        form: Decoded,
    },
    /// A table for what stands below a path.
    In {
        /// Where the table applies.
        at: Path,
        /// The table.
        changes: &'static [Change],
    },
    /// A table for each item of a list.
    Each {
        /// Where the list stands.
        list: Path,
        /// The table.
        changes: &'static [Change],
    },
}

/// What Go makes of a value when it reads an object, and refuses the object where it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A duration, written as one in both versions.
    Duration,
    /// A bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`.
    BootstrapToken,
    /// The schema of a variable, whose parts are schemas too.
    JsonSchema,
}

/// The keys of a path.
pub fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(|key| !key.is_empty())
}

/// Why the other fields of a reference are gone.
pub(super) const NOT_IN_REFERENCES: &str =
    "references of v1beta2 hold only group or version, kind and name; the object must be in the same namespace";

/// One step of a path through an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list: an index, `-`, or anything else that stands for an item.
    Item(String),
}

/// What becomes of one path that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// Where the value stands; one path but for a field that was doubled.
    pub paths: Vec<Vec<Step>>,
    /// In what other form the value is written; `None` where it is written as before.
    pub form: Option<Form>,
}

/// A path that is gone: what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed(pub &'static str);

/// How a value is written after the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A duration as seconds.
    Seconds,
    /// `group/version` as `group`.
    Group,
    /// The whole reference, version and all, as one without a version.
    Reference,
    /// A mapping of arguments as a list.
    Arguments,
    /// One argument's value, as an item of `name` and `value` of the list at the path.
    Argument,
    /// A mapping as a list with names.
    Named,
    /// Something inside a mapping that is now a list.
    InsideNamed,
    /// A structure inside which fields move or change form.
    Structure,
}

/// Follows one path through a table. Paths that no change touches stay as they are.
pub fn relocate(changes: &'static [Change], path: &[Step]) -> Result<Relocated, Removed> {
    let mut now = Relocated { paths: vec![path.to_vec()], form: None };
    for change in changes {
        let mut paths = Vec::with_capacity(now.paths.len());
        for path in &now.paths {
            let next = follow(change, path)?;
            paths.extend(next.paths);
            if now.form.is_none_or(|form| form == Form::Structure) && next.form.is_some() {
                now.form = next.form;
            }
        }
        now.paths = paths;
    }
    Ok(now)
}

fn follow(change: &'static Change, path: &[Step]) -> Result<Relocated, Removed> {
    Ok(match change {
        Change::Move { from, to } => match below(path, from) {
            Some(rest) => one(join(to, rest), None),
            None => structure(path, from),
        },
        Change::Seconds { from, to } => match below(path, from) {
            Some(_) => {
                let paths = to.iter().map(|to| join(to, &[])).collect();
                Relocated { paths, form: Some(Form::Seconds) }
            }
            None => structure(path, from),
        },
        Change::Reference { from, to } => return follow_reference(path, from, to, false),
        Change::TemplateReference { from, to } => return follow_reference(path, from, to, true),
        Change::Arguments { at } => match below(path, at) {
            Some([]) => one(path.to_vec(), Some(Form::Arguments)),
            Some(_) => one(join(at, &[]), Some(Form::Argument)),
            None => structure(path, at),
        },
        Change::Named { at } => match below(path, at) {
            Some([]) => one(path.to_vec(), Some(Form::Named)),
            Some(_) => one(join(at, &[]), Some(Form::InsideNamed)),
            None => structure(path, at),
        },
        Change::Remove { at, instead } => match below(path, at) {
            Some(_) => return Err(Removed(instead)),
            None => structure(path, at),
        },
        Change::Fill { at, .. } => match below(path, at) {
            Some([]) => one(path.to_vec(), Some(Form::Structure)),
            _ => structure(path, at),
        },
        Change::Decode { .. } => one(path.to_vec(), None),
        Change::In { at, changes } => match below(path, at) {
            Some(rest) => prefix(relocate(changes, rest)?, &join(at, &[])),
            None => structure(path, at),
        },
        Change::Each { list, changes } => match below(path, list) {
            Some([item @ Step::Item(_), rest @ ..]) => {
                let mut front = join(list, &[]);
                front.push(item.clone());
                prefix(relocate(changes, rest)?, &front)
            }
            Some(_) => one(path.to_vec(), Some(Form::Structure)),
            None => structure(path, list),
        },
    })
}

fn follow_reference(path: &[Step], from: &str, to: &str, versioned: bool) -> Result<Relocated, Removed> {
    Ok(match below(path, from) {
        Some([]) => one(join(to, &[]), Some(Form::Reference)),
        Some([Step::Key(key)]) => match key.as_str() {
            "apiVersion" if !versioned => one(join(to, &[Step::Key("apiGroup".into())]), Some(Form::Group)),
            "apiVersion" | "kind" | "name" => one(join(to, &[Step::Key(key.clone())]), None),
            _ => return Err(Removed(NOT_IN_REFERENCES)),
        },
        Some(_) => return Err(Removed(NOT_IN_REFERENCES)),
        None => structure(path, from),
    })
}

fn one(path: Vec<Step>, form: Option<Form>) -> Relocated {
    Relocated { paths: vec![path], form }
}

/// A path above a change holds a structure that changes inside.
fn structure(path: &[Step], changed: &str) -> Relocated {
    one(path.to_vec(), above(path, changed).then_some(Form::Structure))
}

/// What is left of a path behind a prefix.
fn below<'p>(path: &'p [Step], prefix: &str) -> Option<&'p [Step]> {
    let mut rest = path;
    for key in keys(prefix) {
        match rest {
            [Step::Key(step), tail @ ..] if step == key => rest = tail,
            _ => return None,
        }
    }
    Some(rest)
}

/// Whether a path is a true prefix of another.
fn above(path: &[Step], of: &str) -> bool {
    let mut of = keys(of);
    path.iter().all(|step| matches!((step, of.next()), (Step::Key(step), Some(key)) if step == key))
        && of.next().is_some()
}

fn join(front: &str, rest: &[Step]) -> Vec<Step> {
    keys(front).map(|key| Step::Key(key.to_owned())).chain(rest.iter().cloned()).collect()
}

fn prefix(relocated: Relocated, front: &[Step]) -> Relocated {
    let paths = relocated.paths.into_iter().map(|path| [front, &path].concat()).collect();
    Relocated { paths, ..relocated }
}
