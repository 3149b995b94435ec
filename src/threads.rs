//! Work on a slice, divided among threads, with the results in the slice's order: the same for any number of threads.
//!
//! It knows nothing of the work.

/// Calls `work` on parts of `items`, each on a thread of its own, and gives what they gave, in order. `least` is how many
/// items a further thread must have to be worth its while.
pub fn in_parts<T: Sync, R: Send>(items: &[T], jobs: usize, least: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = jobs.clamp(1, items.len() / least.max(1) + 1);
    if threads == 1 {
        return vec![work(items)];
    }
    let size = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = items.chunks(size).map(|part| scope.spawn(|| work(part))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
