//! Progressive metrics: against Keras, against definitions written out, and as state that survives.

use serde_json::json;
use streamgrad::metrics::{LabelRows, Metrics, OutputRows, OutputSpec};
use streamgrad::tensor::Shape;

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
