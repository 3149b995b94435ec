//! Standard input that is parsed while it is being read: a large release, mostly through a pipe.
//!
//! It is read in blocks that end where a document does, so that each can be parsed as if it were all. It must not look into the
//! documents, nor at what is small enough to be read whole at once.

use std::fs::File;
use std::io::{self, Read, Take};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use memchr::memmem;

use super::{InputError, MOST_BYTES};

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
        let path = || Path::new("standard input").to_path_buf();
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
