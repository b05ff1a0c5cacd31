//! Predictors that follow a folder: what they predict by, what they refuse, and that no call ever notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::predicting::{Pair, batch, damage, damage_snapshot, quiet, trainer, values};
use common::store::until;
use common::{MODELS, Recording, tensorflow};
use streamgrad::predictor::VersionName;
use streamgrad::snapshot::{FileSystem, Lock, LockMode, Storage, WriteFile};
use streamgrad::{ErrorKind, Predictor, VersionId};

#[test]
fn a_folder_is_followed_from_the_bundles_own_values_on() {
    let pair = Pair::open();
    let own = pair.predictor.version().unwrap();
    assert!(own.number == 0 && pair.trainer.bundle().identity().starts_with(&own.lineage.to_string()));
    assert_eq!(pair.predicts_by(own), values(&pair.trainer.predict(&pair.batch).unwrap()));
    assert_eq!(pair.predictor.look().unwrap(), own, "nothing was saved");
    let status = pair.predictor.status().unwrap();
    assert!(status.age().is_none() && status.swaps == 0 && status.problem.is_none() && !status.pinned);

    let memory = pair.predictor.memory().unwrap();
    let first = pair.follow();
    assert!(memory > 0 && pair.predictor.memory().unwrap() == memory);
    assert_eq!(pair.predicts_by(first), values(&pair.trainer.predict(&pair.batch).unwrap()));
    let status = pair.predictor.status().unwrap();
    assert!(status.age().unwrap() < Duration::from_secs(60) && status.since.unwrap() >= status.made.unwrap());
    assert_eq!((status.version, status.swaps), (first, 1));

    // Another, that looks by itself, of a model with state.
    let recording = Recording::open("cnn", "adam");
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("model");
    let trainer = trainer(&recording, &folder, |store| store.deltas(4));
    let predictor = quiet(Predictor::builder(&recording.bundle).follow(&folder)).every(Duration::from_millis(5)).open().unwrap();
    let batch = batch(&recording, &predictor);
    for _ in 0..3 {
        trainer.step(&batch).unwrap();
        let saved = trainer.save().unwrap();
        until("the predictor follows", || predictor.version().unwrap() == saved);
        assert_eq!(values(&predictor.predict(&batch).unwrap()), values(&trainer.predict(&batch).unwrap()));
    }
    assert_eq!(predictor.status().unwrap().swaps, 3);
}

#[test]
fn every_kind_of_model_is_followed() {
    for model in MODELS {
        let recording = Recording::open(model, "sgd");
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().join("model");
        let trainer = trainer(&recording, &folder, |store| store);
        let predictor = quiet(Predictor::builder(&recording.bundle).follow(&folder)).open().unwrap();
        let batch = batch(&recording, &predictor);
        trainer.step(&batch).unwrap();
        let saved = trainer.save().unwrap();
        predictor.predict(&batch).unwrap();
        assert_eq!(predictor.look().unwrap(), saved, "{model}");
        let (ours, wanted) = (predictor.predict(&batch).unwrap(), trainer.predict(&batch).unwrap());
        for name in wanted.names() {
            assert_eq!(ours.output::<f32>(name).unwrap(), wanted.output::<f32>(name).unwrap(), "{model} {name}");
        }
    }
}

#[test]
fn unpinned_it_does_not_wait_for_the_next_look() {
    let pair = Pair::open();
    let first = pair.save();
    let hourly = Predictor::builder(&pair.recording.bundle).follow(&pair.folder).every(Duration::from_secs(3600));
    let predictor = hourly.tensorflow(tensorflow()).open().unwrap();
    assert_eq!(predictor.pin_current().unwrap(), first);
    let newest = pair.save();
    assert_eq!(predictor.look().unwrap(), first);
    predictor.unpin();
    until("the newest version predicts", || predictor.version().unwrap() == newest);
}

#[test]
fn a_broken_snapshot_is_refused_and_the_old_version_stays() {
    let pair = Pair::open();
    let good = pair.follow();
    let wanted = pair.predicts_by(good);
    let broken = pair.save();
    damage_snapshot(&pair.folder, broken);
    let error = pair.predictor.look().unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidSnapshot && error.to_string().contains("model.safetensors"), "{error}");
    assert_eq!(pair.predicts_by(good), wanted);
    for _ in 0..100 {
        assert_eq!(pair.predictor.look().unwrap(), good, "it is not tried again at once");
    }
    let status = pair.predictor.status().unwrap();
    assert_eq!((status.failures, status.swaps), (1, 1));
    let problem = status.problem.unwrap();
    assert_eq!((problem.version, problem.kind), (Some(broken), ErrorKind::InvalidSnapshot));
    assert_eq!(problem.error, error.to_string());

    // Who opens now begins with the one before it, and says so.
    let late = quiet(Predictor::builder(&pair.recording.bundle).follow(&pair.folder)).open().unwrap();
    assert_eq!(late.version().unwrap(), good);
    assert_eq!(late.status().unwrap().problem.unwrap().version, Some(broken));
    let error = pair.predictor.switch_to(broken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSnapshot);

    let next = pair.save();
    for predictor in [&pair.predictor, &late] {
        assert_eq!(predictor.look().unwrap(), next);
        let status = predictor.status().unwrap();
        assert!(status.problem.is_none() && status.failures == 0);
    }
    // What only a trainer needs is not read.
    let next = {
        let saved = pair.save();
        damage(&pair.folder.join("snapshots").join(saved.to_string()).join("training.safetensors"));
        assert_eq!(pair.predictor.look().unwrap(), saved);
        saved
    };
    // A whole folder that is gone is no reason to stop, nor to go back to the bundle's own values.
    fs::rename(pair.folder.join("snapshots"), pair.folder.join("elsewhere")).unwrap();
    assert!(pair.predictor.look().is_err());
    assert_eq!(pair.predictor.status().unwrap().problem.unwrap().version, None);
    pair.predicts_by(next);
    fs::remove_file(pair.folder.join("latest")).unwrap();
    assert_eq!(pair.predictor.look().unwrap(), next);
}

#[test]
fn goes_back_pins_and_follows_again() {
    let pair = Pair::open();
    let own = pair.predictor.version().unwrap();
    let saved: Vec<VersionId> = (0..4).map(|_| pair.follow()).collect();
    let error = quiet(Predictor::builder(&pair.recording.bundle)).open().unwrap().rollback().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    assert_eq!(pair.predictor.rollback().unwrap(), saved[2]);
    assert_eq!(pair.predictor.rollback().unwrap(), saved[1]);
    assert!(pair.predictor.status().unwrap().pinned);
    let newest = pair.save();
    assert_eq!(pair.predictor.look().unwrap(), saved[1], "pinned");
    pair.predictor.unpin();
    assert_eq!(pair.predictor.look().unwrap(), newest);

    // By name, in all three ways; following goes on with what is news.
    assert_eq!(pair.predictor.switch_to(saved[3]).unwrap(), saved[3]);
    assert_eq!(pair.predictor.look().unwrap(), saved[3]);
    assert_eq!(pair.predictor.switch_to(2).unwrap(), saved[1]);
    assert_eq!(pair.predictor.switch_to(saved[2].to_string().parse::<VersionName>().unwrap()).unwrap(), saved[2]);
    let newer = pair.follow();
    assert_eq!(pair.predictor.pin(newest).unwrap(), newest);
    assert_eq!(pair.predictor.look().unwrap(), newest);
    assert_eq!(pair.predictor.switch_to(own).unwrap(), own);
    assert_eq!(pair.predictor.look().unwrap(), own, "the newest was passed over");
    assert!(!pair.predictor.status().unwrap().pinned);
    pair.predictor.unpin();
    assert_eq!(pair.predictor.look().unwrap(), newer);

    // Version 1 fell to the rule that keeps five.
    for gone in [VersionName::from(saved[0]), 1.into(), 999.into()] {
        let error = pair.predictor.switch_to(gone).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(&newer.to_string()), "{error}");
    }
    assert!("12x".parse::<VersionName>().is_err());
    pair.predicts_by(newer);
}

#[test]
fn a_new_lineage_is_followed() {
    let pair = Pair::open();
    let saved: Vec<VersionId> = (0..3).map(|_| pair.follow()).collect();
    let back = pair.trainer.rollback(saved[0]).unwrap();
    assert!(back.number == 1 && back.lineage != saved[0].lineage);
    assert_eq!(pair.predictor.look().unwrap(), back);
    assert_eq!(pair.predicts_by(back), values(&pair.trainer.predict(&pair.batch).unwrap()));
    let next = pair.follow();
    assert_eq!((next.lineage, next.number), (back.lineage, 2));
    assert_eq!(pair.predictor.rollback().unwrap(), back);
    assert_eq!(pair.predictor.rollback().unwrap(), saved[2]);
    // A broken first version of a new lineage: the old lineage goes on predicting.
    pair.predictor.unpin();
    assert_eq!(pair.predictor.look().unwrap(), next);
    let broken = pair.trainer.rollback(saved[1]).unwrap();
    damage_snapshot(&pair.folder, broken);
    assert!(pair.predictor.look().is_err());
    pair.predicts_by(next);
}

/// The machine's files. Before a snapshot's next shared lock, something happens to them.
#[derive(Default)]
struct Interrupted(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupted")
    }
}

impl Storage for Interrupted {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        FileSystem.create(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        FileSystem.create_dir(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FileSystem.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        FileSystem.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        FileSystem.remove_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        FileSystem.list(path)
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        FileSystem.read(path, most)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        FileSystem.sync_dir(path)
    }
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn Lock>>> {
        if let Some(interruption) = self.0.lock().unwrap().take() {
            interruption();
        }
        FileSystem.lock(path, mode)
    }
}

#[test]
fn a_snapshot_that_vanishes_while_it_is_read_is_no_failure() {
    let recording = Recording::open("mlp", "sgd");
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("model");
    let trainer = Arc::new(trainer(&recording, &folder, |store| store.keep_last(1)));
    let files = Arc::new(Interrupted::default());
    let open = || quiet(Predictor::builder(&recording.bundle).follow(&folder)).storage(files.clone()).open().unwrap();
    let predictor = open();
    let batch = Arc::new(batch(&recording, &predictor));
    let step = move || {
        trainer.step(&*batch).unwrap();
        trainer.save().unwrap()
    };
    let first = step();
    let again = step.clone();
    *files.0.lock().unwrap() = Some(Box::new(move || {
        again();
    }));
    let second = predictor.look().unwrap();
    assert_eq!((second.lineage, second.number), (first.lineage, 2));
    let status = predictor.status().unwrap();
    assert!(status.swaps == 1 && status.problem.is_none(), "{status:?}");
    // The same when one is opened, and when the host names the version.
    let again = step.clone();
    *files.0.lock().unwrap() = Some(Box::new(move || {
        again();
    }));
    assert_eq!(open().version().unwrap().number, 3);
    *files.0.lock().unwrap() = Some(Box::new(move || {
        step();
    }));
    let error = predictor.switch_to(3).unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("keeps no version"), "{error}");
    assert_eq!(predictor.version().unwrap(), second);
}

#[test]
fn what_cannot_be_followed_is_refused_at_once() {
    let pair = Pair::open();
    pair.save();
    let refused = |bundle: &Path, folder: &Path| quiet(Predictor::builder(bundle).follow(folder)).open().unwrap_err();
    let empty = tempfile::tempdir().unwrap();
    for folder in [empty.path(), &empty.path().join("nowhere"), &pair.recording.bundle] {
        let error = refused(&pair.recording.bundle, folder);
        assert!(error.kind() == ErrorKind::InvalidSnapshot && error.to_string().contains("is"), "{error}");
    }
    let error = refused(&Recording::open("cnn", "sgd").bundle, &pair.folder);
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("is of another bundle"), "{error}");
    fs::write(pair.folder.join("store.json"), r#"{"format": 2, "kind": "streamgrad store"}"#).unwrap();
    let error = refused(&pair.recording.bundle, &pair.folder);
    assert!(error.kind() == ErrorKind::InvalidSnapshot && error.to_string().contains("format 2"), "{error}");
    let error = quiet(Predictor::numbered(empty.path())).open().unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidBundle && error.to_string().contains("has no bundle"), "{error}");
    assert_eq!(quiet(Predictor::numbered(empty.path().join("nowhere"))).open().unwrap_err().kind(), ErrorKind::Io);
    let error = quiet(Predictor::numbered(empty.path()).follow(&pair.folder)).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
