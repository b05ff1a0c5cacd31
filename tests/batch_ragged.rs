//! Ragged columns: rows of any number of values, set column by column and row by row.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{builder, peer};
use streamgrad::{Batch, BatchView, ColumnData, ErrorKind, RaggedValues, Trainer};

#[track_caller]
fn refused<T: std::fmt::Debug>(result: streamgrad::Result<T>, says: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains(says), "{error} does not say {says:?}");
}

/// Ragged words and their weights beside strings of fixed shapes.
fn strings() -> Trainer {
    builder(peer().join("embedding_strings.bundle")).open().unwrap()
}

/// Three rows with two, no and three words.
fn by_columns(trainer: &Trainer) -> Batch {
    let mut batch = trainer.schema().batch();
    batch.set_strings("carrier", &["UA", "", "B6"]).unwrap();
    batch.set_strings("route", &["EWR", "SFO", "JFK", "BQN", "LGA", "ORD"]).unwrap();
    batch.set_ragged_strings("words", &["late", "rain", "late", "", "Ünïted"], &[2, 0, 3]).unwrap();
    batch.set_ragged("weights", &[1.0f32, 0.5, 2.0, 1.0, 0.25], &[2, 0, 3]).unwrap();
    batch.set("label", &[1.0f32, 0.0, 1.0]).unwrap();
    batch
}

#[test]
fn rows_and_columns_are_the_same_batch() {
    let trainer = strings();
    let columns = by_columns(&trainer);
    let mut rows = trainer.schema().batch();
    // A row that is given up leaves nothing behind.
    let half = rows.row().set("words", &["gone", "too"]).unwrap().set("weights", &[9.0f32, 9.0]).unwrap();
    drop(half);
    let mut add = |carrier: &str, route: [&str; 2], words: &[&str], weights: &[f32], label: i32| {
        let row = rows.row().set("words", &["set", "again", "and", "again"]).unwrap();
        let row = row.set("carrier", carrier).unwrap().set("route", &route).unwrap();
        row.set("words", words).unwrap().set("weights", weights).unwrap().set("label", label).unwrap().push().unwrap();
    };
    add("UA", ["EWR", "SFO"], &["late", "rain"], &[1.0, 0.5], 1);
    add("", ["JFK", "BQN"], &[], &[], 0);
    add("B6", ["LGA", "ORD"], &["late", "", "Ünïted"], &[2.0, 1.0, 0.25], 1);
    let losses = [&columns, &rows].map(|batch| trainer.gradients(batch).unwrap().loss().to_bits());
    assert_eq!(losses[0], losses[1]);
    // Used again, it holds the new rows only.
    rows.clear();
    rows.row().set("carrier", "UA").unwrap().set("route", &["EWR", "SFO"]).unwrap().set("words", "late").unwrap();
    assert_eq!(rows.rows(), 0);
    trainer.step(&columns).unwrap();
}

#[test]
fn rows_of_one_batch_go_into_another() {
    let trainer = strings();
    let from = by_columns(&trainer);
    let mut batch = trainer.schema().batch_with_capacity(5);
    batch.append_rows(&from, &[2, 0]).unwrap();
    batch.append_rows(&from, &[1, 2]).unwrap();
    let mut wanted = trainer.schema().batch();
    wanted.set_strings("carrier", &["B6", "UA", "", "B6"]).unwrap();
    wanted.set_strings("route", &["LGA", "ORD", "EWR", "SFO", "JFK", "BQN", "LGA", "ORD"]).unwrap();
    wanted.set_ragged_strings("words", &["late", "", "Ünïted", "late", "rain", "late", "", "Ünïted"], &[3, 2, 0, 3]).unwrap();
    wanted.set_ragged("weights", &[2.0f32, 1.0, 0.25, 1.0, 0.5, 2.0, 1.0, 0.25], &[3, 2, 0, 3]).unwrap();
    wanted.set("label", &[1.0f32, 1.0, 0.0, 1.0]).unwrap();
    let shown = |batch: &Batch| format!("{:?}", BatchView::from(batch));
    assert_eq!(shown(&batch), shown(&wanted));
    assert_eq!(trainer.gradients(&batch).unwrap().loss().to_bits(), trainer.gradients(&wanted).unwrap().loss().to_bits());

    refused(batch.append_rows(&from, &[0, 1]), "the batch has room for 1 rows, not for 2 more");
    refused(batch.append_rows(&from, &[3]), "there is no row 3; the other batch has 3");
    let other = builder(peer().join("embedding_alone.bundle")).open().unwrap();
    refused(batch.append_rows(&other.schema().batch(), &[]), "the batch is one of another bundle");
    assert_eq!(shown(&batch), shown(&wanted), "what was refused changed nothing");

    // A label that a row lacks it lacks here, too.
    let mut rows = trainer.schema().batch();
    let add = |rows: &mut Batch, label: Option<f32>| {
        let row = rows.row().set("carrier", "UA").unwrap().set("route", &["EWR", "SFO"]).unwrap();
        let row = row.set("words", "late").unwrap().set("weights", 1.0f32).unwrap();
        label.into_iter().fold(row, |row, label| row.set("label", label).unwrap()).push().unwrap();
    };
    add(&mut rows, None);
    let mut unlabelled = trainer.schema().batch();
    unlabelled.append_rows(&rows, &[0, 0]).unwrap();
    assert_eq!(trainer.predict(&unlabelled).unwrap().rows(), 2);
    assert!(trainer.step(&unlabelled).unwrap_err().to_string().contains("row 0 has no label"));
    add(&mut rows, Some(1.0));
    let mut labelled = trainer.schema().batch();
    labelled.append_rows(&rows, &[1, 1]).unwrap();
    trainer.step(&labelled).unwrap();
    labelled.append_rows(&rows, &[1, 0]).unwrap();
    assert!(trainer.step(&labelled).unwrap_err().to_string().contains("row 3 has no label"));
}

#[test]
fn lengths_that_do_not_add_up() {
    let trainer = strings();
    let mut batch = by_columns(&trainer);
    refused(batch.set_ragged("weights", &[1.0f32; 4], &[2, 0, 3]), "the row lengths of weights add up to 5, but it got 4 values");
    refused(batch.set_ragged("weights", &[1.0f32; 4], &[usize::MAX, 5]), "more than there is memory for");
    refused(batch.set_ragged_strings("words", &["a"], &[]), "add up to 0");
    refused(batch.set_ragged("weights", &[1.0f64; 5], &[2, 0, 3]), "weights takes float32, not float64");
    refused(batch.set_ragged_strings("weights", &["a"], &[1]), "weights takes float32, not strings");
    refused(batch.set_ragged("words", &[1.0f32], &[1]), "words takes string");
    refused(batch.set_ragged("label", &[1.0f32], &[1]), "set it without lengths");
    refused(batch.set("weights", &[1.0f32; 3]), "weights is ragged");
    refused(batch.set_strings("words", &["a"; 3]), "words is ragged");
    refused(batch.set_ragged("weights", &[0.0f32; 0], &[0; 1025]), "room for 1024 rows");
    refused(batch.row().set("weights", &["a"]), "a string does not fit float32");
    trainer.gradients(&batch).unwrap();

    batch.set_ragged("weights", &[1.0f32; 5], &[2, 3]).unwrap();
    refused(trainer.step(&batch), "weights has 2 rows, other columns 3");
    batch.set_ragged("weights", &[1.0, f32::NAN, 2.0, 1.0, 0.25], &[2, 0, 3]).unwrap();
    refused(trainer.step(&batch), "weights is NaN");
    batch.set_ragged("weights", &[1.0f32, 0.5, 2.0, 1.0], &[2, 0, 2]).unwrap();
    // Each column is right by itself, but they have different numbers of values in a row: TensorFlow or the graph says so.
    assert!(trainer.step(&batch).is_err());
    assert_eq!(trainer.version().unwrap(), 0);
}

#[test]
fn a_view_is_checked_too() {
    let trainer = builder(peer().join("embedding_alone.bundle")).open().unwrap();
    let ids: Vec<u8> = [1u64, u64::MAX, 1].into_iter().flat_map(u64::to_le_bytes).collect();
    let labels: Vec<u8> = [1.0f32, 0.0].into_iter().flat_map(f32::to_le_bytes).collect();
    let view = |lengths, bytes| {
        let ids = ColumnData::Ragged { lengths, values: RaggedValues::Bytes(bytes) };
        BatchView::new(2, vec![ids, ColumnData::Bytes(&labels)])
    };
    trainer.step(view(&[3, 0], &ids)).unwrap();
    refused(trainer.step(view(&[3, -1], &ids)), "row 1 of ids has -1 values");
    refused(trainer.step(view(&[i64::MAX, i64::MAX], &ids)), "add up to more than 2^63");
    refused(trainer.step(view(&[1, 1], &ids)), "add up to 2, but it has 3 values");
    refused(trainer.step(view(&[3], &ids)), "ids has 1 rows, other columns 2");
    refused(trainer.step(view(&[3, 0], &ids[1..])), "another kind");
    refused(trainer.step(BatchView::new(2, vec![ColumnData::Bytes(&ids), ColumnData::Bytes(&labels)])), "ids is ragged");
    assert_eq!(trainer.version().unwrap(), 1);
    // All rows empty is a batch, too.
    trainer.step(view(&[0, 0], &[])).unwrap();
    assert_eq!(trainer.table("wide").unwrap().rows(), 2);
}
