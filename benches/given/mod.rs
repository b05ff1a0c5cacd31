//! What the benchmarks are given: bundles that `benches/bundles.py` exported, and rows that any run makes again.

#![allow(unreachable_pub, dead_code, reason = "a part of several benchmarks")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use streamgrad::{Batch, Schema};

/// Enough that the rows of one are no longer in the CPU's caches when it comes again.
const BATCHES: usize = 64;

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

fn ids(schema: &Arc<Schema>, features: usize, rows: impl Iterator<Item = i64>) -> Batch {
    // All over the 64 bits, as hashes are.
    let ids: Vec<i64> = rows.map(|row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64)).collect();
    let labels: Vec<f32> = (0..ids.len() / features).map(|row| f32::from(u8::from(row % 4 == 0))).collect();
    let mut batch = schema.batch();
    batch.set("ids", &ids).unwrap();
    batch.set("clicked", &labels).unwrap();
    batch
}

/// Batches in which each of so many ids is.
pub fn every_id(schema: &Arc<Schema>, rows: usize, features: usize, of: i64) -> impl Iterator<Item = Batch> {
    let size = (rows * features) as i64;
    (0..of).step_by(rows * features).map(move |first| ids(schema, features, (first..first + size).map(|id| id % of)))
}

/// Batches of ids, drawn evenly or by a power law of exponent 1.
pub fn clicks(schema: &Arc<Schema>, rows: usize, features: usize, of: i64, power_law: bool) -> Vec<Batch> {
    let mut random = 5_u64;
    let mut draw = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = (random >> 11) as f64 / (1_u64 << 53) as f64;
        let row = if power_law { (of as f64).powf(chance) - 1.0 } else { of as f64 * chance };
        (row as i64).min(of - 1)
    };
    (0..BATCHES).map(|_| ids(schema, features, (0..rows * features).map(|_| draw()))).collect()
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
