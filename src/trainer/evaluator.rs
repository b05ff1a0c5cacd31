//! Evaluating batch by batch.

use super::{Evaluation, Trainer, observe};
use crate::batch::BatchView;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::model::Predictions;
use crate::params::Version;

/// Loss and metrics of one version in inference, batch by batch; made by [`Trainer::evaluator`]. Nothing is learned, and the version
/// stays the same while training goes on. `Send`.
#[derive(Debug)]
pub struct Evaluator<'t> {
    trainer: &'t Trainer,
    version: Version,
    metrics: Metrics,
}

impl<'t> Evaluator<'t> {
    pub(super) fn new(trainer: &'t Trainer, version: Version) -> Self {
        Self { trainer, version, metrics: trainer.metrics.clone() }
    }

    /// Takes in a batch; returns its loss and its predictions.
    ///
    /// # Errors
    /// `InvalidInput` if a column is missing or wrong; the batch does not count then.
    pub fn add<'a>(&mut self, batch: impl Into<BatchView<'a>>) -> Result<(f32, Predictions)> {
        let batch = batch.into();
        let (loss, predictions) = self.trainer.model.evaluate(&self.version, &batch)?;
        self.metrics.update(loss, batch.rows(), &observe::outputs(self.trainer.schema(), &batch, &predictions))?;
        Ok((loss, predictions))
    }

    /// Loss and metrics of all batches.
    ///
    /// # Errors
    /// `InvalidInput` if there was none.
    pub fn finish(self) -> Result<Evaluation> {
        Evaluation::new(self.version.number(), self.metrics.read())
    }
}
