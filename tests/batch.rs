//! What a batch takes, and what it refuses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::Recording;
use common::records::{column, schema};
use ndarray::{Array1, Array2};
use serde_json::json;
use streamgrad::{Batch, ErrorKind, Trainer};

fn mlp() -> (Recording, Trainer) {
    let recording = Recording::open("mlp", "sgd");
    let trainer = recording.trainer();
    (recording, trainer)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: streamgrad::Result<T>, says: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains(says), "{error} does not say {says:?}");
}

#[test]
fn rows_arrays_and_slices_are_the_same_batch() {
    let (_, trainer) = mlp();
    let numbers = Array2::from_shape_fn((5, 13), |(row, at)| (row * 13 + at) as f32 / 65.0);
    let labels = Array1::from_iter((0..5i64).map(|row| row % 3));
    let [mut slices, mut arrays, mut rows] = [(); 3].map(|()| trainer.schema().batch());
    slices.set("numbers", numbers.as_slice().unwrap()).unwrap();
    slices.set("label", labels.as_slice().unwrap()).unwrap();
    let transposed = numbers.t().as_standard_layout().into_owned();
    arrays.set_array("numbers", transposed.t()).unwrap();
    arrays.set_array("label", labels.view()).unwrap();
    for (number, label) in numbers.rows().into_iter().zip(&labels) {
        rows.row().set("numbers", number.as_slice().unwrap()).unwrap().set("label", *label).unwrap().push().unwrap();
    }
    let losses = [&slices, &arrays, &rows].map(|batch| trainer.gradients(batch).unwrap().loss().to_bits());
    assert_eq!(losses[0], losses[1]);
    assert_eq!(losses[0], losses[2]);
}

#[test]
fn columns_missing_extra_or_of_the_wrong_type_and_length() {
    let (_, trainer) = mlp();
    let mut batch = trainer.schema().batch();
    refused(trainer.step(&batch), "the batch is empty");
    refused(batch.set("nothing", &[1.0f32]), "the model has no column nothing; it has numbers, label");
    refused(batch.set("numbers", &[1.0f64; 13]), "numbers takes float32, not float64");
    refused(batch.set("numbers", &[1.0f32; 12]), "13 values a row");
    refused(batch.set_array("numbers", Array2::<f32>::zeros((13, 2)).view()), "shape [rows, 13]");
    refused(batch.set_strings("numbers", &["a"]), "not strings");
    batch.set("numbers", &[0.5f32; 26]).unwrap();
    refused(trainer.step(&batch), "the column label is missing");
    batch.set("label", &[0i64]).unwrap();
    refused(trainer.step(&batch), "label has 1 rows, other columns 2");
    batch.set("label", &[0i64, 1]).unwrap();
    trainer.step(&batch).unwrap();
}

#[test]
fn labels_out_of_range_and_numbers_that_are_none() {
    let (_, trainer) = mlp();
    let mut batch = trainer.schema().batch();
    batch.set("numbers", &[0.5f32; 26]).unwrap();
    batch.set("label", &[0i64, 3]).unwrap();
    refused(trainer.step(&batch), "row 1: label must be from 0 to 2, it is 3");
    batch.set("label", &[0i64, 2]).unwrap();
    for spoiled in [f32::NAN, f32::INFINITY] {
        let mut numbers = [0.5f32; 26];
        numbers[20] = spoiled;
        batch.set("numbers", &numbers).unwrap();
        refused(trainer.step(&batch), "row 1: numbers is");
        refused(trainer.predict(&batch), "row 1: numbers is");
        refused(batch_row(&mut trainer.schema().batch(), &numbers[13..], 1), "numbers is not finite");
    }
    assert_eq!(trainer.version().unwrap(), 0);
}

#[test]
fn a_row_whose_label_is_out_of_range_is_refused_and_the_batch_stays() {
    let (_, trainer) = mlp();
    let mut batch = trainer.schema().batch();
    batch_row(&mut batch, &[0.5; 13], 2).unwrap();
    for label in [-1, 3] {
        refused(batch_row(&mut batch, &[0.5; 13], label), &format!("push row: label must be from 0 to 2, it is {label}"));
    }
    // The later value counts.
    batch.row().set("label", 3).unwrap().set("numbers", &[0.5f32; 13]).unwrap().set("label", 0).unwrap().push().unwrap();
    assert_eq!(batch.rows(), 2);
    trainer.step(&batch).unwrap();
}

#[test]
fn a_row_is_refused_for_any_element_of_a_label_and_for_a_negative_weight() {
    let mut scores = column("scores", "float16", &[2]);
    (scores["range"], scores["fields"]) = (json!([-1, 1]), json!(["home", "away"]));
    let schema = schema(vec![column("x", "float32", &[])], vec![scores], Some(column("weight", "float64", &[])));
    let mut batch = schema.batch();
    let mut push = |home: f64, away: f64, weight: f64| {
        batch.row().set("x", -7)?.set("home", home)?.set("away", away)?.set("weight", weight)?.push()?;
        Ok(batch.rows())
    };
    assert_eq!(push(-1.0, 1.0, 0.0).unwrap(), 1);
    refused(push(0.0, 1.5, 1.0), "push row: away must be from -1 to 1, it is 1.5");
    refused(push(-2.0, 1.5, 1.0), "push row: home must be from -1 to 1, it is -2");
    refused(push(0.0, 1.0, -0.5), "push row: weight must be from 0 to inf, it is -0.5");
    assert_eq!(push(0.0, 1.0, 1e9).unwrap(), 2);
    // A row that is only predicted has neither.
    batch.row().set("x", -7).unwrap().push().unwrap();
    assert_eq!(batch.rows(), 3);
}

fn batch_row(batch: &mut Batch, numbers: &[f32], label: i64) -> streamgrad::Result<()> {
    batch.row().set("numbers", numbers)?.set("label", label)?.push()
}

#[test]
fn a_row_that_is_refused_leaves_no_trace() {
    let (_, trainer) = mlp();
    let mut batch = trainer.schema().batch_with_capacity(2);
    batch_row(&mut batch, &[1.0; 13], 1).unwrap();
    refused(batch.row().set("numbers", &[1.0f32; 12]), "numbers takes 13 values, not 12");
    refused(batch.row().set("nothing", 1.0), "the model has no field nothing");
    refused(batch.row().set("label", 1.5), "label: 1.5 does not fit int64");
    refused(batch.row().set("label", "one"), "a string does not fit int64");
    refused(batch.row().set("label", 1).unwrap().push(), "the row lacks numbers");
    assert_eq!(batch.rows(), 1);
    batch_row(&mut batch, &[2.0; 13], 2).unwrap();
    refused(batch_row(&mut batch, &[3.0; 13], 0), "the batch is full with 2 rows");
    trainer.step(&batch).unwrap();
    batch.clear();
    assert_eq!(batch.rows(), 0);
}

#[test]
fn a_row_without_label_is_predicted_not_learned() {
    let (_, trainer) = mlp();
    let mut batch = trainer.schema().batch();
    batch_row(&mut batch, &[1.0; 13], 1).unwrap();
    batch.row().set("numbers", &[2.0f32; 13]).unwrap().push().unwrap();
    assert_eq!(trainer.predict(&batch).unwrap().rows(), 2);
    refused(trainer.step(&batch), "row 1 has no label; it can be predicted, not learned");
}

#[test]
fn strings_row_by_row_are_strings_by_column() {
    let recording = Recording::open("wide_deep", "sgd");
    let trainer = recording.trainer();
    let columns = recording.batch(&trainer);
    let text = trainer.schema().features().iter().find(|column| column.dtype.name() == "string").unwrap();
    let (mut by_row, mut by_column) = (trainer.schema().batch(), recording.batch(&trainer));
    let words = ["a", "", "łódź", "b\0c"].map(str::as_bytes);
    for (row, word) in words.into_iter().enumerate() {
        // A row that is abandoned after its string was set must not shift the others.
        drop(by_row.row().set(&text.fields[0], "abandoned").unwrap());
        let mut builder = by_row.row().set(&text.fields[0], word).unwrap();
        for column in trainer.schema().columns().iter().filter(|column| column.dtype.name() != "string") {
            let elements = column.shape.elements() / column.fields.len();
            for field in &column.fields {
                builder = match column.dtype.name() {
                    "int32" => builder.set(field, &vec![row as i32; elements][..]).unwrap(),
                    _ => builder.set(field, &vec![0.25f32; elements][..]).unwrap(),
                };
            }
        }
        builder.push().unwrap();
    }
    by_column.clear();
    for column in trainer.schema().columns() {
        let elements = column.shape.elements();
        match column.dtype.name() {
            "string" => by_column.set_strings(&column.name, &words).unwrap(),
            "int32" => by_column.set(&column.name, &(0..4).flat_map(|row| vec![row; elements]).collect::<Vec<i32>>()).unwrap(),
            _ => by_column.set(&column.name, &vec![0.25f32; 4 * elements]).unwrap(),
        }
    }
    let [one, other] = [&by_row, &by_column].map(|batch| trainer.gradients(batch).unwrap().loss());
    assert_eq!(one.to_bits(), other.to_bits());
    drop(columns);
}
