//! A source that is parsed while it is being read: a large release, mostly through a pipe.
//!
//! It is read in blocks that end where a document does, so that each can be parsed as if it were all. It must not look into the
//! documents, nor at what is small enough to be read whole at once.

use std::fs::File;
use std::io::{self, Read, Take};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memchr::memmem;

use super::{InputError, MOST_BYTES};

/// Bytes of a block; less than that is read whole.
pub(super) const BLOCK: usize = 1 << 19;

/// A large input of which the first bytes are there.
#[derive(Debug)]
pub struct Arriving {
    /// As findings print it.
    pub name: String,
    /// As errors call it.
    path: PathBuf,
    rest: Mutex<Rest>,
}

/// What is still to be read.
#[derive(Debug)]
struct Rest {
    file: Take<File>,
    /// What was read and handed to nobody; nothing where all was.
    begun: Option<Vec<u8>>,
    /// Blocks that were handed out, and their bytes.
    blocks: usize,
    bytes: u64,
}

impl Arriving {
    /// An input of which some bytes were read.
    pub(super) fn new(name: String, path: &Path, begun: Vec<u8>, file: File) -> Self {
        let left = (MOST_BYTES + 1).saturating_sub(begun.len() as u64);
        let rest = Rest { file: file.take(left), begun: Some(begun), blocks: 0, bytes: 0 };
        Self { name, path: path.into(), rest: Mutex::new(rest) }
    }

    /// Reads the next block, whoever asks first, and gives its number, from 0; `None` where there is none left. It begins with a
    /// document, and ends where one does.
    ///
    /// # Errors
    /// Input that cannot be read, or is too large.
    pub fn next(&self, block: &mut Block) -> Result<Option<usize>, InputError> {
        let path = || self.path.clone();
        let rest = &mut *self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(begun) = rest.begun.take() else { return Ok(None) };
        let behind = block.fill(&mut rest.file, begun);
        rest.begun = behind.map_err(|cause| InputError::Unreadable { path: path(), cause })?;
        rest.bytes += block.bytes().len() as u64;
        if rest.bytes > MOST_BYTES {
            return Err(InputError::TooLarge { path: path() });
        }
        rest.blocks += 1;
        Ok(Some(rest.blocks - 1))
    }
}

/// A block, in room that is used again for the next one.
#[derive(Debug, Default)]
pub struct Block {
    room: Vec<u8>,
    length: usize,
}

impl Block {
    /// What was read.
    pub fn bytes(&self) -> &[u8] {
        &self.room[..self.length]
    }

    /// Reads behind what was begun, up to about [`BLOCK`] bytes, and gives what was read behind the block, in the same room; `None`
    /// where it was the last. It ends where a document does, and is as long as it takes for that.
    fn fill(&mut self, file: &mut Take<File>, mut begun: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        self.make_room(begun.len())?;
        self.room[..begun.len()].copy_from_slice(&begun);
        self.length = begun.len();
        let mut size = BLOCK.max(begun.len());
        loop {
            while self.length < size {
                let end = size.min(self.length + BLOCK);
                self.make_room(end)?;
                match file.read(&mut self.room[self.length..end]) {
                    Ok(0) => return Ok(None),
                    Ok(read) => self.length += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if let Some(at) = memmem::rfind(self.bytes(), b"\n---") {
                begun.clear();
                begun.extend_from_slice(&self.bytes()[at + 1..]);
                self.length = at + 1;
                return Ok(Some(begun));
            }
            size = size.saturating_mul(2);
        }
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
    use std::io::{Seek, Write};

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
            file.write_all(&bytes).expect("written");
            let source = Source { name: "<stdin>".into(), bytes };
            let whole = Stream::parse(&source, 1);
            for jobs in [1, 3] {
                let mut begun = vec![0; BLOCK];
                file.rewind().and_then(|()| file.read_exact(&mut begun)).expect("read");
                let arriving = Arriving::new("<stdin>".into(), &path, begun, file.try_clone().expect("a file"));
                let stream = Stream::arriving(&arriving, jobs).expect("read to its end");
                let seen = |stream: &Stream| -> Vec<_> {
                    let nodes = |one: &StreamDocument| one.parsed().map(Document::len);
                    let seen = |one: &StreamDocument| {
                        let text = one.text().to_owned();
                        (one.begin()..one.end(), one.start, text, nodes(one), one.line_at(0), one.column())
                    };
                    stream.documents.iter().map(seen).collect()
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
