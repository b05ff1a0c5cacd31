//! Two threads on one trainer beside one thread, and beside two processes: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use streamgrad::Trainer;

const ROUND: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 5;
const ALONE: &str = "--alone";

fn open() -> Trainer {
    Trainer::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/small.bundle")).unwrap()
}

/// Steps per second of so many threads on one trainer.
fn rate(trainer: &Trainer, threads: usize) -> f64 {
    let steps: u64 = thread::scope(|scope| {
        let step = || {
            let mut batch = trainer.schema().batch();
            batch.set("numbers", &(0..32 * 13).map(|at| (at % 100) as f32 / 100.0).collect::<Vec<_>>()).unwrap();
            batch.set("label", &(0..32).map(|row| row % 3).collect::<Vec<i64>>()).unwrap();
            let started = Instant::now();
            let mut steps = 0;
            while started.elapsed() < ROUND {
                for _ in 0..100 {
                    trainer.step(&batch).unwrap();
                }
                steps += 100;
            }
            steps
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(step)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    });
    steps as f64 / ROUND.as_secs_f64()
}

/// Steps per second of two processes, each with a trainer of its own.
fn processes() -> f64 {
    let children: Vec<_> = (0..2)
        .map(|_| Command::new(std::env::current_exe().unwrap()).arg(ALONE).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    children
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().parse::<f64>().unwrap())
        .sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let trainer = open();
    rate(&trainer, 1);
    if std::env::args().any(|argument| argument == ALONE) {
        println!("{}", rate(&trainer, 1));
        return;
    }
    let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| [rate(&trainer, 1), rate(&trainer, 2), processes()]).collect();
    let ratio = |index: usize| median(rounds.iter().map(|round| round[index] / round[0]).collect());
    println!(
        r#"{{"name": "two threads on one trainer / one thread, 13-32-32-3, batch 32", "value": {:.3}, "unit": "x", "goal": ">= 1.75"}}"#,
        ratio(1)
    );
    println!(r#"{{"name": "two processes / one process, 13-32-32-3, batch 32", "value": {:.3}, "unit": "x", "goal": null}}"#, ratio(2));
}
