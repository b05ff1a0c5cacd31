//! A step and a prediction beside a bare loop over the C API: `make bench`.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

mod bare;
mod given;

use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs};

use bare::{Bare, CALLERS_THREAD, DEFAULTS, same_settings};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use given::{batch, bundle, data, folder};
use serde_json::Value;
use streamgrad::Trainer;

const MODELS: [(&str, usize, i64); 3] = [("small", 13, 3), ("middle", 784, 10), ("large", 1024, 10)];
const ROWS: [usize; 3] = [1, 32, 256];

/// Uses a result up, within the time that is measured.
fn spend<T>(result: T) {
    drop(black_box(result));
}

/// Calls in a row before the others have their turn.
const BLOCK: u64 = 16;

/// What is measured under a name.
type Contender<'a> = (&'a str, &'a mut dyn FnMut());

/// Measures each of them while the others take turns with it. The machine's pace changes within seconds, so what criterion says
/// of two contenders is not of the same seconds; for ratios, the medians over all turns of each are written to
/// `target/bench/turns/GROUP-ROWS.json`, in microseconds a call.
fn side_by_side(criterion: &mut Criterion, group: &str, rows: usize, contenders: &mut [Contender<'_>]) {
    let mut turns = vec![Vec::new(); contenders.len()];
    let mut group_of = criterion.benchmark_group(group);
    if group.ends_with("large") {
        group_of.sample_size(10);
    }
    for measured in 0..contenders.len() {
        group_of.bench_function(BenchmarkId::new(contenders[measured].0, rows), |bencher| {
            bencher.iter_custom(|calls| {
                let mut spent = Duration::ZERO;
                let mut left = calls;
                while left > 0 {
                    let block = left.min(BLOCK);
                    left -= block;
                    for (index, (_, call)) in contenders.iter_mut().enumerate() {
                        let started = Instant::now();
                        (0..block).for_each(|_| call());
                        let time = started.elapsed();
                        turns[index].push(time.as_secs_f64() * 1e6 / block as f64);
                        if index == measured {
                            spent += time;
                        }
                    }
                }
                spent
            });
        });
    }
    group_of.finish();
    if turns.iter().any(Vec::is_empty) {
        // A filter on the command line left the group out.
        return;
    }
    let medians = contenders.iter().zip(turns).map(|((name, _), turns)| (name.to_string(), median(turns).into())).collect();
    let folder = folder().join(env::var("TURNS").unwrap_or("turns".into()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{}-{rows}.json", group.replace('/', "_"))), Value::Object(medians).to_string()).unwrap();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn benches(criterion: &mut Criterion) {
    let tensorflow = streamgrad::tf::load(None).unwrap();
    for (model, features, classes) in MODELS {
        for rows in ROWS {
            let (numbers, labels) = data(rows, features, classes);
            let open = |config: &[u8]| Bare::open(tensorflow.path(), &bundle(model), config, &numbers, &labels);
            let trainer = Trainer::open(bundle(model)).unwrap();
            let batch = batch(trainer.schema(), &numbers, &labels);
            let mut same = open(&same_settings());

            let mut step = || spend(trainer.step(&batch).unwrap());
            let contenders: &mut [Contender<'_>] = &mut [("trainer", &mut step), ("bare", &mut || spend(same.step()))];
            side_by_side(criterion, &format!("step/{model}"), rows, contenders);

            if rows == 32 && model == "small" {
                let (mut callers_thread, mut defaults) = (open(CALLERS_THREAD), open(DEFAULTS));
                let rival: Contender<'_> = ("bare-callers-thread", &mut || spend(callers_thread.step()));
                side_by_side(criterion, "callers-thread/small", rows, &mut [("trainer", &mut step), rival]);
                let rival: Contender<'_> = ("bare-defaults", &mut || spend(defaults.step()));
                side_by_side(criterion, "defaults/small", rows, &mut [("trainer", &mut step), rival]);
            }

            let mut predict = || spend(trainer.predict(&batch).unwrap());
            let contenders: &mut [Contender<'_>] = &mut [("trainer", &mut predict), ("bare", &mut || spend(same.predict()))];
            side_by_side(criterion, &format!("predict/{model}"), rows, contenders);
        }
    }
}

criterion_group! {
    name = group;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(30);
    targets = benches
}
criterion_main!(group);
