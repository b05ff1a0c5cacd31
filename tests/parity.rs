//! Ten steps beside Keras' own `train_on_batch`, from the same start, on the same batches.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{MODELS, OPTIMIZERS, Recording, distance};

const STEPS: usize = 10;
const TOLERANCE: f32 = 1e-6;

#[test]
fn losses_are_those_of_keras() {
    each(|model, optimizer, recording| {
        let trainer = recording.trainer();
        let mut batch = trainer.schema().batch();
        for step in 0..STEPS {
            recording.fill(&mut batch, step);
            let (found, wanted) = (trainer.step(&batch).unwrap().loss(), recording.loss(step));
            let off = distance(&[found], &[wanted], TOLERANCE, TOLERANCE);
            assert!(off <= 1.0, "{model} {optimizer} step {step}: loss {found}, Keras {wanted}");
        }
    });
}

#[test]
fn predictions_are_those_of_inference_before_the_step() {
    each(|model, optimizer, recording| {
        let trainer = recording.trainer();
        let mut batch = trainer.schema().batch();
        for step in 0..STEPS {
            recording.fill(&mut batch, step);
            let alone = trainer.predict(&batch).unwrap();
            let report = trainer.step(&batch).unwrap();
            for output in trainer.schema().outputs() {
                let wanted = recording.f32s(&format!("prediction/{step}/{}", output.name));
                for predictions in [&alone, report.predictions()] {
                    // Adam moves parameters whose gradient is noise; predictions see them a little.
                    let tolerance = if optimizer == "adam" { 1e-4 } else { 2e-6 };
                    let found = predictions.output::<f32>(&output.name).unwrap();
                    let off = distance(&found, &wanted, tolerance, tolerance);
                    assert!(off <= 1.0, "{model} {optimizer} step {step}: {} is off by {off} tolerances", output.name);
                }
            }
        }
    });
}

#[test]
fn gradients_are_those_of_keras() {
    each(|model, optimizer, recording| {
        let trainer = recording.trainer();
        let gradients = trainer.gradients(&recording.batch(&trainer)).unwrap();
        for parameter in &trainer.bundle().manifest().parameters {
            let wanted = recording.f32s(&format!("gradient/{}", parameter.name));
            let largest = wanted.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let found = gradients.array(&parameter.name).unwrap();
            let off = distance(&found, &wanted, 0.0, 1e-5 * largest + 1e-6);
            assert!(off <= 1.0, "{model} {optimizer}: the gradient of {} is off by {off} tolerances", parameter.name);
        }
    });
}

#[test]
fn parameters_and_state_after_ten_steps_are_those_of_keras() {
    each(|model, optimizer, recording| {
        let trainer = recording.trainer();
        let mut batch = trainer.schema().batch();
        for step in 0..STEPS {
            recording.fill(&mut batch, step);
            trainer.step(&batch).unwrap();
        }
        let parameters = trainer.parameters().unwrap();
        for parameter in &trainer.bundle().manifest().parameters {
            let noise = {
                let gradient = recording.f32s(&format!("gradient/{}", parameter.name));
                gradient.iter().all(|value| value.abs() < 1e-7)
            };
            if optimizer == "adam" && noise {
                continue;
            }
            let found = parameters.array::<f32>(&parameter.name).unwrap();
            let wanted = recording.f32s(&format!("parameter/{}", parameter.name));
            let tolerance = if optimizer == "adam" { 2e-5 } else { TOLERANCE };
            let off = distance(&found, &wanted, tolerance, tolerance);
            assert!(off <= 1.0, "{model} {optimizer}: {} is off by {off} tolerances", parameter.name);
        }
    });
}

fn each(check: impl Fn(&str, &str, &Recording)) {
    for (model, optimizer) in MODELS.into_iter().flat_map(|model| OPTIMIZERS.map(|optimizer| (model, optimizer))) {
        check(model, optimizer, &Recording::open(model, optimizer));
    }
    // Its tables learn by one optimizer, all else by another.
    check("wide_deep", "groups", &Recording::open("wide_deep", "groups"));
}
