//! What a step hands on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::super::counters::Totals;
use crate::metrics::MetricValues;
use crate::params::Version;
use crate::snapshot::Lineage;

/// A step as it was.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) time: SystemTime,
    /// The version that the step made.
    pub(crate) version: u64,
    pub(crate) lineage: Lineage,
    /// The versions that came between the one that the gradient is of and the one that the step made.
    pub(crate) age: u64,
    pub(crate) loss: f32,
    pub(crate) metrics: MetricValues,
    pub(crate) learning_rate: Option<f32>,
    /// Of the gradients of all parameters and of the rows of all tables.
    pub(crate) gradient_norm: f64,
    /// All steps so far, this one included.
    pub(crate) totals: Totals,
    /// Left out while that of an earlier sample is in use.
    pub(crate) held: Option<Held>,
}

/// The part of a sample that takes memory.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) values: Version,
    /// Of each parameter, then of the rows of each table, if histograms are wanted.
    pub(crate) gradients: Option<Vec<Vec<f32>>>,
    pub(crate) turn: Turn,
}

/// There is one: samples that wait hold one version between them.
#[derive(Debug, Default)]
pub(super) struct Turns(Arc<AtomicBool>);

/// Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Arc<AtomicBool>);

impl Turns {
    pub(super) fn take(&self) -> Option<Turn> {
        (!self.0.swap(true, Ordering::Acquire)).then(|| Turn(self.0.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
