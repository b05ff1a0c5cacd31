//! Which classes are taken for which.

use serde_json::{Value, json};
use streamgrad::bundle::{Bundle, Task};
use streamgrad::codec::Output;
use streamgrad::tensor::DType;
use streamgrad::{BatchView, ColumnData, Predictions, Schema};

use crate::output::element;
use crate::text;

/// A matrix of more classes than this is not shown as text.
const SHOWN: usize = 12;

/// How labels and predictions of one output stand to each other.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// One probability or logit, above this means yes.
    Binary { threshold: f64 },
    /// The number of a class beside a probability for each.
    Sparse,
    /// A number for each class on both sides; the largest is meant.
    Dense,
}

/// Counts of (label, prediction) of a model that classifies.
#[derive(Debug)]
pub(crate) struct Confusion {
    output: usize,
    /// The place of its label among the columns.
    label: usize,
    form: Form,
    classes: usize,
    /// By label, then by prediction.
    counts: Vec<u64>,
}

impl Confusion {
    /// Of the first output that has a label; `None` if the model does not classify.
    pub(crate) fn of(bundle: &Bundle, schema: &Schema) -> Option<Self> {
        let manifest = bundle.manifest();
        let (output, label) = schema.outputs().iter().enumerate().find_map(|(at, output)| {
            let label = schema.columns().iter().position(|column| column.output.as_deref() == Some(&output.name))?;
            Some((at, label))
        })?;
        let (spec, column) = (&schema.outputs()[output], &schema.columns()[label]);
        let (width, labels) = (spec.shape.elements(), column.shape.elements());
        if spec.dtype != DType::F32 {
            return None;
        }
        let logits = manifest.metrics.iter().any(|metric| metric["output"] == spec.name.as_str() && metric["from_logits"] == true);
        let (form, classes) = match (manifest.task, width, labels) {
            (Task::BinaryClassification, 1, 1) => (Form::Binary { threshold: if logits { 0.0 } else { 0.5 } }, 2),
            (Task::MulticlassClassification, 2.., 1) => (Form::Sparse, width),
            (Task::MulticlassClassification, 2.., _) if labels == width => (Form::Dense, width),
            _ => return None,
        };
        Some(Self { output, label, form, classes, counts: vec![0; classes * classes] })
    }

    /// Counts the rows of a batch.
    pub(crate) fn add(&mut self, schema: &Schema, batch: &BatchView<'_>, predictions: &Predictions) {
        let outputs = predictions.outputs();
        let (Some(Output::Bytes(found)), ColumnData::Bytes(wanted)) = (outputs.get(self.output), &batch.columns()[self.label]) else {
            return;
        };
        let (column, width) = (&schema.columns()[self.label], self.classes);
        let number = |dtype, bytes: &[u8], at| match element(dtype, bytes, at) {
            Value::Bool(value) => f64::from(u8::from(value)),
            value => value.as_f64().unwrap_or(f64::NAN),
        };
        let largest = |dtype, bytes: &[u8], row: usize| {
            let values = (0..width).map(|at| number(dtype, bytes, row * width + at));
            values.enumerate().fold((0, f64::NEG_INFINITY), |best, (at, value)| if value > best.1 { (at, value) } else { best }).0
        };
        for row in 0..batch.rows() {
            let (label, prediction) = match self.form {
                Form::Binary { threshold } => {
                    (usize::from(number(column.dtype, wanted, row) > 0.5), usize::from(number(DType::F32, found, row) > threshold))
                }
                Form::Sparse => (number(column.dtype, wanted, row) as usize, largest(DType::F32, found, row)),
                Form::Dense => (largest(column.dtype, wanted, row), largest(DType::F32, found, row)),
            };
            if let Some(count) = self.counts.get_mut(label * width + prediction).filter(|_| label < width) {
                *count += 1;
            }
        }
    }

    fn row(&self, label: usize) -> &[u64] {
        &self.counts[label * self.classes..(label + 1) * self.classes]
    }

    /// Of each class: precision, recall.
    fn rates(&self, class: usize) -> (Option<f64>, Option<f64>) {
        let right = self.row(class)[class] as f64;
        let predicted: u64 = (0..self.classes).map(|label| self.row(label)[class]).sum();
        let labelled: u64 = self.row(class).iter().sum();
        let rate = |all: u64| Some(right / all as f64).filter(|rate| rate.is_finite());
        (rate(predicted), rate(labelled))
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Vec<&[u64]> = (0..self.classes).map(|label| self.row(label)).collect();
        let rates = |class| {
            let (precision, recall) = self.rates(class);
            json!({"precision": precision, "recall": recall})
        };
        json!({"labels_by_predictions": rows, "classes": (0..self.classes).map(rates).collect::<Vec<_>>()})
    }

    pub(crate) fn text(&self) -> String {
        if self.classes > SHOWN {
            return format!("confusion of {} classes: see --json\n", self.classes);
        }
        let percent = |rate: Option<f64>| rate.map_or("-".into(), |rate| format!("{:.1} %", 100.0 * rate));
        let mut rows = vec![vec!["label \\ predicted".to_owned()]];
        rows[0].extend((0..self.classes).map(|class| class.to_string()));
        rows[0].extend(["precision".into(), "recall".into()]);
        for class in 0..self.classes {
            let mut row = vec![class.to_string()];
            row.extend(self.row(class).iter().map(|count| text::count(*count)));
            let (precision, recall) = self.rates(class);
            row.extend([percent(precision), percent(recall)]);
            rows.push(row);
        }
        text::table(&rows, true)
    }
}
