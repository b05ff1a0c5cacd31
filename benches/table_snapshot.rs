//! A complete snapshot and a delta of a table of 20 million rows, and steps meanwhile beside steps outside: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them. It takes about 7 GB of memory and as much of the disk.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use streamgrad::table::ColumnsView;
use streamgrad::{Batch, FolderStore, Trainer, VersionId};

const ROWS: u64 = 20_000_000;
const DIM: usize = 16;
const BATCH: usize = 512;
/// One row in a hundred.
const TOUCHED: u64 = ROWS / 100;

fn quantile(durations: &mut [Duration], share: f64) -> f64 {
    durations.sort();
    durations[((durations.len() - 1) as f64 * share).round() as usize].as_secs_f64()
}

fn report(name: &str, value: f64, unit: &str, goal: &str) {
    println!(r#"{{"name": "{name}", "value": {value:.3}, "unit": "{unit}", "goal": {goal}}}"#);
}

fn id(at: u64) -> u64 {
    at.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Steps on ids from all over the table, a new batch each time.
struct Steps<'t> {
    trainer: &'t Trainer,
    batch: Batch,
    at: u64,
}

impl Steps<'_> {
    /// How long the step took, its batch not counted.
    fn step(&mut self) -> Duration {
        let ids: Vec<i64> = (0..BATCH as u64).map(|row| id(self.at + row * 31) as i64).collect();
        self.at = (self.at + 7919) % (ROWS - 31 * BATCH as u64);
        self.batch.set("item", &ids).unwrap();
        let started = Instant::now();
        self.trainer.step(&self.batch).unwrap();
        started.elapsed()
    }
}

fn bytes_of(folder: &Path, id: VersionId) -> f64 {
    let files = fs::read_dir(folder.join("snapshots").join(id.to_string())).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>() as f64 / 1e6
}

fn main() {
    let folder = tempfile::tempdir_in(given::folder()).unwrap();
    let path = folder.path().join("model");
    let store = FolderStore::builder(&path).every(Duration::ZERO).on_close(false).keep_last(1).deltas(4);
    let trainer = Trainer::builder(given::bundle("table")).store(store.open().unwrap()).open().unwrap();
    let table = trainer.table("item_rows").unwrap();
    let rows = vec![0.01; DIM << 16];
    for first in (0..ROWS).step_by(1 << 16) {
        let ids: Vec<u64> = (first..ROWS.min(first + (1 << 16))).map(id).collect();
        table.load(&ColumnsView { ids: &ids, rows: &rows[..ids.len() * DIM], ..ColumnsView::default() }).unwrap();
    }
    report("memory of a table, 20 M rows of 16 with Adagrad, a row", table.bytes() as f64 / ROWS as f64, "bytes", r#""<= 160""#);

    let mut batch = trainer.schema().batch_with_capacity(BATCH);
    batch.set("label", &[1.0f32; BATCH]).unwrap();
    let mut steps = Steps { trainer: &trainer, batch, at: 0 };
    let save = |steps: &mut Steps<'_>, what: &str| {
        let started = Instant::now();
        let (took, id, mut inside) = std::thread::scope(|scope| {
            let saving = scope.spawn(|| (trainer.save().unwrap(), started.elapsed()));
            let mut inside = Vec::new();
            while !saving.is_finished() {
                inside.push(steps.step());
            }
            let (id, took) = saving.join().unwrap();
            (took, id, inside)
        });
        let mut outside: Vec<_> = (0..4_000).map(|_| steps.step()).collect();
        eprintln!("{what}: {} steps meanwhile", inside.len());
        let (during, without) = (quantile(&mut inside, 0.99), quantile(&mut outside, 0.99));
        report(&format!("{what}: time"), took.as_secs_f64(), "s", "null");
        report(&format!("{what}: size"), bytes_of(&path, id), "MB", "null");
        report(&format!("{what}: longest step meanwhile, batch 512"), quantile(&mut inside, 1.0) * 1e3, "ms", "null");
        report(&format!("{what}: p99 of a step meanwhile"), during * 1e3, "ms", "null");
        report(&format!("{what}: p99 of a step meanwhile / outside"), during / without, "x", r#""<= 1.5""#);
    };
    save(&mut steps, "snapshot of a table of 20 M rows");
    // What the steps beside it touched.
    trainer.save().unwrap();
    for _ in 0..TOUCHED / BATCH as u64 {
        steps.step();
    }
    save(&mut steps, "delta of 1 % of it");
}
