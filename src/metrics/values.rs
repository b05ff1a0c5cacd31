//! The metrics at one moment.

use std::sync::Arc;

use smallvec::SmallVec;

use super::spec::{Metric, MetricKind};

/// The metrics after some step: plain numbers that do not change while training goes on. Cheap to make and to clone.
///
/// A value is NaN as long as it is not defined: before the first row, in a window of no rows, and an AUC until rows of
/// both classes were seen.
#[derive(Clone, Debug)]
pub struct MetricValues {
    pub(super) metrics: Arc<[Metric]>,
    pub(super) rows: u64,
    pub(super) window_rows: u64,
    /// Total and window, the loss first.
    pub(super) values: SmallVec<[(f64, f64); 4]>,
}

impl MetricValues {
    /// The rows seen since the start.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The rows that the window holds.
    pub fn window_rows(&self) -> u64 {
        self.window_rows
    }

    /// The mean loss of all rows.
    pub fn loss(&self) -> f64 {
        self.at(0).0
    }

    /// The first metric of kind `auc` over all rows; NaN if there is none.
    pub fn auc(&self) -> f64 {
        self.first(MetricKind::Auc)
    }

    /// The first metric of kind `accuracy` over all rows; NaN if there is none.
    pub fn accuracy(&self) -> f64 {
        self.first(MetricKind::Accuracy)
    }

    /// The metric of this name, or `loss`, over all rows; `None` if there is none.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, ..)| *known == name).map(|(_, total, _)| total)
    }

    /// The metric of this name, or `loss`, over the window; `None` if there is none.
    pub fn window(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, ..)| *known == name).map(|(.., window)| window)
    }

    /// Name, value over all rows and value over the window of `loss` and of every metric in the bundle's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64, f64)> {
        let names = std::iter::once("loss").chain(self.metrics.iter().map(|metric| &*metric.name));
        names.zip(&self.values).map(|(name, (total, window))| (name, *total, *window))
    }

    /// Value over all rows and value over the window of the first metric of this kind; NaN if there is none.
    pub fn of_kind(&self, kind: MetricKind) -> (f64, f64) {
        self.metrics.iter().position(|metric| metric.kind == kind).map_or((f64::NAN, f64::NAN), |index| self.at(index + 1))
    }

    fn first(&self, kind: MetricKind) -> f64 {
        self.of_kind(kind).0
    }

    fn at(&self, index: usize) -> (f64, f64) {
        self.values.get(index).copied().unwrap_or((f64::NAN, f64::NAN))
    }
}
