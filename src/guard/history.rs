//! The norms of the last batches that were learned, or what else of them is bounded.

use std::collections::VecDeque;

use super::config::Bound;

/// One small norm in so many batches is usual.
const RARE: usize = 32;

/// Logarithms of norms, in the order in which they came and sorted.
#[derive(Debug, Default)]
pub(super) struct History {
    recent: VecDeque<f64>,
    sorted: Vec<f64>,
    /// Batches seen, and which of the last ones had a norm below the least, whether they were learned or not.
    seen: u64,
    small: VecDeque<u64>,
}

impl History {
    /// The least and the largest norm that are like those before; none while it warms up.
    pub(super) fn limits(&self, bound: &Bound) -> Option<(f64, f64)> {
        if self.sorted.len() < bound.warm_up {
            return None;
        }
        let (median, room) = (self.median()?, bound.room(self.deviation()?));
        Some(((median - room).exp(), (median + room).exp()))
    }

    /// Takes note of a batch with a norm below the least; says whether hardly any before was.
    pub(super) fn is_rare(&mut self, bound: &Bound) -> bool {
        let before = self.seen.saturating_sub(bound.window as u64);
        while self.small.front().is_some_and(|small| *small <= before) {
            self.small.pop_front();
        }
        let rare = self.small.len() < (bound.window / RARE).max(1);
        self.small.push_back(self.seen);
        rare
    }

    /// Another batch is looked at.
    pub(super) fn count(&mut self) {
        self.seen += 1;
    }

    pub(super) fn push(&mut self, norm: f64, bound: &Bound) {
        let log = norm.ln();
        if !log.is_finite() {
            return;
        }
        while self.recent.len() >= bound.window {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.sorted.remove(self.place(oldest));
        }
        self.recent.push_back(log);
        self.sorted.insert(self.place(log), log);
    }

    fn place(&self, log: f64) -> usize {
        self.sorted.partition_point(|other| *other < log)
    }

    fn median(&self) -> Option<f64> {
        self.sorted.get(self.sorted.len() / 2).copied()
    }

    /// The median of the distances from the median: those to both sides are sorted already.
    fn deviation(&self) -> Option<f64> {
        let middle = self.sorted.len() / 2;
        let median = self.median()?;
        let mut below = self.sorted[..middle].iter().rev().map(|log| median - log).peekable();
        let mut above = self.sorted[middle..].iter().map(|log| log - median).peekable();
        let mut distance = 0.0;
        for _ in 0..=middle {
            distance = match (below.peek(), above.peek()) {
                (Some(low), Some(high)) if low < high => below.next()?,
                (Some(_), None) => below.next()?,
                _ => above.next()?,
            };
        }
        Some(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound = Bound { window: 9, warm_up: 3, deviations: 2.0, factor: 1.01 };

    /// By the definition.
    fn plain(values: &[f64], bound: &Bound) -> (f64, f64) {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let middle = median(logs.clone());
        let room = bound.room(median(logs.iter().map(|log| (log - middle).abs()).collect()));
        ((middle - room).exp(), (middle + room).exp())
    }

    #[test]
    fn the_limit_is_that_of_the_definition_over_the_last_norms() {
        let mut history = History::default();
        let mut all: Vec<f64> = Vec::new();
        for step in 0..200_u32 {
            let norm = 0.1 + f64::from(step.wrapping_mul(2_654_435_761) % 1000) / if step % 3 == 0 { 7.0 } else { 900.0 };
            history.push(norm, &BOUND);
            all.push(norm);
            let last = &all[all.len().saturating_sub(BOUND.window)..];
            match history.limits(&BOUND) {
                None => assert!(all.len() < BOUND.warm_up),
                Some((least, most)) => {
                    let (below, above) = plain(last, &BOUND);
                    assert!((least / below - 1.0).abs() < 1e-12 && (most / above - 1.0).abs() < 1e-12, "{least} {most} after {step}");
                }
            }
        }
    }

    #[test]
    fn a_window_without_spread_leaves_room_and_a_norm_of_zero_says_nothing() {
        let mut history = History::default();
        for _ in 0..20 {
            history.push(2.0, &Bound { factor: 10.0, ..BOUND });
            history.push(0.0, &BOUND);
        }
        let (least, most) = history.limits(&Bound { factor: 10.0, ..BOUND }).unwrap();
        assert!((least - 0.2).abs() < 1e-9 && (most - 20.0).abs() < 1e-9);
        assert_eq!(history.recent.len(), BOUND.window);
    }

    #[test]
    fn small_norms_are_rare_until_they_are_usual() {
        let bound = Bound { window: 256, ..BOUND };
        let mut history = History::default();
        let mut rare = |small: bool, times: usize| {
            let mut one = || {
                history.count();
                small && history.is_rare(&bound)
            };
            (0..times).filter(|_| one()).count()
        };
        assert_eq!(rare(false, 300), 0);
        assert_eq!(rare(true, 100), 8);
        assert_eq!(rare(false, 300), 0);
        assert_eq!(rare(true, 1), 1);
    }
}
