//! The bytes of a source. Large ones stand in huge pages: a page of 4 KiB that is touched for the first time costs the kernel
//! more than copying a manifest into it does (37 MB: 22 ms into fresh pages, 2 ms into known ones, in a virtual machine).
//!
//! It must not look into the bytes.

use std::fs::File;
use std::io::{self, Read, Take};
use std::ops::Deref;

use memmap2::{MmapMut, MmapOptions};

/// Bytes that are read and never changed.
pub struct Bytes(Kept);

enum Kept {
    List(Vec<u8>),
    /// Fresh pages, as far as they were filled.
    Pages(MmapMut, usize),
}

/// Below so many bytes huge pages bring nothing.
const LARGE: usize = 2 << 20;

impl Bytes {
    /// What was read already, and all that is still to be read. `expected` is how much that will be, as far as one knows.
    pub(super) fn read(mut start: Vec<u8>, from: &mut Take<File>, expected: Option<usize>) -> io::Result<Self> {
        // A byte more than there is: so that the end is seen without growing the room.
        let expected = expected.map(|bytes| bytes.saturating_add(1));
        start.try_reserve_exact(expected.unwrap_or(0).min(LARGE)).map_err(io::Error::other)?;
        from.by_ref().take(LARGE as u64).read_to_end(&mut start)?;
        let mut filled = start.len();
        let most = || usize::try_from(from.limit()).ok()?.checked_add(filled);
        let pages = if filled < LARGE { None } else { expected.or_else(most).and_then(huge_pages) };
        let Some(mut pages) = pages.filter(|pages| pages.len() > filled) else {
            from.read_to_end(&mut start)?;
            return Ok(start.into());
        };
        pages[..filled].copy_from_slice(&start);
        while filled < pages.len() {
            match from.read(&mut pages[filled..]) {
                Ok(0) => return Ok(Self(Kept::Pages(pages, filled))),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A file that grows while it is read.
        start = pages.to_vec();
        from.read_to_end(&mut start)?;
        Ok(start.into())
    }

    /// As a list that can be changed.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Kept::List(bytes) => bytes,
            Kept::Pages(pages, filled) => pages[..filled].to_vec(),
        }
    }
}

/// Fresh memory, which costs nothing where it is not touched; `None` where the system has no room for so much.
fn huge_pages(bytes: usize) -> Option<MmapMut> {
    let pages = MmapOptions::new().len(bytes.max(LARGE)).no_reserve_swap().map_anon().ok()?;
    // Where there are none, small ones do.
    #[cfg(target_os = "linux")]
    let _ = pages.advise(memmap2::Advice::HugePage);
    Some(pages)
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::List(bytes) => bytes,
            Kept::Pages(pages, filled) => &pages[..*filled],
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Kept::List(bytes))
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn everything_is_read_whatever_was_expected() {
        let text: Vec<u8> = (0..2 * LARGE + 7).map(|at| (at % 251) as u8).collect();
        for size in [0, 10, LARGE - 1, LARGE, LARGE + 1, text.len()] {
            for (begun, expected) in [(0, Some(size)), (0, Some(size / 2)), (0, Some(size + 9)), (size.min(9), None)] {
                let (reader, mut writer) = io::pipe().expect("a pipe");
                let mut from = File::from(OwnedFd::from(reader)).take(1 << 32);
                let read = std::thread::scope(|scope| {
                    scope.spawn(|| {
                        writer.write_all(&text[begun..size]).expect("somebody reads");
                        drop(writer);
                    });
                    Bytes::read(text[..begun].to_vec(), &mut from, expected).expect("a pipe can be read")
                });
                assert!(read[..] == text[..size], "{size} bytes, {begun} begun, {expected:?} expected");
                assert!(read.into_vec() == text[..size]);
            }
        }
    }
}
