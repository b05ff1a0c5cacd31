//! The norms of the last batches that were learned.

use std::collections::VecDeque;

use super::config::Bound;

/// One zero in so many batches is usual.
const RARE: usize = 64;

/// Logarithms of norms, in the order in which they came and sorted.
#[derive(Debug, Default)]
pub(super) struct History {
    recent: VecDeque<f64>,
    sorted: Vec<f64>,
    /// Batches seen, and which of the last ones had a gradient of zero, whether they were learned or not.
    seen: u64,
    zeros: VecDeque<u64>,
}

impl History {
    /// The largest norm that is like those before; none while it warms up.
    pub(super) fn limit(&self, bound: &Bound) -> Option<f64> {
        if self.sorted.len() < bound.warm_up {
            return None;
        }
        Some((self.median()? + bound.room(self.deviation()?)).exp())
    }

    /// Takes note of a batch; says whether its gradient is zero, and hardly any before was.
    pub(super) fn is_rare_zero(&mut self, norm: f64, bound: &Bound) -> bool {
        self.seen += 1;
        if norm > 0.0 {
            return false;
        }
        let before = self.seen.saturating_sub(bound.window as u64);
        while self.zeros.front().is_some_and(|zero| *zero <= before) {
            self.zeros.pop_front();
        }
        let rare = self.sorted.len() >= bound.warm_up && self.zeros.len() < (bound.window / RARE).max(1);
        self.zeros.push_back(self.seen);
        rare
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
    fn plain(values: &[f64], bound: &Bound) -> f64 {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let middle = median(logs.clone());
        (middle + bound.room(median(logs.iter().map(|log| (log - middle).abs()).collect()))).exp()
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
            match history.limit(&BOUND) {
                None => assert!(all.len() < BOUND.warm_up),
                Some(limit) => assert!((limit / plain(last, &BOUND) - 1.0).abs() < 1e-12, "{limit} after {step}"),
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
        assert!((history.limit(&Bound { factor: 10.0, ..BOUND }).unwrap() - 20.0).abs() < 1e-9);
        assert_eq!(history.recent.len(), BOUND.window);
    }

    #[test]
    fn zeros_are_rare_until_they_are_usual() {
        let bound = Bound { window: 256, ..BOUND };
        let mut history = History::default();
        let mut rare = |norm: f64, times: usize| (0..times).filter(|_| history.is_rare_zero(norm, &bound)).count();
        assert_eq!(rare(0.0, 10), 0, "while it warms up");
        assert_eq!(rare(1.0, 300), 0);
        (0..3).for_each(|_| history.push(1.0, &bound));
        let mut rare = |norm: f64, times: usize| (0..times).filter(|_| history.is_rare_zero(norm, &bound)).count();
        assert_eq!(rare(0.0, 100), 4);
        assert_eq!(rare(1.0, 300), 0);
        assert_eq!(rare(0.0, 1), 1);
    }
}
