//! What a trainer tells Prometheus, by Prometheus' own parser.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::observed::{Sample, samples};
use common::store::{changed, fresh, quiet, until};
use common::{Recording, builder};
use streamgrad::{TensorBoard, Trainer};

/// The value of the one sample of a series with these labels, beside that of the model.
#[track_caller]
fn value(samples: &[Sample], series: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted = |found: &BTreeMap<String, String>| {
        found.len() == labels.len() + 1 && labels.iter().all(|(name, value)| found.get(*name).is_some_and(|known| known == value))
    };
    let mut found = samples.iter().filter(|sample| sample.3 == series && wanted(&sample.4));
    let (Some(one), None) = (found.next(), found.next()) else { panic!("not one {series} {labels:?}: {samples:?}") };
    one.5.parse().unwrap()
}

fn has(samples: &[Sample], series: &str) -> bool {
    samples.iter().any(|sample| sample.3 == series)
}

fn learn(recording: &Recording, trainer: &Trainer, steps: usize) -> Vec<f64> {
    let mut batch = trainer.schema().batch();
    let step = |step| {
        recording.fill(&mut batch, step % 10);
        let timings = trainer.step(&batch).unwrap().timings();
        (timings.pull + timings.run + timings.push).as_secs_f64()
    };
    (0..steps).map(step).collect()
}

#[test]
fn prometheus_reads_what_the_trainer_has_done() {
    let recording = Recording::open("mlp", "adagrad");
    let trainer = recording.trainer();
    let before = samples(&trainer.prometheus());
    assert_eq!(value(&before, "streamgrad_steps_total", &[]), 0.0);
    assert!(value(&before, "streamgrad_metric", &[("metric", "loss")]).is_nan());
    assert!(!has(&before, "streamgrad_batch_loss") && !has(&before, "streamgrad_refused_total"));

    let mut seconds = learn(&recording, &trainer, 11);
    let batch = recording.batch(&trainer);
    let rows = batch.rows() as f64;
    let report = trainer.step(&batch).unwrap();
    let timings = report.timings();
    seconds.push((timings.pull + timings.run + timings.push).as_secs_f64());
    trainer.apply(&trainer.gradients(&batch).unwrap()).unwrap();
    trainer.step(&trainer.schema().batch()).unwrap_err();
    let mut huge = recording.batch(&trainer);
    let column = trainer.schema().features()[0].name.clone();
    huge.set(&column, &vec![f32::MAX; recording.f32s(&format!("batch/0/{column}")).len()]).unwrap();
    trainer.step(&huge).unwrap_err();
    trainer.step_to(&huge, b"here").unwrap_err();

    let found = samples(&trainer.prometheus());
    assert!(found.iter().all(|sample| sample.4["model"] == trainer.bundle().manifest().name));
    assert_eq!(value(&found, "streamgrad_steps_total", &[]), 12.0);
    assert_eq!(value(&found, "streamgrad_rows_total", &[]), 12.0 * rows);
    assert_eq!(value(&found, "streamgrad_applied_total", &[]), 1.0);
    assert_eq!(value(&found, "streamgrad_refused_total", &[("kind", "invalid_input")]), 1.0);
    assert_eq!(value(&found, "streamgrad_refused_total", &[("kind", "non_finite")]), 2.0);
    assert_eq!(value(&found, "streamgrad_batch_loss", &[]), f64::from(report.loss()));
    assert_eq!(value(&found, "streamgrad_version", &[]), 13.0);
    assert_eq!(value(&found, "streamgrad_native_bytes", &[]), trainer.memory() as f64);
    assert_eq!(value(&found, "streamgrad_learning_rate", &[]), f64::from(trainer.learning_rate().unwrap()));
    for (name, total, window) in trainer.metrics().unwrap().iter() {
        assert_eq!(value(&found, "streamgrad_metric", &[("metric", name)]), total);
        assert_eq!(value(&found, "streamgrad_metric_window", &[("metric", name)]), window);
    }
    assert_eq!(value(&found, "streamgrad_metric_rows", &[]), 12.0 * rows);
    assert_eq!(value(&found, "streamgrad_snapshots_saved_total", &[]), 0.0);
    assert!(!has(&found, "streamgrad_tensorboard_samples_total") && !has(&found, "streamgrad_table_rows"));

    // The buckets are cumulative, the last has all.
    for (bound, count) in found.iter().filter(|sample| sample.3.ends_with("_bucket")).map(|sample| (&sample.4["le"], &sample.5)) {
        let below = match bound.as_str() {
            "+Inf" => 12,
            bound => seconds.iter().filter(|seconds| **seconds <= bound.parse::<f64>().unwrap()).count(),
        };
        assert_eq!(count.parse::<f64>().unwrap(), below as f64, "{bound}");
    }
    assert_eq!(value(&found, "streamgrad_step_seconds_count", &[]), 12.0);
    let sum: f64 = seconds.iter().sum();
    let parts = ["pull", "run", "push"].map(|part| value(&found, "streamgrad_step_part_seconds_total", &[("part", part)]));
    for found in [value(&found, "streamgrad_step_seconds_sum", &[]), parts.iter().sum()] {
        assert!((found - sum).abs() < 1e-6 * sum, "{found} {sum}");
    }
}

#[test]
fn every_family_has_one_type_one_help_and_no_sample_twice() {
    let recording = Recording::open("embedding", "adagrad");
    let (folder, path) = fresh();
    let builder = builder(&recording.bundle).store(quiet(&path).open().unwrap());
    let trainer = builder.tensorboard(TensorBoard::new(folder.path().join("board"))).open().unwrap();
    learn(&recording, &trainer, 3);
    let text = trainer.prometheus();
    let heads = |what: &str| {
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(what)?.split(' ').next()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        names
    };
    assert_eq!(heads("# HELP "), heads("# TYPE "));
    let found = samples(&text);
    assert_eq!(found.iter().map(|sample| (&sample.3, &sample.4)).collect::<BTreeSet<_>>().len(), found.len());
    assert_eq!(found.len(), text.lines().filter(|line| !line.starts_with('#')).count());
    assert!(found.iter().all(|sample| ["counter", "gauge", "histogram"].contains(&sample.1.as_str()) && sample.2.ends_with('.')));
    assert!(found.iter().all(|sample| (sample.1 == "counter") == sample.3.ends_with("_total")), "{text}");
}

#[test]
fn tables_snapshots_and_tensorboard_are_told() {
    let recording = Recording::open("embedding", "adagrad");
    let (folder, path) = fresh();
    let board = folder.path().join("board");
    fs::write(&board, "in the way").unwrap();
    let builder = builder(&recording.bundle).store(quiet(&path).open().unwrap());
    let trainer = builder.tensorboard(TensorBoard::new(&board)).open().unwrap();
    learn(&recording, &trainer, 7);
    let saved = trainer.save().unwrap();
    // Nothing new: this is no second snapshot.
    trainer.save().unwrap();
    until("the sample is dropped", || trainer.tensorboard_status().unwrap().dropped == 1);
    let found = samples(&trainer.prometheus());
    for table in &trainer.bundle().manifest().tables {
        let (labels, table) = ([("table", table.name.as_str())], trainer.table(&table.name).unwrap());
        assert_eq!(value(&found, "streamgrad_table_rows", &labels), table.rows() as f64);
        assert_eq!(value(&found, "streamgrad_table_bytes", &labels), table.bytes() as f64);
    }
    assert_eq!(value(&found, "streamgrad_snapshots_saved_total", &[]), 1.0);
    assert_eq!(value(&found, "streamgrad_snapshots_failed_total", &[]), 0.0);
    assert_eq!(value(&found, "streamgrad_saved_version", &[]), saved.number as f64);
    assert!(value(&found, "streamgrad_saved_timestamp_seconds", &[]) > 1.7e9);
    assert_eq!(value(&found, "streamgrad_tensorboard_samples_total", &[]), 0.0);
    assert_eq!(value(&found, "streamgrad_tensorboard_dropped_total", &[]), 1.0);
    assert_eq!(value(&found, "streamgrad_tensorboard_failing", &[]), 1.0);
    // A folder that is gone: the attempt fails and is counted.
    learn(&recording, &trainer, 1);
    fs::remove_dir_all(&path).unwrap();
    fs::write(&path, "in the way").unwrap();
    trainer.save().unwrap_err();
    assert_eq!(value(&samples(&trainer.prometheus()), "streamgrad_snapshots_failed_total", &[]), 1.0);
}

#[test]
fn a_model_may_have_any_name() {
    let recording = Recording::open("mlp", "sgd");
    let folder = tempfile::tempdir().unwrap();
    let name = "a \"name\" \\ with\nlines, {braces} and ünïcode";
    let trainer = builder(changed(&recording, folder.path(), |manifest| manifest["name"] = name.into())).open().unwrap();
    learn(&recording, &trainer, 1);
    assert!(samples(&trainer.prometheus()).iter().all(|sample| sample.4["model"] == name));
}
