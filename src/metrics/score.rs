//! What the rows of one step add to a metric that is a mean.
//!
//! Each prediction's part is computed in `f32` by Keras' definition, the sum over predictions is `f64` (and exact for
//! counts). With logits, log-likelihoods come from the logits themselves, as in Keras, not by way of probabilities.

use super::rows::{Label, LabelRows, WithLabels};
use super::spec::{Form, Metric, MetricKind};

/// Keras' distance of probabilities from 0 and 1.
const EPSILON: f32 = 1e-7;

/// The sum over these rows; that of a `MetricKind::Auc` is no sum and stays 0.
pub(super) fn sum(metric: &Metric, predictions: &[f32], labels: &LabelRows<'_>) -> f64 {
    labels.with(Sum { metric, predictions }).unwrap_or(f64::NAN)
}

struct Sum<'a> {
    metric: &'a Metric,
    predictions: &'a [f32],
}

impl WithLabels for Sum<'_> {
    type Output = f64;

    fn call<L: Label>(self, labels: &[L::Bytes]) -> f64 {
        let Self { metric, predictions } = self;
        match (metric.kind, metric.form) {
            (MetricKind::Auc, _) => 0.0,
            (MetricKind::Accuracy, Form::Single) => {
                // Where the sigmoid is above 0.5.
                let threshold = if metric.from_logits { 0.0 } else { 0.5 };
                let right = |(&p, &label): (&f32, &L::Bytes)| u64::from(f32::from(u8::from(p > threshold)) == L::number(label));
                predictions.iter().zip(labels).map(right).sum::<u64>() as f64
            }
            (MetricKind::Accuracy, _) => each_class::<L>(metric, predictions, labels, |row, class| f64::from(argmax(row) == class)),
            (MetricKind::TopK, _) => each_class::<L>(metric, predictions, labels, |row, class| f64::from(in_top(row, class, metric.k))),
            (MetricKind::Logloss, Form::Single) => {
                let loss = if metric.from_logits { logit_loss } else { probability_loss };
                predictions.iter().zip(labels).map(|(&p, &label)| f64::from(loss(p, L::number(label)))).sum()
            }
            (MetricKind::Logloss, Form::Sparse) => {
                let loss = if metric.from_logits { sparse_logit_loss } else { sparse_loss };
                each_class::<L>(metric, predictions, labels, |row, class| f64::from(loss(row, class)))
            }
            (MetricKind::Logloss, Form::Dense) => {
                let loss = if metric.from_logits { dense_logit_loss::<L> } else { dense_loss::<L> };
                let rows = predictions.chunks_exact(metric.width).zip(labels.chunks_exact(metric.width));
                rows.map(|(row, labels)| f64::from(loss(row, labels))).sum()
            }
            (MetricKind::Mae, _) => errors::<L>(metric, predictions, labels, f32::abs),
            (MetricKind::Rmse, _) => errors::<L>(metric, predictions, labels, |error| error * error),
        }
    }
}

/// Sums over predictions beside the index of their right class.
#[inline(always)]
fn each_class<L: Label>(metric: &Metric, predictions: &[f32], labels: &[L::Bytes], score: impl Fn(&[f32], usize) -> f64) -> f64 {
    let rows = predictions.chunks_exact(metric.width);
    match metric.form {
        Form::Dense => rows.zip(labels.chunks_exact(metric.width)).map(|(row, labels)| score(row, most::<L>(labels))).sum(),
        _ => rows.zip(labels).map(|(row, &label)| score(row, L::class(label))).sum(),
    }
}

/// Sums over the errors of all numbers.
fn errors<L: Label>(metric: &Metric, predictions: &[f32], labels: &[L::Bytes], part: fn(f32) -> f32) -> f64 {
    let pairs = || predictions.iter().zip(labels);
    match (metric.from_logits, metric.form) {
        (false, _) => pairs().map(|(&p, &label)| f64::from(part(L::number(label) - p))).sum(),
        (true, Form::Single) => pairs().map(|(&p, &label)| f64::from(part(L::number(label) - sigmoid(p)))).sum(),
        (true, _) => {
            let row = |(row, labels): (&[f32], &[L::Bytes])| {
                let shift = log_sum_exp(row);
                row.iter().zip(labels).map(|(&p, &label)| f64::from(part(L::number(label) - (p - shift).exp()))).sum::<f64>()
            };
            predictions.chunks_exact(metric.width).zip(labels.chunks_exact(metric.width)).map(row).sum()
        }
    }
}

/// The logistic function.
#[inline(always)]
pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The first of the largest.
#[inline(always)]
fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = class;
        }
    }
    best
}

/// The first of the largest labels.
#[inline(always)]
fn most<L: Label>(labels: &[L::Bytes]) -> usize {
    let (mut best, mut largest) = (0, f32::NEG_INFINITY);
    for (class, &label) in labels.iter().enumerate() {
        if L::number(label) > largest {
            (best, largest) = (class, L::number(label));
        }
    }
    best
}

/// Ties with the right class do not count against it; a row with a number that is not finite is no hit.
#[inline(always)]
fn in_top(row: &[f32], class: usize, k: usize) -> bool {
    let Some(&right) = row.get(class) else { return false };
    row.iter().all(|p| p.is_finite()) && row.iter().filter(|p| **p > right).count() < k
}

#[inline(always)]
fn clipped(probability: f32) -> f32 {
    probability.clamp(EPSILON, 1.0 - EPSILON)
}

fn probability_loss(probability: f32, label: f32) -> f32 {
    let p = clipped(probability);
    if label == 1.0 {
        -p.ln()
    } else if label == 0.0 {
        -(1.0 - p).ln()
    } else {
        -(label * p.ln() + (1.0 - label) * (1.0 - p).ln())
    }
}

fn logit_loss(logit: f32, label: f32) -> f32 {
    logit.max(0.0) - logit * label + (-logit.abs()).exp().ln_1p()
}

/// Over the clipped probabilities, scaled to sum to 1.
fn sparse_loss(row: &[f32], class: usize) -> f32 {
    let Some(&right) = row.get(class) else { return f32::NAN };
    row.iter().map(|p| clipped(*p)).sum::<f32>().ln() - clipped(right).ln()
}

fn sparse_logit_loss(row: &[f32], class: usize) -> f32 {
    row.get(class).map_or(f32::NAN, |right| log_sum_exp(row) - right)
}

/// Over the probabilities scaled to sum to 1, then clipped.
fn dense_loss<L: Label>(row: &[f32], labels: &[L::Bytes]) -> f32 {
    let sum: f32 = row.iter().sum();
    -row.iter().zip(labels).map(|(p, &label)| L::number(label) * clipped(p / sum).ln()).sum::<f32>()
}

fn dense_logit_loss<L: Label>(row: &[f32], labels: &[L::Bytes]) -> f32 {
    let shift = log_sum_exp(row);
    row.iter().zip(labels).map(|(p, &label)| L::number(label) * (shift - p)).sum()
}

fn log_sum_exp(row: &[f32]) -> f32 {
    let largest = row.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    row.iter().map(|p| (p - largest).exp()).sum::<f32>().ln() + largest
}
