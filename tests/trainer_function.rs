//! A bundle that Python exported of a plain TensorFlow function learns as TensorFlow does (`tests/peer/graphs.py`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::{builder, distance, peer};
use safetensors::SafeTensors;
use streamgrad::tensor::{Complex32, bf16, f16};

#[test]
fn a_function_learns_as_in_python() {
    let file = fs::read(peer().join("function.safetensors")).unwrap();
    let recorded = SafeTensors::deserialize(&file).unwrap();
    let floats =
        |name: &str| -> Vec<f32> { recorded.tensor(name).unwrap().data().as_chunks().0.iter().copied().map(f32::from_le_bytes).collect() };
    let ids: Vec<i64> = recorded.tensor("ids").unwrap().data().as_chunks().0.iter().copied().map(i64::from_le_bytes).collect();
    let (clicked, losses, clicks) = (floats("clicked"), floats("loss"), floats("click"));
    let rows = clicked.len() / losses.len();

    let trainer = builder(peer().join("function.bundle")).open().unwrap();
    let mut batch = trainer.schema().batch();
    for (step, wanted) in losses.iter().enumerate() {
        let range = step * rows..(step + 1) * rows;
        batch.set("ids", &ids[range.start * 3..range.end * 3]).unwrap();
        batch.set("label", &clicked[range.clone()]).unwrap();
        let report = trainer.step(&batch).unwrap();
        assert!((report.loss() - wanted).abs() <= 1e-5 * wanted.abs().max(1.0), "step {step}: {} {wanted}", report.loss());
        let found = report.predictions().output::<f32>("click").unwrap();
        assert!(distance(&found, &clicks[range], 1e-5, 1e-6) <= 1.0, "step {step}");
    }
    let parameters = trainer.parameters().unwrap();
    for name in ["w", "v", "bias"] {
        let found = parameters.array::<f32>(name).unwrap();
        assert!(distance(&found, &floats(&format!("after/{name}")), 1e-5, 1e-6) <= 1.0, "{name}");
    }
    assert!(trainer.metrics().unwrap().auc().is_finite());
}

#[test]
fn sixteen_bits_and_complex_numbers_learn_as_in_python() {
    let file = fs::read(peer().join("narrow.safetensors")).unwrap();
    let recorded = SafeTensors::deserialize(&file).unwrap();
    let data = |name: &str| recorded.tensor(name).unwrap().data().to_vec();
    let halves = |name: &str| -> Vec<f16> { data(name).as_chunks().0.iter().copied().map(f16::from_le_bytes).collect() };
    let floats = |name: &str| -> Vec<f32> { data(name).as_chunks().0.iter().copied().map(f32::from_le_bytes).collect() };
    let brain: Vec<bf16> = data("brain").as_chunks().0.iter().copied().map(bf16::from_le_bytes).collect();
    let wave: Vec<Complex32> = floats("wave").as_chunks().0.iter().map(|&[re, im]| Complex32::new(re, im)).collect();
    let (half, late, losses, shorts) = (halves("half"), halves("late"), floats("loss"), halves("short"));
    let rows = late.len() / losses.len();

    let trainer = builder(peer().join("narrow.bundle")).open().unwrap();
    let mut batch = trainer.schema().batch();
    for (step, wanted) in losses.iter().enumerate() {
        let range = step * rows..(step + 1) * rows;
        // A column at once, or row by row.
        if step % 2 == 0 {
            batch.set("half", &half[range.clone()]).unwrap();
            batch.set("brain", &brain[range.clone()]).unwrap();
            batch.set("wave", &wave[range.clone()]).unwrap();
            batch.set("label", &late[range.clone()]).unwrap();
        } else {
            batch.clear();
            for at in range.clone() {
                let row = batch.row().set("half", half[at]).unwrap().set("brain", brain[at].to_f64()).unwrap();
                row.set("wave", wave[at]).unwrap().set("late", late[at]).unwrap().push().unwrap();
            }
        }
        let report = trainer.step(&batch).unwrap();
        assert!((report.loss() - wanted).abs() <= 1e-5 * wanted.abs().max(1.0), "step {step}: {} {wanted}", report.loss());
        let found: Vec<f32> = report.predictions().output::<f16>("short").unwrap().iter().map(|short| short.to_f32()).collect();
        let wanted: Vec<f32> = shorts[range.clone()].iter().map(|short| short.to_f32()).collect();
        assert!(distance(&found, &wanted, 1e-3, 1e-5) <= 1.0, "step {step}");
        let turned = report.predictions().output::<Complex32>("turned").unwrap();
        assert!(turned.iter().zip(&wave[range]).all(|(turned, wave)| *turned == wave * Complex32::new(0.0, 1.0)), "step {step}");
    }
    let parameters = trainer.parameters().unwrap();
    assert!(distance(parameters.array::<f32>("w").unwrap().iter(), &floats("w"), 1e-5, 1e-6) <= 1.0);
    assert!(trainer.metrics().unwrap().accuracy() > 0.5);

    batch.clear();
    for (reason, row) in [
        ("000 does not fit bfloat16", batch.row().set("brain", 1e39).map(drop)),
        ("the number 1 is real, but complex64 has two parts", batch.row().set("wave", 1).map(drop)),
        ("does not fit float16", batch.row().set("half", Complex32::new(1.0, 2.0)).map(drop)),
    ] {
        let error = row.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let error = streamgrad::codec::JsonLines::open(trainer.schema(), &b""[..]).unwrap_err();
    assert!(error.to_string().contains("wave is complex64, which no record has"), "{error}");
}
