//! What was learned, back in the Keras model that was exported: `streamgrad.load_into` reads what trainers save.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::Recording;
use common::predicting::{trainer, values};
use common::served::{asked, python};
use serde_json::json;

#[test]
fn keras_predicts_by_every_version() {
    let (root, mut all) = (tempfile::tempdir().unwrap(), Vec::new());
    for (model, optimizer, deltas) in [("cnn", "adam", 0), ("wide_deep", "sgd", 4), ("embedding", "adagrad", 4)] {
        let recording = Recording::open(model, optimizer);
        let store = root.path().join(model);
        let trainer = trainer(&recording, &store, |store| store.deltas(deltas));
        let mut batch = trainer.schema().batch();
        let (mut versions, mut older, mut predicted) = (Vec::new(), trainer.schema().batch(), Vec::new());
        for step in 0..4 {
            recording.fill(&mut batch, step);
            trainer.step(&batch).unwrap();
            versions.push(trainer.save().unwrap());
            if step == 1 {
                predicted = values(&trainer.predict(&batch).unwrap());
                recording.fill(&mut older, step);
            }
        }
        let newest = versions[3].to_string();
        let now = json!({"model": model, "path": store, "version": newest});
        all.push(asked(&batch, &values(&trainer.predict(&batch).unwrap()), now));
        if deltas > 0 {
            let kinds = trainer.kept_versions().unwrap();
            assert_eq!(kinds.iter().any(|kept| kept.base.is_some()), model == "embedding", "no delta was written");
        }
        // An older one, by its own folder.
        let snapshot = store.join("snapshots").join(versions[1].to_string());
        let then = json!({"model": model, "path": snapshot, "version": versions[1].to_string()});
        all.push(asked(&older, &predicted, then));
    }
    python("loaded.py", &all);
}
