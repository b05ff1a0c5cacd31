//! The trainer's side of a comparison with another language: one call over and over, for as long as each line of standard
//! input says. Who measures Java or Python starts this program and lets it have turns, so that both are of the same seconds.
//!
//!     turns step|predict BUNDLE ROWS FEATURES CLASSES <MILLISECONDS...
//!
//! Prints the microseconds of a call for each line.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::hint::black_box;
use std::io::{Write, stdin, stdout};
use std::time::Duration;

use streamgrad::Trainer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, bundle, rows, features, classes] = arguments.as_slice() else {
        // `cargo bench` starts every benchmark.
        eprintln!("usage: turns step|predict BUNDLE ROWS FEATURES CLASSES <MILLISECONDS...");
        return;
    };
    let trainer = Trainer::open(bundle).unwrap();
    let (numbers, labels) = given::data(rows.parse().unwrap(), features.parse().unwrap(), classes.parse().unwrap());
    let batch = given::batch(trainer.schema(), &numbers, &labels);
    let call = || match what.as_str() {
        "step" => drop(black_box(trainer.step(&batch).unwrap())),
        _ => drop(black_box(trainer.predict(&batch).unwrap())),
    };
    for line in stdin().lines() {
        let turn = Duration::from_millis(line.unwrap().parse().unwrap());
        println!("{}", given::turn(turn, call));
        stdout().flush().unwrap();
    }
}
