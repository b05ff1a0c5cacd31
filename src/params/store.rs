//! What a trainer asks of the place where parameters live.

use std::fmt::Debug;

use super::layout::Layout;
use super::version::Version;
use crate::error::Result;
use crate::metrics::{MetricValues, OutputRows};
use crate::tf::Tensor;

/// The place where the parameters of one model live. Several trainers may share one, in any number of threads.
///
/// A store may be far away: a push need not be immediate, it may fail, and [`Store::pull`] may return an older version than
/// the newest one anywhere. The stores of this crate are its implementations.
pub trait Store: Debug + Send + Sync {
    /// Begins with the bundle's values, or joins what another trainer of the same bundle has begun.
    fn start(&self, layout: Layout) -> Result<()>;

    /// The newest version known here.
    fn pull(&self) -> Result<Version>;

    /// Applies gradients to the newest version. An error changes nothing.
    fn push(&self, update: Update<'_>) -> Result<Receipt>;

    /// The progressive metrics so far.
    fn metrics(&self) -> Result<MetricValues>;

    /// The learning rate of the next step.
    fn learning_rate(&self) -> Result<f32>;

    /// Bytes of native memory held for parameters, state and slots, kept buffers included.
    fn memory(&self) -> usize;
}

/// What one training run found.
#[derive(Debug)]
pub struct Update<'a> {
    /// The gradient of each parameter; read only.
    pub(crate) gradients: &'a [Tensor],
    /// The state after the run; read only.
    pub(crate) state: &'a [Tensor],
    /// What the metrics take in.
    pub(crate) observation: Option<Observation<'a>>,
}

/// The predictions of a step, made before it, beside their labels.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) loss: f32,
    pub(crate) rows: usize,
    pub(crate) outputs: &'a [OutputRows<'a>],
}

/// What became of a push.
#[derive(Debug)]
pub struct Receipt {
    /// The version that it made.
    pub(crate) version: u64,
    /// The metrics after it.
    pub(crate) metrics: MetricValues,
}
