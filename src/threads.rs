//! Work on a slice, divided among threads, with the results in the slice's order: the same for any number of threads.
//!
//! It knows nothing of the work.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::parted::Parted;

/// Parts for each thread: the last one to be done keeps nobody waiting for long.
const PARTS_PER_THREAD: usize = 8;

/// Into how many parts work is divided for so many threads.
pub fn parts(threads: usize) -> usize {
    if threads > 1 { threads * PARTS_PER_THREAD } else { 1 }
}

/// Calls `work` on parts of `items` (and the place of the part's first item), on up to `jobs` threads, and gives what it
/// gave, in order. `least` is how many items a further thread must have to be worth its while.
pub fn in_parts<T: Sync, R: Send>(
    items: &(impl Divided<T> + ?Sized),
    jobs: usize,
    least: usize,
    work: impl Fn(usize, &[T]) -> R + Sync,
) -> Vec<R> {
    in_parts_with(items, jobs, least, || (), |(), from, items| work(from, items))
}

/// As [`in_parts`]; each thread has what `begin` gave it, for all parts that it takes. What `work` gives must not hang on what it
/// has left there: another time other threads take other parts.
pub fn in_parts_with<T: Sync, S, R: Send>(
    items: &(impl Divided<T> + ?Sized),
    jobs: usize,
    least: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &[T]) -> R + Sync,
) -> Vec<R> {
    let parts = Parts::of(items, jobs, least);
    in_turn_with(parts.count(), parts.threads, begin, |state, number| {
        let (from, items) = parts.part(number);
        work(state, from, items)
    })
}

/// As [`in_parts_with`], of items that are known by their numbers below `items`.
pub fn in_ranges_with<S, R: Send>(
    items: usize,
    jobs: usize,
    least: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Range<usize>) -> R + Sync,
) -> Vec<R> {
    let threads = worth(items, jobs, least);
    let count = parts(threads);
    let bound = |number: usize| items * number / count;
    in_turn_with(count, threads, begin, |state, number| work(state, bound(number)..bound(number + 1)))
}

/// As [`in_parts`], for work that takes the items themselves.
pub fn in_owned_parts<T: Send, R: Send>(
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    jobs: usize,
    least: usize,
    work: impl Fn(Vec<T>) -> R + Sync,
) -> Vec<R> {
    in_owned_parts_with(items, jobs, least, || (), |(), items| work(items))
}

/// As [`in_owned_parts`]; each thread has what `begin` gave it, as in [`in_parts_with`].
pub fn in_owned_parts_with<T: Send, S, R: Send>(
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    jobs: usize,
    least: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Vec<T>) -> R + Sync,
) -> Vec<R> {
    let mut items = items.into_iter();
    let threads = worth(items.len(), jobs, least);
    let size = items.len().div_ceil(parts(threads)).max(1);
    let mut taken = Vec::new();
    while items.len() > 0 {
        taken.push(Mutex::new(items.by_ref().take(size).collect::<Vec<T>>()));
    }
    in_turn_with(taken.len(), threads, begin, |state, number| {
        // Nobody else takes this one, so that nobody else can have broken it.
        let part = std::mem::take(&mut *taken[number].lock().unwrap_or_else(PoisonError::into_inner));
        work(state, part)
    })
}

/// On how many of `jobs` threads it is worth working where a further one must have `least` items.
fn worth(items: usize, jobs: usize, least: usize) -> usize {
    jobs.clamp(1, items / least.max(1) + 1)
}

/// What can be divided for threads.
pub trait Divided<T> {
    /// How many items there are.
    fn length(&self) -> usize;
    /// All of them, in slices none of which is longer than that.
    fn slices_of<'t>(&'t self, longest: usize) -> impl Iterator<Item = &'t [T]>
    where
        T: 't;
}

impl<T, L: AsRef<[T]> + ?Sized> Divided<T> for L {
    fn length(&self) -> usize {
        self.as_ref().len()
    }

    fn slices_of<'t>(&'t self, longest: usize) -> impl Iterator<Item = &'t [T]>
    where
        T: 't,
    {
        self.as_ref().chunks(longest)
    }
}

impl<T> Divided<T> for Parted<T> {
    fn length(&self) -> usize {
        self.len()
    }

    fn slices_of<'t>(&'t self, longest: usize) -> impl Iterator<Item = &'t [T]>
    where
        T: 't,
    {
        self.slices(longest)
    }
}

/// A list divided for threads.
#[derive(Clone, Debug)]
pub struct Parts<'t, T> {
    /// Each with the place of its first item; at least one.
    parts: Vec<(usize, &'t [T])>,
    /// On how many threads they are worth working.
    pub threads: usize,
}

impl<'t, T> Parts<'t, T> {
    /// Divides items for up to `jobs` threads, each of which must have `least` of them to be worth its while.
    pub fn of(items: &'t (impl Divided<T> + ?Sized), jobs: usize, least: usize) -> Self {
        let threads = worth(items.length(), jobs, least);
        let longest = items.length().div_ceil(parts(threads)).max(1);
        let mut from = 0;
        let mut parts: Vec<(usize, &[T])> = Vec::with_capacity(parts(threads));
        for slice in items.slices_of(longest) {
            parts.push((from, slice));
            from += slice.len();
        }
        if parts.is_empty() {
            parts.push((0, &[]));
        }
        Self { parts, threads }
    }

    /// How many parts there are; one for no items.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// A part, and the place of its first item.
    pub fn part(&self, number: usize) -> (usize, &'t [T]) {
        self.parts.get(number).copied().unwrap_or_default()
    }
}

/// Calls `work` with each number below `count` on up to `jobs` threads, the smaller numbers begun before the greater ones, and
/// gives what it gave, in order.
pub fn in_turn<R: Send>(count: usize, jobs: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    in_turn_with(count, jobs, || (), |(), number| work(number))
}

/// As [`in_turn`]; each thread has what `begin` gave it, as in [`in_parts_with`].
pub fn in_turn_with<S, R: Send>(
    count: usize,
    jobs: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    // Does what nobody has taken yet, until nothing is left.
    let take = || {
        let (mut state, mut done) = (begin(), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return done;
            }
            done.push((number, work(&mut state, number)));
        }
    };
    let jobs = jobs.min(count);
    if jobs <= 1 {
        return in_order(take(), count);
    }
    let (mut done, others) = beside(take, vec![take; jobs - 1]);
    done.extend(others.into_iter().flatten());
    in_order(done, count)
}

/// Calls `work` on up to `jobs` threads until there is nothing left to take, and gives what it gave, in order of the numbers
/// that it gave with it: all from 0 on. Each thread has what `begin` gave it.
///
/// # Errors
/// That of `work`; all that the others gave is lost.
pub fn until_nothing_is_left<S, R: Send, E: Send>(
    jobs: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S) -> Result<Option<(usize, R)>, E> + Sync,
) -> Result<Vec<R>, E> {
    let take = || {
        let (mut state, mut done) = (begin(), Vec::new());
        while let Some(one) = work(&mut state)? {
            done.push(one);
        }
        Ok(done)
    };
    let (own, others) = beside(take, vec![take; jobs.max(1) - 1]);
    let all = std::iter::once(own).chain(others).collect::<Result<Vec<_>, E>>()?;
    let done: Vec<_> = all.into_iter().flatten().collect();
    let count = done.len();
    Ok(in_order(done, count))
}

/// Does two things, at once where `jobs` allows it.
pub fn both<A, B: Send>(jobs: usize, one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    if jobs <= 1 {
        return (one(), other());
    }
    let mut done = None;
    let (one, _) = beside(one, vec![|| done = Some(other())]);
    (one, done.expect("what was done beside it"))
}

/// The threads that worked last, for whoever divides work next.
static STAYING: Mutex<Option<ThreadPool>> = Mutex::new(None);

/// Does something here and each of the others on a thread of its own, and gives what they gave, those of the others in order. Where
/// no thread can be had (a container's limit of processes) all is done here, one after the other.
fn beside<A, O: Send>(own: impl FnOnce() -> A, others: Vec<impl FnOnce() -> O + Send>) -> (A, Vec<O>) {
    if others.is_empty() {
        return (own(), Vec::new());
    }
    // What is done beside other things may be divided itself: it must not wait for threads that may wait for it.
    let Ok(mut staying) = STAYING.try_lock() else { return beside_by_new(own, others) };
    if staying.as_ref().is_none_or(|threads| threads.current_num_threads() < others.len()) {
        *staying = started(others.len());
    }
    let Some(threads) = &*staying else {
        drop(staying);
        return (own(), others.into_iter().map(|other| other()).collect());
    };
    let mut done: Vec<Option<O>> = others.iter().map(|_| None).collect();
    let own = threads.in_place_scope(|scope| {
        for (other, done) in others.into_iter().zip(&mut done) {
            scope.spawn(move |_| *done = Some(other()));
        }
        own()
    });
    (own, done.into_iter().flatten().collect())
}

/// As [`beside`], by threads that end with what they do.
fn beside_by_new<A, O: Send>(own: impl FnOnce() -> A, others: Vec<impl FnOnce() -> O + Send>) -> (A, Vec<O>) {
    std::thread::scope(|scope| {
        let others: Vec<_> = others.into_iter().map(|other| scope.spawn(other)).collect();
        let own = own();
        let join = |thread: ScopedJoinHandle<'_, O>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        (own, others.into_iter().map(join).collect())
    })
}

/// Threads that wait for work; nothing where there can be no more. Linux may put a new thread behind the one that made it, on the
/// same processor, and look for another one only when four milliseconds are over; one that wakes up is put where nobody works, and
/// best where it worked before. So all of them are waited for, and stay (measured: kernel 6.18 and two processors, a tenth of the
/// time that `lint` takes for 70,000 objects).
fn started(count: usize) -> Option<ThreadPool> {
    let threads = ThreadPoolBuilder::new().num_threads(count).build().ok()?;
    threads.broadcast(|_| ());
    Some(threads)
}

fn in_order<R>(done: Vec<(usize, R)>, count: usize) -> Vec<R> {
    let mut results: Vec<Option<R>> = (0..count).map(|_| None).collect();
    for (number, result) in done {
        results[number] = Some(result);
    }
    results.into_iter().flatten().collect()
}

/// Parts one behind the other. The first part makes room for the others: its own items are not copied.
pub fn in_one<T>(parts: Vec<Vec<T>>) -> Vec<T> {
    let count: usize = parts.iter().map(Vec::len).sum();
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    all.reserve_exact(count - all.len());
    all.extend(parts.flatten());
    all
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{in_one, in_owned_parts, in_parts, in_parts_with, in_ranges_with, in_turn, until_nothing_is_left};

    #[test]
    fn the_order_is_that_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for jobs in [0, 1, 2, 7] {
            let parts = in_parts(&items, jobs, 10, |from, part| {
                assert_eq!(part.first(), Some(&from));
                part.to_vec()
            });
            assert_eq!(parts.concat(), items);
            assert_eq!(in_owned_parts(items.clone(), jobs, 10, |part| part).concat(), items);
            assert_eq!(in_turn(1000, jobs, |number| number), items);
            assert_eq!(in_ranges_with(1000, jobs, 10, || (), |(), range| range.collect::<Vec<_>>()).concat(), items);
            assert_eq!(super::both(jobs, || items.len(), || items.clone()), (1000, items.clone()));
            let own = in_parts_with(
                &items,
                jobs,
                10,
                || 0,
                |parts, from, _| {
                    *parts += 1;
                    (from, *parts)
                },
            );
            let taken_first = own.iter().filter(|(_, parts)| *parts == 1).count();
            assert!((1..=jobs.max(1)).contains(&taken_first) && own.is_sorted_by_key(|(from, _)| *from));
            assert_eq!(in_one(parts), items);
            let next = AtomicUsize::new(0);
            let take = |taken: &mut usize| {
                *taken += 1;
                let number = next.fetch_add(1, Ordering::Relaxed);
                Ok::<_, String>((number < 1000).then_some((number, number)))
            };
            assert_eq!(until_nothing_is_left(jobs, || 0, take).as_ref(), Ok(&items));
            let fail = |(): &mut ()| if next.load(Ordering::Relaxed) > 0 { Err("no more") } else { Ok(Some((0, 0))) };
            assert_eq!(until_nothing_is_left(jobs, || (), fail), Err("no more"));
        }
        assert_eq!(in_one(vec![vec![0, 1], vec![], vec![2]]), [0, 1, 2]);
        assert_eq!(in_parts(&[0_u8; 0], 4, 1, |_, part| part.len()), vec![0]);
    }
}
