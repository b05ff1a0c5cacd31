//! Progressive metrics: against Keras, against definitions written out, and as state that survives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::{Value, json};
use streamgrad::ErrorKind;
use streamgrad::metrics::{LabelRows, Metrics, MetricsState, OutputRows, OutputSpec};
use streamgrad::tensor::{DType, Shape};

/// A case of `tests/peer/metrics.py`.
#[derive(Deserialize)]
struct Case {
    name: String,
    shape: Shape,
    label_shape: Shape,
    window: usize,
    metrics: Value,
}

#[test]
fn values_are_those_of_keras() {
    let read = |name: &str| {
        let path = common::peer().join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make peer`", path.display()))
    };
    let cases: Vec<Case> = serde_json::from_slice(&read("metrics.json")).unwrap();
    let file = read("metrics.safetensors");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let f64s = |name: &str| tensors.tensor(name).unwrap().data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect::<Vec<_>>();
    let f32s = |name: &str| tensors.tensor(name).unwrap().data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect::<Vec<_>>();
    let steps: Vec<usize> = tensors.tensor("rows").unwrap().data().as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as usize).collect();
    let losses = f32s("loss");
    let (mut compared, mut failures) = (0, Vec::new());

    for Case { name, shape, label_shape, window, metrics: config } in &cases {
        let output = OutputSpec { name: "y", shape, label: Some(label_shape) };
        let mut metrics = Metrics::from_json(config, &[output], *window).unwrap();
        let predictions = f32s(&format!("{name}/prediction"));
        let labels = tensors.tensor(&format!("{name}/label")).unwrap();
        let dtype = match labels.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::I32 => DType::I32,
            Dtype::I64 => DType::I64,
            Dtype::U8 => DType::U8,
            Dtype::BOOL => DType::Bool,
            other => panic!("{other:?}"),
        };
        let row_bytes = label_shape.elements() * dtype.size().unwrap();
        let mut start = 0;
        let mut history = Vec::new();
        for (&rows, &loss) in steps.iter().zip(&losses) {
            let end = start + rows;
            let prediction = &predictions[start * shape.elements()..end * shape.elements()];
            let label = LabelRows::new(dtype, &labels.data()[start * row_bytes..end * row_bytes]);
            metrics.update(loss, rows, &[OutputRows { prediction, label }]).unwrap();
            history.push((metrics.read(), metrics.auc_error("auc").unwrap_or(f64::NAN)));
            start = end;
        }
        let last = metrics.read();
        assert!((last.loss() - f64s("loss_mean")[0]).abs() < 1e-6);
        for entry in config.as_array().unwrap() {
            let kind = entry["name"].as_str().unwrap();
            let totals = history.iter().map(|(values, bound)| (values.value(kind).unwrap(), *bound)).zip(f64s(&format!("{name}/{kind}")));
            // The bound of a window is not read out; 150 rows lie about as close as all do.
            let windows = [((last.window(kind).unwrap(), 0.002), f64s(&format!("{name}/{kind}/window"))[0])];
            for (step, ((ours, bound), theirs)) in totals.chain(windows).enumerate() {
                compared += 1;
                // A score on the edge of two bins may fall to either side, as its last bit has it.
                let tolerance = if kind == "auc" { bound + 1e-4 } else { 1e-6 * theirs.abs().max(1.0) };
                let close = (ours - theirs).abs() <= tolerance || ours.is_nan() && theirs.is_nan();
                if !close {
                    failures.push(format!("{name} {kind} after step {step}: {ours}, Keras {theirs}"));
                }
            }
        }
    }
    assert_eq!(compared, 31 * cases.iter().map(|case| case.metrics.as_array().unwrap().len()).sum::<usize>());
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

fn binary(window: usize) -> Metrics {
    let config = json!([
        {"kind": "auc", "name": "auc", "output": "p", "from_logits": false},
        {"kind": "accuracy", "name": "accuracy", "output": "p", "from_logits": false},
        {"kind": "mae", "name": "mae", "output": "p", "from_logits": false},
    ]);
    let shape = Shape::new([1]).unwrap();
    Metrics::from_json(&config, &[OutputSpec { name: "p", shape: &shape, label: Some(&shape) }], window).unwrap()
}

fn step(metrics: &mut Metrics, predictions: &[f32], labels: &[f32]) {
    let rows = OutputRows { prediction: predictions, label: Some(LabelRows::of(labels)) };
    metrics.update(0.5, predictions.len(), &[rows]).unwrap();
}

/// Every pair of a positive and a negative.
fn area(scores: &[f32], labels: &[f32]) -> f64 {
    let (mut right, mut pairs) = (0.0, 0.0);
    for (p, _) in scores.iter().zip(labels).filter(|(_, label)| **label == 1.0) {
        for (n, _) in scores.iter().zip(labels).filter(|(_, label)| **label == 0.0) {
            pairs += 1.0;
            right += if p > n {
                1.0
            } else if p == n {
                0.5
            } else {
                0.0
            };
        }
    }
    right / pairs
}

#[test]
fn auc_is_within_its_bound_of_all_pairs_counted() {
    let mut random = Random(7);
    // Evenly spread, crowded into a few bins, ties, at the ends.
    let shapes: [fn(f32) -> f32; 4] = [|u| u, |u| 0.3 + u * 0.002, |u| (u * 10.0).round() / 10.0, |u| (u * 3.0 - 1.0).clamp(0.0, 1.0)];
    for shape in shapes {
        let scores: Vec<f32> = (0..1500).map(|_| shape(random.next())).collect();
        let labels: Vec<f32> = scores.iter().map(|score| f32::from(u8::from(random.next() < 0.3 + 0.4 * score))).collect();
        let mut metrics = binary(400);
        for (scores, labels) in scores.chunks(32).zip(labels.chunks(32)) {
            step(&mut metrics, scores, labels);
        }
        let bound = metrics.auc_error("auc").unwrap();
        let exact = area(&scores, &labels);
        assert!((metrics.read().auc() - exact).abs() <= bound + 1e-12, "{} {exact} {bound}", metrics.read().auc());

        // The window holds the last steps whose rows are at most 400: 1500 = 46 * 32 + 28, so 28 + 11 * 32 = 380.
        let start = 1500 - 380;
        assert_eq!(metrics.read().window_rows(), 380);
        let quantized = |scores: &[f32]| scores.iter().map(|score| (score * 4096.0).floor().min(4095.0)).collect::<Vec<_>>();
        let expected = area(&quantized(&scores[start..]), &labels[start..]);
        assert!((metrics.read().window("auc").unwrap() - expected).abs() < 1e-12);
    }
}

#[test]
fn restored_state_goes_on_with_the_same_bits() {
    let mut random = Random(3);
    let mut whole = binary(100);
    let mut restored = binary(100);
    for index in 0..60 {
        let rows = 1 + index % 17;
        let scores: Vec<f32> = (0..rows).map(|_| random.next()).collect();
        let labels: Vec<f32> = (0..rows).map(|_| random.next().round()).collect();
        step(&mut whole, &scores, &labels);
        step(&mut restored, &scores, &labels);
        let text = serde_json::to_string(&restored.state()).unwrap();
        let state: MetricsState = serde_json::from_str(&text).unwrap();
        restored = binary(100);
        restored.restore(&state).unwrap();
        assert_eq!(restored.state(), whole.state());
        for ((_, a, b), (_, c, d)) in restored.read().iter().zip(whole.read().iter()) {
            assert_eq!((a.to_bits(), b.to_bits()), (c.to_bits(), d.to_bits()));
        }
    }
}

#[test]
fn damaged_or_foreign_state_is_refused_and_changes_nothing() {
    let mut metrics = binary(100);
    step(&mut metrics, &[0.2, 0.7], &[0.0, 1.0]);
    let good = serde_json::to_value(metrics.state()).unwrap();
    let damage: [fn(&mut Value); 6] = [
        |state| state["names"][0] = json!("other"),
        |state| state["sums"] = json!([]),
        |state| state["areas"] = json!([[[4096, 1, 1]]]),
        |state| state["areas"] = json!([]),
        |state| state["window"]["steps"] = json!([3]),
        |state| state["window"]["scores"] = json!([[8192, 0]]),
    ];
    for damage in damage {
        let mut state = good.clone();
        damage(&mut state);
        let state: MetricsState = serde_json::from_value(state).unwrap();
        assert_eq!(metrics.restore(&state).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(serde_json::to_value(metrics.state()).unwrap(), good);
    }
}

#[test]
fn merged_metrics_are_those_of_all_rows() {
    let mut random = Random(5);
    let (mut first, mut second, mut all) = (binary(64), binary(64), binary(64));
    for index in 0..20 {
        let scores: Vec<f32> = (0..16).map(|_| random.next()).collect();
        let labels: Vec<f32> = (0..16).map(|_| random.next().round()).collect();
        step(if index < 10 { &mut first } else { &mut second }, &scores, &labels);
        step(&mut all, &scores, &labels);
    }
    first.merge(&second).unwrap();
    assert_eq!(first.read().rows(), 320);
    for ((name, a, b), (_, c, d)) in first.read().iter().zip(all.read().iter()) {
        assert!((a - c).abs() < 1e-12 && (b - d).abs() < 1e-12, "{name}: {a} {c} {b} {d}");
    }
    assert_eq!(first.auc_error("auc"), all.auc_error("auc"));
    let other = Metrics::new(&[], &[], 64).unwrap();
    assert_eq!(first.merge(&other).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn window_sums_do_not_drift() {
    let mut random = Random(9);
    let mut metrics = binary(50);
    let mut last = Vec::new();
    for index in 0..5_000 {
        // Errors of very different size, so that what is subtracted leaves traces.
        let scale = if index % 100 == 0 { 1e12 } else { 1.0 };
        let scores: Vec<f32> = (0..10).map(|_| random.next() * scale).collect();
        last.push(scores.iter().map(|score| f64::from(*score)).sum::<f64>());
        step(&mut metrics, &scores, &[0.0; 10]);
    }
    let expected = last[last.len() - 5..].iter().sum::<f64>() / 50.0;
    assert!((metrics.read().window("mae").unwrap() / expected - 1.0).abs() < 1e-4);
}

#[test]
fn values_are_undefined_until_there_is_something_to_say() {
    let mut metrics = binary(0);
    let values = metrics.read();
    assert_eq!((values.rows(), values.window_rows()), (0, 0));
    assert!(values.iter().all(|(_, total, window)| total.is_nan() && window.is_nan()));
    assert_eq!((values.value("other"), values.window("other")), (None, None));

    step(&mut metrics, &[0.25, 0.75], &[1.0, 1.0]);
    let values = metrics.read();
    assert!(values.auc().is_nan(), "there is no negative");
    assert_eq!((values.accuracy(), values.value("mae"), values.loss()), (0.5, Some(0.5), 0.5));
    assert!(values.window("mae").unwrap().is_nan(), "there is no window");

    step(&mut metrics, &[0.5], &[0.0]);
    assert_eq!(metrics.read().auc(), 0.5);
    assert_eq!(values.rows(), 2, "values read earlier stay");
}

#[test]
fn nonsense_predictions_fall_into_the_outer_bins() {
    let mut metrics = binary(10);
    step(&mut metrics, &[f32::NAN, f32::NEG_INFINITY, -3.0, 7.0, f32::INFINITY, 1.0], &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(metrics.read().auc(), 1.0);
}

#[test]
fn a_step_of_the_wrong_size_is_refused_and_changes_nothing() {
    let mut metrics = binary(10);
    step(&mut metrics, &[0.25, 0.75], &[0.0, 1.0]);
    let before = metrics.state();
    let label = Some(LabelRows::of(&[1.0f32]));
    let two = [0.5, 0.5];
    let refused: [(usize, &[OutputRows<'_>]); 6] = [
        (1, &[]),
        (1, &[OutputRows { prediction: &two, label }]),
        (2, &[OutputRows { prediction: &two, label }]),
        (1, &[OutputRows { prediction: &two[..1], label: None }]),
        (0, &[OutputRows { prediction: &[], label: Some(LabelRows::of::<f32>(&[])) }]),
        (usize::MAX, &[OutputRows { prediction: &two, label }]),
    ];
    for (rows, outputs) in refused {
        assert_eq!(metrics.update(1.0, rows, outputs).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(metrics.state(), before);
    }
    assert!(LabelRows::new(DType::String, b"").is_none());
    assert!(LabelRows::new(DType::I32, &[0; 6]).is_none());
}

#[test]
fn entries_that_do_not_fit_are_refused_by_name() {
    let (one, five, pairs) = (Shape::new([1]).unwrap(), Shape::new([5]).unwrap(), Shape::new([2]).unwrap());
    let outputs = [
        OutputSpec { name: "p", shape: &one, label: Some(&one) },
        OutputSpec { name: "classes", shape: &five, label: Some(&one) },
        OutputSpec { name: "odd", shape: &five, label: Some(&pairs) },
        OutputSpec { name: "free", shape: &one, label: None },
    ];
    let refused = [
        (json!({}), "sequence"),
        (json!([{"kind": "f1", "name": "x", "output": "p", "from_logits": false}]), "f1"),
        (json!([{"kind": "auc", "name": "x", "output": "p"}]), "from_logits"),
        (json!([{"kind": "auc", "name": "x", "output": "q", "from_logits": false}]), "output q"),
        (json!([{"kind": "auc", "name": "loss", "output": "p", "from_logits": false}]), "loss"),
        (json!([{"kind": "auc", "name": "x", "output": "free", "from_logits": false}]), "free"),
        (json!([{"kind": "auc", "name": "x", "output": "classes", "from_logits": false}]), "metric x"),
        (json!([{"kind": "mae", "name": "x", "output": "odd", "from_logits": false}]), "metric x"),
        (json!([{"kind": "top_k", "name": "x", "output": "classes", "from_logits": false}]), "k must"),
        (json!([{"kind": "top_k", "name": "x", "output": "classes", "from_logits": false, "k": 0}]), "k must"),
        (json!([{"kind": "top_k", "name": "x", "output": "p", "from_logits": false, "k": 1}]), "several classes"),
        (
            json!([
                {"kind": "auc", "name": "x", "output": "p", "from_logits": false},
                {"kind": "mae", "name": "x", "output": "p", "from_logits": false},
            ]),
            "name: x",
        ),
    ];
    for (config, part) in refused {
        let error = Metrics::from_json(&config, &outputs, 10).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBundle);
        assert!(error.to_string().contains(part), "{error} should say {part}");
    }
}

#[test]
fn a_trainer_measures_what_it_predicted_before_each_step() {
    type Score = fn(&[f32], &[f32]) -> f64;
    let cases: [(&str, &str, usize, Score); 3] = [
        ("wide_deep", "accuracy", 1, |p, label| f64::from(u8::from((p[0] > 0.5) == (label[0] == 1.0)))),
        ("attention", "mae", 1, |p, label| f64::from((p[0] - label[0]).abs())),
        ("cnn", "top_k", 5, |p, label| {
            let right = label.iter().position(|label| *label == 1.0).unwrap();
            f64::from(u8::from(p.iter().filter(|other| **other > p[right]).count() < 2))
        }),
    ];
    for (model, kind, width, score) in cases {
        let recording = common::Recording::open(model, "sgd");
        let trainer = recording.trainer();
        let name = trainer.bundle().manifest().metrics.iter().find(|entry| entry["kind"] == kind).unwrap()["name"].clone();
        let mut batch = trainer.schema().batch();
        let (mut sum, mut loss, mut rows) = (0.0, 0.0, 0.0);
        for step in 0..10 {
            recording.fill(&mut batch, step);
            let report = trainer.step(&batch).unwrap();
            let predictions = report.predictions().array::<f32>().unwrap();
            let labels = recording.f32s(&format!("batch/{step}/{}", trainer.schema().labels()[0].name));
            let pairs = predictions.as_slice().unwrap().chunks(width).zip(labels.chunks(width));
            sum += pairs.map(|(prediction, label)| score(prediction, label)).sum::<f64>();
            rows += batch.rows() as f64;
            loss += f64::from(report.loss()) * batch.rows() as f64;
            let found = report.metrics().value(name.as_str().unwrap()).unwrap();
            assert!((found - sum / rows).abs() <= 1e-6 * found.abs(), "{model}: {found}, not {}", sum / rows);
            assert!((report.metrics().loss() - loss / rows).abs() < 1e-9);
            assert_eq!(report.metrics().rows() as f64, rows);
        }
    }
}
