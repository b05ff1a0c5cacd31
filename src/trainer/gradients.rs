//! Gradients in the hands of the host.

use std::sync::Arc;

use ndarray::{ArrayViewD, IxDyn};
use parking_lot::Mutex;

use crate::bundle::Bundle;
use crate::error::{Error, Result};
use crate::model::{Predictions, PulledRows, TrainingPass};
use crate::params::Update;

/// What a batch says about the parameters, not yet applied. Immutable.
#[derive(Debug)]
pub struct Gradients {
    bundle: Arc<Bundle>,
    version: u64,
    rows: usize,
    /// What the run read of tables.
    pulled: Mutex<PulledRows>,
    pass: TrainingPass,
}

impl Gradients {
    pub(super) fn new(bundle: Arc<Bundle>, version: u64, rows: usize, pulled: PulledRows, pass: TrainingPass) -> Self {
        Self { bundle, version, rows, pulled: Mutex::new(pulled), pass }
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

    /// The gradient of a table's rows, `[ids, dim]`, and the ids whose rows these are: each id of the batch once.
    pub fn rows_of(&self, table: &str) -> Result<(Vec<u64>, ArrayViewD<'_, f32>)> {
        let tables = &self.bundle.manifest().tables;
        let Some(index) = tables.iter().position(|known| known.name == table) else {
            return Err(Error::input("read gradient", format!("the model has no table {table}")));
        };
        let ids = self.pulled.lock().ids(index).to_vec();
        let rows = ArrayViewD::from_shape(IxDyn(&[ids.len(), tables[index].dim]), self.pass.row_gradients[index].as_slice()?)
            .map_err(|error| Error::input("read gradient", table).with_source(error))?;
        Ok((ids, rows))
    }

    pub(super) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Hands on the update that they are.
    pub(super) fn update<T>(&self, push: impl FnOnce(Update<'_>) -> T) -> T {
        let TrainingPass { gradients, row_gradients, state, .. } = &self.pass;
        let rows = &mut self.pulled.lock();
        push(Update { gradients, rows, row_gradients, state, observation: None, position: None })
    }
}
