//! The accumulators of the metrics as plain data, to be kept with a version.

use serde::{Deserialize, Serialize};

use super::Metrics;
use super::auc::{BINS, Histogram};
use super::window::{Area, Window};
use crate::error::{Error, Result};

/// More rows than this are damage; up to it no sum or product overflows.
const MOST_ROWS: u64 = 1 << 48;

/// All that [`Metrics`] has accumulated. Restored, it goes on with the same bits.
///
/// Sums are the bits of `f64`: a decimal form would lose some, and JSON has no NaN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsState {
    pub(crate) names: Vec<String>,
    pub(crate) rows: u64,
    pub(crate) sums: Vec<u64>,
    /// For each AUC: bin, positives and negatives of every bin that has some.
    pub(crate) areas: Vec<Vec<(u16, u64, u64)>>,
    pub(crate) window: WindowState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WindowState {
    pub(crate) steps: Vec<u32>,
    pub(crate) parts: Vec<u64>,
    pub(crate) sums: Vec<u64>,
    pub(crate) left: u64,
    /// For each AUC: twice the bin, plus one for a positive, of every score.
    pub(crate) scores: Vec<Vec<u16>>,
}

fn bits<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
    numbers.into_iter().map(|number| number.to_bits()).collect()
}

fn numbers(bits: &[u64]) -> impl Iterator<Item = f64> {
    bits.iter().map(|bits| f64::from_bits(*bits))
}

impl Metrics {
    /// What was accumulated so far.
    pub fn state(&self) -> MetricsState {
        let used = |area: &Histogram<u64>| area.bins().filter(|(_, positives, negatives)| positives + negatives > 0).collect();
        MetricsState {
            names: self.names().map(str::to_owned).collect(),
            rows: self.rows,
            sums: bits(&self.sums),
            areas: self.areas.iter().map(used).collect(),
            window: WindowState {
                steps: self.window.steps.iter().copied().collect(),
                parts: bits(&self.window.parts),
                sums: bits(&self.window.sums),
                left: self.window.left,
                scores: self.window.areas.iter().map(|area| area.scores.iter().copied().collect()).collect(),
            },
        }
    }

    /// Goes on from a state that the same metrics had accumulated, in a window of these metrics' size.
    ///
    /// # Errors
    /// `InvalidInput` if it is the state of other metrics or contradicts itself; nothing is changed then.
    pub fn restore(&mut self, state: &MetricsState) -> Result<()> {
        let invalid = |context: &str| Error::input("restore metrics", context);
        if !self.names().eq(state.names.iter().map(String::as_str)) {
            return Err(invalid("the state is of other metrics"));
        }
        let saved = &state.window;
        let rows: u64 = saved.steps.iter().map(|rows| u64::from(*rows)).sum();
        let fits = state.sums.len() == self.sums.len()
            && state.areas.len() == self.areas.len()
            && saved.sums.len() == self.sums.len()
            && Some(saved.parts.len()) == saved.steps.len().checked_mul(self.sums.len())
            && saved.scores.len() == self.areas.len()
            && (saved.scores.iter().zip(&self.window.areas))
                .all(|(scores, area)| Some(scores.len() as u64) == rows.checked_mul(area.scores_per_row as u64));
        let counted = |bins: &[(u16, u64, u64)], area: &Area| {
            let count = bins.iter().try_fold(0u64, |sum, (_, positives, negatives)| sum.checked_add(*positives)?.checked_add(*negatives));
            count.is_some() && count == state.rows.checked_mul(area.scores_per_row as u64)
        };
        let in_range = (state.areas.iter().flatten()).all(|(bin, ..)| usize::from(*bin) < BINS)
            && state.rows <= MOST_ROWS
            && saved.left <= saved.steps.len() as u64
            && state.areas.iter().zip(&self.window.areas).all(|(bins, area)| counted(bins, area))
            && saved.scores.iter().flatten().all(|score| usize::from(score >> 1) < BINS);
        if !fits || !in_range {
            return Err(invalid("the state is damaged"));
        }

        let areas = self.window.areas.iter().zip(&saved.scores).map(|(area, scores)| {
            let mut restored = Area::new(area.scores_per_row);
            scores.iter().for_each(|score| restored.add(score >> 1, score & 1 == 1));
            restored
        });
        let mut window = Window::new(self.window.limit, self.sums.len(), areas.collect());
        window.rows = rows;
        window.steps.extend(&saved.steps);
        window.parts.extend(numbers(&saved.parts));
        window.sums = numbers(&saved.sums).collect();
        window.left = saved.left;
        window.evict();
        if window.limit > 0 {
            self.window = window;
        }
        self.rows = state.rows;
        self.sums = numbers(&state.sums).collect();
        self.areas = state.areas.iter().map(|bins| Histogram::from_bins(bins.iter().copied())).collect();
        Ok(())
    }
}
