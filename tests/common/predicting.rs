//! What the tests of predictors share.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use streamgrad::params::FolderStoreBuilder;
use streamgrad::predictor::PredictorBuilder;
use streamgrad::{Batch, FolderStore, Predictions, Predictor, Trainer, VersionId};
use tempfile::TempDir;

use super::{Recording, builder, tensorflow};

/// The first recorded batch.
pub fn batch(recording: &Recording, predictor: &Predictor) -> Batch {
    let mut batch = predictor.schema().batch();
    recording.fill(&mut batch, 0);
    batch
}

pub fn values(predictions: &Predictions) -> Vec<f32> {
    predictions.array::<f32>().unwrap().iter().copied().collect()
}

/// A predictor that looks only when it is told to, with the tests' TensorFlow.
pub fn quiet(builder: PredictorBuilder) -> PredictorBuilder {
    builder.every(Duration::ZERO).tensorflow(tensorflow())
}

/// A trainer that saves into this folder when it is told to.
pub fn trainer(recording: &Recording, folder: &Path, store: impl Fn(FolderStoreBuilder) -> FolderStoreBuilder) -> Trainer {
    let quiet = FolderStore::builder(folder).every(Duration::ZERO).on_close(false);
    builder(&recording.bundle).store(store(quiet).open().unwrap()).open().unwrap()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Changes the last byte of a file.
pub fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file, bytes).unwrap();
}

pub fn damage_snapshot(folder: &Path, version: VersionId) {
    damage(&folder.join("snapshots").join(version.to_string()).join("model.safetensors"));
}

/// A trainer, its folder, and a predictor that follows it.
pub struct Pair {
    pub recording: Recording,
    _kept: TempDir,
    pub folder: PathBuf,
    pub trainer: Trainer,
    pub predictor: Predictor,
    pub batch: Batch,
}

impl Pair {
    pub fn open() -> Self {
        let recording = Recording::open("mlp", "adagrad");
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().join("model");
        let trainer = trainer(&recording, &folder, |store| store);
        let predictor = quiet(Predictor::builder(&recording.bundle).follow(&folder)).open().unwrap();
        let batch = batch(&recording, &predictor);
        Self { recording, _kept: kept, folder, trainer, predictor, batch }
    }

    /// Learns a step and saves it.
    pub fn save(&self) -> VersionId {
        self.trainer.step(&self.batch).unwrap();
        self.trainer.save().unwrap()
    }

    pub fn follow(&self) -> VersionId {
        let saved = self.save();
        assert_eq!(self.predictor.look().unwrap(), saved);
        saved
    }

    /// Predicts, by this version.
    pub fn predicts_by(&self, version: VersionId) -> Vec<f32> {
        let predictions = self.predictor.predict(&self.batch).unwrap();
        assert_eq!((predictions.version_id(), predictions.version()), (version, version.number));
        assert_eq!(self.predictor.version().unwrap(), version);
        values(&predictions)
    }
}
