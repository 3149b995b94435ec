//! Replaces files, all of them or none: each new text is written beside its file and forced to disk first, and only when all
//! are there do they take the places of the old ones, one rename each. Killed at any moment, every file is whole.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::file::{self, Lasting};

/// A file to be replaced.
pub struct Replacement<'b> {
    /// The file as the user named it; a link stays a link, and what it points to is replaced.
    pub path: PathBuf,
    /// What stood in it when it was read.
    pub old: &'b [u8],
    /// What is to stand in it.
    pub new: Vec<u8>,
}

/// A new text beside its file.
struct Staged<'r> {
    beside: PathBuf,
    path: PathBuf,
    old: &'r [u8],
}

/// Replaces files.
///
/// # Errors
/// A file that cannot be written, or that somebody changed in the meantime; then all files are as they were.
pub fn replace(files: &[Replacement<'_>]) -> anyhow::Result<()> {
    let mut staged: Vec<Staged<'_>> = Vec::new();
    for file in files {
        match stage(file, &staged) {
            Ok(new) => staged.extend(new),
            Err(error) => {
                discard(&staged);
                return Err(error)
                    .with_context(|| format!("cannot write {}; nothing was changed", file.path.display()));
            }
        }
    }
    if let Some(changed) = staged.iter().find(|file| fs::read(&file.path).is_ok_and(|now| now != file.old)) {
        discard(&staged);
        bail!("{} was changed in the meantime; nothing was written. Run it again", changed.path.display());
    }
    for (done, file) in staged.iter().enumerate() {
        if let Err(error) = fs::rename(&file.beside, &file.path) {
            let (replaced, rest) = staged.split_at(done);
            discard(rest);
            let kept = replaced.iter().all(|file| restore(file).is_ok());
            let state = if kept { "nothing was changed" } else { "some files before it could not be put back" };
            return Err(error).with_context(|| format!("cannot replace {}; {state}", file.path.display()));
        }
    }
    for staged in &staged {
        file::sync_folder(&staged.path);
    }
    Ok(())
}

/// Writes a new text beside its file; `None` where the same file is staged already, under this name or another.
fn stage<'r>(file: &'r Replacement<'_>, staged: &[Staged<'r>]) -> io::Result<Option<Staged<'r>>> {
    let path = fs::canonicalize(&file.path)?;
    if staged.iter().any(|other| other.path == path) {
        return Ok(None);
    }
    // A file that its owner made read-only is not to be replaced behind their back.
    OpenOptions::new().write(true).open(&path)?;
    let beside = file::beside(&path);
    let written = write(&beside, &file.new, &path);
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| Some(Staged { beside, path, old: file.old }))
}

fn write(beside: &Path, text: &[u8], like: &Path) -> io::Result<()> {
    file::write(beside, text, Some(&fs::metadata(like)?), Lasting::Machine)
}

fn restore(file: &Staged<'_>) -> io::Result<()> {
    write(&file.beside, file.old, &file.path)?;
    fs::rename(&file.beside, &file.path)
}

fn discard(staged: &[Staged<'_>]) {
    for file in staged {
        let _ = fs::remove_file(&file.beside);
    }
}
