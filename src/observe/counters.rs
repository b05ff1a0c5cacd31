//! What is counted of every step, whether anybody looks or not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::ErrorKind;

/// The upper bounds of the histogram of step times, in seconds.
pub(crate) const BOUNDS: [f64; 19] =
    [1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counts of one trainer since it was opened. Each number is right by itself; two read one after the other may have a step between them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    steps: AtomicU64,
    rows: AtomicU64,
    applied: AtomicU64,
    nanos: [AtomicU64; 3],
    /// Steps that took no longer than each bound, but longer than the one before it; the last: than all of them.
    times: [AtomicU64; BOUNDS.len() + 1],
    loss: AtomicU32,
    refused: Mutex<BTreeMap<String, u64>>,
}

/// Steps, their rows and where their time went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps: u64,
    pub(crate) rows: u64,
    /// Of pull, run and push.
    pub(crate) nanos: [u64; 3],
}

impl Counters {
    /// Counts a step; returns how many there were before it.
    pub(crate) fn step(&self, rows: usize, loss: f32, times: [Duration; 3]) -> u64 {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.loss.store(loss.to_bits(), Ordering::Relaxed);
        for (sum, time) in self.nanos.iter().zip(times) {
            sum.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        }
        let seconds = times.iter().sum::<Duration>().as_secs_f64();
        self.times[BOUNDS.partition_point(|bound| *bound < seconds)].fetch_add(1, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts gradients that the host had computed before.
    pub(crate) fn applied(&self) {
        self.applied.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a batch that changed nothing.
    pub(crate) fn refused(&self, kind: ErrorKind) {
        *self.refused.lock().entry(name(kind)).or_default() += 1;
    }

    pub(crate) fn totals(&self) -> Totals {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Totals { steps: read(&self.steps), rows: read(&self.rows), nanos: self.nanos.each_ref().map(read) }
    }

    pub(crate) fn all_applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// The batches that changed nothing, by the kind of their error.
    pub(crate) fn all_refused(&self) -> BTreeMap<String, u64> {
        self.refused.lock().clone()
    }

    /// How many steps took no longer than each of the [`BOUNDS`], and how many there were.
    pub(crate) fn times(&self) -> [u64; BOUNDS.len() + 1] {
        let mut below = 0;
        self.times.each_ref().map(|count| {
            below += count.load(Ordering::Relaxed);
            below
        })
    }

    /// The loss of the last batch, once there was one.
    pub(crate) fn loss(&self) -> Option<f32> {
        (self.steps.load(Ordering::Relaxed) > 0).then(|| f32::from_bits(self.loss.load(Ordering::Relaxed)))
    }
}

/// As Prometheus writes it: `NonFinite` is `non_finite`.
fn name(kind: ErrorKind) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_counted_in_the_bucket_of_its_time() {
        let counters = Counters::default();
        let times = |micros| [Duration::ZERO, Duration::from_micros(micros), Duration::ZERO];
        assert_eq!(counters.loss(), None);
        assert_eq!(counters.step(32, 0.5, times(10)), 0);
        assert_eq!(counters.step(8, 0.25, times(30)), 1);
        assert_eq!(counters.step(1, 0.75, times(20_000_000)), 2);
        assert_eq!(counters.times()[..4], [1, 1, 2, 2]);
        assert_eq!(counters.times()[BOUNDS.len() - 1..], [2, 3]);
        let Totals { steps, rows, nanos } = counters.totals();
        assert_eq!((steps, rows, nanos), (3, 41, [0, 20_000_040_000, 0]));
        assert_eq!(counters.loss(), Some(0.75));
    }
}
