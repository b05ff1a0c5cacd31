//! What a step returns.

use std::time::Duration;

use crate::metrics::MetricValues;
use crate::model::Predictions;
use crate::params::Receipt;

/// What one step found and made. Plain data: it does not change while training goes on.
#[derive(Debug)]
pub struct Report {
    loss: f32,
    predictions: Predictions,
    metrics: MetricValues,
    version: u64,
    timings: Timings,
}

/// Where a step's time went.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// Getting the newest version.
    pub pull: Duration,
    /// The run of the graph, checks of the batch included.
    pub run: Duration,
    /// The update.
    pub push: Duration,
}

impl Report {
    pub(super) fn new(receipt: &Receipt, loss: f32, predictions: Predictions, timings: Timings) -> Self {
        Self { loss, predictions, metrics: receipt.metrics.clone(), version: receipt.version, timings }
    }

    /// The loss of the batch in the training pass, before the update, regularizers included.
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// The rows learned.
    pub fn rows(&self) -> usize {
        self.predictions.rows()
    }

    /// What the model predicted for the batch before it learned from it.
    pub fn predictions(&self) -> &Predictions {
        &self.predictions
    }

    /// The progressive metrics, this batch included.
    pub fn metrics(&self) -> &MetricValues {
        &self.metrics
    }

    /// The version that the gradient was computed from.
    pub fn gradient_version(&self) -> u64 {
        self.predictions.version()
    }

    /// The version that the step made.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where the time went.
    pub fn timings(&self) -> Timings {
        self.timings
    }
}
