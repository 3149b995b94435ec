//! What the run is busy with: shown to a person who waits, and summed up for `--verbose`.
//!
//! The one state of the process that is not handed through: a line on a terminal is one, however many releases a run judges.
//! It says nothing unless `cli` switches it on, and no verdict ever depends on it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A part of the work, in the order in which parts follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading sources.
    Reading,
    /// Helm renders a chart.
    Rendering,
    /// Bytes become objects.
    Parsing,
    /// Objects become findings, or changes.
    Judging,
    /// The result is printed.
    Writing,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Rendering => "rendering",
            Self::Parsing => "parsing",
            Self::Judging => "judging",
            Self::Writing => "writing",
        }
    }
}

/// How long a person waits before a word is due.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn anew.
const FRAME: Duration = Duration::from_millis(200);

/// What is going on, and what it took so far.
struct Work {
    started: Option<Instant>,
    phase: Option<(Phase, Instant)>,
    detail: String,
    spent: Vec<(Phase, Duration)>,
    /// Whether somebody looks at a terminal.
    is_watched: bool,
    /// Whether a line stands there now.
    is_drawn: bool,
}

static WORK: Mutex<Work> = Mutex::new(Work {
    started: None,
    phase: None,
    detail: String::new(),
    spent: Vec::new(),
    is_watched: false,
    is_drawn: false,
});

fn work() -> MutexGuard<'static, Work> {
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a phase, and ends the one before. `detail` says on what: a chart, a number of objects.
pub fn enter(phase: Phase, detail: impl Into<String>) {
    let mut work = work();
    work.close();
    let now = Instant::now();
    work.started.get_or_insert(now);
    work.phase = Some((phase, now));
    work.detail = detail.into();
    if phase == Phase::Writing {
        // What is written may go to the same terminal.
        work.is_watched = false;
        work.wipe();
    }
}

/// Shows on standard error what is going on, where a terminal is there and work takes longer than a moment.
pub fn watch() {
    if !io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return;
    }
    work().is_watched = true;
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        loop {
            let mut work = work();
            if !work.is_watched {
                return;
            }
            work.draw();
            drop(work);
            thread::sleep(FRAME);
        }
    });
}

/// Ends the work: the terminal is left as it was found, and the time that each phase took comes back as a line.
pub fn finish() -> String {
    let mut work = work();
    work.close();
    work.is_watched = false;
    work.wipe();
    let all = work.started.map_or(Duration::ZERO, |started| started.elapsed());
    let phases: Vec<String> =
        work.spent.iter().map(|(phase, spent)| format!("{} {:.3} s", phase.name(), spent.as_secs_f64())).collect();
    format!("{}{}{:.3} s in all", phases.join(", "), if phases.is_empty() { "" } else { "; " }, all.as_secs_f64())
}

impl Work {
    fn close(&mut self) {
        let Some((phase, since)) = self.phase.take() else { return };
        match self.spent.iter_mut().find(|(known, _)| *known == phase) {
            Some((_, spent)) => *spent += since.elapsed(),
            None => self.spent.push((phase, since.elapsed())),
        }
    }

    fn draw(&mut self) {
        let (Some((phase, _)), Some(started)) = (self.phase, self.started) else { return };
        // A line that is too long would wrap, and could not be taken back: 80 columns are always there.
        let seconds = started.elapsed().as_secs();
        let line: String =
            format!("capi-lint: {} {} … {seconds} s", phase.name(), self.detail).chars().take(79).collect();
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r\u{1b}[K{line}");
        let _ = err.flush();
        self.is_drawn = true;
    }

    fn wipe(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\u{1b}[K");
            let _ = err.flush();
        }
    }
}
