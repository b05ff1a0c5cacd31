//! Steps that a guard watches.

use std::time::SystemTime;

use super::{Report, Trainer};
use crate::batch::BatchView;
use crate::error::{Error, ErrorKind, Result};
use crate::guard::{GuardStatus, Measure, Quarantined, Response};
use crate::optimizer::sum_of_squares;
use crate::params::{Receipt, Update};

impl Trainer {
    /// What the guard has seen since the store was opened.
    pub fn guard_status(&self) -> GuardStatus {
        self.store.steering().watch.status()
    }

    /// Hands out the batches that were refused, the oldest first, no more than so many. Gradients that [`Trainer::apply`] refused are not
    /// among them: the host has them.
    pub fn drain_quarantine(&self, most: usize) -> Vec<Quarantined> {
        self.store.steering().watch.drain(most)
    }

    /// Hands out the oldest of them, if `take` succeeds.
    pub(crate) fn drain_one<T, E>(&self, take: impl FnOnce(&Quarantined) -> Result<T, E>) -> Result<Option<(Quarantined, T)>, E> {
        self.store.steering().watch.drain_one(take)
    }

    pub(super) fn learn_guarded(&self, batch: &BatchView<'_>, position: Option<&[u8]>) -> Result<Report> {
        let entry = |error: &Error| {
            Some(Quarantined {
                batch: batch.to_batch(self.schema()),
                kind: error.kind(),
                reason: error.to_string(),
                version: self.store.pull().ok()?.id(),
                position: position.map(<[u8]>::to_vec),
                time: SystemTime::now(),
            })
        };
        self.guarded("learn", || self.learn(batch, position), entry)
    }

    /// Runs a step, unless the trainer is paused; counts what is refused and does what the guard is to do then.
    pub(super) fn guarded<T>(
        &self,
        operation: &'static str,
        step: impl FnOnce() -> Result<T>,
        entry: impl FnOnce(&Error) -> Option<Quarantined>,
    ) -> Result<T> {
        let steering = self.store.steering();
        let entered = steering.gate.enter(operation)?;
        let done = step();
        // Whoever pauses waits for the steps under way: this one is not any more.
        drop(entered);
        match done {
            Err(error) if matches!(error.kind(), ErrorKind::NonFinite | ErrorKind::Outlier) => {
                Err(match steering.watch.refused(error.kind(), entry(&error)) {
                    None => error,
                    Some(response) => {
                        let context = format!("{}; {}", error.context(), self.respond(response, &error));
                        Error::new(error.kind(), error.operation(), context)
                    }
                })
            }
            done => done,
        }
    }

    /// Pushes an update that the guard lets pass.
    pub(super) fn push(&self, update: Update<'_>) -> Result<Receipt> {
        let _push = tracing::trace_span!("push").entered();
        let watch = &self.store.steering().watch;
        let measure = if watch.bounds_norms() { Some(measure(&update)?) } else { None };
        // The push names the parameter whose gradient is not finite.
        if let Some(measure) = measure.filter(|measure| measure.norm.is_finite()) {
            watch.judge(measure, "learn")?;
        }
        let receipt = self.store.push(update)?;
        watch.learned(measure);
        Ok(receipt)
    }

    /// Too many updates were refused; says what was done about it.
    fn respond(&self, response: Response, error: &Error) -> String {
        let paused = |why: &str| {
            let reason = format!("too many updates in a row were refused{why}, the last one because of: {error}");
            match self.store.steering().gate.pause(&reason) {
                Ok(()) => format!("too many in a row{why}: the trainer is paused now"),
                Err(error) => error.to_string(),
            }
        };
        let done = match (response, self.store.status().saved, self.store.pull()) {
            (Response::Pause, ..) | (_, _, Err(_)) => paused(""),
            (Response::RollBack, None, _) => paused(", and no version is saved to go back to"),
            (Response::RollBack, Some(saved), Ok(now)) if saved == now.id() => {
                paused(", and nothing was learned since the last saved version")
            }
            (Response::RollBack, Some(saved), Ok(_)) => match self.store.rollback(saved) {
                Ok(made) => format!("too many in a row: the trainer went back to version {saved}, which is {made} now"),
                Err(error) => paused(&format!(", and going back to version {saved} failed ({error})")),
            },
        };
        tracing::warn!("{done}");
        done
    }
}

/// The norm of the gradient, that of rows of tables included, and the loss. Its parts lie in the cache: the run has just written them.
fn measure(update: &Update<'_>) -> Result<Measure> {
    let mut squares = 0.0;
    for gradient in update.gradients.iter().chain(update.row_gradients) {
        squares += sum_of_squares(gradient.as_slice()?);
    }
    Ok(Measure { norm: squares.sqrt(), loss: update.observation.as_ref().map(|observation| f64::from(observation.loss)) })
}
