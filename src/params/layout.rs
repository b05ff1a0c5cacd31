//! What a store of a model must hold, and how it changes.

use serde_json::Value;

use super::version::{Dense, Slots};
use crate::bundle::{Bundle, Manifest, Output};
use crate::error::Result;
use crate::metrics::{Metrics, OutputSpec};
use crate::optimizer::Optimizer;
use crate::tensor::DType;
use crate::tf::Tensor;

/// The tensors of a model, the rule that moves them, the metrics that watch it.
#[derive(Debug)]
pub struct Layout {
    /// The bundle that it belongs to.
    pub(crate) identity: String,
    pub(crate) optimizer: Optimizer,
    pub(crate) metrics: Metrics,
    /// The values that the bundle starts with.
    pub(crate) initial: Dense,
}

impl Layout {
    pub(crate) fn new(bundle: &Bundle, learning_rate: Option<f32>, window: usize) -> Result<Self> {
        let manifest = bundle.manifest();
        let sizes: Vec<_> = manifest.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.shape.elements())).collect();
        let optimizer = Optimizer::from_json(&manifest.optimizer, &sizes)?;
        let value = |name: &str, dtype: DType, dims: &[i64]| {
            let mut tensor = Tensor::allocate(dtype, dims)?;
            tensor.copy_from(bundle.values().bytes(name)?)?;
            Ok(tensor)
        };
        let parameters = manifest.parameters.iter().map(|weight| value(&weight.name, weight.dtype, weight.shape.dims()));
        let state = manifest.state.iter().map(|weight| value(&weight.name, weight.dtype, weight.shape.dims()));
        Ok(Self {
            identity: bundle.identity().to_owned(),
            optimizer: match learning_rate {
                Some(rate) => optimizer.with_learning_rate(rate)?,
                None => optimizer,
            },
            metrics: Metrics::from_json(&Value::Array(manifest.metrics.clone()), &outputs(manifest), window)?,
            initial: Dense::new(parameters.collect::<Result<_>>()?, state.collect::<Result<_>>()?),
        })
    }

    /// The slots before the first step.
    pub(crate) fn slots(&self) -> Result<Slots> {
        let tensors = self.optimizer.slots().iter().map(|slot| {
            let of = |parameter: &Tensor| {
                let mut tensor = Tensor::allocate(DType::F32, &parameter.dims())?;
                tensor.as_mut_slice::<f32>()?.fill(slot.initial);
                Ok(tensor)
            };
            self.initial.parameters.iter().map(of).collect::<Result<Vec<_>>>()
        });
        Ok(Slots { tensors: tensors.collect::<Result<_>>()? })
    }
}

/// What the metrics can read: outputs of `float32` beside labels that are no strings.
fn outputs(manifest: &Manifest) -> Vec<OutputSpec<'_>> {
    let label = |output: &Output| {
        let label = manifest.labels.iter().find(|label| label.output.as_ref() == Some(&output.name))?;
        (output.dtype == DType::F32 && label.dtype != DType::String).then_some(&label.shape)
    };
    manifest.outputs.iter().map(|output| OutputSpec { name: &output.name, shape: &output.shape, label: label(output) }).collect()
}
