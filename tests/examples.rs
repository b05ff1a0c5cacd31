//! The nine models of `examples/models` learn and predict as Keras does, and are right in the end (`tests/peer/examples.py`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Recording, distance};

const MODELS: [&str; 9] = ["lr", "fm", "ffm", "afm", "nfm", "wide_and_deep", "mlp", "lenet", "vgg"];
const STEPS: usize = 300;
/// The last steps, whose rows the model has not seen when it predicts them.
const LATE: usize = 30;

#[test]
fn the_nine_models_learn_and_predict_as_in_keras() {
    for model in MODELS {
        let recording = Recording::open(&format!("examples/{model}"), "adagrad");
        let trainer = recording.trainer();
        let output = trainer.schema().outputs()[0].name.clone();
        let mut batch = trainer.schema().batch();
        let mut right = 0.0;
        for step in 0..STEPS {
            recording.fill(&mut batch, step);
            let late = step >= STEPS - LATE;
            right += if late { trainer.evaluate([&batch]).unwrap().metrics().accuracy() / LATE as f64 } else { 0.0 };
            let report = trainer.step(&batch).unwrap();
            let off = distance(&[report.loss()], &[recording.loss(step)], 1e-4, 1e-5);
            assert!(off <= 1.0, "{model} step {step}: loss {}, Keras {}", report.loss(), recording.loss(step));
            let predicted = report.predictions().output::<f32>(&output).unwrap();
            let off = distance(&predicted, &recording.f32s(&format!("prediction/{step}/{output}")), 1e-4, 1e-4);
            assert!(off <= 1.0, "{model} step {step}: the prediction is off by {off} tolerances");
        }
        assert!(right > 0.8, "{model} is right in {right} of the rows");
    }
}
