//! Predictors that follow: what they predict by, what they refuse, and that no call ever notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::predicting::{batch, values};
use common::store::until;
use common::{MODELS, Recording, builder, tensorflow};
use sha2::{Digest, Sha256};
use streamgrad::params::FolderStoreBuilder;
use streamgrad::predictor::{PredictorBuilder, VersionName};
use streamgrad::snapshot::{FileSystem, Lock, LockMode, Storage, WriteFile};
use streamgrad::{Batch, Bundle, ErrorKind, FolderStore, Predictor, Trainer, VersionId};
use tempfile::TempDir;

/// A predictor that looks only when it is told to, with the tests' TensorFlow.
fn quiet(builder: PredictorBuilder) -> PredictorBuilder {
    builder.every(Duration::ZERO).tensorflow(tensorflow())
}

/// A trainer that saves into this folder when it is told to.
fn trainer(recording: &Recording, folder: &Path, store: impl Fn(FolderStoreBuilder) -> FolderStoreBuilder) -> Trainer {
    let quiet = FolderStore::builder(folder).every(Duration::ZERO).on_close(false);
    builder(&recording.bundle).store(store(quiet).open().unwrap()).open().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Changes the last byte of a file.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file, bytes).unwrap();
}

fn damage_snapshot(folder: &Path, version: VersionId) {
    damage(&folder.join("snapshots").join(version.to_string()).join("model.safetensors"));
}

/// A trainer, its folder, and a predictor that follows it.
struct Pair {
    recording: Recording,
    _kept: TempDir,
    folder: PathBuf,
    trainer: Trainer,
    predictor: Predictor,
    batch: Batch,
}

impl Pair {
    fn open() -> Self {
        let recording = Recording::open("mlp", "adagrad");
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().join("model");
        let trainer = trainer(&recording, &folder, |store| store);
        let predictor = quiet(Predictor::builder(&recording.bundle).follow(&folder)).open().unwrap();
        let batch = batch(&recording, &predictor);
        Self { recording, _kept: kept, folder, trainer, predictor, batch }
    }

    /// Learns a step and saves it.
    fn save(&self) -> VersionId {
        self.trainer.step(&self.batch).unwrap();
        self.trainer.save().unwrap()
    }

    fn follow(&self) -> VersionId {
        let saved = self.save();
        assert_eq!(self.predictor.look().unwrap(), saved);
        saved
    }

    /// Predicts, by this version.
    fn predicts_by(&self, version: VersionId) -> Vec<f32> {
        let predictions = self.predictor.predict(&self.batch).unwrap();
        assert_eq!((predictions.version_id(), predictions.version()), (version, version.number));
        assert_eq!(self.predictor.version().unwrap(), version);
        values(&predictions)
    }
}

#[test]
fn of_a_trainer_predicts_by_its_newest_version() {
    let recording = Recording::open("mlp", "sgd");
    let trainer = recording.trainer();
    let predictor = Predictor::of(&trainer);
    let batch = batch(&recording, &predictor);
    for _ in 0..3 {
        trainer.step(&batch).unwrap();
        let predictions = predictor.predict(&batch).unwrap();
        assert_eq!(predictions.version_id(), trainer.pin().unwrap().id());
        assert_eq!(values(&predictions), values(&trainer.predict(&batch).unwrap()));
    }
    let pinned = predictor.pin_current().unwrap();
    assert_eq!(pinned.number, 3);
    trainer.step(&batch).unwrap();
    assert_eq!(predictor.predict(&batch).unwrap().version_id(), pinned);
    assert!(predictor.status().unwrap().pinned);
    predictor.unpin();
    assert_eq!(predictor.predict(&batch).unwrap().version(), 4);
    assert_eq!(predictor.pin(4).unwrap().number, 4);
    for error in [predictor.switch_to(pinned).unwrap_err(), predictor.rollback().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    drop(trainer);
    assert_eq!(predictor.predict(&batch).unwrap().version(), 4);
}

#[test]
fn a_folder_is_followed_from_the_bundles_own_values_on() {
    let pair = Pair::open();
    let own = pair.predictor.version().unwrap();
    assert!(own.number == 0 && pair.trainer.bundle().identity().starts_with(&own.lineage.to_string()));
    assert_eq!(pair.predicts_by(own), values(&pair.trainer.predict(&pair.batch).unwrap()));
    assert_eq!(pair.predictor.look().unwrap(), own, "nothing was saved");
    let status = pair.predictor.status().unwrap();
    assert!(status.age().is_none() && status.swaps == 0 && status.problem.is_none() && !status.pinned);

    let first = pair.follow();
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

#[test]
fn numbered_bundles_are_followed_when_they_are_complete() {
    let bundles = ["sgd", "adagrad", "adam"].map(|optimizer| Recording::open("mlp", optimizer));
    let root = tempfile::tempdir().unwrap();
    let place = |number: u64| root.path().join(number.to_string());
    copy(&bundles[0].bundle, &place(1));
    for other in ["latest", "007", "-1", "2.tmp"] {
        copy(&bundles[1].bundle, &root.path().join(other));
    }
    let predictor = quiet(Predictor::numbered(root.path())).open().unwrap();
    let batch = batch(&bundles[0], &predictor);
    let first = predictor.version().unwrap();
    let identity = |bundle: &Path| Bundle::open(bundle).unwrap().identity()[..16].to_owned();
    assert_eq!(first.to_string(), format!("{}-1", identity(&bundles[0].bundle)));

    // Half copied: without its manifest it is not there, with it but not whole it is refused, whole it is taken.
    fs::create_dir(place(2)).unwrap();
    fs::copy(bundles[1].bundle.join("graph.pb"), place(2).join("graph.pb")).unwrap();
    assert_eq!(predictor.look().unwrap(), first);
    fs::copy(bundles[1].bundle.join("bundle.json"), place(2).join("bundle.json")).unwrap();
    assert_eq!(predictor.look().unwrap_err().kind(), ErrorKind::InvalidBundle);
    assert_eq!(predictor.status().unwrap().problem.unwrap().version.unwrap().number, 2);
    assert_eq!(predictor.look().unwrap(), first, "nothing changed, so it is not tried again");
    fs::copy(bundles[1].bundle.join("initial.safetensors"), place(2).join("initial.safetensors")).unwrap();
    let second = predictor.look().unwrap();
    assert_eq!(second.to_string(), format!("{}-2", identity(&bundles[1].bundle)));
    let predictions = predictor.predict(&batch).unwrap();
    assert_eq!((predictions.version_id(), predictor.status().unwrap().problem.is_none()), (second, true));
    assert_eq!(values(&predictions), values(&bundles[1].trainer().predict(&batch).unwrap()));

    // One whose model takes other columns, and one that is not finite: the best below them is 2.
    copy(&Recording::open("cnn", "sgd").bundle, &place(9));
    let error = predictor.look().unwrap_err();
    assert!(error.to_string().contains("takes other columns"), "{error}");
    copy(&bundles[2].bundle, &place(10));
    let mut values = fs::read(place(10).join("initial.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(values[..8].try_into().unwrap()) as usize;
    values[header..].fill(0xff);
    fs::write(place(10).join("initial.safetensors"), &values).unwrap();
    let manifest = fs::read_to_string(place(10).join("bundle.json")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let sum: String = Sha256::digest(&values).iter().map(|byte| format!("{byte:02x}")).collect();
    json["files"]["initial.safetensors"] = sum.into();
    fs::write(place(10).join("bundle.json"), json.to_string()).unwrap();
    assert_eq!(predictor.look().unwrap_err().kind(), ErrorKind::NonFinite);
    assert_eq!(predictor.version().unwrap(), second);
    // 3 comes while the two above it are broken.
    copy(&bundles[2].bundle, &place(3));
    assert_eq!(predictor.look().unwrap().number, 3);
    assert_eq!(predictor.status().unwrap().problem.unwrap().version.unwrap().number, 10);

    assert_eq!(predictor.rollback().unwrap(), second);
    assert_eq!(predictor.switch_to(1).unwrap(), first);
    assert_eq!(predictor.predict(&batch).unwrap().version_id(), first);
    let error = predictor.switch_to(4).unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("it has 10, 9, 3, 2, 1"), "{error}");
    let replaced = VersionId { number: 2, ..first };
    assert_eq!(predictor.switch_to(replaced).unwrap_err().kind(), ErrorKind::InvalidInput);
    // Another bundle under the same number is another version.
    for broken in [9, 10] {
        fs::remove_dir_all(place(broken)).unwrap();
    }
    fs::remove_dir_all(place(3)).unwrap();
    copy(&bundles[0].bundle, &place(3));
    let again = predictor.look().unwrap();
    assert_eq!((again.number, again.lineage), (3, first.lineage));
}
