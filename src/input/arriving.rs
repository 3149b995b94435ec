//! Standard input that is parsed while it is being read: a large release, mostly through a pipe.
//!
//! It is read in blocks that end where a document does, so that each can be parsed as if it were all. It must not look into the
//! documents, nor at what is small enough to be read whole at once.

use std::fs::File;
use std::io::{self, Read, Take};
use std::sync::{Mutex, OnceLock, PoisonError};

use memchr::memmem;

use super::{InputError, MOST_BYTES, STANDARD_INPUT_PATH};

/// Bytes of the first blocks; less than that is read whole.
pub(super) const BLOCK: usize = 1 << 20;

/// A block is at most this part of all that came before it, or [`BLOCK`].
const SHARE: usize = 32;

/// More blocks than four gigabytes make, which grow as [`SHARE`] has it.
const MOST_BLOCKS: usize = 512;

/// A large input of which the first bytes are there.
#[derive(Debug)]
pub struct Arriving {
    /// As findings print it.
    pub name: String,
    blocks: Box<[OnceLock<Vec<u8>>]>,
    rest: Mutex<Option<Rest>>,
}

/// What is still to be read.
#[derive(Debug)]
struct Rest {
    file: Take<File>,
    /// What was read and handed to nobody.
    begun: Vec<u8>,
}

impl Arriving {
    /// An input of which some bytes were read.
    pub(super) fn new(name: String, begun: Vec<u8>, file: File) -> Self {
        let left = (MOST_BYTES + 1).saturating_sub(begun.len() as u64);
        Self {
            name,
            blocks: (0..MOST_BLOCKS).map(|_| OnceLock::new()).collect(),
            rest: Mutex::new(Some(Rest { file: file.take(left), begun })),
        }
    }

    /// Reads all of it; `announce` is told of each block that is there, in order.
    ///
    /// # Errors
    /// Input that cannot be read, or is too large.
    pub fn read(&self, announce: &dyn Fn()) -> Result<(), InputError> {
        self.blocks().for_each(|_| announce());
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Rest { mut file, mut begun }) = rest else { return Ok(()) };
        let path = || STANDARD_INPUT_PATH.into();
        let mut before = 0_usize;
        for (number, slot) in self.blocks.iter().enumerate() {
            let is_last_slot = number + 1 == self.blocks.len();
            let share = if is_last_slot { usize::MAX } else { BLOCK.max(before / SHARE) };
            let (block, behind) =
                next_block(&mut file, begun, share).map_err(|cause| InputError::Unreadable { path: path(), cause })?;
            before += block.len();
            if before as u64 > MOST_BYTES {
                return Err(InputError::TooLarge { path: path() });
            }
            // Nobody else sets it: the rest was taken.
            let _ = slot.set(block);
            announce();
            match behind {
                Some(behind) => begun = behind,
                None => break,
            }
        }
        Ok(())
    }

    /// The blocks that are there, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map_while(|block| block.get().map(Vec::as_slice))
    }

    /// The block of a number that was announced.
    pub fn block(&self, number: usize) -> &[u8] {
        self.blocks.get(number).and_then(OnceLock::get).map_or(&[], Vec::as_slice)
    }
}

/// A block of about a size, and what was read behind it; `None` where it was the last. It ends where a document does, and is as
/// long as it takes for that.
fn next_block(file: &mut Take<File>, begun: Vec<u8>, size: usize) -> io::Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut block = begun;
    let mut size = size;
    loop {
        let missing = size.saturating_sub(block.len());
        block.try_reserve_exact(missing.min(file.limit() as usize)).map_err(io::Error::other)?;
        let read = file.by_ref().take(missing as u64).read_to_end(&mut block)?;
        if read < missing {
            return Ok((block, None));
        }
        if let Some(at) = memmem::rfind(&block, b"\n---") {
            let mut behind = Vec::with_capacity(size);
            behind.extend_from_slice(&block[at + 1..]);
            block.truncate(at + 1);
            return Ok((block, Some(behind)));
        }
        size = size.saturating_mul(2).max(block.len());
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
                let arriving = Arriving::new("<stdin>".into(), begun, file.try_clone().expect("a file"));
                let stream = Stream::arriving(&arriving, jobs).expect("read to its end");
                let seen = |stream: &Stream<'_>| -> Vec<_> {
                    let nodes = |one: &StreamDocument<'_>| one.parsed().map(Document::len);
                    let seen = |one: &StreamDocument<'_>| {
                        (one.span.clone(), one.start, one.text.to_owned(), nodes(one), stream.line_at(one.start))
                    };
                    stream.documents.iter().map(seen).collect()
                };
                assert!(seen(&stream) == seen(&whole), "{number}");
                let all = |stream: &Stream<'_>| stream.bytes.pieces(0..stream.bytes.len()).collect::<Vec<_>>().concat();
                assert!(all(&stream) == all(&whole) && stream.bytes.len() == source.bytes.len(), "{number}");
                assert_eq!(stream.holds("ConfigMap"), whole.holds("ConfigMap"));
                let has_separators = memmem::find(&source.bytes, b"\n---").is_some();
                assert_eq!(arriving.blocks().count() > 1, has_separators, "{number}");
            }
            std::fs::remove_file(path).expect("removed");
        }
    }
}
