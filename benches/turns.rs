//! The trainer's side of a comparison with another language: one call over and over, for as long as each line of standard
//! input says. Who measures Java or Python starts this program and lets it have turns, so that both are of the same seconds.
//!
//!     turns step|predict BUNDLE ROWS FEATURES CLASSES <MILLISECONDS...
//!     turns uniform|power BUNDLE ROWS FEATURES IDS <MILLISECONDS...
//!
//! The second is a step of a model whose features are ids; before the first turn, each of so many ids has a row in its tables.
//! Prints the microseconds of a call for each line.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::hint::black_box;
use std::io::{Write, stdin, stdout};
use std::time::Duration;

use streamgrad::Trainer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, bundle, rows, features, kinds] = arguments.as_slice() else {
        // `cargo bench` starts every benchmark.
        eprintln!("usage: turns step|predict|uniform|power BUNDLE ROWS FEATURES CLASSES|IDS <MILLISECONDS...");
        return;
    };
    let trainer = Trainer::open(bundle).unwrap();
    let (rows, features, kinds) = (rows.parse().unwrap(), features.parse().unwrap(), kinds.parse().unwrap());
    let batches = match what.as_str() {
        "step" | "predict" => {
            let (numbers, labels) = given::data(rows, features, kinds);
            vec![given::batch(trainer.schema(), &numbers, &labels)]
        }
        law => {
            for batch in given::every_id(trainer.schema(), rows, features, kinds) {
                trainer.step(&batch).unwrap();
            }
            given::clicks(trainer.schema(), rows, features, kinds, law == "power")
        }
    };
    let mut batches = batches.iter().cycle();
    let mut call = || {
        let batch = batches.next().unwrap();
        match what.as_str() {
            "predict" => drop(black_box(trainer.predict(batch).unwrap())),
            _ => drop(black_box(trainer.step(batch).unwrap())),
        }
    };
    for line in stdin().lines() {
        let turn = Duration::from_millis(line.unwrap().parse().unwrap());
        println!("{}", given::turn(turn, &mut call));
        stdout().flush().unwrap();
    }
}
