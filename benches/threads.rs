//! Two threads on one trainer beside one thread, and beside two processes: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use given::{batch, bundle, data};
use streamgrad::Trainer;

/// Short, so that all of a round is of the same seconds.
const TURN: Duration = Duration::from_millis(200);
const ROUNDS: usize = 60;
const WARM_UP: usize = 5;
const ALONE: &str = "--alone";

/// Steps per second of so many threads on one trainer.
fn threads(trainer: &Trainer, threads: usize) -> f64 {
    let step = || {
        let (numbers, labels) = data(32, 13, 3);
        let batch = batch(trainer.schema(), &numbers, &labels);
        1e6 / given::turn(TURN, || drop(trainer.step(&batch).unwrap()))
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(step)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    })
}

/// This program again, with a trainer of its own; each line is a turn.
fn process() -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program).arg(ALONE).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn alone(trainer: &Trainer) {
    for _ in std::io::stdin().lines() {
        println!("{}", threads(trainer, 1));
    }
}

/// Steps per second of all processes.
fn processes(children: &mut [Child]) -> f64 {
    for child in &mut *children {
        child.stdin.as_mut().unwrap().write_all(b"turn\n").unwrap();
    }
    let rate = |child: &mut Child| {
        let mut answer = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
        answer.trim().parse::<f64>().unwrap()
    };
    children.iter_mut().map(rate).sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let trainer = Trainer::open(bundle("small")).unwrap();
    if std::env::args().any(|argument| argument == ALONE) {
        return alone(&trainer);
    }
    let mut children = [process(), process()];
    let mut round = || [threads(&trainer, 1), threads(&trainer, 2), processes(&mut children)];
    for _ in 0..WARM_UP {
        round();
    }
    let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round()).collect();
    let report = |name: &str, index: usize, goal: &str| {
        let ratio = median(rounds.iter().map(|round| round[index] / round[0]).collect());
        println!(r#"{{"name": "{name}, 13-32-32-3, batch 32", "value": {ratio:.3}, "unit": "x", "goal": {goal}}}"#);
    };
    report("two threads on one trainer / one thread", 1, r#"">= 1.75""#);
    report("two processes / one thread", 2, "null");
    for mut child in children {
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
