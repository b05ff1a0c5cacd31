//! Predictors beside a trainer: they predict by what it learned last.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::Recording;
use common::predicting::{batch, values};
use streamgrad::{ErrorKind, Predictor};

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
    assert!(predictor.memory().unwrap() < trainer.memory(), "it needs no slots and no second buffer");
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
