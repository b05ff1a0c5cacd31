//! What the tests of folder stores share.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use streamgrad::params::FolderStoreBuilder;
use streamgrad::{Checkpoint, FolderStore, Trainer, VersionId};
use tempfile::TempDir;

use super::{Recording, builder};

/// A folder that is not there yet.
pub fn fresh() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    (folder, path)
}

/// A store that saves only when it is told to.
pub fn quiet(path: &Path) -> FolderStoreBuilder {
    FolderStore::builder(path).every(Duration::ZERO).on_close(false)
}

pub fn trainer(recording: &Recording, store: FolderStoreBuilder) -> Trainer {
    builder(&recording.bundle).metrics_window(100).store(store.open().unwrap()).open().unwrap()
}

/// A trainer whose parameters are gone with it.
pub fn memory(recording: &Recording) -> Trainer {
    builder(&recording.bundle).metrics_window(100).open().unwrap()
}

/// The stream of a checkpoint.
pub fn bytes(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert_eq!(checkpoint.write_to(&mut bytes).unwrap(), bytes.len() as u64);
    bytes
}

/// Learns the recorded batches in turn, as a host that knows its position.
pub fn learn(recording: &Recording, trainer: &Trainer, steps: u64) {
    let mut batch = trainer.schema().batch();
    for _ in 0..steps {
        let next = trainer.position().unwrap().map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        recording.fill(&mut batch, (next % 10) as usize);
        trainer.step_to(&batch, &(next + 1).to_le_bytes()).unwrap();
    }
}

/// Everything that a snapshot's files hold.
pub fn content(path: &Path, version: VersionId) -> [Vec<u8>; 2] {
    let folder = path.join("snapshots").join(version.to_string());
    ["model.safetensors", "training.safetensors"].map(|file| fs::read(folder.join(file)).unwrap())
}

pub fn values(trainer: &Trainer) -> Vec<u8> {
    let parameters = trainer.parameters().unwrap();
    parameters.names().flat_map(|name| parameters.bytes(name).unwrap().to_vec()).collect()
}

pub fn until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A copy of the recorded bundle with another manifest.
pub fn changed(recording: &Recording, folder: &Path, change: impl Fn(&mut serde_json::Value)) -> PathBuf {
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
