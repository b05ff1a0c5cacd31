//! `sg_metric` and `sg_metric_values`: test-then-train metrics, by name and by kind.

use std::ffi::c_char;

use super::pointer::{self, Out};
use crate::bind::{Failure, Status};
use crate::bundle::Manifest;
use crate::metrics::{MetricKind, MetricValues};

/// A metric by the name that the bundle gives it, or `loss`: set `name`, the call writes the rest. Plain data of the caller.
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
    /// The share of right predictions.
    pub accuracy: f64,
    /// The share of predictions with the right class among the k most probable.
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
        let kinds = [MetricKind::Accuracy, MetricKind::TopK, MetricKind::Auc, MetricKind::Logloss, MetricKind::Mae, MetricKind::Rmse];
        let read = kinds.map(|kind| values.of_kind(kind));
        let loss = (values.loss(), values.window("loss").unwrap_or(f64::NAN));
        let pick = |side: fn((f64, f64)) -> f64| {
            let [accuracy, top_k, auc, logloss, mae, rmse] = read.map(side);
            Self { loss: side(loss), accuracy, top_k, auc, logloss, mae, rmse }
        };
        (pick(|(total, _)| total), pick(|(_, window)| window))
    }
}

/// The caller's named metrics, checked before the work begins.
pub(super) struct Named<'a>(Vec<(&'a str, Out<f64>, Out<f64>)>);

impl<'a> Named<'a> {
    /// Checks that the bundle has each metric.
    ///
    /// # Safety
    /// The pointers are as `docs/c-abi.md` says.
    pub(super) unsafe fn check(manifest: &Manifest, metrics: *mut sg_metric, count: usize) -> Result<Self, Failure> {
        // SAFETY: the contract of this function.
        let wanted = unsafe { pointer::array(metrics.cast_const(), count, "metrics")? };
        let known = || ["loss"].into_iter().chain(manifest.metrics.iter().filter_map(|metric| metric.get("name")?.as_str()));
        let mut places = Vec::with_capacity(count);
        for (index, metric) in wanted.iter().enumerate() {
            // SAFETY: the contract of this function.
            let name = unsafe { pointer::text(metric.name, "name of a metric")? };
            if !known().any(|known| known == name) {
                let message = format!("the model has no metric {name}, ask for one of: {}", known().collect::<Vec<_>>().join(", "));
                return Err(Failure::new(Status::INVALID_INPUT, message));
            }
            // SAFETY: the contract of this function; `metrics` has `index` entries and more.
            unsafe {
                let place = metrics.add(index);
                places.push((name, Out::new(&raw mut (*place).value, "value")?, Out::new(&raw mut (*place).window, "window")?));
            }
        }
        Ok(Self(places))
    }

    pub(super) fn fill(self, values: &MetricValues) {
        for (name, value, window) in self.0 {
            value.write(values.value(name).unwrap_or(f64::NAN));
            window.write(values.window(name).unwrap_or(f64::NAN));
        }
    }
}
