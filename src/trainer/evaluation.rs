//! What an evaluation returns.

use crate::error::{Error, Result};
use crate::metrics::MetricValues;

/// Loss and metrics of one version over all rows of some batches.
#[derive(Clone, Debug)]
pub struct Evaluation {
    version: u64,
    metrics: MetricValues,
}

impl Evaluation {
    pub(super) fn new(version: u64, metrics: MetricValues) -> Result<Self> {
        match metrics.rows() {
            0 => Err(Error::input("evaluate", "there was no batch to evaluate")),
            _ => Ok(Self { version, metrics }),
        }
    }

    /// The version that was evaluated.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The mean loss over all rows, regularizers included.
    pub fn loss(&self) -> f64 {
        self.metrics.loss()
    }

    /// The rows evaluated.
    pub fn rows(&self) -> u64 {
        self.metrics.rows()
    }

    /// The metrics over all rows.
    pub fn metrics(&self) -> &MetricValues {
        &self.metrics
    }
}
