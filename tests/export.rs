//! SavedModels of what was learned: they predict as the trainer does, in Python and here, and appear whole or not at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::predicting::{copy, quiet, values};
use common::served::{asked, features, python};
use common::{Recording, builder, distance, peer, tensorflow};
use serde_json::{Value, json};
use streamgrad::{Batch, Bundle, ErrorKind, FolderStore, Predictor, Trainer, VersionId, export};

const STEPS: usize = 5;
const BOUND: f32 = 1e-6;

/// A trainer after some recorded steps.
fn trained(recording: &Recording) -> (Trainer, Batch) {
    let trainer = recording.trainer();
    let mut batch = trainer.schema().batch();
    for step in 0..STEPS {
        recording.fill(&mut batch, step);
        trainer.step(&batch).unwrap();
    }
    (trainer, batch)
}

/// Ids that are strings, ragged ones with weights of their own.
fn strings() -> (Trainer, Batch) {
    let trainer = builder(peer().join("embedding_strings.bundle")).open().unwrap();
    let mut batch = trainer.schema().batch();
    let words: [&[&str]; 4] = [&["late", "rain"], &[], &["", "Ünïted", "late"], &["rain"]];
    for (row, words) in words.iter().enumerate() {
        let weights: Vec<f32> = (0..words.len()).map(|word| 1.0 + word as f32 / 2.0).collect();
        let carrier = ["UA", "DL", "", "UA"][row];
        let filled = batch.row().set("carrier", carrier).unwrap().set("route", ["EWR", "ORD"].as_slice()).unwrap();
        let filled = filled.set("words", *words).unwrap().set("weights", weights.as_slice()).unwrap();
        filled.set("label", (row % 2) as f32).unwrap().push().unwrap();
    }
    for _ in 0..STEPS {
        trainer.step(&batch).unwrap();
    }
    (trainer, batch)
}

fn open(folder: &Path, version: VersionId) -> Predictor {
    Predictor::builder(folder.join(version.number.to_string())).tensorflow(tensorflow()).open().unwrap()
}

/// Predicts the batch by the SavedModel of a version, here, and compares.
fn predicts_alike(folder: &Path, version: VersionId, batch: &Batch, wanted: &[f32]) {
    let predictor = open(folder, version);
    let found = values(&predictor.predict(&features(&predictor, batch)).unwrap());
    assert!(distance(&found, wanted, BOUND, BOUND) <= 1.0, "{version}: {found:?} {wanted:?}");
}

/// A table none of which ids has a row.
fn nothing_known() -> (Trainer, Batch) {
    let trainer = builder(peer().join("embedding_settings.bundle")).open().unwrap();
    let mut batch = trainer.schema().batch();
    let row = batch.row().set("often_id", 0).unwrap().set("lucky_id", -1).unwrap().set("fresh_id", 2).unwrap();
    row.set("bounded_id", 3).unwrap().set("label", 1).unwrap().push().unwrap();
    (trainer, batch)
}

/// Strings and ragged ids with weights; several inputs and tables; tables without rows; features of all kinds; state; a loop.
#[test]
fn all_that_can_predict_predicts_as_the_trainer_does() {
    let mut models = vec![strings(), nothing_known(), trained(&Recording::open("embedding", "adagrad"))];
    models.extend(["wide_deep", "cnn", "gru", "attention"].map(|model| trained(&Recording::open(model, "adam"))));
    let (kept, mut all) = (tempfile::tempdir().unwrap(), Vec::new());
    for (index, (trainer, batch)) in models.iter().enumerate() {
        let folder = kept.path().join(index.to_string());
        let version = trainer.to_saved_model(&folder).unwrap();
        assert_eq!(version, trainer.pin().unwrap().id());
        let wanted = values(&trainer.predict(batch).unwrap());
        predicts_alike(&folder, version, batch, &wanted);
        all.push(asked(batch, &wanted, json!({"path": folder.join(version.number.to_string())})));
    }
    python("served.py", &all);
}

#[test]
fn any_version_that_was_saved_can_be_written() {
    let recording = Recording::open("embedding", "adagrad");
    let kept = tempfile::tempdir().unwrap();
    let store = FolderStore::builder(kept.path().join("model")).deltas(4).on_close(false).open().unwrap();
    let trainer = builder(&recording.bundle).store(store.clone()).open().unwrap();
    let mut batch = trainer.schema().batch();
    recording.fill(&mut batch, 0);
    let mut wanted = vec![(None, values(&trainer.predict(&batch).unwrap()))];
    for _ in 0..3 {
        trainer.step(&batch).unwrap();
        wanted.push((Some(trainer.save().unwrap()), values(&trainer.predict(&batch).unwrap())));
    }
    let (bundle, folder) = (Bundle::open(&recording.bundle).unwrap(), kept.path().join("served"));
    for (version, wanted) in &wanted {
        let snapshot = version.map(|version| store.folder().read(version).unwrap());
        let written = export::saved_model(&bundle, snapshot.as_ref(), &folder).unwrap();
        assert!(version.is_none_or(|version| version == written), "{written}");
        predicts_alike(&folder, written, &batch, wanted);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), wanted.len());
    // TensorFlow Serving's way: the highest number.
    let newest = quiet(Predictor::numbered(&folder)).open().unwrap();
    assert_eq!(newest.version().unwrap().number, 3);
}

#[test]
fn a_version_is_of_one_step_while_others_learn() {
    let recording = Recording::open("embedding", "sgd");
    let (trainer, kept) = (recording.trainer(), tempfile::tempdir().unwrap());
    let done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        scope.spawn(|| {
            let mut batch = trainer.schema().batch();
            for step in 0..200 {
                recording.fill(&mut batch, step);
                trainer.step(&batch).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut written = Vec::new();
        while !done.load(Ordering::Relaxed) && written.len() < 5 {
            let version = trainer.to_saved_model(kept.path());
            written.extend(version.ok());
        }
        written
    });
    assert!(!written.is_empty());
    let replayed = recording.trainer();
    let (mut batch, mut step) = (replayed.schema().batch(), 0);
    for version in written {
        while step < version.number as usize {
            recording.fill(&mut batch, step);
            replayed.step(&batch).unwrap();
            step += 1;
        }
        recording.fill(&mut batch, 0);
        predicts_alike(kept.path(), version, &batch, &values(&replayed.predict(&batch).unwrap()));
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let recording = Recording::open("mlp", "sgd");
    let (trainer, kept) = (recording.trainer(), tempfile::tempdir().unwrap());
    let list = || fs::read_dir(kept.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    trainer.to_saved_model(kept.path()).unwrap();
    let before = fs::metadata(kept.path().join("0/saved_model.pb")).unwrap().modified().unwrap();
    let error = trainer.to_saved_model(kept.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("is there already") && error.to_string().ends_with("/0"), "{error}");
    assert_eq!(fs::metadata(kept.path().join("0/saved_model.pb")).unwrap().modified().unwrap(), before);
    assert_eq!(list(), ["0"]);
    // A file where the folder should be.
    fs::write(kept.path().join("file"), "mine").unwrap();
    assert_eq!(trainer.to_saved_model(kept.path().join("file")).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(fs::read(kept.path().join("file")).unwrap(), b"mine");
}

#[test]
fn a_bundle_of_before_says_to_export_it_again() {
    let kept = tempfile::tempdir().unwrap();
    let (bundle, out) = (kept.path().join("old.bundle"), kept.path().join("served"));
    copy(&Recording::open("mlp", "sgd").bundle, &bundle);
    let refused = |wanted: &str| {
        let error = builder(&bundle).open().unwrap().to_saved_model(&out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBundle);
        assert!(error.to_string().contains(wanted) && error.to_string().contains("export"), "{error}");
        assert!(!out.exists());
    };
    fs::write(bundle.join("serving.pb"), "altered").unwrap();
    refused("serving.pb was altered");
    let mut manifest: Value = serde_json::from_slice(&fs::read(bundle.join("bundle.json")).unwrap()).unwrap();
    manifest["files"].as_object_mut().unwrap().remove("serving.pb").unwrap();
    fs::write(bundle.join("bundle.json"), manifest.to_string()).unwrap();
    refused("has no serving.pb");
}

#[test]
fn a_snapshot_of_another_bundle_is_refused() {
    let kept = tempfile::tempdir().unwrap();
    let recording = Recording::open("mlp", "sgd");
    let trainer = builder(&recording.bundle).store(FolderStore::open(kept.path().join("model")).unwrap()).open().unwrap();
    trainer.save().unwrap();
    let snapshot = streamgrad::snapshot::SnapshotFolder::open(kept.path().join("model")).unwrap().newest().unwrap().unwrap();
    let other = Bundle::open(Recording::open("cnn", "sgd").bundle).unwrap();
    let error = export::saved_model(&other, Some(&snapshot), kept.path().join("served")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("is of another bundle"), "{error}");
}
