//! A source that is parsed while it is being read: a large release, from a pipe or a file.
//!
//! It is read in blocks that end where a document does, so that each can be parsed as if it were all: a pipe by one thread after
//! the other, a file by all of them at once. It must not look into the documents, nor at what is small enough to be read whole at
//! once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use memchr::memmem;

use super::{InputError, MOST_BYTES};

/// Bytes of a block; less than that is read whole.
pub(super) const BLOCK: usize = 1 << 19;

/// Bytes that are read behind a block of a file, to find where its last document ends; more where it does not.
const BEHIND: usize = 1 << 13;

/// Bytes up to which room is made before it is known whether they are there.
const AT_ONCE: usize = BLOCK + BEHIND;

/// Before a document, behind a line.
const SEPARATOR: &[u8] = b"\n---";

/// A large input.
#[derive(Debug)]
pub struct Arriving {
    /// As findings print it.
    pub name: String,
    /// As errors call it.
    path: PathBuf,
    rest: Rest,
}

/// What is still to be read.
#[derive(Debug)]
enum Rest {
    InTurn(Mutex<InTurn>),
    InPlaces(InPlaces),
}

impl Arriving {
    /// A pipe, or a file that does not say how long it is, of which the beginning was read.
    pub(super) fn pipe(name: String, path: &Path, begun: Vec<u8>, pipe: File) -> Self {
        let left = (MOST_BYTES + 1).saturating_sub(begun.len() as u64);
        let rest = InTurn { rest: pipe.take(left), begun: Some(begun), blocks: 0, bytes: 0 };
        Self { name, path: path.into(), rest: Rest::InTurn(Mutex::new(rest)) }
    }

    /// A file from an offset on. To whoever else has it open it is read to its end.
    ///
    /// # Errors
    /// A file that does not say where it ends.
    pub(super) fn file(name: String, path: &Path, begin: u64, mut file: File) -> io::Result<Self> {
        let bytes = file.seek(SeekFrom::End(0))?.saturating_sub(begin) as usize;
        let rest = InPlaces { file, begin, blocks: bytes.div_ceil(BLOCK), next: AtomicUsize::new(0) };
        Ok(Self { name, path: path.into(), rest: Rest::InPlaces(rest) })
    }

    /// Reads another block, and gives its number, from 0; `None` where there is none left. It begins with a document, and ends
    /// where one does.
    ///
    /// # Errors
    /// Input that cannot be read, or is too large.
    pub fn next(&self, block: &mut Block) -> Result<Option<usize>, InputError> {
        let path = || self.path.clone();
        let next = match &self.rest {
            Rest::InTurn(rest) => rest.lock().unwrap_or_else(PoisonError::into_inner).next(block),
            Rest::InPlaces(rest) => rest.next(block),
        };
        match next.map_err(|cause| InputError::Unreadable { path: path(), cause })? {
            Some((_, end)) if end > MOST_BYTES => Err(InputError::TooLarge { path: path() }),
            next => Ok(next.map(|(number, _)| number)),
        }
    }
}

/// What comes through a pipe, read by whoever asks first while the others wait.
#[derive(Debug)]
struct InTurn {
    rest: Take<File>,
    /// What was read and handed to nobody; nothing where all was.
    begun: Option<Vec<u8>>,
    /// Blocks that were handed out, and their bytes.
    blocks: usize,
    bytes: u64,
}

impl InTurn {
    /// The number of the next block, and where it ends.
    fn next(&mut self, block: &mut Block) -> io::Result<Option<(usize, u64)>> {
        let Some(begun) = self.begun.take() else { return Ok(None) };
        self.begun = block.fill(&mut self.rest, begun)?;
        self.bytes += block.bytes().len() as u64;
        self.blocks += 1;
        Ok(Some((self.blocks - 1, self.bytes)))
    }
}

/// A file, each block of which is read by whoever asks, while others read theirs.
#[derive(Debug)]
struct InPlaces {
    file: File,
    /// Where it begins to be read.
    begin: u64,
    blocks: usize,
    next: AtomicUsize,
}

impl InPlaces {
    /// The number of the next block, and where it ends. It is the documents before which a line ends in a piece of [`BLOCK`] bytes:
    /// none, where the piece stands within one.
    fn next(&self, block: &mut Block) -> io::Result<Option<(usize, u64)>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.blocks {
            return Ok(None);
        }
        let from = number * BLOCK;
        let piece = if number + 1 == self.blocks { usize::MAX } else { BLOCK };
        let begin = self.begin + from as u64;
        block.cut(number == 0, piece, |room, at| self.file.read_at(room, begin + at as u64))?;
        Ok(Some((number, (from + block.end) as u64)))
    }
}

/// A block, in room that is used again for the next one.
#[derive(Debug, Default)]
pub struct Block {
    room: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Block {
    /// What was read.
    pub fn bytes(&self) -> &[u8] {
        &self.room[self.begin..self.end]
    }

    /// Reads behind what was begun, up to about [`BLOCK`] bytes, and gives what was read behind the block, in the same room; `None`
    /// where it was the last. It ends where a document does, and is as long as it takes for that.
    fn fill(&mut self, file: &mut impl Read, mut begun: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        self.make_room(begun.len())?;
        self.room[..begun.len()].copy_from_slice(&begun);
        (self.begin, self.end) = (0, begun.len());
        let mut size = BLOCK.max(begun.len());
        loop {
            if !self.read_up_to(size, |room, _| file.read(room))? {
                return Ok(None);
            }
            if let Some(at) = memmem::rfind(self.bytes(), SEPARATOR) {
                begun.clear();
                begun.extend_from_slice(&self.bytes()[at + 1..]);
                self.end = at + 1;
                return Ok(Some(begun));
            }
            size = size.saturating_mul(2);
        }
    }

    /// Reads what `read` gives for offsets from 0 on: all documents behind the line ends of the first `piece` bytes, and where
    /// `is_first` also what begins at 0.
    fn cut(
        &mut self,
        is_first: bool,
        piece: usize,
        read: impl Fn(&mut [u8], usize) -> io::Result<usize>,
    ) -> io::Result<()> {
        (self.begin, self.end) = (0, 0);
        let mut size = AT_ONCE;
        let mut goes_on = self.read_up_to(size, &read)?;
        if !is_first {
            let first = memmem::find(self.bytes(), SEPARATOR).filter(|at| *at < piece);
            self.begin = first.map_or(self.end, |at| at + 1);
        }
        while !self.bytes().is_empty() {
            if let Some(at) = self.room.get(piece..self.end).and_then(|behind| memmem::find(behind, SEPARATOR)) {
                self.end = piece + at + 1;
                break;
            }
            if !goes_on {
                break;
            }
            size = size.saturating_mul(2);
            goes_on = self.read_up_to(size, &read)?;
        }
        Ok(())
    }

    /// Reads until there are so many bytes, and says whether there are: whether more may come.
    fn read_up_to(
        &mut self,
        size: usize,
        mut read: impl FnMut(&mut [u8], usize) -> io::Result<usize>,
    ) -> io::Result<bool> {
        while self.end < size {
            let end = size.min(self.end + AT_ONCE);
            self.make_room(end)?;
            match read(&mut self.room[self.end..end], self.end) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Room for so many bytes; what is not needed is not touched, so that no memory stands behind it.
    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        let missing = bytes.saturating_sub(self.room.len());
        self.room.try_reserve(missing).map_err(io::Error::other)?;
        self.room.resize(self.room.len() + missing, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write;

    use super::*;
    use crate::input::Source;
    use crate::stream::{Stream, StreamDocument};
    use crate::yaml::Document;

    /// Texts larger than a block, cut in every way in which documents end.
    fn texts() -> Vec<Vec<u8>> {
        let objects = |count: usize, separator: &str| {
            (0..count).fold(String::new(), |mut text, number| {
                let _ = write!(text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c-{number}\n{separator}");
                text
            })
        };
        let many = objects(40_000, "---\n");
        let long = format!("data:\n  text: |\n{}", "    a line of text\n".repeat(200_000));
        let json = "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"a\"}}\n".repeat(30_000);
        let mut torn = objects(25_000, "--- # of another\n").into_bytes();
        torn.splice(1_200_000..1_200_000, *b"\xff\xfe");
        vec![
            many.clone().into_bytes(),
            format!("{many}{long}---\n{many}").into_bytes(),
            format!("{long}{many}").into_bytes(),
            long.into_bytes(),
            json.clone().into_bytes(),
            format!("{json}---\n{many}").into_bytes(),
            many.replace('\n', "\r\n").into_bytes(),
            format!("\u{feff}---\n{}", objects(30_000, "---text\n---\n---\n")).into_bytes(),
            torn,
        ]
    }

    #[test]
    fn what_arrives_is_what_would_be_read_whole() {
        for (number, bytes) in texts().into_iter().enumerate() {
            let path = std::env::temp_dir().join(format!("capi-lint-arriving-{}-{number}", std::process::id()));
            let opened = File::options().read(true).write(true).create_new(true).open(&path);
            let mut file = opened.expect("a file");
            // Somebody else has read the beginning.
            let begin = 7;
            file.write_all(b"kind: A").and_then(|()| file.write_all(&bytes)).expect("written");
            let source = Source { name: "<stdin>".into(), bytes };
            let whole = Stream::parse(&source, 1);
            for (jobs, is_pipe) in [(1, true), (3, true), (1, false), (3, false)] {
                let mut begun = vec![0; BLOCK];
                file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_exact(&mut begun)).expect("read");
                let (name, rest) = ("<stdin>".to_owned(), file.try_clone().expect("a file"));
                let arriving = if is_pipe {
                    Arriving::pipe(name, &path, begun, rest)
                } else {
                    Arriving::file(name, &path, begin, rest).expect("a file")
                };
                let stream = Stream::arriving(&arriving, jobs).expect("read to its end");
                let seen = |stream: &Stream| -> Vec<_> {
                    let nodes = |one: &StreamDocument| one.parsed().map(Document::len);
                    let seen = |(number, one): (usize, &StreamDocument)| {
                        let text = one.text().to_owned();
                        (stream.range_of(number), text, nodes(one), stream.line_at(number, 0), one.column())
                    };
                    stream.documents.iter().enumerate().map(seen).collect()
                };
                assert!(seen(&stream) == seen(&whole), "{number}");
                assert!(
                    stream.len() == source.bytes.len() && stream.bytes(0..stream.len()) == source.bytes,
                    "{number}"
                );
                let (from, to) = (source.bytes.len() / 3, source.bytes.len() / 2);
                assert!(whole.bytes(from..to) == source.bytes[from..to], "{number}");
                assert_eq!(stream.holds("ConfigMap"), whole.holds("ConfigMap"));
            }
            std::fs::remove_file(path).expect("removed");
        }
    }
}
