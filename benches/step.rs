//! A step and a prediction beside a bare loop over the C API: `make bench`.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

mod bare;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bare::{Bare, DEFAULT_GRAPH_OPTIONS, same_settings};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use streamgrad::{Batch, Trainer};

const MODELS: [(&str, usize, i64); 3] = [("small", 13, 3), ("middle", 784, 10), ("large", 1024, 10)];
const ROWS: [usize; 3] = [1, 32, 256];

fn bundle(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/bench/{model}.bundle"))
}

/// Rows that any run makes again.
fn data(rows: usize, features: usize, classes: i64) -> (Vec<f32>, Vec<i64>) {
    let numbers = (0..rows * features).map(|at| ((at * 7919 + 13) % 1000) as f32 / 1000.0 - 0.5).collect();
    (numbers, (0..rows as i64).map(|row| (row * 31) % classes).collect())
}

fn batch(trainer: &Trainer, numbers: &[f32], labels: &[i64]) -> Batch {
    let mut batch = trainer.schema().batch();
    batch.set("numbers", numbers).unwrap();
    batch.set("label", labels).unwrap();
    batch
}

fn benches(criterion: &mut Criterion) {
    let tensorflow = streamgrad::tf::load(None).unwrap();
    for (model, features, classes) in MODELS {
        for rows in ROWS {
            let (numbers, labels) = data(rows, features, classes);
            let open = |config: &[u8]| Bare::open(tensorflow.path(), &bundle(model), config, &numbers, &labels);
            let trainer = Trainer::open(bundle(model)).unwrap();
            let batch = batch(&trainer, &numbers, &labels);

            let mut group = criterion.benchmark_group(format!("step/{model}"));
            if model == "large" {
                group.sample_size(20).measurement_time(Duration::from_secs(8));
            }
            group.bench_function(BenchmarkId::new("trainer", rows), |bencher| bencher.iter(|| trainer.step(&batch).unwrap().loss()));
            let mut bare = open(&same_settings());
            group.bench_function(BenchmarkId::new("bare", rows), |bencher| bencher.iter(|| bare.step()));
            if rows == 32 {
                let mut bare = open(DEFAULT_GRAPH_OPTIONS);
                group.bench_function(BenchmarkId::new("bare-default", rows), |bencher| bencher.iter(|| bare.step()));
            }
            group.finish();

            let mut group = criterion.benchmark_group(format!("predict/{model}"));
            group.bench_function(BenchmarkId::new("trainer", rows), |bencher| bencher.iter(|| trainer.predict(&batch).unwrap().rows()));
            group.bench_function(BenchmarkId::new("bare", rows), |bencher| bencher.iter(|| bare.predict()));
            group.finish();
        }
    }
}

criterion_group!(group, benches);
criterion_main!(group);
