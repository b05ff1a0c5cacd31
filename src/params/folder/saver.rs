//! The thread that saves, and what others hear of it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::super::background::yield_to_the_stream;
use super::super::capture::Captured;
use super::super::store::StoreStatus;
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Snapshot, VersionId};

/// Between those who want a version saved and the thread that does it.
#[derive(Debug)]
pub(super) struct Saver {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The version that is next; a newer one takes its place.
    waiting: Option<Box<Captured>>,
    /// The versions that no newer one replaces, each with who waits for it; they go first.
    exact: VecDeque<(Box<Captured>, SyncSender<Outcome>)>,
    /// The order of the newest version that was offered; an older one comes too late.
    newest: u64,
    /// The order of the newest version that was tried, and what came of it.
    tried: u64,
    outcome: Option<Failure>,
    saved: Option<VersionId>,
    saved_at: Option<SystemTime>,
    failures: u64,
    all_saved: u64,
    all_failed: u64,
    writing: bool,
    closing: bool,
    /// The thread has ended.
    closed: bool,
}

type Outcome = std::result::Result<(), Failure>;

/// An error that many can be told of.
#[derive(Clone, Debug)]
struct Failure {
    kind: ErrorKind,
    text: String,
}

impl Saver {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::default()), changed: Condvar::new() }
    }

    /// The store goes on from a snapshot: this version need not be saved again.
    pub(super) fn resumed(&self, snapshot: &Snapshot) {
        let mut state = self.state.lock();
        (state.saved, state.saved_at) = (Some(snapshot.version()), Some(snapshot.time()));
    }

    /// Lets the thread save this version when its turn comes, instead of any older one that waits.
    pub(super) fn offer(&self, captured: Captured) {
        let captured = Box::new(captured);
        let replaced = {
            let mut state = self.state.lock();
            match state.newest < captured.order {
                true => {
                    state.newest = captured.order;
                    state.waiting.replace(captured)
                }
                false => Some(captured),
            }
        };
        self.changed.notify_all();
        // Outside the lock: it may be the last to hold a version's memory.
        drop(replaced);
    }

    /// Saves this version, or a newer one of the same store, and waits for it.
    pub(super) fn save(&self, captured: Captured) -> Result<VersionId> {
        let (id, order) = (captured.version.id(), captured.order);
        if self.state.lock().saved == Some(id) {
            return Ok(id);
        }
        self.offer(captured);
        let mut state = self.state.lock();
        while state.tried < order && !state.closed {
            self.changed.wait(&mut state);
        }
        match (&state.outcome, state.saved) {
            (Some(failure), _) => Err(failure.of(id)),
            (None, Some(saved)) if state.tried >= order => Ok(saved),
            _ => Err(closed(id)),
        }
    }

    /// Saves this version, whatever newer one there is, and waits for it.
    pub(super) fn save_exactly(&self, captured: Captured) -> Result<VersionId> {
        let id = captured.version.id();
        let (done, outcome) = mpsc::sync_channel(1);
        {
            let mut state = self.state.lock();
            if state.closing || state.closed {
                return Err(closed(id));
            }
            state.exact.push_back((Box::new(captured), done));
        }
        self.changed.notify_all();
        match outcome.recv() {
            Ok(Ok(())) => Ok(id),
            Ok(Err(failure)) => Err(failure.of(id)),
            Err(_) => Err(closed(id)),
        }
    }

    pub(super) fn status(&self) -> StoreStatus {
        let state = self.state.lock();
        StoreStatus {
            saved: state.saved,
            saved_at: state.saved_at,
            error: state.outcome.as_ref().map(|failure| failure.text.clone()),
            failures: state.failures,
            all_saved: state.all_saved,
            all_failed: state.all_failed,
            waiting: state.writing || state.waiting.is_some() || !state.exact.is_empty(),
        }
    }

    /// Asks the thread to end, after it has saved this version unless that is there already.
    pub(super) fn close(&self, newest: Option<Captured>) {
        if let Some(newest) = newest {
            self.offer(newest);
        }
        self.state.lock().closing = true;
        self.changed.notify_all();
    }

    /// The thread's body: saves what is offered, and every so often what `newest` gives.
    pub(super) fn run(&self, mut writer: Writer, every: Option<Duration>, newest: impl Fn() -> Option<Result<Captured>>) {
        yield_to_the_stream();
        let mut attempt = Instant::now();
        loop {
            let (captured, done) = match self.next(every.and_then(|every| attempt.checked_add(every))) {
                Next::Version(captured, done) => (captured, done),
                Next::Timer => {
                    attempt = Instant::now();
                    // A poisoned store has nothing to be saved, and says so at each step.
                    let Some(Ok(captured)) = newest() else { continue };
                    (Box::new(captured), None)
                }
                Next::End => break,
            };
            attempt = Instant::now();
            let outcome = self.write(&mut writer, captured);
            if let Some(done) = done {
                // Who does not wait any more need not hear it.
                let _ = done.send(outcome);
            }
        }
        drop(writer);
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    fn next(&self, deadline: Option<Instant>) -> Next {
        let mut state = self.state.lock();
        loop {
            let exact = state.exact.pop_front().map(|(captured, done)| (captured, Some(done)));
            if let Some((captured, done)) = exact.or_else(|| Some((state.waiting.take()?, None))) {
                state.writing = true;
                return Next::Version(captured, done);
            }
            if state.closing {
                return Next::End;
            }
            match deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) => {
                    let timed_out = self.changed.wait_until(&mut state, deadline).timed_out();
                    if timed_out && state.waiting.is_none() && state.exact.is_empty() && !state.closing {
                        return Next::Timer;
                    }
                }
            }
        }
    }

    fn write(&self, writer: &mut Writer, captured: Box<Captured>) -> Outcome {
        let (id, order, time) = (captured.version.id(), captured.order, captured.time);
        let (there, newest) = {
            let state = self.state.lock();
            (state.saved == Some(id), order > state.tried)
        };
        let outcome = match there {
            true => Ok(()),
            false => catch_unwind(AssertUnwindSafe(|| writer.write(&captured, newest)))
                .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "save version", "a defect of this library ended it midway"))),
        };
        // The store can use its memory again before anybody hears that it is saved.
        drop(captured);
        let outcome = outcome.map_err(|error| {
            tracing::warn!(version = %id, %error, "a version cannot be saved; learning goes on, the next one is tried");
            Failure { kind: error.kind(), text: error.to_string() }
        });
        let mut state = self.state.lock();
        state.writing = false;
        match &outcome {
            Ok(()) => {
                state.failures = 0;
                state.all_saved += u64::from(!there);
                if !there && newest {
                    (state.saved, state.saved_at) = (Some(id), Some(time));
                }
            }
            Err(_) => {
                state.failures += 1;
                state.all_failed += 1;
            }
        }
        state.tried = state.tried.max(order);
        state.outcome = outcome.clone().err();
        drop(state);
        self.changed.notify_all();
        outcome
    }
}

impl Failure {
    fn of(&self, version: VersionId) -> Error {
        Error::new(self.kind, "save version", format!("{version}: {}", self.text))
    }
}

fn closed(version: VersionId) -> Error {
    Error::new(ErrorKind::Closed, "save version", format!("{version}: the store was closed"))
}

enum Next {
    Version(Box<Captured>, Option<SyncSender<Outcome>>),
    Timer,
    End,
}
