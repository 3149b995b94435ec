//! Runs a target: makes inputs, catches what goes wrong, reduces it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::{Duration, Instant};

use super::mutate::{self, Random};

/// Something that must hold for every input.
pub trait Target {
    /// As `--target` and the folder in `fixtures/fuzz/` name it.
    fn name(&self) -> &'static str;

    /// What mutations begin with.
    fn seeds(&self) -> Vec<Vec<u8>>;

    /// Bits of text on which the format turns.
    fn words(&self) -> &'static [&'static str];

    /// The next input.
    fn derive(&self, random: &mut Random, pool: &[Vec<u8>]) -> Vec<u8> {
        mutate::mutate(random, pool, self.words())
    }

    /// Tries an input.
    ///
    /// # Errors
    /// What does not hold. A panic counts as well.
    fn check(&mut self, input: &[u8]) -> Result<Shape, String>;

    /// Looks at many inputs at once, where that is cheaper: gives those that are wrong.
    fn check_batch(&mut self, _inputs: &[Vec<u8>]) -> Vec<(usize, String)> {
        Vec::new()
    }

    /// Longer than this, in a build with optimisation, no input may take.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// What an input brought about, in so few bits that inputs fall into classes: one that opens a new class is kept and mutated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape(pub u64);

impl Shape {
    /// The shape of anything that tells inputs apart.
    pub fn of(what: impl Hash) -> Self {
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        what.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// How long a run lasts: until either is used up.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub time: Duration,
    pub executions: u64,
    /// How much more time than optimised code one input may take.
    pub patience: u32,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    pub executions: u64,
    /// Inputs that were kept because they brought something new.
    pub kept: usize,
    pub slowest: Duration,
    pub failures: Vec<Failure>,
}

/// An input for which the target does not hold.
#[derive(Debug)]
pub struct Failure {
    pub input: Vec<u8>,
    pub what: String,
}

/// More different failures than these are not worth looking for at once.
const FAILURES: usize = 10;
/// Inputs that are kept beside the seeds.
const KEPT: usize = 20_000;
/// Inputs that are made and then looked at together.
const BATCH: usize = 500;

/// Runs a target. `before` sees each input before it is tried, so that it can be found after a crash that nobody catches.
pub fn run(target: &mut dyn Target, seed: u64, length: Length, before: &mut dyn FnMut(&[u8])) -> Outcome {
    hear_panics();
    let mut random = Random::new(seed);
    let mut pool = target.seeds();
    let seeds = pool.len();
    let mut shapes = HashSet::new();
    let mut known = HashSet::new();
    let mut outcome = Outcome::default();
    let start = Instant::now();
    let mut first = 0..seeds;
    while start.elapsed() < length.time && outcome.executions < length.executions && known.len() < FAILURES {
        let batch: Vec<Vec<u8>> = (0..BATCH)
            .map(|_| first.next().map_or_else(|| target.derive(&mut random, &pool), |seed| pool[seed].clone()))
            .collect();
        for input in &batch {
            before(input);
            let begin = Instant::now();
            let result = attempt(target, input);
            let took = begin.elapsed();
            outcome.executions += 1;
            outcome.slowest = outcome.slowest.max(took);
            match result {
                Ok(shape) => {
                    if shapes.insert(shape) && pool.len() < seeds + KEPT {
                        pool.push(input.clone());
                    }
                    let limit = target.time_limit() * length.patience;
                    if took > limit && is_slow(target, input, limit) && known.insert("time".to_owned()) {
                        let what = format!("takes {took:?}");
                        outcome.failures.push(Failure { input: input.clone(), what });
                    }
                }
                Err(what) if known.insert(class(&what)) => {
                    outcome.failures.push(reduce(input, &what, |input| attempt(target, input).err()));
                }
                Err(_) => {}
            }
            if start.elapsed() >= length.time {
                break;
            }
        }
        for (number, what) in target.check_batch(&batch) {
            if known.insert(class(&what)) {
                outcome.failures.push(reduce(&batch[number], &what, |input| {
                    target.check_batch(&[input.to_vec()]).pop().map(|(_, what)| what)
                }));
            }
        }
    }
    outcome.kept = pool.len() - seeds;
    outcome
}

/// Tries one input; a panic is an error.
pub fn attempt(target: &mut dyn Target, input: &[u8]) -> Result<Shape, String> {
    HEARD.with_borrow_mut(|heard| *heard = Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(|| target.check(input)));
    let heard = HEARD.with_borrow_mut(Option::take);
    result.unwrap_or_else(|payload| {
        Err(format!("panic: {}", heard.filter(|text| !text.is_empty()).unwrap_or_else(|| said(&*payload))))
    })
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("in another thread").to_owned()
}

thread_local! {
    /// What the panic said that this thread is being watched for.
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of a thread that is being watched are kept instead of printed.
fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let watched =
                HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| *heard = info.to_string()).is_some());
            if !watched {
                others(info);
            }
        }));
    });
}

/// Whether an input is slow again, and not just once on a busy machine.
fn is_slow(target: &mut dyn Target, input: &[u8], limit: Duration) -> bool {
    (0..3).all(|_| {
        let begin = Instant::now();
        let _ = attempt(target, input);
        begin.elapsed() > limit
    })
}

/// What two failures have in common that are the same: the text before the first line break, without numbers.
fn class(what: &str) -> String {
    what.lines().next().unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).take(120).collect()
}

/// Takes pieces out for as long as the same fails.
fn reduce(input: &[u8], what: &str, mut fails: impl FnMut(&[u8]) -> Option<String>) -> Failure {
    let wanted = class(what);
    let mut failure = Failure { input: input.to_vec(), what: what.to_owned() };
    let end = Instant::now() + Duration::from_secs(10);
    let mut size = (input.len() / 2).max(1);
    loop {
        let (mut at, mut smaller) = (0, false);
        while at < failure.input.len() && Instant::now() < end {
            let mut shorter = failure.input.clone();
            shorter.drain(at..(at + size).min(shorter.len()));
            match fails(&shorter).filter(|what| class(what) == wanted) {
                Some(what) => {
                    failure = Failure { input: shorter, what };
                    smaller = true;
                }
                None => at += size,
            }
        }
        if size == 1 && !smaller || Instant::now() >= end {
            return failure;
        }
        size = (size / 2).max(1);
    }
}
