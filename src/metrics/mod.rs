//! Progressive metrics: each prediction is compared with its label before the model learns from it.
//!
//! [`Metrics`] takes in, step by step, the loss and the predictions of the forward pass, which come from the parameters
//! before the update; so every row is a test row first and a training row after. It accumulates since the start and over
//! a sliding window of the last rows, in constant memory, and reads in constant time. Accuracies are exact counts, the
//! AUC an exact function of 4,096 bins (its error is bounded: [`Metrics::auc_error`]), means are sums in `f64`.
//! The definitions are those of Keras.
//!
//! A window moves by whole steps: it holds as many of the last steps as have no more rows than its limit together, and
//! at least one.
//!
//! ```
//! use streamgrad::metrics::{LabelRows, Metrics, OutputRows, OutputSpec};
//! use streamgrad::tensor::Shape;
//!
//! let config = serde_json::json!([{"kind": "auc", "name": "auc", "output": "late", "from_logits": false}]);
//! let shape = Shape::new([1])?;
//! let output = OutputSpec { name: "late", shape: &shape, label: Some(&shape) };
//! let mut metrics = Metrics::from_json(&config, &[output], 10_000)?;
//! let rows = OutputRows { prediction: &[0.1, 0.4, 0.35, 0.8], label: Some(LabelRows::of(&[0.0f32, 0.0, 1.0, 1.0])) };
//! metrics.update(0.47, 4, &[rows])?;
//! assert_eq!(metrics.read().auc(), 0.75);
//! # Ok::<(), streamgrad::Error>(())
//! ```

mod auc;
mod rows;
mod score;
mod spec;
mod state;
mod values;
mod window;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};

use auc::Histogram;
use rows::{Label, WithLabels};
use spec::{Metric, RowSize};
use window::{Area, Window};

pub use rows::{LabelRows, OutputRows};
pub use spec::{MetricKind, MetricSpec, OutputSpec};
pub use state::MetricsState;
pub(crate) use state::WindowState;
pub use values::MetricValues;

/// The accumulators of the loss and of a bundle's metrics. `Send + Sync`; a clone is independent.
#[derive(Clone, Debug)]
pub struct Metrics {
    metrics: Arc<[Metric]>,
    outputs: Arc<[RowSize]>,
    rows: u64,
    /// Of the loss, then of each metric.
    sums: Vec<f64>,
    /// Of each AUC, in the order of the metrics.
    areas: Vec<Histogram<u64>>,
    window: Window,
}

impl Metrics {
    /// Reads the list `metrics` of a bundle's manifest (`docs/bundle-format.md`) for outputs of these shapes, in the order
    /// in which [`Metrics::update`] will get them. The window holds `window_rows` rows; 0 means that there is none.
    ///
    /// # Errors
    /// `InvalidBundle` if an entry is no metric, two have the same name, or one does not fit its output.
    pub fn from_json(value: &Value, outputs: &[OutputSpec<'_>], window_rows: usize) -> Result<Self> {
        let specs = Vec::<MetricSpec>::deserialize(value)
            .map_err(|error| Error::new(ErrorKind::InvalidBundle, "read metrics", error.to_string()))?;
        Self::new(&specs, outputs, window_rows)
    }

    /// As [`Metrics::from_json`], from entries read already.
    ///
    /// # Errors
    /// `InvalidBundle` if two metrics have the same name, or one does not fit its output.
    pub fn new(specs: &[MetricSpec], outputs: &[OutputSpec<'_>], window_rows: usize) -> Result<Self> {
        for (index, spec) in specs.iter().enumerate() {
            if spec.name == "loss" || specs[..index].iter().any(|other| other.name == spec.name) {
                let context = format!("rename a metric, another (or the loss itself) has its name: {}", spec.name);
                return Err(Error::new(ErrorKind::InvalidBundle, "read metrics", context));
            }
        }
        let metrics = specs.iter().map(|spec| Metric::resolve(spec, outputs)).collect::<Result<Arc<[_]>>>()?;
        let areas = || metrics.iter().filter(|metric| metric.kind == MetricKind::Auc);
        let sums = 1 + metrics.len();
        Ok(Self {
            outputs: outputs.iter().map(RowSize::of).collect(),
            rows: 0,
            sums: vec![0.0; sums],
            areas: areas().map(|_| Histogram::new()).collect(),
            window: Window::new(window_rows as u64, sums, areas().map(|metric| Area::new(metric.items)).collect()),
            metrics,
        })
    }

    /// Takes in a step: its mean loss, and the rows of every output.
    ///
    /// # Errors
    /// `InvalidInput` if the outputs are not those of the metrics or have not this many rows; nothing is changed then.
    pub fn update(&mut self, loss: f32, rows: usize, outputs: &[OutputRows<'_>]) -> Result<()> {
        let Ok(window_rows @ 1..) = u32::try_from(rows) else {
            return Err(Error::input("update metrics", format!("give a step of 1 to 4294967295 rows, not {rows}")));
        };
        self.check(rows, outputs)?;
        let mut parts = SmallVec::<[f64; 8]>::new();
        parts.push(f64::from(loss) * rows as f64);
        let mut areas = self.areas.iter_mut().zip(&mut self.window.areas);
        for metric in self.metrics.iter() {
            let OutputRows { prediction, label: Some(labels) } = outputs[metric.output] else { continue };
            parts.push(score::sum(metric, prediction, &labels));
            if metric.kind == MetricKind::Auc
                && let Some((total, window)) = areas.next()
            {
                let window = (self.window.limit > 0).then_some(window);
                labels.with(AddScores { total, window, predictions: prediction, from_logits: metric.from_logits });
            }
        }
        self.rows += rows as u64;
        for (sum, part) in self.sums.iter_mut().zip(&parts) {
            *sum += part;
        }
        if self.window.limit > 0 {
            self.window.push(window_rows, &parts);
        }
        Ok(())
    }

    fn check(&self, rows: usize, outputs: &[OutputRows<'_>]) -> Result<()> {
        let fits = |metric: &Metric| {
            let (size, output) = (self.outputs[metric.output], outputs[metric.output]);
            output.prediction.len() == rows * size.prediction && output.label.is_some_and(|label| label.len() == rows * size.label)
        };
        if outputs.len() != self.outputs.len() {
            return Err(Error::input(
                "update metrics",
                format!("give the rows of all {} outputs, not of {}", self.outputs.len(), outputs.len()),
            ));
        }
        match self.metrics.iter().find(|metric| !fits(metric)) {
            None => Ok(()),
            Some(metric) => {
                Err(Error::input("update metrics", format!("give predictions and labels of all {rows} rows: metric {}", metric.name)))
            }
        }
    }

    /// Takes in all that other metrics of the same bundle have accumulated; their steps count as later ones.
    ///
    /// # Errors
    /// `InvalidInput` if those are other metrics; nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if !self.names().eq(other.names()) || self.outputs != other.outputs {
            return Err(Error::input("merge metrics", "they are the metrics of another bundle"));
        }
        self.rows += other.rows;
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        for (area, more) in self.areas.iter_mut().zip(&other.areas) {
            *area = Histogram::from_bins(area.bins().chain(more.bins()));
        }
        if self.window.limit > 0 {
            self.window.append(&other.window);
        }
        Ok(())
    }

    /// The values now.
    pub fn read(&self) -> MetricValues {
        let mut values = SmallVec::new();
        values.push((self.sums[0] / self.rows as f64, self.window.sums[0] / self.window.rows as f64));
        let mut areas = self.areas.iter().zip(&self.window.areas);
        for (metric, (total, window)) in self.metrics.iter().zip(self.sums[1..].iter().zip(&self.window.sums[1..])) {
            let mean = |sum: &f64, rows: u64| sum / (rows as f64 * metric.items as f64);
            let means = (mean(total, self.rows), mean(window, self.window.rows));
            values.push(match metric.kind {
                MetricKind::Auc => areas.next().map_or(means, |(total, window)| (total.area(), window.histogram.area())),
                MetricKind::Rmse => (means.0.sqrt(), means.1.sqrt()),
                _ => means,
            });
        }
        MetricValues { metrics: self.metrics.clone(), rows: self.rows, window_rows: self.window.rows, values }
    }

    /// How far the AUC of this name, over all rows, can be from the exact one, as the histogram has it: the share of pairs of
    /// a positive and a negative that lie in one bin, halved. `None` if there is no such AUC, NaN until it is defined.
    pub fn auc_error(&self, name: &str) -> Option<f64> {
        let mut areas = self.metrics.iter().filter(|metric| metric.kind == MetricKind::Auc).zip(&self.areas);
        areas.find(|(metric, _)| &*metric.name == name).map(|(_, area)| area.error())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|metric| &*metric.name)
    }
}

/// Adds every prediction of a step to an AUC.
struct AddScores<'a> {
    total: &'a mut Histogram<u64>,
    window: Option<&'a mut Area>,
    predictions: &'a [f32],
    from_logits: bool,
}

impl WithLabels for AddScores<'_> {
    type Output = ();

    fn call<L: Label>(self, labels: &[L::Bytes]) {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2.
            unsafe { self.add_avx2::<L>(labels) }
        } else {
            self.add::<L>(labels);
        }
    }
}

impl AddScores<'_> {
    #[target_feature(enable = "avx2")]
    fn add_avx2<L: Label>(self, labels: &[L::Bytes]) {
        self.add::<L>(labels);
    }

    #[inline(always)]
    fn add<L: Label>(mut self, labels: &[L::Bytes]) {
        for (&prediction, &label) in self.predictions.iter().zip(labels) {
            let bin = auc::bin(if self.from_logits { score::sigmoid(prediction) } else { prediction });
            // Any label but 0 is a positive, as in Keras.
            let positive = L::number(label) != 0.0;
            self.total.add(bin, positive);
            if let Some(window) = &mut self.window {
                window.add(bin, positive);
            }
        }
    }
}
