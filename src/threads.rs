//! Work on a slice, divided among threads, with the results in the slice's order: the same for any number of threads.
//!
//! It knows nothing of the work.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Parts for each thread: the last one to be done keeps nobody waiting for long.
const PARTS_PER_THREAD: usize = 8;

/// Calls `work` on parts of `items` (and the place of the part's first item), on up to `jobs` threads, and gives what it
/// gave, in order. `least` is how many items a further thread must have to be worth its while.
pub fn in_parts<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    least: usize,
    work: impl Fn(usize, &[T]) -> R + Sync,
) -> Vec<R> {
    in_parts_beside(items, jobs, least, work, || ()).0
}

/// As [`in_parts`], with one more thing to do, which is begun first.
pub fn in_parts_beside<T: Sync, R: Send, O>(
    items: &[T],
    jobs: usize,
    least: usize,
    work: impl Fn(usize, &[T]) -> R + Sync,
    other: impl FnOnce() -> O,
) -> (Vec<R>, O) {
    let threads = jobs.clamp(1, items.len() / least.max(1) + 1);
    if threads == 1 {
        let other = other();
        return (vec![work(0, items)], other);
    }
    let size = items.len().div_ceil(threads * PARTS_PER_THREAD).max(1);
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            let from = part * size;
            let Some(items) = items.get(from..(from + size).min(items.len())).filter(|items| !items.is_empty()) else {
                return done;
            };
            done.push((part, work(from, items)));
        }
    };
    let (mut done, other) = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let other = other();
        let mut done = take();
        for worker in workers {
            done.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        (done, other)
    });
    done.sort_unstable_by_key(|(part, _)| *part);
    (done.into_iter().map(|(_, result)| result).collect(), other)
}

#[cfg(test)]
mod tests {
    use super::{in_parts, in_parts_beside};

    #[test]
    fn the_order_is_that_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for jobs in [0, 1, 2, 7] {
            let parts = in_parts(&items, jobs, 10, |from, part| {
                assert_eq!(part.first(), Some(&from));
                part.to_vec()
            });
            assert_eq!(parts.concat(), items);
        }
        assert_eq!(in_parts_beside(&[0_u8; 0], 4, 1, |_, part| part.len(), || 7), (vec![0], 7));
    }
}
