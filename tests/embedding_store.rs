//! Tables in snapshots, deltas and checkpoints: learning goes on from each as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use common::store::{bytes, fresh, quiet};
use common::{Recording, builder, peer};
use streamgrad::params::FolderStoreBuilder;
use streamgrad::table::Pulled;
use streamgrad::{Batch, ErrorKind, Predictor, Snapshot, Trainer, VersionId};

const TABLES: [&str; 4] = ["often", "lucky", "fresh", "bounded"];

fn settings() -> PathBuf {
    peer().join("embedding_settings.bundle")
}

fn open(store: FolderStoreBuilder) -> Trainer {
    builder(settings()).store(store.open().unwrap()).open().unwrap()
}

fn in_memory() -> Trainer {
    builder(settings()).open().unwrap()
}

/// A number that looks drawn, the same in every run.
fn drawn(step: u64, at: u64) -> u64 {
    let mixed = (step * 1000 + at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
}

/// The batch of a step: ids that come often, seldom, and not again for a while.
fn batch(trainer: &Trainer, step: u64) -> Batch {
    const ROWS: u64 = 24;
    let mut batch = trainer.schema().batch();
    for (table, known) in TABLES.iter().zip([40, 60, 30, 400]) {
        let ids: Vec<i64> = (0..ROWS).map(|row| (drawn(step, row) % known) as i64 + step as i64 / 20 * 10).collect();
        batch.set(&format!("{table}_id"), &ids).unwrap();
    }
    let labels: Vec<f32> = (0..ROWS).map(|row| drawn(step, row).is_multiple_of(3).into()).collect();
    batch.set("label", &labels).unwrap();
    batch.set_event_time(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + 300 * step));
    batch
}

fn learn(trainer: &Trainer, steps: u64) {
    for _ in 0..steps {
        trainer.step(&batch(trainer, trainer.version().unwrap())).unwrap();
    }
}

/// All that a checkpoint holds, but for the time when it was taken: its files' contents behind the manifest.
fn state(trainer: &Trainer) -> Vec<u8> {
    let stream = bytes(&trainer.checkpoint().unwrap());
    let names = [&b"model.safetensors"[..], b"training.safetensors"];
    let starts = names.map(|name| stream.windows(name.len()).rposition(|window| window == name).unwrap());
    stream[starts[0].min(starts[1])..].to_vec()
}

/// What an uninterrupted run comes to.
fn uninterrupted(steps: u64) -> Vec<u8> {
    let trainer = in_memory();
    learn(&trainer, steps);
    let rows = TABLES.map(|table| trainer.table(table).unwrap().rows());
    assert!(rows.iter().all(|rows| *rows > 0), "every table has rows: {rows:?}");
    state(&trainer)
}

#[test]
fn learning_goes_on_bit_for_bit_from_snapshots_and_deltas() {
    let wanted = uninterrupted(90);
    for deltas in [0, 8] {
        let (_kept, path) = fresh();
        let mut deltas_seen = 0;
        for until in [13, 26, 39, 52, 65, 78, 90] {
            let trainer = open(quiet(&path).deltas(deltas));
            let begin = trainer.version().unwrap();
            // Three versions of each run are saved, so that there are deltas on deltas; then some steps are lost.
            for part in 1..=3 {
                learn(&trainer, begin + (until - begin) * part / 3 - trainer.version().unwrap());
                let id = trainer.save().unwrap();
                deltas_seen += usize::from(snapshot(&path, id).base().is_some());
            }
            if until < 90 {
                learn(&trainer, 4);
            } else {
                assert!(state(&trainer) == wanted, "with {deltas} deltas");
            }
        }
        assert_eq!(deltas_seen > 7, deltas > 0, "{deltas_seen}");
    }
}

fn snapshot(path: &Path, id: VersionId) -> Snapshot {
    Snapshot::open(path.join("snapshots").join(id.to_string())).unwrap()
}

#[test]
fn a_delta_holds_the_rows_that_changed() {
    let recording = Recording::open("embedding", "adagrad");
    let (_kept, path) = fresh();
    let trainer = builder(&recording.bundle).store(quiet(&path).deltas(4).open().unwrap()).open().unwrap();
    let mut batch = recording.batch(&trainer);
    trainer.save().unwrap();
    batch.clear();
    let item = recording.u64s("table/item/ids")[3];
    batch.set("user_id", &[7]).unwrap();
    batch.set("items", &[item as i64; 3]).unwrap();
    batch.set_ragged::<i64>("tags", &[], &[0]).unwrap();
    batch.set("numbers", &[0.5f32; 2]).unwrap();
    batch.set("label", &[1.0f32]).unwrap();
    trainer.step(&batch).unwrap();
    let delta = snapshot(&path, trainer.save().unwrap());
    let shape = |name: &str| delta.values().find(|(found, ..)| *found == name).unwrap().2.to_vec();
    assert_eq!((shape("table/item/ids"), shape("table/item/rows")), (vec![1], vec![1, 4]));
    assert_eq!((shape("table/wide/rows"), shape("table/user/rows")), (vec![1, 1], vec![1, 4]));
    // Nothing happened since: a delta of no rows.
    trainer
        .step(&{
            batch.set("user_id", &[8]).unwrap();
            batch.set("items", &[1i64, 2, 3]).unwrap();
            batch
        })
        .unwrap();
    let id = trainer.save().unwrap();
    drop(trainer);
    let again = builder(&recording.bundle).store(quiet(&path).open().unwrap()).open().unwrap();
    assert_eq!(again.version().unwrap(), id.number);
    assert_eq!(again.table("item").unwrap().rows(), 60 + 2, "1 was known, 2 and 3 were not");
}

#[test]
fn a_version_that_is_saved_beside_the_steps_is_of_one_step() {
    let (_kept, path) = fresh();
    let trainer = open(quiet(&path).deltas(3).keep_last(1000));
    let enough = AtomicBool::new(false);
    let saved: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                learn(&trainer, 1);
            }
        });
        let saved = (0..6).map(|_| trainer.save().unwrap()).collect();
        enough.store(true, Ordering::Relaxed);
        saved
    });
    drop(trainer);
    for id in &saved {
        let trainer = in_memory();
        trainer.restore(std::io::Cursor::new(archive(&path, *id))).unwrap();
        assert!(state(&trainer) == uninterrupted_at(id.number), "version {}", id.number);
    }
}

/// A kept version as a checkpoint's stream.
fn archive(path: &Path, id: VersionId) -> Vec<u8> {
    let trainer = open(quiet(path).restore(id));
    bytes(&trainer.checkpoint().unwrap())
}

fn uninterrupted_at(steps: u64) -> Vec<u8> {
    let trainer = in_memory();
    learn(&trainer, steps);
    state(&trainer)
}

#[test]
fn a_checkpoint_is_of_its_step_however_late_it_is_written() {
    let trainer = in_memory();
    learn(&trainer, 20);
    let (early, wanted) = (trainer.checkpoint().unwrap(), state(&trainer));
    learn(&trainer, 15);
    let middle = trainer.checkpoint().unwrap();
    learn(&trainer, 25);
    let last = state(&trainer);
    let stream = bytes(&early);
    drop(middle);
    trainer.restore(stream.as_slice()).unwrap();
    assert!(state(&trainer) == wanted);
    learn(&trainer, 40);
    assert!(state(&trainer) == last);
}

#[test]
fn a_predictor_reads_the_rows_that_were_saved() {
    let (_kept, path) = fresh();
    let trainer = open(quiet(&path).deltas(4));
    learn(&trainer, 10);
    trainer.save().unwrap();
    let following = Predictor::builder(settings()).tensorflow(common::tensorflow()).follow(&path).open().unwrap();
    let live = Predictor::of(&trainer);
    for step in 0..5 {
        let batch = batch(&trainer, step * 7);
        let values = |predictor: &Predictor| predictor.predict(&batch).unwrap().array::<f32>().unwrap().iter().copied().collect::<Vec<_>>();
        assert_eq!(values(&following), values(&live));
        learn(&trainer, 6);
        let saved = trainer.save().unwrap();
        following.look().unwrap();
        assert_eq!(following.version().unwrap(), saved);
        assert_eq!(values(&following), values(&live));
    }
}

#[test]
fn a_table_that_changed_its_dim_is_named_and_nothing_lost() {
    let recording = Recording::open("embedding", "sgd");
    let (_kept, path) = fresh();
    let trainer = builder(&recording.bundle).store(quiet(&path).open().unwrap()).open().unwrap();
    trainer.step(&recording.batch(&trainer)).unwrap();
    let id = trainer.save().unwrap();
    let users = trainer.table("user").unwrap();
    drop(trainer);
    let other = peer().join("embedding_dim.bundle");
    let error = builder(&other).store(quiet(&path).open().unwrap()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("the table item has rows of 4 in the snapshot, of 5 in the bundle"), "{error}");

    // A warm start takes over what fits.
    let warm = builder(&other).store(quiet(&path).warm_start(true).open().unwrap()).open().unwrap();
    let ids = recording.u64s("table/user/ids");
    let rows = |table: &streamgrad::table::Table| {
        let mut pulled = Pulled::default();
        table.read(&ids, &mut pulled).unwrap();
        pulled.rows().to_vec()
    };
    assert_eq!(rows(&warm.table("user").unwrap()), rows(&users));
    drop(warm);
    let back = builder(&recording.bundle).store(quiet(&path).restore(id).open().unwrap()).open().unwrap();
    assert_eq!(rows(&back.table("user").unwrap()), rows(&users));
}

#[test]
fn rows_go_to_other_tools_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fresh.safetensors");
    let trainer = in_memory();
    learn(&trainer, 12);
    let table = trainer.table("fresh").unwrap();
    let count = table.export(&file).unwrap();
    assert_eq!(count, table.rows());
    let other = in_memory();
    let taken = other.table("fresh").unwrap();
    assert_eq!(taken.import(&file).unwrap(), count);
    let ids: Vec<u64> = (0..200).collect();
    let [mut one, mut two] = [Pulled::default(), Pulled::default()];
    table.read(&ids, &mut one).unwrap();
    taken.read(&ids, &mut two).unwrap();
    assert_eq!(one.rows(), two.rows());
    let error = other.table("often").unwrap().import(&file).unwrap_err();
    assert!(error.to_string().contains("it lacks the tensor often/ids; it has fresh/"), "{error}");
    assert_eq!(taken.import(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
    std::fs::write(&file, b"nothing").unwrap();
    assert!(taken.import(&file).unwrap_err().to_string().contains("no safetensors file"));
}
