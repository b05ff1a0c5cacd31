//! What one training run found.

use super::{Fed, Model, Predictions, unexpected};
use crate::bundle::StateKind;
use crate::error::{Error, ErrorKind, Result};
use crate::params::{Rows, Version};
use crate::tf::Tensor;
use crate::transform::Input;

/// Loss, predictions, gradients and new state of one fused run. Gradients and state may lie in memory of the graph or of the
/// batch: read them while the batch is there, never write them.
#[derive(Debug)]
pub(crate) struct TrainingPass {
    pub(crate) loss: f32,
    pub(crate) predictions: Predictions,
    pub(crate) gradients: Vec<Tensor>,
    /// Of the rows of each table.
    pub(crate) row_gradients: Vec<Tensor>,
    /// What comes next, or of moments what the batch adds.
    pub(crate) state: Vec<Tensor>,
}

impl TrainingPass {
    pub(super) fn new(
        model: &Model,
        version: &Version,
        pulled: &Rows,
        input: &Input<'_>,
        fetched: Vec<Tensor>,
        fed: &Fed<'_>,
    ) -> Result<Self> {
        let manifest = model.bundle.manifest();
        let mut fetched = fetched.into_iter();
        let mut take = |count| fetched.by_ref().take(count).collect::<Vec<_>>();
        let loss = take(1).first().map_or_else(|| Err(unexpected("the loss is missing".into())), scalar)?;
        let (predictions, gradients) = (take(manifest.outputs.len()), take(manifest.parameters.len()));
        let row_gradients = take(manifest.tables.len());
        let state = manifest.state.iter().enumerate().map(|(index, state)| match state.kind {
            StateKind::Moments => input.moments(index),
            _ => fetched.next().ok_or_else(|| unexpected(format!("the new value of {} is missing", state.name))),
        });
        let state = state.collect::<Result<_>>()?;
        for (index, (gradient, table)) in row_gradients.iter().zip(&manifest.tables).enumerate() {
            let (_, rows) = pulled.rows(index);
            if *gradient.dims() != [rows as i64, table.dim as i64] {
                let context = format!("the gradient of {rows} rows of {} has shape {:?}", table.name, gradient.dims());
                return Err(unexpected(context));
            }
        }
        for (gradient, parameter) in gradients.iter().zip(&manifest.parameters) {
            if gradient.as_bytes().len() != parameter.shape.elements() * size_of::<f32>() {
                let context =
                    format!("the gradient of {} has shape {:?}, the parameter {}", parameter.name, gradient.dims(), parameter.shape);
                return Err(unexpected(context));
            }
        }
        if !loss.is_finite() {
            let context = format!("the loss is {loss}; check the batch and the learning rate; nothing was changed");
            return Err(Error::new(ErrorKind::NonFinite, "compute loss", context));
        }
        Ok(Self {
            loss,
            predictions: Predictions::new(model, version, input.batch().rows(), predictions, fed)?,
            gradients,
            row_gradients,
            state,
        })
    }

    /// The same, free of the batch's memory.
    pub(crate) fn detach(self, fed: &Fed<'_>) -> Result<Self> {
        let detach = |tensors: Vec<Tensor>| tensors.into_iter().map(|tensor| fed.detach(tensor)).collect::<Result<Vec<_>>>();
        let (gradients, row_gradients) = (detach(self.gradients)?, detach(self.row_gradients)?);
        Ok(Self { gradients, row_gradients, state: detach(self.state)?, ..self })
    }
}

pub(super) fn scalar(tensor: &Tensor) -> Result<f32> {
    match tensor.as_slice::<f32>()? {
        [value] => Ok(*value),
        _ => Err(unexpected(format!("the loss has shape {:?}, not one value", tensor.dims()))),
    }
}
