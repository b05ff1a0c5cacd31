//! What a trainer tells of itself while it learns.

use std::sync::Arc;
use std::time::SystemTime;

use super::Report;
use crate::bundle::Bundle;
use crate::error::{Error, Result};
use crate::observe::tensorboard::{Held, Recorder, Sample, Wanted};
use crate::observe::{Counters, TensorBoard, TensorBoardStatus};
use crate::optimizer::sum_of_squares;
use crate::params::Store;
use crate::tf::Tensor;

/// Counts every step, and hands samples on for TensorBoard. Nothing that fails here is heard of in a step.
#[derive(Debug)]
pub(super) struct Observer {
    counters: Counters,
    recorder: Option<Recorder>,
}

impl Observer {
    pub(super) fn new(tensorboard: Option<&TensorBoard>, bundle: &Arc<Bundle>) -> Result<Self> {
        let recorder = tensorboard.map(|options| Recorder::start(options, bundle.clone())).transpose()?;
        Ok(Self { counters: Counters::default(), recorder })
    }

    /// A step was made, from these gradients of all parameters and of the rows of all tables.
    pub(super) fn learned(&self, report: &Report, gradients: &[Tensor], row_gradients: &[Tensor], store: &dyn Store) {
        let timings = report.timings();
        let steps = self.counters.step(report.rows(), report.loss(), [timings.pull, timings.run, timings.push]);
        if let Some(recorder) = &self.recorder
            && let Some(wanted) = recorder.wants(steps)
            && let Some(sample) = self.sample(recorder, wanted, report, gradients.iter().chain(row_gradients), store)
        {
            recorder.offer(sample);
        }
    }

    #[cold]
    fn sample<'t>(
        &self,
        recorder: &Recorder,
        Wanted { histograms }: Wanted,
        report: &Report,
        gradients: impl Iterator<Item = &'t Tensor>,
        store: &dyn Store,
    ) -> Option<Sample> {
        let gradients = gradients.map(|gradient| gradient.as_slice::<f32>()).collect::<Result<Vec<_>>>().ok()?;
        let values = store.pull().ok()?;
        Some(Sample {
            time: SystemTime::now(),
            version: report.version(),
            lineage: values.id().lineage,
            age: report.version().saturating_sub(report.gradient_version() + 1),
            loss: report.loss(),
            metrics: report.metrics().clone(),
            learning_rate: store.learning_rate().ok(),
            gradient_norm: gradients.iter().map(|gradient| sum_of_squares(gradient)).sum::<f64>().sqrt(),
            totals: self.counters.totals(),
            held: recorder.turn().map(|turn| {
                // Their memory may be that of the batch, or of the graph's.
                let gradients = histograms.then(|| gradients.iter().map(|gradient| gradient.to_vec()).collect());
                Held { values, gradients, turn }
            }),
        })
    }

    pub(super) fn applied(&self) {
        self.counters.applied();
    }

    pub(super) fn refused(&self, error: &Error) {
        self.counters.refused(error.kind());
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn tensorboard_status(&self) -> Option<TensorBoardStatus> {
        self.recorder.as_ref().map(Recorder::status)
    }
}
