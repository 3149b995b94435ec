//! Files onto the disk, whole or not at all: a text is written beside its file under a hidden name and takes its place by a
//! rename. Killed at any moment, or with a full disk, the file is the old one or the new one.
//!
//! It does not know what it writes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a file outlasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// The end of this process, however it comes. For what can be made again.
    Process,
    /// A power failure too: forced to disk before the rename.
    Machine,
}

/// Brings a file to hold these bytes; what is no file (`/dev/stdout`, a pipe) is written to as it is.
///
/// # Errors
/// A file or folder that cannot be written; the file is as it was then.
pub fn replace(path: &Path, bytes: &[u8], lasting: Lasting) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(there) if !there.is_file() => return OpenOptions::new().write(true).open(path)?.write_all(bytes),
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A link stays a link: what it points to is replaced.
    let target = if there.is_some() { fs::canonicalize(path)? } else { path.to_path_buf() };
    if there.is_some() {
        // A file that its owner made read-only is not to be replaced behind their back.
        OpenOptions::new().write(true).open(&target)?;
    }
    let beside = beside(&target);
    let placed = write(&beside, bytes, there.as_ref(), lasting).and_then(|()| fs::rename(&beside, &target));
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    match placed {
        // A file that may be written in a folder that may not, or one that is mounted by itself into a container.
        Err(error) if there.is_some() && is_about_the_folder(&error) => fs::write(&target, bytes),
        Ok(()) if lasting == Lasting::Machine => {
            sync_folder(&target);
            Ok(())
        }
        other => other,
    }
}

fn is_about_the_folder(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy | CrossesDevices)
}

/// Writes a new file, with the owner and the permissions of another.
///
/// # Errors
/// What the disk says.
pub fn write(path: &Path, bytes: &[u8], like: Option<&fs::Metadata>, lasting: Lasting) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    if let Some(like) = like {
        keep_owner(path, like);
        file.set_permissions(like.permissions())?;
    }
    match lasting {
        Lasting::Machine => file.sync_all(),
        Lasting::Process => Ok(()),
    }
}

/// Forces a rename to disk, which the folder holds; where a folder cannot be opened there is no more to do.
pub fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
}

/// The hidden name under which a file's new text waits.
pub fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.capi-lint-{}", std::process::id()))
}

/// Another's file stays theirs, where we may give it to them.
#[cfg(unix)]
fn keep_owner(file: &Path, like: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, chown};
    let _ = chown(file, Some(like.uid()), Some(like.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &fs::Metadata) {}
