//! The last steps, as many as fit a number of rows.

use std::collections::VecDeque;

use super::auc::Histogram;

/// What the metrics would be, had the stream begun some thousand rows ago. Whole steps enter and leave: it holds as many
/// of the last steps as have no more rows than `limit` together, and at least one.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) limit: u64,
    pub(super) rows: u64,
    /// The rows of each step.
    pub(super) steps: VecDeque<u32>,
    /// What each step added to the sums, step by step.
    pub(super) parts: VecDeque<f64>,
    /// The sum of the parts of all steps.
    pub(super) sums: Vec<f64>,
    /// Steps that left since the sums were last added up anew.
    pub(super) left: u64,
    pub(super) areas: Vec<Area>,
}

/// The rows of one AUC metric.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub(super) histogram: Histogram<u32>,
    /// Twice the bin, plus one for a positive, of each score.
    pub(super) scores: VecDeque<u16>,
    pub(super) scores_per_row: usize,
}

impl Area {
    pub(super) fn new(scores_per_row: usize) -> Self {
        Self { histogram: Histogram::new(), scores: VecDeque::new(), scores_per_row }
    }

    #[inline(always)]
    pub(super) fn add(&mut self, bin: u16, positive: bool) {
        self.histogram.add(bin, positive);
        self.scores.push_back(bin << 1 | u16::from(positive));
    }

    fn remove(&mut self, rows: u32) {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2.
            unsafe { self.remove_avx2(rows) }
        } else {
            self.remove_each(rows);
        }
    }

    #[target_feature(enable = "avx2")]
    fn remove_avx2(&mut self, rows: u32) {
        self.remove_each(rows);
    }

    #[inline(always)]
    fn remove_each(&mut self, rows: u32) {
        for score in self.scores.drain(..rows as usize * self.scores_per_row) {
            self.histogram.remove(score >> 1, score & 1 == 1);
        }
    }
}

impl Window {
    pub(super) fn new(limit: u64, sums: usize, areas: Vec<Area>) -> Self {
        Self { limit, rows: 0, steps: VecDeque::new(), parts: VecDeque::new(), sums: vec![0.0; sums], left: 0, areas }
    }

    /// Takes in a step, whose scores are in the areas already.
    pub(super) fn push(&mut self, rows: u32, parts: &[f64]) {
        self.rows += u64::from(rows);
        self.steps.push_back(rows);
        self.parts.extend(parts);
        for (sum, part) in self.sums.iter_mut().zip(parts) {
            *sum += part;
        }
        self.evict();
    }

    /// Lets the oldest steps go until the rest is within the limit.
    pub(super) fn evict(&mut self) {
        while self.rows > self.limit && self.steps.len() > 1 {
            let Some(rows) = self.steps.pop_front() else { return };
            self.rows -= u64::from(rows);
            let width = self.sums.len();
            for (sum, part) in self.sums.iter_mut().zip(self.parts.drain(..width)) {
                *sum -= part;
            }
            for area in &mut self.areas {
                area.remove(rows);
            }
            self.left += 1;
        }
        // Subtracting leaves rounding errors behind: start again before they add up to more than a window's own.
        if self.left >= self.steps.len() as u64 {
            self.add_up();
        }
    }

    fn add_up(&mut self) {
        self.left = 0;
        self.sums.fill(0.0);
        let width = self.sums.len();
        for (index, part) in self.parts.iter().enumerate() {
            self.sums[index % width] += part;
        }
    }

    /// Takes in the steps of another window as the latest.
    pub(super) fn append(&mut self, other: &Self) {
        self.rows += other.rows;
        self.steps.extend(&other.steps);
        self.parts.extend(&other.parts);
        for (area, other) in self.areas.iter_mut().zip(&other.areas) {
            other.scores.iter().for_each(|score| area.add(score >> 1, score & 1 == 1));
        }
        self.add_up();
        self.evict();
    }
}
