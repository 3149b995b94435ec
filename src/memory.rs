//! How the process keeps the memory that the system gave it.
//!
//! It knows nothing of who asks for memory, and keeps none itself.

/// Bytes of the largest block that stays with the process when it is given back.
const STAYS: usize = 4 << 20;

/// Has what is given back stay with the process, for whoever asks next. glibc hands a block of 128 KB or more back to the system
/// at once, which clears each page of the next one anew; but it learns, and keeps what is no larger than the largest block that
/// ever came back (mallopt(3), `M_MMAP_THRESHOLD`). So one comes back that was never touched, behind which no memory stood.
/// Allocators that do otherwise do as they did.
pub fn keep_what_comes_back() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(STAYS)));
}
