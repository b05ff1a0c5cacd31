//! What a guard costs: two trainers of the small model take turns, one of them guarded: `make bench`.
//!
//! Prints one line of JSON, as `benches/run.py` collects them.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::time::Duration;

use serde_json::json;
use streamgrad::Trainer;
use streamgrad::guard::Guard;
use streamgrad::trainer::TrainerBuilder;

const ROWS: usize = 32;
/// Short, so that all of a round is of the same seconds.
const TURN: Duration = Duration::from_millis(10);
const ROUNDS: usize = 101;

fn main() {
    // Any norm passes, and each is compared: the same batch over and over is learned to its end.
    let guard = Guard::default().factor(1e300).without_response();
    let open = |change: &dyn Fn(TrainerBuilder) -> TrainerBuilder| change(Trainer::builder(given::bundle("small"))).open().unwrap();
    let trainers = [open(&|builder| builder), open(&|builder| builder.guard(guard.clone()))];
    let (numbers, labels) = given::data(ROWS, 13, 3);
    let batch = given::batch(trainers[0].schema(), &numbers, &labels);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (trainer, times) in trainers.iter().zip(&mut times) {
            times.push(given::turn(TURN, || drop(trainer.step(&batch).unwrap())));
        }
    }
    assert!(trainers[1].guard_status().limit.is_some());
    let [plain, guarded] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    let name = format!("guarded trainer / trainer: step, small, batch {ROWS}, one thread");
    println!("{}", json!({"name": name, "value": guarded / plain, "unit": "x", "goal": "<= 1.03"}));
}
