//! What the benchmarks are given: bundles that `benches/bundles.py` exported, and rows that any run makes again.

#![allow(unreachable_pub, dead_code, reason = "a part of several benchmarks")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use streamgrad::{Batch, Schema};

/// The folder that bundles and figures are in.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

pub fn bundle(model: &str) -> PathBuf {
    folder().join(format!("{model}.bundle"))
}

/// Features and labels.
pub fn data(rows: usize, features: usize, classes: i64) -> (Vec<f32>, Vec<i64>) {
    let numbers = (0..rows * features).map(|at| ((at * 7919 + 13) % 1000) as f32 / 1000.0 - 0.5).collect();
    (numbers, (0..rows as i64).map(|row| (row * 31) % classes).collect())
}

pub fn batch(schema: &Arc<Schema>, numbers: &[f32], labels: &[i64]) -> Batch {
    let mut batch = schema.batch();
    batch.set("numbers", numbers).unwrap();
    batch.set("label", labels).unwrap();
    batch
}

/// Calls over and over for as long as a turn lasts; microseconds a call.
pub fn turn(lasts: Duration, mut call: impl FnMut()) -> f64 {
    let (started, mut calls) = (Instant::now(), 0);
    while started.elapsed() < lasts {
        call();
        calls += 1;
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}
