//! Predictions by the versions of a source, each swapped in when it is ready.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex};

use super::refusals::Refusals;
use super::serving::Serving;
use super::source::{Source, VersionName};
use super::status::{PredictorStatus, Problem};
use crate::batch::{BatchView, Schema};
use crate::bundle::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Predictions;
use crate::params::yield_to_the_stream;
use crate::snapshot::VersionId;

/// How often to begin anew when versions are removed while they are read.
const ATTEMPTS: usize = 10;

/// Versions that a host can go back through.
const MOST_BEFORE: usize = 64;

/// How long the one who swaps waits for the calls that still use the version before, to spare them the work of freeing it.
const FREEING: Duration = Duration::from_secs(1);

/// What the calls read, and what only those do who change it.
#[derive(Debug)]
pub(super) struct Follower {
    source: Box<dyn Source>,
    current: ArcSwap<Serving>,
    /// The rows of the last call: a new version is warmed with as many.
    rows: AtomicUsize,
    /// Held while a version is looked for, loaded and swapped in.
    loading: Mutex<Refusals>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    since: SystemTime,
    pinned: bool,
    /// The newest version when the host named another one: only one that is newer is followed.
    passed: Option<VersionId>,
    /// The versions that predicted before, the last one at the end.
    before: VecDeque<VersionId>,
    swaps: u64,
    problem: Option<Problem>,
    failures: u64,
    /// The thread shall look at once, or end.
    hurry: bool,
    closing: bool,
}

impl Follower {
    /// Begins with the best version there is.
    pub(super) fn open(source: Box<dyn Source>, every: Duration) -> Result<Self> {
        let mut refusals = Refusals::new(every);
        let mut attempt = 1;
        let (serving, problem) = loop {
            match first(&*source, &mut refusals) {
                Ok(found) => break found,
                Err(First::Gone(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(First::Gone(error) | First::Failed(error)) => return Err(error),
            }
        };
        serving.warm(1, None)?;
        let state = State {
            since: SystemTime::now(),
            pinned: false,
            passed: None,
            before: VecDeque::new(),
            swaps: 0,
            failures: problem.is_some().into(),
            problem,
            hurry: false,
            closing: false,
        };
        Ok(Self {
            source,
            current: ArcSwap::from_pointee(serving),
            rows: AtomicUsize::new(1),
            loading: Mutex::new(refusals),
            state: Mutex::new(state),
            wake: Condvar::new(),
        })
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        self.current.load().model.schema().clone()
    }

    /// Of the model that predicts now.
    pub(super) fn manifest(&self) -> Manifest {
        self.current.load().model.bundle().manifest().clone()
    }

    pub(super) fn version(&self) -> VersionId {
        self.current.load().id()
    }

    pub(super) fn memory(&self) -> usize {
        self.current.load().memory()
    }

    pub(super) fn predict(&self, batch: &BatchView<'_>) -> Result<Predictions> {
        // One pointer for the whole call.
        let predictions = self.current.load().predict(batch)?;
        if self.rows.load(Ordering::Relaxed) != batch.rows() {
            self.rows.store(batch.rows(), Ordering::Relaxed);
        }
        Ok(predictions)
    }

    pub(super) fn status(&self) -> PredictorStatus {
        let state = self.state.lock();
        let current = self.current.load();
        PredictorStatus {
            version: current.id(),
            made: current.made,
            since: Some(state.since),
            pinned: state.pinned,
            swaps: state.swaps,
            problem: state.problem.clone(),
            failures: state.failures,
        }
    }

    /// Looks for a newer version now. What stands in the way is noted, and returned.
    pub(super) fn look(&self) -> Result<()> {
        let mut refusals = self.loading.lock();
        if self.state.lock().pinned {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let newest = self.source.newest().inspect_err(|error| self.note(None, error))?;
            let Some(newest) = newest else { return Ok(()) };
            if newest == self.version() || self.state.lock().passed == Some(newest) {
                self.settled();
                return Ok(());
            }
            match self.try_one(newest, &mut refusals) {
                Ok(Tried::Taken) => {
                    self.settled();
                    return Ok(());
                }
                // There is a newer one.
                Ok(Tried::Gone) => {}
                Ok(Tried::Refused) => return self.follow_next_best(newest, &mut refusals),
                Err(error) => {
                    // What stands in the way of the newest says more than what stands in the way of others.
                    let _ = self.follow_next_best(newest, &mut refusals);
                    self.note(Some(newest), &error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Takes the best version that is not the newest, if it is better than the current one.
    fn follow_next_best(&self, newest: VersionId, refusals: &mut Refusals) -> Result<()> {
        let current = self.version();
        let candidates = self.source.next_best(newest, Some(current)).inspect_err(|error| self.note(None, error))?;
        let mut outcome = Ok(());
        for version in candidates.into_iter().take_while(|version| *version != current) {
            match self.try_one(version, refusals) {
                Ok(Tried::Taken) => break,
                Ok(Tried::Gone | Tried::Refused) => {}
                Err(error) => {
                    self.note(Some(version), &error);
                    outcome = outcome.and(Err(error));
                }
            }
        }
        outcome
    }

    fn try_one(&self, version: VersionId, refusals: &mut Refusals) -> Result<Tried> {
        let stamp = self.source.stamp(version);
        if !refusals.due(version, stamp, Instant::now()) {
            return Ok(Tried::Refused);
        }
        match self.take(version) {
            Ok(replaced) => {
                self.remember(replaced);
                Ok(Tried::Taken)
            }
            Err(_) if !self.source.has(version) => Ok(Tried::Gone),
            Err(error) => {
                refusals.retain(|known| self.source.has(known));
                refusals.add(version, stamp, Instant::now());
                Err(error)
            }
        }
    }

    /// Loads a version, warms it, and lets it predict; returns the version before. An error changes nothing.
    fn take(&self, version: VersionId) -> Result<VersionId> {
        let _swap = tracing::debug_span!("swap", from = %self.version(), to = %version).entered();
        let next = self.source.load(version)?;
        let current = self.current.load_full();
        next.check(current.model.schema())?;
        next.warm(self.rows.load(Ordering::Relaxed), Some(&current))?;
        drop(current);
        let replaced = {
            let mut state = self.state.lock();
            state.swaps += 1;
            state.since = SystemTime::now();
            self.current.swap(Arc::new(next))
        };
        tracing::info!(from = %replaced.id(), to = %version, "another version predicts");
        let waiting = Instant::now();
        while Arc::strong_count(&replaced) > 1 && waiting.elapsed() < FREEING {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(replaced.id())
    }

    fn remember(&self, replaced: VersionId) {
        let before = &mut self.state.lock().before;
        if before.len() == MOST_BEFORE {
            before.pop_front();
        }
        before.push_back(replaced);
    }

    fn note(&self, version: Option<VersionId>, error: &Error) {
        let problem = Problem::new(version, error);
        let mut state = self.state.lock();
        // What goes on is logged once.
        if state.problem.as_ref().is_none_or(|known| known.error != problem.error) {
            tracing::warn!(%error, "a version cannot be taken; the one before goes on predicting");
        }
        state.problem = Some(problem);
        state.failures += 1;
    }

    fn settled(&self) {
        let mut state = self.state.lock();
        (state.problem, state.failures) = (None, 0);
    }

    /// Takes the version that the host names, in the host's thread.
    pub(super) fn switch(&self, name: VersionName, pin: bool) -> Result<VersionId> {
        let _loading = self.loading.lock();
        let version = self.source.resolve(name)?;
        // If that cannot be told, whatever is the newest later is news.
        let newest = self.source.newest().ok().flatten();
        if version != self.version() {
            let replaced = self.take(version)?;
            self.remember(replaced);
        }
        let mut state = self.state.lock();
        state.passed = newest;
        state.pinned = pin;
        Ok(version)
    }

    pub(super) fn rollback(&self) -> Result<VersionId> {
        let _loading = self.loading.lock();
        let Some(version) = self.state.lock().before.back().copied() else {
            let context = format!("no version predicted here before {}; switch to one by its name", self.version());
            return Err(Error::input("roll back", context));
        };
        self.take(version)?;
        let mut state = self.state.lock();
        state.before.pop_back();
        state.pinned = true;
        Ok(version)
    }

    pub(super) fn pin_current(&self) -> VersionId {
        let _loading = self.loading.lock();
        self.state.lock().pinned = true;
        self.version()
    }

    pub(super) fn unpin(&self) {
        let mut state = self.state.lock();
        (state.pinned, state.passed, state.hurry) = (false, None, true);
        self.wake.notify_all();
    }

    pub(super) fn close(&self) {
        self.state.lock().closing = true;
        self.wake.notify_all();
    }

    /// The body of the thread that looks so often.
    pub(super) fn run(&self, every: Duration) {
        yield_to_the_stream();
        while self.wait(every) {
            let looked = catch_unwind(AssertUnwindSafe(|| self.look()));
            if looked.is_err() {
                self.note(None, &Error::new(ErrorKind::Internal, "follow", "a defect of this library ended it midway"));
            }
        }
    }

    /// Whether to look once more.
    fn wait(&self, every: Duration) -> bool {
        let mut state = self.state.lock();
        let next = Instant::now().checked_add(every);
        while !state.closing && !state.hurry {
            match next {
                Some(next) if self.wake.wait_until(&mut state, next).timed_out() => break,
                Some(_) => {}
                None => self.wake.wait(&mut state),
            }
        }
        state.hurry = false;
        !state.closing
    }
}

/// What came of a version.
enum Tried {
    Taken,
    /// It was refused before, and it is not time to try again.
    Refused,
    /// It was removed before it could be read.
    Gone,
}

/// Why there is nothing to begin with.
enum First {
    Gone(Error),
    Failed(Error),
}

/// The best version that can be read, and why it is not the newest one, if it is not.
fn first(source: &dyn Source, refusals: &mut Refusals) -> Result<(Serving, Option<Problem>), First> {
    let Some(newest) = source.newest().map_err(First::Failed)? else {
        let beginning = source.beginning().and_then(|version| source.load(version));
        return beginning.map(|serving| (serving, None)).map_err(First::Failed);
    };
    let stamp = source.stamp(newest);
    let failed = match source.load(newest) {
        Ok(serving) => return Ok((serving, None)),
        Err(error) if !source.has(newest) => return Err(First::Gone(error)),
        Err(error) => error,
    };
    tracing::warn!(error = %failed, "the newest version cannot be taken");
    refusals.add(newest, stamp, Instant::now());
    let problem = Problem::new(Some(newest), &failed);
    for version in source.next_best(newest, None).map_err(First::Failed)? {
        match source.load(version) {
            Ok(serving) => return Ok((serving, Some(problem))),
            Err(error) => tracing::warn!(%error, "neither can an older one"),
        }
    }
    Err(First::Failed(failed))
}
