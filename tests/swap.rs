//! A predictor under load: its versions are swapped all the time, and no call may notice.
//!
//! Alone in their process, since they measure its memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::predicting::{batch, values};
use common::store::until;
use common::{Recording, builder, resident, tensorflow};
use streamgrad::{FolderStore, Predictor, VersionId};

/// One of these tests at a time.
static ALONE: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

/// Two threads predict while `swap` makes one version after the other predict; `wanted` has what each must say.
fn under_load(predictor: &Predictor, recording: &Recording, wanted: &Mutex<HashMap<VersionId, Vec<f32>>>, swap: impl FnOnce()) -> u64 {
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let batch = batch(recording, predictor);
                let mut last = None;
                while !stop.load(Ordering::Relaxed) {
                    let predictions = predictor.predict(&batch).unwrap();
                    let id = predictions.version_id();
                    // All of the first by a version, then a sample.
                    if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(10) || last != Some(id) {
                        assert_eq!(Some(&values(&predictions)), wanted.lock().unwrap().get(&id), "{id}");
                    }
                    last = Some(id);
                }
            });
        }
        swap();
        stop.store(true, Ordering::Relaxed);
    });
    calls.into_inner()
}

fn swaps_of_snapshots(swaps: u64) {
    let _alone = ALONE.lock();
    let recording = Recording::open("mlp", "adagrad");
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("model");
    // One is kept: the next save removes what is perhaps being looked for.
    let store = FolderStore::builder(&folder).every(Duration::ZERO).on_close(false).keep_last(1).open().unwrap();
    let trainer = builder(&recording.bundle).store(store).open().unwrap();
    let predictor =
        Predictor::builder(&recording.bundle).follow(&folder).tensorflow(tensorflow()).every(Duration::from_micros(500)).open().unwrap();
    let batch = batch(&recording, &predictor);
    let wanted = Mutex::new(HashMap::new());
    let expect = |id| wanted.lock().unwrap().insert(id, values(&trainer.predict(&batch).unwrap()));
    expect(predictor.version().unwrap());
    let mut base_line = 0;
    let calls = under_load(&predictor, &recording, &wanted, || {
        for swap in 1..=swaps {
            // Now and then a version is saved that nobody waits for.
            for _ in 0..1 + u64::from(swap.is_multiple_of(7)) {
                trainer.step(&batch).unwrap();
                expect(trainer.pin().unwrap().id());
                trainer.save().unwrap();
            }
            let newest = trainer.pin().unwrap().id();
            until("the newest version predicts", || predictor.version().unwrap() == newest);
            if swap == swaps / 10 {
                base_line = resident();
            }
        }
    });
    let grown = resident().saturating_sub(base_line);
    let status = predictor.status().unwrap();
    println!("{} swaps, {calls} calls, {grown} KiB grown, {:?}", status.swaps, status.problem);
    assert!(status.swaps >= swaps && calls > swaps, "{status:?}, {calls} calls");
    assert!(status.problem.is_none() && status.failures == 0, "{status:?}");
    assert!(grown < 4 * 1024, "resident memory grew by {grown} KiB");
}

#[test]
fn calls_never_notice_swaps() {
    swaps_of_snapshots(100);
}

#[test]
#[ignore = "a thousand swaps; make test-long runs it"]
fn calls_never_notice_a_thousand_swaps() {
    swaps_of_snapshots(1000);
}

#[test]
fn calls_never_notice_that_graphs_are_swapped() {
    let _alone = ALONE.lock();
    let recordings = ["sgd", "adam"].map(|optimizer| Recording::open("mlp", optimizer));
    let root = tempfile::tempdir().unwrap();
    let wanted = Mutex::new(HashMap::new());
    for (number, recording) in (1..).zip(&recordings) {
        std::os::unix::fs::symlink(&recording.bundle, root.path().join(number.to_string())).unwrap();
    }
    let predictor = Predictor::numbered(root.path()).tensorflow(tensorflow()).every(Duration::ZERO).open().unwrap();
    let batch = batch(&recordings[0], &predictor);
    for (number, recording) in (1u64..).zip(&recordings) {
        let id = predictor.switch_to(number).unwrap();
        wanted.lock().unwrap().insert(id, values(&recording.trainer().predict(&batch).unwrap()));
    }
    let mut base_line = 0;
    let calls = under_load(&predictor, &recordings[0], &wanted, || {
        for swap in 0..60u64 {
            predictor.switch_to(1 + swap % 2).unwrap();
            if swap == 20 {
                base_line = resident();
            }
        }
    });
    let grown = resident().saturating_sub(base_line);
    println!("{calls} calls, {grown} KiB grown");
    assert!(calls > 60 && predictor.status().unwrap().swaps >= 60);
    assert!(grown < 4 * 1024, "resident memory grew by {grown} KiB");
}
