//! Calls while versions are swapped beside calls while none is, at a thousand a second: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them. A number among the arguments is the seconds for
//! each kind of swap.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use streamgrad::predictor::VersionName;
use streamgrad::{Batch, FolderStore, Predictor, Schema, Trainer};

const SECONDS: u64 = 30;
const PACE: Duration = Duration::from_millis(1);
const BETWEEN_SWAPS: Duration = Duration::from_millis(200);
/// Sleeping is not exact; the rest of a pause is spent awake.
const AWAKE: Duration = Duration::from_micros(200);
const CASE: &str = "784-256-128-10, batch 32, 1,000 calls a second";

fn bundle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/middle.bundle")
}

fn batch(schema: &std::sync::Arc<Schema>) -> Batch {
    let mut batch = schema.batch();
    batch.set("numbers", &(0..32 * 784).map(|at| (at % 100) as f32 / 100.0).collect::<Vec<_>>()).unwrap();
    batch.set("label", &(0..32).map(|row| row % 10).collect::<Vec<i64>>()).unwrap();
    batch
}

/// From when to when a call or a swap took.
type Span = (Instant, Instant);

/// Calls as they become due, each from the moment that it was due: one that holds up the next ones counts for them too.
fn calls(predictor: &Predictor, time: Duration) -> Vec<Span> {
    let batch = batch(predictor.schema());
    let started = Instant::now();
    let mut spans = Vec::new();
    for call in 0.. {
        let due = started + PACE * call;
        if due - started >= time {
            return spans;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()).saturating_sub(AWAKE));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        predictor.predict(&batch).unwrap();
        spans.push((due, Instant::now()));
    }
    spans
}

/// Microseconds that one call in a hundred exceeds.
fn p99(mut spans: Vec<Span>) -> f64 {
    assert!(spans.len() >= 100, "{} calls are too few to tell: measure longer", spans.len());
    spans.sort_by_key(|(from, to)| *to - *from);
    let (from, to) = spans[spans.len() * 99 / 100];
    (to - from).as_secs_f64() * 1e6
}

fn measure(what: &str, predictor: &Predictor, versions: &[VersionName], time: Duration) {
    calls(predictor, time / 10);
    let stop = AtomicBool::new(false);
    let (calls, swaps) = thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = Vec::new();
            for version in versions.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let started = Instant::now();
                predictor.switch_to(*version).unwrap();
                swaps.push((started, Instant::now()));
                thread::sleep(BETWEEN_SWAPS);
            }
            swaps
        });
        let calls = calls(predictor, time);
        stop.store(true, Ordering::Relaxed);
        (calls, swapping.join().unwrap())
    });
    let during = |call: &Span| swaps.iter().any(|swap| call.0 < swap.1 && swap.0 < call.1);
    let (during, outside): (Vec<Span>, Vec<Span>) = calls.into_iter().partition(during);
    eprintln!("{what}: {} swaps, {} calls during them, {} outside", swaps.len(), during.len(), outside.len());
    let (during, outside) = (p99(during), p99(outside));
    let figure = |name: &str, value: f64, unit: &str, goal: &str| {
        println!(r#"{{"name": "{name}: {what}, {CASE}", "value": {value:.3}, "unit": "{unit}", "goal": {goal}}}"#);
    };
    figure("p99 of predictions outside swaps", outside, "us", "null");
    figure("p99 of predictions during swaps", during, "us", "null");
    figure("p99 of predictions, during swaps / outside", during / outside, "x", r#""<= 2""#);
}

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();

    let model = folder.path().join("model");
    let trainer = Trainer::builder(bundle()).store(FolderStore::builder(&model).every(Duration::ZERO).open().unwrap()).open().unwrap();
    let learned = batch(trainer.schema());
    let versions = [(); 2].map(|()| {
        trainer.step(&learned).unwrap();
        VersionName::from(trainer.save().unwrap())
    });
    drop(trainer);
    let predictor = Predictor::builder(bundle()).follow(&model).every(Duration::ZERO).open().unwrap();
    measure("snapshots", &predictor, &versions, time);

    for number in ["1", "2"] {
        symlink(bundle(), folder.path().join(number)).unwrap();
    }
    let predictor = Predictor::numbered(folder.path()).every(Duration::ZERO).open().unwrap();
    measure("numbered bundles", &predictor, &[1.into(), 2.into()], time);
}
