//! What a store in a folder does beside training: threads, readers, a disk that is slow, fails or goes away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use common::store::{fresh, learn, quiet, trainer};
use common::{Recording, builder};
use streamgrad::snapshot::{FileSystem, Lock, LockMode, SnapshotFolder, Storage, WriteFile};
use streamgrad::{ErrorKind, FolderStore};

#[test]
fn what_several_threads_learn_is_saved_whole() {
    let recording = Recording::open("cnn", "adam");
    let (_kept, path) = fresh();
    let shared = trainer(&recording, quiet(&path).every_steps(1).keep_last(8));
    let memory = shared.memory();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let batch = recording.batch(&shared);
                for _ in 0..40 {
                    shared.step(&batch).unwrap();
                }
            });
        }
    });
    assert_eq!(shared.save().unwrap().number, 120);
    assert_eq!(shared.memory(), memory, "buffers were made for versions that are not held any more");
    let kept = shared.kept_versions().unwrap();
    assert!(kept.len() > 1);
    drop(shared);
    // A step enters parameters, slots and metrics together: no snapshot holds one without the other.
    for kept in kept {
        let restored = trainer(&recording, quiet(&path).restore(kept.version));
        assert_eq!(restored.metrics().unwrap().rows(), 16 * kept.version.number);
    }
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
