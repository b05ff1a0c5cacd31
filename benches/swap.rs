//! Calls while versions are swapped beside calls while none is, at a thousand a second: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them: the median over rounds. A number among the
//! arguments is the seconds of a round.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use given::bundle;
use streamgrad::{Batch, FolderStore, Predictor, Schema, Trainer, VersionId};

const SECONDS: u64 = 8;
/// One moment in which the machine does something else decides a round; the median is of rounds without one.
const ROUNDS: usize = 7;
const PACE: Duration = Duration::from_millis(1);
const BETWEEN_SWAPS: Duration = Duration::from_millis(100);
/// Short, so that little of what counts as a swap is waiting for it.
const LOOK: Duration = Duration::from_millis(2);
const CASE: &str = "784-256-128-10, batch 32, 1,000 calls a second";

fn batch(schema: &Arc<Schema>) -> Batch {
    let (numbers, labels) = given::data(32, 784, 10);
    given::batch(schema, &numbers, &labels)
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
        // Awake: a virtual machine's processor that went to sleep comes back milliseconds late at times.
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

/// A round's p99 during swaps and outside. `show` puts one of two versions where the predictor looks for it.
fn round(what: &str, predictor: &Predictor, time: Duration, show: &(impl Fn(bool) -> VersionId + Sync)) -> [f64; 2] {
    let stop = AtomicBool::new(false);
    let (calls, swaps) = thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = Vec::new();
            while !stop.load(Ordering::Relaxed) || swaps.len() % 2 == 1 {
                let started = Instant::now();
                let wanted = show(swaps.len() % 2 == 1);
                while predictor.version().unwrap() != wanted {
                    thread::sleep(LOOK / 4);
                }
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
    [p99(during), p99(outside)]
}

/// Lets a predictor follow from one version to the other and back.
fn measure(what: &str, predictor: &Predictor, time: Duration, show: impl Fn(bool) -> VersionId + Sync) {
    calls(predictor, time / 4);
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round(what, predictor, time, &show)).collect();
    let median = |figure: fn(&[f64; 2]) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values[ROUNDS / 2]
    };
    let figure = |name: &str, value: f64, unit: &str, goal: &str| {
        println!(r#"{{"name": "{name}: {what}, {CASE}", "value": {value:.3}, "unit": "{unit}", "goal": {goal}}}"#);
    };
    figure("p99 of predictions outside swaps", median(|round| round[1]), "us", "null");
    figure("p99 of predictions during swaps", median(|round| round[0]), "us", "null");
    figure("p99 of predictions, during swaps / outside", median(|round| round[0] / round[1]), "x", r#""<= 2""#);
}

/// Two lineages in one folder; its pointer names now the one, now the other, as after rollbacks.
fn snapshots(folder: &Path, time: Duration) {
    let store = FolderStore::builder(folder).every(Duration::ZERO).on_close(false).open().unwrap();
    let trainer = Trainer::builder(bundle("middle")).store(store).open().unwrap();
    trainer.step(&batch(trainer.schema())).unwrap();
    let pointer = folder.join("latest");
    let kept = |version: VersionId| (version, fs::read(&pointer).unwrap());
    let first = kept(trainer.save().unwrap());
    let second = kept(trainer.rollback(first.0).unwrap());
    drop(trainer);
    let predictor = Predictor::builder(bundle("middle")).follow(folder).every(LOOK).open().unwrap();
    measure("snapshots", &predictor, time, |second_next| {
        let (version, content) = if second_next { &second } else { &first };
        let new = folder.join("new");
        fs::write(&new, content).unwrap();
        fs::rename(new, &pointer).unwrap();
        *version
    });
}

/// Two numbered bundles; the second comes and goes.
fn numbered(folder: &Path, time: Duration) {
    let (second, away) = (folder.join("2"), folder.join("away"));
    symlink(bundle("middle"), folder.join("1")).unwrap();
    let predictor = Predictor::numbered(folder).every(LOOK).open().unwrap();
    let first = predictor.version().unwrap();
    symlink(bundle("middle"), &second).unwrap();
    while predictor.version().unwrap() == first {
        thread::sleep(LOOK);
    }
    measure("numbered bundles", &predictor, time, |second_next| {
        match second_next {
            true => fs::rename(&away, &second),
            false => fs::rename(&second, &away),
        }
        .unwrap();
        VersionId { number: 1 + u64::from(second_next), ..first }
    });
}

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    let time = Duration::from_secs(seconds);
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    snapshots(&one.path().join("model"), time);
    numbered(other.path(), time);
}
