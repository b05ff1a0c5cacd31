//! The guard at work.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::config::{Guard, Response};
use super::history::History;
use super::quarantine::{Quarantine, Quarantined};
use crate::error::{Error, ErrorKind, Result};

/// What a guard has seen since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GuardStatus {
    /// Updates refused because a loss, a gradient or a new parameter was not finite.
    pub not_finite: u64,
    /// Updates refused because the gradient's norm was far beyond those before.
    pub outliers: u64,
    /// Of those the ones in a row, up to now.
    pub in_row: u64,
    /// How often there were so many in a row that the trainer paused or went back.
    pub responses: u64,
    /// Refused batches that wait to be drained.
    pub quarantined: u64,
    /// Refused batches that were dropped for newer ones.
    pub dropped: u64,
    /// The norm of the last gradient, if norms are bounded.
    pub norm: Option<f64>,
    /// The largest norm that is not refused; none while the guard warms up, or if norms are not bounded.
    pub limit: Option<f64>,
}

/// What of an update is bounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Of its gradient.
    pub(crate) norm: f64,
    /// Of its batch, if there was one.
    pub(crate) loss: Option<f64>,
}

impl Measure {
    /// The norm for each unit of a loss, where losses have one.
    fn per_loss(&self) -> Option<f64> {
        self.loss.filter(|loss| *loss > 0.0).map(|loss| self.norm / loss)
    }
}

/// The guard of a store.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of the trainer that opened the store first.
    guard: Option<Guard>,
    norms: History,
    norms_per_loss: History,
    quarantine: Quarantine,
    /// But for what is computed when it is asked for.
    status: GuardStatus,
}

impl Watch {
    /// The first guard stays.
    pub(crate) fn begin(&self, guard: Guard) {
        self.state.lock().guard.get_or_insert(guard);
    }

    /// Whether it asks for norms.
    pub(crate) fn bounds_norms(&self) -> bool {
        self.state.lock().guard.as_ref().is_some_and(|guard| guard.bound.is_some())
    }

    /// Refuses a gradient whose norm is far from those before, or far above what it was for such a loss.
    ///
    /// # Errors
    /// `Outlier`.
    pub(crate) fn judge(&self, measure: Measure, operation: &'static str) -> Result<()> {
        let mut state = self.state.lock();
        let norm = measure.norm;
        state.status.norm = Some(norm);
        let State { guard: Some(Guard { bound: Some(bound), .. }), norms, norms_per_loss, .. } = &mut *state else { return Ok(()) };
        norms.count();
        let refused = match norms.limits(bound) {
            Some((_, most)) if norm > most => format!("recent ones let no more than {most:.4} pass"),
            Some((least, _)) if norm < least && norms.is_rare(bound) => format!("recent ones let no less than {least:.4} pass"),
            _ => match (measure.per_loss(), norms_per_loss.limits(bound)) {
                (Some(found), Some((_, most))) if found > most => {
                    let loss = norm / found;
                    format!("recent ones let no more than {:.2e} pass where the loss is {loss:.2e}", most * loss)
                }
                _ => return Ok(()),
            },
        };
        let context = format!("the gradient's norm is {norm:.4}, {refused}; check the batch; nothing was changed");
        Err(Error::new(ErrorKind::Outlier, operation, context))
    }

    /// An update was applied.
    pub(crate) fn learned(&self, measure: Option<Measure>) {
        let mut state = self.state.lock();
        state.status.in_row = 0;
        let State { guard: Some(guard), norms, norms_per_loss, .. } = &mut *state else { return };
        if let (Some(measure), Some(bound)) = (measure, &guard.bound) {
            norms.push(measure.norm, bound);
            measure.per_loss().into_iter().for_each(|norm| norms_per_loss.push(norm, bound));
        }
    }

    /// An update was refused. What is to be done, if it is time for that.
    pub(crate) fn refused(&self, kind: ErrorKind, entry: Option<Quarantined>) -> Option<Response> {
        let mut state = self.state.lock();
        let State { guard, quarantine, status, .. } = &mut *state;
        let guard = guard.as_ref()?;
        match kind {
            ErrorKind::Outlier => status.outliers += 1,
            _ => status.not_finite += 1,
        }
        status.in_row += 1;
        if let Some(entry) = entry {
            quarantine.push(entry, guard.quarantine);
        }
        if guard.response.is_some() && status.in_row >= guard.after {
            status.in_row = 0;
            status.responses += 1;
            return guard.response;
        }
        None
    }

    /// Hands out refused batches, the oldest first.
    pub(crate) fn drain(&self, most: usize) -> Vec<Quarantined> {
        self.state.lock().quarantine.take(most)
    }

    /// Hands out the oldest, if `take` succeeds.
    pub(crate) fn drain_one<T, E>(&self, take: impl FnOnce(&Quarantined) -> Result<T, E>) -> Result<Option<(Quarantined, T)>, E> {
        let mut state = self.state.lock();
        let Some(taken) = state.quarantine.first().map(take).transpose()? else { return Ok(None) };
        Ok(state.quarantine.take(1).pop().map(|entry| (entry, taken)))
    }

    pub(crate) fn status(&self) -> GuardStatus {
        let state = self.state.lock();
        let (quarantined, dropped) = (state.quarantine.len() as u64, state.quarantine.dropped);
        GuardStatus { quarantined, dropped, limit: state.limit(), ..state.status.clone() }
    }
}

impl State {
    fn limit(&self) -> Option<f64> {
        Some(self.norms.limits(self.guard.as_ref()?.bound.as_ref()?)?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_norm_is_bounded_by_the_loss_too() {
        let watch = Watch::default();
        watch.begin(Guard::default());
        let measure = |norm, loss| Measure { norm, loss };
        let judge = |norm, loss| watch.judge(measure(norm, loss), "learn");
        for batch in 0..80 {
            let norm = 1.0 + f64::from(batch % 7);
            judge(norm, Some(norm / 2.0)).unwrap();
            watch.learned(Some(measure(norm, Some(norm / 2.0))));
        }
        let error = judge(2.0, Some(1e-3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Outlier);
        assert!(error.to_string().contains("where the loss is 1.00e-3"), "{error}");
        // A loss that is large for its norm, of gradients that the host computed, or of a kind that may be negative.
        for loss in [Some(1e3), None, Some(0.0), Some(-1.0)] {
            judge(2.0, loss).unwrap();
        }
    }
}
