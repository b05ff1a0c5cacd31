//! A snapshot of 100 MB beside a plain synced write of the same bytes, steps during snapshots beside steps outside, and what
//! a host's own checkpoint costs: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use given::{batch, bundle, data};
use streamgrad::{Batch, FolderStore, Trainer};

const ROUNDS: usize = 9;
const SNAPSHOTS: usize = 40;
/// Steps from the end of one snapshot to the next.
const STEPS: usize = 5;

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let done = work();
    (started.elapsed(), done)
}

/// The value that this share of the durations is below.
fn quantile(durations: &mut [Duration], share: f64) -> f64 {
    durations.sort();
    durations[((durations.len() - 1) as f64 * share).round() as usize].as_secs_f64()
}

fn report(name: &str, value: f64, unit: &str, goal: &str) {
    println!(r#"{{"name": "{name}", "value": {value:.3}, "unit": "{unit}", "goal": {goal}}}"#);
}

fn main() {
    // On the disk of the repository: a folder for temporary files may be memory.
    let folder = tempfile::tempdir_in(given::folder()).unwrap();
    let open = || {
        let store = FolderStore::builder(folder.path().join("model")).every(Duration::ZERO).on_close(false).keep_last(1);
        Trainer::builder(bundle("hundred")).store(store.open().unwrap()).open().unwrap()
    };
    let trainer = open();
    // One row: the shortest steps are those that a snapshot could hold up most.
    let (numbers, labels) = data(1, 1024, 10);
    let batch = batch(trainer.schema(), &numbers, &labels);
    trainer.step(&batch).unwrap();
    let parameters = trainer.parameters().unwrap();
    let bytes: Vec<u8> = parameters.names().flat_map(|name| parameters.bytes(name).unwrap().to_vec()).collect();
    drop(parameters);

    let plain = |at: usize| {
        let mut file = File::create(folder.path().join(format!("plain-{}", at % 2))).unwrap();
        file.write_all(&bytes).unwrap();
        file.sync_all().unwrap();
    };
    let (mut writes, mut saves) = (Vec::new(), Vec::new());
    for at in 0..ROUNDS {
        writes.push(timed(|| plain(at)).0);
        trainer.step(&batch).unwrap();
        saves.push(timed(|| trainer.save().unwrap()).0);
    }
    let megabytes = bytes.len() as f64 / 1e6;
    let (write, save) = (quantile(&mut writes, 0.5), quantile(&mut saves, 0.5));
    report("plain synced write of the same bytes", megabytes / write, "MB/s", "null");
    report("snapshot of a 100 MB model", megabytes / save, "MB/s", "null");
    report("speed of a snapshot / of a plain synced write, 100 MB", write / save, "x", r#"">= 0.7""#);

    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    let step = || timed(|| trainer.step(&batch).unwrap()).0;
    std::thread::scope(|scope| {
        for _ in 0..SNAPSHOTS {
            let saving = scope.spawn(|| trainer.save().unwrap());
            while !saving.is_finished() {
                inside.push(step());
            }
            outside.extend((0..STEPS).map(|_| step()));
        }
    });
    eprintln!("{} steps during snapshots, {} outside", inside.len(), outside.len());
    let (during, without) = (quantile(&mut inside, 0.99), quantile(&mut outside, 0.99));
    report("p99 of a step during a snapshot, 100 MB, batch 1", during * 1e3, "ms", "null");
    report("p99 of a step outside", without * 1e3, "ms", "null");
    report("p99 of a step during a snapshot / outside", during / without, "x", r#""<= 1.5""#);

    drop(trainer);
    let (restored, trainer) = timed(open);
    report("opening a trainer from a snapshot, 100 MB", restored.as_secs_f64(), "s", "null");
    let (blank, _) = timed(|| Trainer::open(bundle("hundred")).unwrap());
    report("opening a trainer from its bundle, 100 MB", blank.as_secs_f64(), "s", "null");
    drop(trainer);
    checkpoints(&batch);
}

/// What a host's own checkpoints cost: the pin, which holds the stream up, and the rest, which does not.
fn checkpoints(batch: &Batch) {
    let trainer = Trainer::open(bundle("hundred")).unwrap();
    let (mut pins, mut streams, mut restores) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        trainer.step(batch).unwrap();
        let (pin, checkpoint) = timed(|| trainer.checkpoint().unwrap());
        pins.push(pin);
        let mut stream = Vec::with_capacity(256 << 20);
        streams.push(timed(|| checkpoint.write_to(&mut stream).unwrap()).0);
        restores.push(timed(|| trainer.restore(&*stream).unwrap()).0);
    }
    report("pinning a checkpoint, the longest of 9, 100 MB", quantile(&mut pins, 1.0) * 1e3, "ms", r#""<= 1""#);
    report("writing a checkpoint into memory, 100 MB", quantile(&mut streams, 0.5), "s", "null");
    report("restoring a checkpoint from memory, 100 MB", quantile(&mut restores, 0.5), "s", "null");
}
