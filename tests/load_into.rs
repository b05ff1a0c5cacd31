//! What was learned, back in the Keras model that was exported: `streamgrad.load_into` reads what trainers save.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsStr;

use common::predicting::{trainer, values};
use common::served::{asked, python};
use common::Recording;

#[test]
fn keras_predicts_by_every_version() {
    for (model, optimizer, deltas) in [("cnn", "adam", 0), ("wide_deep", "sgd", 4), ("embedding", "adagrad", 4)] {
        let recording = Recording::open(model, optimizer);
        let kept = tempfile::tempdir().unwrap();
        let store = kept.path().join("model");
        let trainer = trainer(&recording, &store, |store| store.deltas(deltas));
        let mut batch = trainer.schema().batch();
        let mut versions = Vec::new();
        for step in 0..4 {
            recording.fill(&mut batch, step);
            trainer.step(&batch).unwrap();
            versions.push(trainer.save().unwrap());
        }
        let newest = versions[3].to_string();
        let now = asked(&batch, &values(&trainer.predict(&batch).unwrap()));
        python("loaded.py", &[OsStr::new(model), store.as_os_str(), OsStr::new(&newest)], &now);
        if deltas > 0 {
            let kinds = trainer.kept_versions().unwrap();
            assert_eq!(kinds.iter().any(|kept| kept.base.is_some()), model == "embedding", "no delta was written");
        }
        // An older one by its name.
        let back = trainer.rollback(versions[1]).unwrap();
        assert_ne!(back, versions[1]);
        let older = asked(&batch, &values(&trainer.predict(&batch).unwrap()));
        let snapshot = store.join("snapshots").join(versions[1].to_string());
        python("loaded.py", &[OsStr::new(model), snapshot.as_os_str(), OsStr::new(&versions[1].to_string())], &older);
    }
}
