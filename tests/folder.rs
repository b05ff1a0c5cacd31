//! What a store in a folder keeps, and what it does when the folder fails it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use common::{Recording, builder};
use streamgrad::params::FolderStoreBuilder;
use streamgrad::snapshot::{FileSystem, Lock, LockMode, SnapshotFolder, Storage, WriteFile};
use streamgrad::{ErrorKind, FolderStore, Snapshot, Trainer, VersionId};
use tempfile::TempDir;

/// A folder that is not there yet.
fn fresh() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    (folder, path)
}

/// A store that saves only when it is told to.
fn quiet(path: &Path) -> FolderStoreBuilder {
    FolderStore::builder(path).every(Duration::ZERO).on_close(false)
}

fn trainer(recording: &Recording, store: FolderStoreBuilder) -> Trainer {
    builder(&recording.bundle).metrics_window(100).store(store.open().unwrap()).open().unwrap()
}

/// Learns the recorded batches in turn, as a host that knows its position.
fn learn(recording: &Recording, trainer: &Trainer, steps: u64) {
    let mut batch = trainer.schema().batch();
    for _ in 0..steps {
        let next = trainer.position().unwrap().map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        recording.fill(&mut batch, (next % 10) as usize);
        trainer.step_to(&batch, &(next + 1).to_le_bytes()).unwrap();
    }
}

/// Everything that a snapshot's files hold.
fn content(path: &Path, version: VersionId) -> [Vec<u8>; 2] {
    let folder = path.join("snapshots").join(version.to_string());
    ["model.safetensors", "training.safetensors"].map(|file| fs::read(folder.join(file)).unwrap())
}

fn values(trainer: &Trainer) -> Vec<u8> {
    let parameters = trainer.parameters().unwrap();
    parameters.names().flat_map(|name| parameters.bytes(name).unwrap().to_vec()).collect()
}

fn until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn learning_goes_on_bit_for_bit() {
    // BatchNorm and dropout, two AUC-like metrics in a window that moves, dropout in attention, plain SGD.
    for (model, optimizer) in [("cnn", "adam"), ("regularized", "adagrad"), ("attention", "adam"), ("mlp", "sgd")] {
        let recording = Recording::open(model, optimizer);
        let (_kept, at_once) = fresh();
        let whole = trainer(&recording, quiet(&at_once));
        learn(&recording, &whole, 50);
        let wanted = content(&at_once, whole.save().unwrap());

        let (_kept, path) = fresh();
        let first = trainer(&recording, quiet(&path).every_steps(20));
        learn(&recording, &first, 20);
        until("step 20 is saved", || first.store_status().saved.is_some());
        learn(&recording, &first, 7); // lost, as by a kill
        drop(first);
        let second = trainer(&recording, quiet(&path));
        assert_eq!((second.version().unwrap(), second.metrics().unwrap().rows()), (20, 320));
        learn(&recording, &second, 30);
        let id = second.save().unwrap();
        assert_eq!(id.number, 50);
        assert!(content(&path, id) == wanted, "{model} {optimizer}");
        assert_eq!(format!("{:?}", second.metrics().unwrap()), format!("{:?}", whole.metrics().unwrap()));
        assert_eq!(values(&second), values(&whole));
    }
}

#[test]
fn a_schedule_goes_on_where_it_was() {
    let recording = Recording::open("mlp", "adam");
    let folder = tempfile::tempdir().unwrap();
    let bundle = changed(&recording, folder.path(), |manifest| {
        manifest["optimizer"]["learning_rate"] = serde_json::json!({
            "schedule": "exponential_decay", "initial_learning_rate": 0.01, "decay_steps": 3.0, "decay_rate": 0.5, "staircase": false
        });
    });
    let open = |path: &Path| builder(&bundle).store(quiet(path).open().unwrap()).open().unwrap();
    let (_kept, at_once) = fresh();
    let whole = open(&at_once);
    learn(&recording, &whole, 12);
    let (_kept, path) = fresh();
    let first = open(&path);
    learn(&recording, &first, 5);
    first.save().unwrap();
    let rate = first.learning_rate().unwrap();
    drop(first);
    let second = open(&path);
    assert!(second.learning_rate().unwrap() == rate && rate < 0.01);
    learn(&recording, &second, 7);
    assert_eq!(values(&second), values(&whole));
}

#[test]
fn runs_that_came_to_nothing_keep_their_seeds() {
    // A training run that is not applied uses up a seed; who resumes must not draw it again.
    let recording = Recording::open("cnn", "sgd");
    let (_kept, path) = fresh();
    let first = trainer(&recording, quiet(&path));
    learn(&recording, &first, 2);
    let batch = recording.batch(&first);
    let drawn = |trainer: &Trainer| trainer.gradients(&batch).unwrap().loss().to_bits();
    let before = [drawn(&first), drawn(&first)];
    first.save().unwrap();
    let next = drawn(&first);
    drop(first);
    let second = trainer(&recording, quiet(&path));
    assert_eq!(drawn(&second), next);
    assert!(!before.contains(&next));
}

#[test]
fn saves_by_steps_by_time_on_close_and_on_demand() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let by_time = trainer(&recording, FolderStore::builder(&path).every(Duration::from_millis(30)).on_close(false));
    learn(&recording, &by_time, 3);
    until("the timer has saved", || by_time.store_status().saved.is_some_and(|saved| saved.number == 3));
    let lineage = by_time.pin().unwrap().id().lineage;
    let status = by_time.store_status();
    assert!(status.error.is_none() && status.saved_at.is_some() && status.failures == 0);
    drop(by_time);

    let by_steps = trainer(&recording, quiet(&path).every_steps(2));
    assert_eq!(by_steps.pin().unwrap().id(), VersionId { lineage, number: 3 });
    learn(&recording, &by_steps, 4);
    until("step 6 is saved", || by_steps.store_status().saved.is_some_and(|saved| saved.number == 6));
    learn(&recording, &by_steps, 1);
    assert_eq!(by_steps.save().unwrap().number, 8);
    assert_eq!(by_steps.save().unwrap().number, 8);
    drop(by_steps);

    let on_close = trainer(&recording, quiet(&path).on_close(true));
    learn(&recording, &on_close, 1);
    drop(on_close);
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest_version().unwrap(), Some(VersionId { lineage, number: 9 }));
}

#[test]
fn of_versions_that_wait_the_newest_is_saved() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let slow = Arc::new(Faulty { delay: Duration::from_millis(20), ..Faulty::default() });
    let trainer = trainer(&recording, quiet(&path).every_steps(1).keep_last(1000).storage(slow));
    learn(&recording, &trainer, 40);
    trainer.save().unwrap();
    let numbers: Vec<u64> = trainer.kept_versions().unwrap().iter().map(|kept| kept.version.number).collect();
    assert_eq!(numbers.last(), Some(&40));
    assert!(numbers.is_sorted() && numbers.len() < 20, "{numbers:?}");
}

#[test]
fn rolling_back_and_restoring_begin_a_lineage() {
    let recording = Recording::open("cnn", "adam");
    let (_kept, path) = fresh();
    let trainer_of = |store| trainer(&recording, store);
    let trainer = trainer_of(quiet(&path));
    learn(&recording, &trainer, 3);
    let third = trainer.save().unwrap();
    let kept = values(&trainer);
    let metrics = format!("{:?}", trainer.metrics().unwrap());
    learn(&recording, &trainer, 3);
    let sixth = trainer.save().unwrap();
    let batch = recording.batch(&trainer);
    let pinned = trainer.pin().unwrap();
    let predicted = trainer.predict(&batch).unwrap();

    let back = trainer.rollback(third).unwrap();
    assert!(back.lineage != third.lineage && back.number == 3);
    assert_eq!((values(&trainer), format!("{:?}", trainer.metrics().unwrap())), (kept.clone(), metrics));
    assert_eq!(trainer.position().unwrap().unwrap(), 3u64.to_le_bytes());
    assert_eq!(trainer.predict_at(&pinned, &batch).unwrap().array::<f32>().unwrap(), predicted.array::<f32>().unwrap());
    // The same steps again come to the same version by another name.
    learn(&recording, &trainer, 3);
    let again = trainer.save().unwrap();
    assert!(again.lineage == back.lineage && again.number == 6);
    assert!(content(&path, again) == content(&path, sixth));
    let unknown = VersionId { number: 5, ..third };
    let error = trainer.rollback(unknown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains(&unknown.to_string()) && error.to_string().contains(&sixth.to_string()), "{error}");
    assert_eq!(trainer.pin().unwrap().id(), again);
    drop(trainer);

    let folder = SnapshotFolder::open(&path).unwrap();
    assert_eq!(folder.newest_version().unwrap(), Some(again));
    assert_eq!(folder.read(again).unwrap().parent(), Some(third));
    let restored = trainer_of(quiet(&path).restore(third));
    assert_eq!(values(&restored), kept);
    let id = restored.save().unwrap();
    assert!(id.number == 3 && ![third.lineage, back.lineage].contains(&id.lineage));
    assert_eq!(folder.newest_version().unwrap(), Some(id));
}

#[test]
fn two_writers_exclude_each_other() {
    let (_kept, path) = fresh();
    let first = FolderStore::open(&path).unwrap();
    let error = FolderStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let text = error.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())) && text.contains(" s; "), "{text}");
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || FolderStore::builder(path).wait_for_writer(Duration::from_secs(20)).open().map(drop)
    });
    std::thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    drop(first);
    waiting.join().unwrap().unwrap();
    FolderStore::open(&path).unwrap();
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();
    let error = FolderStore::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSnapshot);
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(SnapshotFolder::open(folder.path()).unwrap_err().to_string().contains("store.json"));

    let error = FolderStore::open(folder.path().join("thesis.tex")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let error = FolderStore::open(folder.path().join("no/such")).unwrap_err();
    assert!(error.to_string().contains("does the folder above it exist"), "{error}");

    let (_kept, path) = fresh();
    drop(FolderStore::open(&path).unwrap());
    fs::write(path.join("store.json"), r#"{"format":2,"kind":"streamgrad store"}"#).unwrap();
    for error in [FolderStore::open(&path).unwrap_err(), SnapshotFolder::open(&path).unwrap_err()] {
        assert!(error.to_string().contains("format 1") && error.to_string().contains("format 2"), "{error}");
    }
}

#[test]
fn half_a_copy_of_a_folder_says_what_is_missing() {
    let recording = Recording::open("mlp", "adagrad");
    let (_kept, path) = fresh();
    let first = trainer(&recording, quiet(&path));
    learn(&recording, &first, 1);
    let old = first.save().unwrap();
    learn(&recording, &first, 1);
    let new = first.save().unwrap();
    drop(first);
    let place = |version: VersionId| path.join("snapshots").join(version.to_string());
    let open = || builder(&recording.bundle).store(quiet(&path).open().unwrap()).open();

    // Without the newest snapshot.
    let aside = path.parent().unwrap().join("aside");
    fs::rename(place(new), &aside).unwrap();
    let text = open().unwrap_err().to_string();
    assert!(text.contains("latest") && text.contains(&new.to_string()) && text.contains(&old.to_string()), "{text}");
    // With a part of it.
    fs::create_dir(place(new)).unwrap();
    fs::copy(aside.join("model.safetensors"), place(new).join("model.safetensors")).unwrap();
    assert!(open().unwrap_err().to_string().contains("snapshot.json"));
    fs::remove_dir_all(place(new)).unwrap();
    fs::rename(&aside, place(new)).unwrap();
    // Without the pointer, and with a damaged one.
    let pointer = fs::read(path.join("latest")).unwrap();
    fs::remove_file(path.join("latest")).unwrap();
    assert_eq!(open().unwrap().pin().unwrap().id(), new);
    for at in 0..pointer.len() {
        let mut damaged = pointer.clone();
        damaged[at] ^= 1;
        fs::write(path.join("latest"), damaged).unwrap();
        let error = SnapshotFolder::open(&path).unwrap().newest().unwrap_err();
        assert!(error.to_string().contains("latest") || error.to_string().contains("snapshot.json"), "{at}: {error}");
    }
    // What was good can be asked for.
    let restored = builder(&recording.bundle).store(quiet(&path).restore(old).open().unwrap()).open().unwrap();
    assert_eq!(restored.version().unwrap(), 1);
}

/// A copy of the recorded bundle with another manifest.
fn changed(recording: &Recording, folder: &Path, change: impl Fn(&mut serde_json::Value)) -> PathBuf {
    let bundle = folder.join("changed.bundle");
    fs::create_dir(&bundle).unwrap();
    for file in fs::read_dir(&recording.bundle).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), bundle.join(file.file_name())).unwrap();
    }
    let path = bundle.join("bundle.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    bundle
}

#[test]
fn another_bundle_is_refused_by_its_differences_or_taken_as_far_as_it_fits() {
    let (mlp, other) = (Recording::open("mlp", "adam"), Recording::open("regularized", "adam"));
    let (_kept, path) = fresh();
    let first = trainer(&mlp, quiet(&path));
    learn(&mlp, &first, 4);
    let saved = first.save().unwrap();
    let learned = values(&first);
    drop(first);

    // Both have a `dense_1/kernel`, of different shapes.
    let open = |bundle: &Path, warm| builder(bundle).store(quiet(&path).warm_start(warm).open().unwrap()).open();
    let error = open(&other.bundle, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = error.to_string();
    for part in [
        "dense_1/kernel is float32 [13, 32] in the snapshot, float32 [6, 10] in the bundle",
        "score/kernel is only in the bundle",
        "kind/bias is only in the snapshot",
        "warm start",
        &saved.to_string(),
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    // A refusal leaves the folder as it was.
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest_version().unwrap(), Some(saved));

    // The same weights, exported with another learning rate: everything comes along but the metrics.
    let folder = tempfile::tempdir().unwrap();
    let bundle = changed(&mlp, folder.path(), |manifest| manifest["optimizer"]["learning_rate"] = 0.01.into());
    assert!(open(&bundle, false).unwrap_err().to_string().contains("all tensors agree"));
    let warm = open(&bundle, true).unwrap();
    assert_eq!((values(&warm), warm.version().unwrap(), warm.metrics().unwrap().rows()), (learned.clone(), 4, 0));
    let id = warm.save().unwrap();
    assert_ne!(id.lineage, saved.lineage);
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest().unwrap().unwrap().parent(), Some(saved));
    drop(warm);

    // Another optimizer: parameters come along, its slots and steps begin anew.
    let sgd = Recording::open("mlp", "sgd");
    assert!(open(&sgd.bundle, false).unwrap_err().to_string().contains("other slots"));
    let warm = open(&sgd.bundle, true).unwrap();
    assert_eq!((values(&warm), warm.version().unwrap()), (learned, 0));
    drop(warm);
    // Nothing fits: it begins with the bundle's own values.
    let (warm, cold) = (open(&other.bundle, true).unwrap(), builder(&other.bundle).open().unwrap());
    assert_eq!(values(&warm), values(&cold));
}

#[test]
fn retention_keeps_the_last_and_never_takes_what_is_being_read() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let trainer = trainer(&recording, quiet(&path).keep_last(2));
    let save = || {
        learn(&recording, &trainer, 1);
        trainer.save().unwrap()
    };
    let first = save();
    let manifest = path.join("snapshots").join(first.to_string()).join("snapshot.json");
    let reading = FileSystem.lock(&manifest, LockMode::Shared).unwrap().unwrap();
    for _ in 0..3 {
        save();
    }
    let numbers = || trainer.kept_versions().unwrap().iter().map(|kept| kept.version.number).collect::<Vec<_>>();
    assert_eq!(numbers(), [1, 3, 4]);
    drop(reading);
    save();
    assert_eq!(numbers(), [4, 5]);
    assert_eq!(fs::read_dir(path.join("snapshots")).unwrap().count(), 2);
}

#[test]
fn readers_beside_a_writer_that_prunes_always_find_a_version() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let trainer = trainer(&recording, quiet(&path).every_steps(1).keep_last(1));
    learn(&recording, &trainer, 1);
    trainer.save().unwrap();
    let (stop, rounds) = (AtomicI64::new(0), AtomicI64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let folder = SnapshotFolder::open(&path).unwrap();
                let mut last = 0;
                while stop.load(Ordering::Relaxed) == 0 {
                    let snapshot = folder.newest().unwrap().unwrap();
                    assert!(snapshot.version().number >= last);
                    last = snapshot.version().number;
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(3) {
            learn(&recording, &trainer, 1);
        }
        stop.store(1, Ordering::Relaxed);
    });
    trainer.save().unwrap();
    assert!(rounds.load(Ordering::Relaxed) > 20);
}

#[test]
fn deltas_hold_what_changed_and_a_broken_chain_is_refused() {
    // A learning rate of zero: only metrics and position change.
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let open = |store: FolderStoreBuilder| builder(&recording.bundle).learning_rate(0.0).store(store.open().unwrap()).open().unwrap();
    let first = open(quiet(&path).deltas(2).keep_last(2));
    let mut ids = Vec::new();
    for _ in 0..6 {
        learn(&recording, &first, 1);
        ids.push(first.save().unwrap());
    }
    let kept = first.kept_versions().unwrap();
    // Chains of two, then a complete one: 1 <- 2 <- 3, 4 <- 5 <- 6; the last two are kept, and what they build on.
    assert_eq!(kept.iter().map(|kept| kept.version.number).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(kept.iter().map(|kept| kept.base.map(|base| base.number)).collect::<Vec<_>>(), [None, Some(4), Some(5)]);
    let all = values(&first);
    let metrics = format!("{:?}", first.metrics().unwrap());
    drop(first);
    let second = open(quiet(&path));
    assert_eq!((values(&second), second.version().unwrap(), format!("{:?}", second.metrics().unwrap())), (all, 6, metrics));
    drop(second);

    let place = |number: usize| path.join("snapshots").join(ids[number - 1].to_string());
    Snapshot::open(place(6)).unwrap();
    // Another snapshot in the place of the base: sound, but not the one that was built on.
    let (base, aside) = (place(5), path.join("aside"));
    fs::rename(&base, &aside).unwrap();
    let text = Snapshot::open(place(6)).unwrap_err().to_string();
    assert!(text.contains(&ids[4].to_string()) && text.contains("delta"), "{text}");
    fs::create_dir(&base).unwrap();
    for file in fs::read_dir(place(4)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), base.join(file.file_name())).unwrap();
    }
    let text = Snapshot::open(place(6)).unwrap_err().to_string();
    assert!(text.contains("snapshot.json") && text.contains("referred"), "{text}");
}

/// The file system, but the call of this number fails, as on a full disk; every write takes a while.
#[derive(Debug, Default)]
struct Faulty {
    /// Calls until one fails; negative: none will.
    left: Arc<AtomicI64>,
    armed: Arc<AtomicI64>,
    delay: Duration,
}

impl Faulty {
    fn arm(&self, call: i64) {
        self.left.store(call, Ordering::SeqCst);
        self.armed.store(1, Ordering::SeqCst);
    }

    fn call(&self) -> io::Result<()> {
        count(&self.left, &self.armed)
    }
}

fn count(left: &AtomicI64, armed: &AtomicI64) -> io::Result<()> {
    if armed.load(Ordering::SeqCst) == 1 && left.fetch_sub(1, Ordering::SeqCst) == 0 {
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    Ok(())
}

struct FaultyFile {
    file: Box<dyn WriteFile>,
    left: Arc<AtomicI64>,
    armed: Arc<AtomicI64>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        count(&self.left, &self.armed)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        count(&self.left, &self.armed)?;
        self.file.sync()
    }
}

impl Storage for Faulty {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.call()?;
        std::thread::sleep(self.delay);
        let (left, armed) = (self.left.clone(), self.armed.clone());
        Ok(Box::new(FaultyFile { file: FileSystem.create(path)?, left, armed }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        FileSystem.create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        FileSystem.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        FileSystem.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        FileSystem.remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.call()?;
        FileSystem.list(path)
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.call()?;
        FileSystem.read(path, most)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        FileSystem.sync_dir(path)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn Lock>>> {
        self.call()?;
        FileSystem.lock(path, mode)
    }
}

#[test]
fn whatever_call_fails_learning_goes_on_and_the_next_snapshot_is_saved() {
    let recording = Recording::open("mlp", "adagrad");
    let (_kept, path) = fresh();
    let disk = Arc::new(Faulty::default());
    let trainer = trainer(&recording, quiet(&path).keep_last(2).storage(disk.clone()));
    let (mut failed, mut saved) = (0, None);
    for call in 0..1000 {
        learn(&recording, &trainer, 1);
        disk.arm(call);
        let outcome = trainer.save();
        let reached = disk.left.load(Ordering::SeqCst) < 0;
        disk.armed.store(0, Ordering::SeqCst);
        let status = trainer.store_status();
        match outcome {
            Ok(id) => saved = Some(id),
            Err(error) => {
                failed += 1;
                assert_eq!(error.kind(), ErrorKind::Io, "call {call}: {error}");
                assert!(status.error.is_some_and(|text| text.contains("model")) && status.failures == 1, "call {call}");
                assert_eq!(status.saved, saved);
            }
        }
        // What was saved before is still there, or what was being saved is complete.
        let newest = SnapshotFolder::open(&path).unwrap().newest().unwrap().map(|snapshot| snapshot.version());
        assert!(newest >= saved, "call {call}: {newest:?} {saved:?}");
        // The same version again, and the next one.
        let again = trainer.save().unwrap();
        assert!(Some(again) >= saved && again == trainer.pin().unwrap().id(), "call {call}");
        learn(&recording, &trainer, 1);
        saved = Some(trainer.save().unwrap());
        assert!(trainer.store_status().error.is_none());
        if !reached {
            println!("{call} calls, {failed} of them fatal to the snapshot");
            assert!(failed >= 20 && call > failed);
            return;
        }
    }
    panic!("a snapshot takes more than a thousand calls");
}

#[test]
fn a_folder_that_goes_away_is_reported_and_used_again_when_it_is_back() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let trainer = trainer(&recording, quiet(&path));
    learn(&recording, &trainer, 1);
    trainer.save().unwrap();
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    // In its place, another store.
    drop(FolderStore::open(&path).unwrap());
    learn(&recording, &trainer, 1);
    let error = trainer.save().unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("was removed or replaced"), "{error}");
    assert_eq!(fs::read_dir(path.join("snapshots")).unwrap().count(), 0);
    fs::remove_dir_all(&path).unwrap();
    learn(&recording, &trainer, 1);
    trainer.save().unwrap_err();
    assert_eq!(trainer.store_status().failures, 2);
    fs::rename(&aside, &path).unwrap();
    assert_eq!(trainer.save().unwrap().number, 3);
    assert_eq!(trainer.store_status().failures, 0);
}

#[test]
fn a_store_in_memory_says_that_it_keeps_nothing() {
    let trainer = Recording::open("mlp", "sgd").trainer();
    let id = trainer.pin().unwrap().id();
    for error in [trainer.save().unwrap_err(), trainer.rollback(id).unwrap_err(), trainer.save_on_signal().unwrap_err()] {
        assert!(error.kind() == ErrorKind::Unsupported && error.to_string().contains("FolderStore"), "{error}");
    }
    let (_kept, path) = fresh();
    assert_eq!(FolderStore::open(path).unwrap().save().unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn trainers_that_share_a_folder_store_learn_together() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let store = quiet(&path).on_close(true).open().unwrap();
    let [one, other] = [(); 2].map(|()| builder(&recording.bundle).store(store.clone()).open().unwrap());
    learn(&recording, &one, 1);
    learn(&recording, &other, 1);
    assert_eq!(store.save().unwrap().number, 2);
    let another = Recording::open("mlp", "adam");
    assert!(builder(&another.bundle).store(store).open().unwrap_err().to_string().contains("another bundle"));
    drop(one);
    learn(&recording, &other, 1);
    drop(other);
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest_version().unwrap().unwrap().number, 3);
}
