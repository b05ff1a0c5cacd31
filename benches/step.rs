//! A step and a prediction beside a bare loop over the C API: `make bench`.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

mod bare;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bare::{Bare, CALLERS_THREAD, DEFAULTS, same_settings};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
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

/// Uses a result up, within the time that is measured.
fn spend<T>(result: T) {
    drop(black_box(result));
}

/// Calls in a row before the others have their turn.
const BLOCK: u64 = 16;

/// What is measured under a name.
type Contender<'a> = (&'a str, &'a mut dyn FnMut());

/// Measures each of them while the others run in turn with it, so that a disturbance of the machine falls on all.
fn side_by_side(group: &mut BenchmarkGroup<'_, WallTime>, rows: usize, contenders: &mut [Contender<'_>]) {
    for measured in 0..contenders.len() {
        group.bench_function(BenchmarkId::new(contenders[measured].0, rows), |bencher| {
            bencher.iter_custom(|calls| {
                let mut spent = Duration::ZERO;
                let mut left = calls;
                while left > 0 {
                    let block = left.min(BLOCK);
                    left -= block;
                    for (index, (_, call)) in contenders.iter_mut().enumerate() {
                        let started = Instant::now();
                        (0..block).for_each(|_| call());
                        if index == measured {
                            spent += started.elapsed();
                        }
                    }
                }
                spent
            });
        });
    }
}

fn benches(criterion: &mut Criterion) {
    let tensorflow = streamgrad::tf::load(None).unwrap();
    for (model, features, classes) in MODELS {
        for rows in ROWS {
            let (numbers, labels) = data(rows, features, classes);
            let open = |config: &[u8]| Bare::open(tensorflow.path(), &bundle(model), config, &numbers, &labels);
            let trainer = Trainer::open(bundle(model)).unwrap();
            let batch = batch(&trainer, &numbers, &labels);
            let mut same = open(&same_settings());

            let mut group = criterion.benchmark_group(format!("step/{model}"));
            if model == "large" {
                group.sample_size(10);
            }
            let mut step = || spend(trainer.step(&batch).unwrap());
            if rows == 32 && model != "large" {
                let (mut callers_thread, mut defaults) = (open(CALLERS_THREAD), open(DEFAULTS));
                let contenders: &mut [Contender<'_>] = &mut [
                    ("trainer", &mut step),
                    ("bare", &mut || spend(same.step())),
                    ("bare-callers-thread", &mut || spend(callers_thread.step())),
                    ("bare-defaults", &mut || spend(defaults.step())),
                ];
                side_by_side(&mut group, rows, contenders);
            } else {
                side_by_side(&mut group, rows, &mut [("trainer", &mut step), ("bare", &mut || spend(same.step()))]);
            }
            group.finish();

            let mut group = criterion.benchmark_group(format!("predict/{model}"));
            let mut predict = || spend(trainer.predict(&batch).unwrap());
            side_by_side(&mut group, rows, &mut [("trainer", &mut predict), ("bare", &mut || spend(same.predict()))]);
            group.finish();
        }
    }
}

criterion_group! {
    name = group;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = benches
}
criterion_main!(group);
