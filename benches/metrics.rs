//! What the metrics cost beside a step: 32 rows of one probability, in the steady state of a window of 10,000 rows.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(missing_docs, reason = "made by criterion's macros")]

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use streamgrad::metrics::{LabelRows, Metrics, OutputRows, OutputSpec};
use streamgrad::tensor::Shape;

const ROWS: usize = 32;

fn benches(criterion: &mut Criterion) {
    let entry = |kind: &str| json!({"kind": kind, "name": kind, "output": "p", "from_logits": false});
    let lists: [(&str, Vec<Value>); 4] = [
        ("loss", vec![]),
        ("accuracy", vec![entry("accuracy")]),
        ("accuracy, auc", vec![entry("accuracy"), entry("auc")]),
        ("all", ["accuracy", "auc", "logloss", "mae", "rmse"].map(entry).to_vec()),
    ];
    let shape = Shape::new([1]).unwrap();
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let scores: Vec<f32> = (0..ROWS * 1000).map(|_| random()).collect();
    let labels: Vec<f32> = scores.iter().map(|score| f32::from(u8::from(random() < *score))).collect();
    let mut group = criterion.benchmark_group("metrics");
    for (name, list) in lists {
        let output = OutputSpec { name: "p", shape: &shape, label: Some(&shape) };
        let mut metrics = Metrics::from_json(&Value::Array(list), &[output], 10_000).unwrap();
        let mut steps = scores.chunks(ROWS).zip(labels.chunks(ROWS)).cycle();
        let mut update = || {
            let (scores, labels) = steps.next().unwrap();
            metrics.update(0.5, ROWS, &[OutputRows { prediction: scores, label: Some(LabelRows::of(labels)) }]).unwrap();
            metrics.read().auc()
        };
        (0..1000).for_each(|_| {
            update();
        });
        group.bench_function(name, |bencher| bencher.iter(&mut update));
    }
    group.finish();
}

criterion_group!(metrics, benches);
criterion_main!(metrics);
