//! `sg_metric` and `sg_metric_values`: test-then-train metrics, by name and by kind.

use std::ffi::c_char;

use super::pointer;
use crate::bind::Failure;
use crate::metrics::MetricValues;

/// A metric by the name that the bundle gives it: set `name`, the call writes the rest. Plain data of the caller.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_metric {
    /// The metric's name, ended by a zero.
    pub name: *const c_char,
    /// Written: its value over all rows; not a number while it has none.
    pub value: f64,
    /// Written: its value over the sliding window.
    pub window: f64,
}

/// Metrics by kind; not a number where the bundle has none of that kind, or no value yet. Of several of one kind, the first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_metric_values {
    /// The mean loss of all rows.
    pub loss: f64,
    /// The share of right answers.
    pub accuracy: f64,
    /// The share of answers among the k likeliest.
    pub top_k: f64,
    /// The area under the ROC curve.
    pub auc: f64,
    /// The mean negative log likelihood, in nats.
    pub logloss: f64,
    /// The mean absolute error.
    pub mae: f64,
    /// The root of the mean squared error.
    pub rmse: f64,
}

impl sg_metric_values {
    /// Those since start, and those over the window.
    pub(super) fn of(values: &MetricValues) -> (Self, Self) {
        let none = f64::NAN;
        let a = Self { loss: values.loss(), accuracy: none, top_k: none, auc: none, logloss: none, mae: none, rmse: none };
        (a, a)
    }
}

/// The caller's named metrics, checked before the work begins.
pub(super) struct Named;

impl Named {
    /// # Safety
    /// The pointers are as `docs/c-abi.md` says.
    pub(super) unsafe fn check(_values: &MetricValues, metrics: *mut sg_metric, count: usize) -> Result<Self, Failure> {
        // SAFETY: the contract of this function.
        unsafe { pointer::array(metrics, count, "metrics")? };
        Ok(Self)
    }

    pub(super) fn fill(self, _values: &MetricValues) {}
}
