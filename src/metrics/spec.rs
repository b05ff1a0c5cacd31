//! Which metrics a bundle asks for, and how each reads its output.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Shape;

/// One entry of `metrics` in a bundle's manifest (`docs/bundle-format.md`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSpec {
    /// What is measured.
    pub kind: MetricKind,
    /// The name under which it is shown; `loss` is taken.
    pub name: String,
    /// The output that is compared with its label.
    pub output: String,
    /// Whether the output is a logit rather than a probability.
    pub from_logits: bool,
    /// How many classes count as a hit; for `top_k` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
}

/// What is measured. Means run over all predictions of a row and all rows; sample weights play no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricKind {
    /// The share of right predictions: above 0.5 or not for one probability, else the most probable class.
    Accuracy,
    /// The share of predictions with fewer than `k` classes more probable than the right one.
    TopK,
    /// The area under the ROC curve: the chance that a positive scores above a negative.
    Auc,
    /// The mean negative log-likelihood, probabilities kept 1e-7 away from 0 and 1.
    Logloss,
    /// The mean absolute error.
    Mae,
    /// The root of the mean squared error.
    Rmse,
}

/// The rows of one output and of its label, as the metrics need to know them.
#[derive(Clone, Copy, Debug)]
pub struct OutputSpec<'a> {
    /// The output's name.
    pub name: &'a str,
    /// The shape of one row of it.
    pub shape: &'a Shape,
    /// The shape of one row of its label; `None` if it has none, or if metrics cannot read output or label (the output
    /// must be `float32`, the label a number or a bool).
    pub label: Option<&'a Shape>,
}

/// A metric, resolved against its output.
#[derive(Clone, Debug)]
pub(super) struct Metric {
    pub(super) name: Arc<str>,
    pub(super) kind: MetricKind,
    /// The index of the output.
    pub(super) output: usize,
    pub(super) from_logits: bool,
    pub(super) k: usize,
    pub(super) form: Form,
    /// Probabilities or numbers of one prediction.
    pub(super) width: usize,
    /// What a row adds to the denominator of the mean.
    pub(super) items: usize,
}

/// How labels stand beside predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One number each.
    Single,
    /// A number for each class.
    Dense,
    /// The index of a class.
    Sparse,
}

/// Elements of one row of an output and of its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowSize {
    pub(super) prediction: usize,
    pub(super) label: usize,
}

impl RowSize {
    pub(super) fn of(output: &OutputSpec<'_>) -> Self {
        Self { prediction: output.shape.elements(), label: output.label.map_or(0, Shape::elements) }
    }
}

impl Metric {
    pub(super) fn resolve(spec: &MetricSpec, outputs: &[OutputSpec<'_>]) -> Result<Self> {
        let invalid = |context: String| Error::new(ErrorKind::InvalidBundle, "read metrics", context);
        let Some((index, output)) = outputs.iter().enumerate().find(|(_, output)| output.name == spec.output) else {
            return Err(invalid(format!("the bundle has no output of this name: metric {}, output {}", spec.name, spec.output)));
        };
        let Some(label) = output.label else {
            let context = "a metric needs a float32 output that has a label of numbers";
            return Err(invalid(format!("{context}: metric {}, output {}", spec.name, spec.output)));
        };
        let size = RowSize::of(output);
        let width = output.shape.sizes().last().copied().unwrap_or(1);
        let predictions = size.prediction / width;
        let form = if size.prediction == size.label && width == 1 {
            Form::Single
        } else if size.prediction == size.label {
            Form::Dense
        } else if size.label == predictions {
            Form::Sparse
        } else {
            let context = "output and label have shapes that cannot be compared";
            return Err(invalid(format!("{context}: metric {}, output {}, label {label}", spec.name, output.shape)));
        };
        let k = match (spec.kind, spec.k) {
            (MetricKind::TopK, Some(k)) if k > 0 => k as usize,
            (MetricKind::TopK, _) => return Err(invalid(format!("k must be a number of at least 1: metric {}", spec.name))),
            _ => 0,
        };
        let classes = matches!(spec.kind, MetricKind::TopK);
        let numbers = matches!(spec.kind, MetricKind::Auc | MetricKind::Mae | MetricKind::Rmse);
        if classes && form == Form::Single || numbers && form == Form::Sparse {
            let needs = if classes { "an output with several classes" } else { "a label as large as the output" };
            return Err(invalid(format!("it needs {needs}: metric {}, output {}, label {label}", spec.name, output.shape)));
        }
        Ok(Self {
            name: spec.name.as_str().into(),
            kind: spec.kind,
            output: index,
            from_logits: spec.from_logits,
            k,
            form,
            width,
            items: if numbers { size.prediction } else { predictions },
        })
    }
}
