//! Files onto the disk, without touching anybody else's.
//!
//! A list in the folder says which files capi-lint wrote, and with what content. Only those are ever overwritten or removed, and
//! only while they still are as they were written; nothing outside the folder is reached, by name or by symbolic link. Everything
//! is checked before the first file is written.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Files;
use crate::file::{self, Lasting};
use crate::plan::shards::stable_hash;

/// The list of files.
pub const MARKER: &str = ".capi-lint-split.json";

/// What the list holds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    /// So that a person knows what this file is.
    written_by: String,
    /// Path to a mark of the content; to two of them while a run replaces it.
    files: BTreeMap<String, String>,
}

/// Whether files that were edited since may be overwritten and removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// They stop the run.
    Refuse,
    /// They go.
    Overwrite,
}

/// What became of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// New ones, and those with another content.
    pub written: Vec<String>,
    /// Those that were as they are already.
    pub unchanged: usize,
    /// Those of an earlier run that are no longer needed.
    pub removed: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum WriteError {
    /// The folder or a file cannot be used.
    Io(PathBuf, io::Error),
    /// The list is none of ours.
    Marker(PathBuf, String),
    /// Files that somebody else made.
    Foreign(Vec<String>),
    /// Files of ours that somebody changed.
    Edited(Vec<String>),
    /// A path that leads out of the folder.
    Outside(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, cause) => write!(f, "{}: {cause}", path.display()),
            Self::Marker(path, why) => write!(f, "{}: {why}. Remove it, or split into an empty folder", path.display()),
            Self::Foreign(files) => write!(
                f,
                "nothing was written: capi-lint did not make {}. Split into an empty folder, or move it away",
                few(files)
            ),
            Self::Edited(files) => write!(
                f,
                "nothing was written: {} was changed since capi-lint wrote it. --force overwrites it",
                few(files)
            ),
            Self::Outside(path) => {
                write!(f, "nothing was written: {path} leads out of the folder (a symbolic link, or a name with ..)")
            }
        }
    }
}

impl std::error::Error for WriteError {}

fn few(files: &[String]) -> String {
    let shown: Vec<&str> = files.iter().take(3).map(String::as_str).collect();
    let more = files.len().saturating_sub(3);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// What stands at a path.
enum There {
    Nothing,
    File(Vec<u8>),
}

/// Brings a folder to hold these files, besides whatever else is in it.
///
/// # Errors
/// Files of somebody else in the way, files that were changed since, paths that lead out of the folder, a disk that fails.
pub fn write(root: &Path, files: &Files, edited: Edited) -> Result<Written, WriteError> {
    let before = read_marker(root)?;
    let (mut foreign, mut changed, mut outcome) = (Vec::new(), Vec::new(), Written::default());
    for (path, bytes) in files {
        match there(root, path)? {
            There::Nothing => outcome.written.push(path.clone()),
            There::File(found) if !before.files.contains_key(path) => {
                let _ = found;
                foreign.push(path.clone());
            }
            There::File(found) if found == *bytes => outcome.unchanged += 1,
            There::File(found) => {
                if !before.files.get(path).is_some_and(|marks| is_marked(marks, &found)) {
                    changed.push(path.clone());
                }
                outcome.written.push(path.clone());
            }
        }
    }
    for (path, known) in before.files.iter().filter(|(path, _)| !files.contains_key(*path)) {
        if let There::File(found) = there(root, path)? {
            if !is_marked(known, &found) {
                changed.push(path.clone());
            }
            outcome.removed.push(path.clone());
        }
    }
    if !foreign.is_empty() {
        return Err(WriteError::Foreign(foreign));
    }
    if !changed.is_empty() && edited == Edited::Refuse {
        return Err(WriteError::Edited(changed));
    }
    carry_out(root, files, &before, &outcome)?;
    Ok(outcome)
}

fn carry_out(root: &Path, files: &Files, before: &Marker, outcome: &Written) -> Result<(), WriteError> {
    let fault = |path: &Path| {
        let path = path.to_path_buf();
        move |cause: io::Error| WriteError::Io(path, cause)
    };
    fs::create_dir_all(root).map_err(fault(root))?;
    let now: BTreeMap<String, String> = files.iter().map(|(path, bytes)| (path.clone(), mark(bytes))).collect();
    // Both lists together first: whatever happens in between, every file of ours stands in the list.
    let mut both = now.clone();
    for (path, mark) in &before.files {
        // One or the other, wherever the run ends.
        let marks = both.entry(path.clone()).or_default();
        if marks != mark {
            if !marks.is_empty() {
                marks.push(' ');
            }
            marks.push_str(mark);
        }
    }
    write_marker(root, both)?;
    for path in &outcome.written {
        let target = root.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(fault(folder))?;
        }
        let bytes = files.get(path).map_or(&[][..], Vec::as_slice);
        // Thousands of files, and all of them can be made again: none waits for the disk.
        file::replace(&target, bytes, Lasting::Process).map_err(fault(&target))?;
    }
    for path in &outcome.removed {
        let target = root.join(path);
        fs::remove_file(&target).map_err(fault(&target))?;
        for folder in target.ancestors().skip(1).take_while(|folder| *folder != root) {
            // Fails where something else is inside, and then it stays.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
    write_marker(root, now)
}

/// Whether a file is as it was written: of a run that was cut short, before it or by it.
fn is_marked(marks: &str, bytes: &[u8]) -> bool {
    let found = mark(bytes);
    marks.split(' ').any(|mark| mark == found)
}

fn mark(bytes: &[u8]) -> String {
    format!("{:016x}-{}", stable_hash(bytes), bytes.len())
}

fn read_marker(root: &Path) -> Result<Marker, WriteError> {
    let path = root.join(MARKER);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Marker::default()),
        Err(cause) => return Err(WriteError::Io(path, cause)),
    };
    let marker: Marker = serde_json::from_str(&text)
        .map_err(|error| WriteError::Marker(path, format!("is no list of files: {error}")))?;
    Ok(marker)
}

fn write_marker(root: &Path, files: BTreeMap<String, String>) -> Result<(), WriteError> {
    let path = root.join(MARKER);
    if fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_symlink()) {
        return Err(WriteError::Outside(MARKER.to_owned()));
    }
    let marker = Marker { written_by: "capi-lint split: the files that it may overwrite and remove".to_owned(), files };
    let text = serde_json::to_string_pretty(&marker).unwrap_or_default() + "\n";
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    file::replace(&path, text.as_bytes(), Lasting::Process).map_err(|cause| WriteError::Io(path, cause))
}

/// What stands at a relative path; every folder on the way must be a real one below the root.
fn there(root: &Path, path: &str) -> Result<There, WriteError> {
    let relative = Path::new(path);
    if path.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(WriteError::Outside(path.to_owned()));
    }
    let mut at = root.to_path_buf();
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let is_last = parts.peek().is_none();
        let meta = match fs::symlink_metadata(&at) {
            Ok(meta) => meta,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(There::Nothing),
            Err(cause) => return Err(WriteError::Io(at, cause)),
        };
        if meta.file_type().is_symlink() {
            return Err(WriteError::Outside(path.to_owned()));
        }
        if is_last != meta.is_file() {
            return Err(WriteError::Foreign(vec![at.display().to_string()]));
        }
    }
    fs::read(&at).map(There::File).map_err(|cause| WriteError::Io(at, cause))
}
