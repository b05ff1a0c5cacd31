//! What TensorFlow hands back may be memory of something else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{builder, peer};
use streamgrad::{Batch, Trainer};

fn open() -> Trainer {
    builder(peer().join("alias.bundle")).open().unwrap()
}

fn fill(batch: &mut Batch, value: f32) {
    batch.set("x", &[value; 8]).unwrap();
    batch.set("y", &[0.0f32; 8]).unwrap();
}

#[test]
fn a_prediction_that_is_the_fed_batch_outlives_it() {
    let trainer = open();
    let mut batch = trainer.schema().batch();
    fill(&mut batch, 3.0);
    let (report, predictions) = (trainer.step(&batch).unwrap(), trainer.predict(&batch).unwrap());
    fill(&mut batch, 5.0);
    drop(batch);
    assert!(report.predictions().array::<f32>().unwrap().iter().all(|&value| value == 3.0));
    assert!(predictions.array::<f32>().unwrap().iter().all(|&value| value == 3.0));
}

#[test]
fn gradients_that_are_a_constant_of_the_graph_stay_one() {
    let trainer = open();
    let mut batch = trainer.schema().batch();
    fill(&mut batch, 1.0);
    for step in 1..=20 {
        trainer.step(&batch).unwrap();
        let gradients = trainer.gradients(&batch).unwrap();
        for name in ["a", "b"] {
            assert!(gradients.array(name).unwrap().iter().all(|&value| value == 1.0), "step {step}");
        }
    }
    let parameters = trainer.parameters().unwrap();
    assert!(parameters.array::<f32>("a").unwrap().iter().all(|&value| value == 1.0 - 10.0));
    assert!(parameters.array::<f32>("b").unwrap().iter().all(|&value| value == 2.0 - 10.0));
}

#[test]
fn state_that_is_the_fed_batch_belongs_to_its_version() {
    let trainer = open();
    let mut batch = trainer.schema().batch();
    fill(&mut batch, 3.0);
    trainer.step(&batch).unwrap();
    let held = trainer.parameters().unwrap();
    for value in [5.0, 7.0, 9.0] {
        fill(&mut batch, value);
        trainer.step(&batch).unwrap();
    }
    assert_eq!(held.version().number(), 1);
    assert!(held.array::<f32>("s").unwrap().iter().all(|&value| value == 3.0));
    assert!(trainer.parameters().unwrap().array::<f32>("s").unwrap().iter().all(|&value| value == 9.0));
}

#[test]
fn gradients_are_applied_as_a_step_applies_them() {
    let (stepped, applied) = (open(), open());
    let mut batch = stepped.schema().batch();
    fill(&mut batch, 2.0);
    stepped.step(&batch).unwrap();
    let gradients = applied.gradients(&batch).unwrap();
    fill(&mut batch, 100.0);
    assert_eq!(applied.apply(&gradients).unwrap(), 1);
    for name in ["a", "b", "s"] {
        let [one, other] = [&stepped, &applied].map(|trainer| trainer.parameters().unwrap().array::<f32>(name).unwrap().to_owned());
        assert_eq!(one, other);
    }
}
