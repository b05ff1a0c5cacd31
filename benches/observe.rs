//! Steps of a trainer that is watched beside those of one that is not: `make bench`.
//!
//! Watched by default: event files for TensorBoard with the default options, Prometheus' text and the log taken once a second. What counts is
//! the processor's time of the whole process, so that the work of other threads is in it. Prints a line of JSON for each figure, as
//! `benches/run.py` collects them: medians over turns. A number among the arguments is how many
//! pairs of trainers there are.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use given::{batch, bundle, data};
use streamgrad::observe::LogRing;
use streamgrad::{TensorBoard, Trainer};

/// Where two trainers have their memory makes some percent of a step, so there are many.
const TRAINERS: usize = 41;
const TURNS: usize = 4;
/// The steps of a turn: ten samples, one of them with histograms.
const STEPS: u32 = 2000;

/// The time that all threads of this process have had of a processor.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to `time`; Linux has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds of a step that is watched, and how many times those of one that is not, in each turn of two new trainers.
fn pairs(rows: usize, log: &LogRing) -> Vec<(f64, f64)> {
    let folder = tempfile::tempdir().unwrap();
    let plain = Trainer::open(bundle("small")).unwrap();
    let watched = Trainer::builder(bundle("small")).tensorboard(TensorBoard::new(folder.path())).open().unwrap();
    let (numbers, labels) = data(rows, 13, 3);
    let batch = batch(plain.schema(), &numbers, &labels);
    let turn = |trainer: &Trainer| {
        let started = processor_time();
        (0..STEPS).for_each(|_| drop(black_box(trainer.step(&batch).unwrap())));
        (processor_time() - started).as_secs_f64() * 1e6 / f64::from(STEPS)
    };
    // Both have made their buffers.
    let _ = (turn(&watched), turn(&plain));
    let done = AtomicBool::new(false);
    let pairs = thread::scope(|scope| {
        let scraping = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                drop(black_box((watched.prometheus(), log.drain(usize::MAX))));
                thread::park_timeout(Duration::from_secs(1));
            }
        });
        let pair = |number: usize| {
            // Each goes first as often as the other.
            let (watched, plain) = match number.is_multiple_of(2) {
                true => (turn(&watched), turn(&plain)),
                false => {
                    let plain = turn(&plain);
                    (turn(&watched), plain)
                }
            };
            (watched, watched / plain)
        };
        let pairs = (0..TURNS).map(pair).collect();
        done.store(true, Ordering::Relaxed);
        scraping.thread().unpark();
        pairs
    });
    let status = watched.tensorboard_status().unwrap();
    assert!(status.error.is_none() && status.dropped < status.samples / 10, "{status:?}");
    pairs
}

fn main() {
    let trainers = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(TRAINERS);
    let log = LogRing::new(1024);
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    for rows in [1, 32] {
        let (times, ratios) = (0..trainers).flat_map(|_| pairs(rows, &log)).unzip();
        let case = format!("step, small, batch {rows}, one thread");
        let figure = |name: &str, value: f64, unit: &str, goal: &str| {
            println!(r#"{{"name": "{name}: {case}", "value": {value:.4}, "unit": "{unit}", "goal": {goal}}}"#);
        };
        figure("trainer watched by default", median(times), "us", "null");
        figure("trainer watched by default / not watched", median(ratios), "x", r#""<= 1.03""#);
    }
}
