//! Gradients in the hands of the host.

use std::sync::Arc;

use ndarray::{ArrayViewD, IxDyn};

use crate::bundle::Bundle;
use crate::error::{Error, Result};
use crate::model::{Predictions, TrainingPass};
use crate::tf::Tensor;

/// What a batch says about the parameters, not yet applied. Immutable.
#[derive(Debug)]
pub struct Gradients {
    bundle: Arc<Bundle>,
    version: u64,
    rows: usize,
    pass: TrainingPass,
}

impl Gradients {
    pub(super) fn new(bundle: Arc<Bundle>, version: u64, rows: usize, pass: TrainingPass) -> Self {
        Self { bundle, version, rows, pass }
    }

    /// The loss of the batch.
    pub fn loss(&self) -> f32 {
        self.pass.loss
    }

    /// The rows of the batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The version that they were computed from.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What the model predicted for the batch.
    pub fn predictions(&self) -> &Predictions {
        &self.pass.predictions
    }

    /// The gradient of a parameter, in the parameter's shape.
    pub fn array(&self, parameter: &str) -> Result<ArrayViewD<'_, f32>> {
        let parameters = &self.bundle.manifest().parameters;
        let Some(index) = parameters.iter().position(|known| known.name == parameter) else {
            return Err(Error::input("read gradient", format!("the model has no parameter {parameter}")));
        };
        ArrayViewD::from_shape(IxDyn(&parameters[index].shape.sizes()), self.pass.gradients[index].as_slice()?)
            .map_err(|error| Error::input("read gradient", parameter).with_source(error))
    }

    pub(super) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(super) fn tensors(&self) -> (&[Tensor], &[Tensor]) {
        (&self.pass.gradients, &self.pass.state)
    }
}
