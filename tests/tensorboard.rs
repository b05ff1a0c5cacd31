//! What a trainer writes for TensorBoard is what its steps returned, by TensorBoard's own reader.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use common::observed::{Events, buckets};
use common::store::{quiet, until, values};
use common::{Recording, builder, peer};
use streamgrad::{ErrorKind, TensorBoard, Trainer};

fn board(folder: &Path) -> TensorBoard {
    TensorBoard::new(folder).every(1).histograms_every(0)
}

fn open(recording: &Recording, board: TensorBoard) -> Trainer {
    builder(&recording.bundle).tensorboard(board).open().unwrap()
}

fn learn(recording: &Recording, trainer: &Trainer, steps: u64) {
    let mut batch = trainer.schema().batch();
    for step in 0..steps {
        recording.fill(&mut batch, (step % 10) as usize);
        trainer.step(&batch).unwrap();
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    files
}

fn norm<'a>(tensors: impl IntoIterator<Item = &'a Vec<f32>>) -> f64 {
    tensors.into_iter().flatten().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[track_caller]
fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-6 * wanted.abs(), "{found} instead of {wanted}");
}

#[test]
fn tensorboard_reads_what_the_steps_returned() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open("mlp", "adagrad");
    let trainer = open(&recording, TensorBoard::new(folder.path()).every(5).histograms_every(10));
    let names: Vec<String> = trainer.bundle().manifest().parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let (mut batch, mut steps) = (trainer.schema().batch(), Vec::new());
    for step in 0..20 {
        recording.fill(&mut batch, step % 10);
        let gradients = trainer.gradients(&batch).unwrap();
        let gradients: Vec<Vec<f32>> = names.iter().map(|name| gradients.array(name).unwrap().iter().copied().collect()).collect();
        let rate = trainer.learning_rate().unwrap();
        let report = trainer.step(&batch).unwrap();
        let parameters = trainer.parameters().unwrap();
        let parameters: Vec<Vec<f32>> = names.iter().map(|name| parameters.array::<f32>(name).unwrap().iter().copied().collect()).collect();
        steps.push((report, rate, gradients, parameters));
    }
    drop(trainer);

    let events = Events::read(folder.path());
    let sampled = [1, 6, 11, 16];
    assert_eq!(events.steps("loss/batch"), sampled);
    for step in sampled {
        let (report, rate, gradients, parameters) = &steps[step as usize - 1];
        let at = |tag: &str| events.at(tag, step);
        assert_eq!(at("loss/batch"), f64::from(report.loss()));
        for (name, total, window) in report.metrics().iter() {
            near(at(&format!("{name}/total")), total);
            near(at(&format!("{name}/window")), window);
        }
        near(at("learning_rate"), (*rate).into());
        near(at("norm/gradients"), norm(gradients));
        near(at("norm/parameters"), norm(parameters));
        assert_eq!(at("version_age"), 0.0);
    }
    assert!(events.scalars.len() >= 12, "{:?}", events.scalars.keys());
    // The means of the five steps before.
    let milliseconds = |part: fn(&streamgrad::trainer::Timings) -> Duration| {
        steps[1..6].iter().map(|step| part(&step.0.timings()).as_secs_f64() * 1e3).sum::<f64>() / 5.0
    };
    near(events.at("milliseconds/pull", 6), milliseconds(|timings| timings.pull));
    near(events.at("milliseconds/run", 6), milliseconds(|timings| timings.run));
    near(events.at("milliseconds/push", 6), milliseconds(|timings| timings.push));
    assert_eq!(events.steps("rows_per_second"), sampled[1..]);
    assert!(events.at("rows_per_second", 6) > 0.0);

    assert_eq!(events.histograms.len(), 2 * names.len());
    for (index, name) in names.iter().enumerate() {
        for (what, pick) in [("gradients", 0), ("parameters", 1)] {
            let found = &events.histograms[&format!("{what}/{name}")];
            assert_eq!(found.iter().map(|event| event.0).collect::<Vec<_>>(), [1, 11]);
            let (_, _, gradients, parameters) = &steps[10];
            let values = [gradients, parameters][pick][index].clone();
            let found = &found[1].1;
            assert_eq!(found.num, values.len() as f64);
            near(found.sum_squares, norm([&values]).powi(2));
            let expected = buckets(&values);
            assert_eq!(found.bucket, expected.iter().map(|bucket| bucket[2]).collect::<Vec<_>>(), "{what} {name}");
            if found.min < found.max {
                found.bucket_limit.iter().zip(&expected).for_each(|(limit, bucket)| near(*limit, bucket[1]));
            }
            assert_eq!((found.min, found.max), (expected[0][0], expected[29][1]));
            near(found.sum, values.iter().map(|value| f64::from(*value)).sum());
        }
    }
    assert!(!events.nodes.is_empty());
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64() - events.times.0;
    assert!((0.0..600.0).contains(&age) && events.times.0 <= events.times.1, "{:?}", events.times);
}

#[test]
fn tables_are_among_the_curves_and_their_gradients_among_the_histograms() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open("embedding", "adagrad");
    let trainer = open(&recording, board(folder.path()).histograms_every(1));
    // Not faster than the thread: each sample shall have its part of all that is held.
    for step in 1..=5 {
        learn(&recording, &trainer, 1);
        until("the sample is written", || trainer.tensorboard_status().unwrap().samples == step);
    }
    let tables: Vec<_> = trainer.bundle().manifest().tables.iter().map(|table| trainer.table(&table.name).unwrap()).collect();
    drop(trainer);
    let events = Events::read(folder.path());
    assert!(!tables.is_empty());
    for table in tables {
        let name = &table.spec().name;
        assert_eq!(events.at(&format!("table/{name}/rows"), 5), table.rows() as f64);
        assert_eq!(events.at(&format!("table/{name}/bytes"), 5), table.bytes() as f64);
        assert_eq!(events.histograms[&format!("gradients/{name}")].len(), 5);
    }
}

#[test]
fn watching_changes_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open("wide_deep", "adam");
    let (watched, plain) = (open(&recording, board(folder.path()).histograms_every(1)), recording.trainer());
    for trainer in [&watched, &plain] {
        learn(&recording, trainer, 30);
    }
    assert_eq!(values(&watched), values(&plain));
}

#[test]
fn files_are_rotated_and_the_first_stays() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open("mlp", "sgd");
    let trainer = open(&recording, board(folder.path()).file_bytes(4000).files(3));
    for step in 1..=60 {
        learn(&recording, &trainer, 1);
        until("the sample is written", || trainer.tensorboard_status().unwrap().samples == step);
    }
    let status = trainer.tensorboard_status().unwrap();
    drop(trainer);
    let files = files(folder.path());
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(files[0].ends_with(".0000.000000") || files[0].ends_with(".000000"), "{files:?}");
    assert!(!files[1].ends_with(".000001"), "{files:?}");
    assert_eq!(status.file.unwrap().file_name().unwrap().to_str().unwrap(), files[2]);
    assert!(files.iter().all(|file| fs::metadata(folder.path().join(file)).unwrap().len() < 40_000));
    let events = Events::read(folder.path());
    let steps = events.steps("loss/batch");
    assert!(steps.is_sorted() && steps.len() < 60 && steps.last() == Some(&60), "{steps:?}");
    assert!(!events.nodes.is_empty());
}

#[test]
fn a_run_that_goes_on_from_an_older_version_replaces_what_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let [board_folder, store] = ["board", "model"].map(|name| folder.path().join(name));
    let recording = Recording::open("mlp", "adagrad");
    let start = || {
        let builder = builder(&recording.bundle).store(quiet(&store).open().unwrap());
        builder.tensorboard(board(&board_folder)).open().unwrap()
    };
    let first = start();
    learn(&recording, &first, 4);
    let saved = first.save().unwrap();
    learn(&recording, &first, 6);
    drop(first);
    // As after a crash: six steps were lost.
    let second = start();
    assert_eq!(second.version().unwrap(), 4);
    learn(&recording, &second, 3);
    let losses = |events: &Events| events.steps("loss/batch");
    drop(second);
    assert_eq!(losses(&Events::read(&board_folder)), [1, 2, 3, 4, 5, 6, 7]);
    let third = start();
    learn(&recording, &third, 9);
    third.rollback(saved).unwrap();
    learn(&recording, &third, 2);
    drop(third);
    assert_eq!(losses(&Events::read(&board_folder)), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_folder_that_cannot_be_written_does_not_stop_learning() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "no folder").unwrap();
    let recording = Recording::open("mlp", "adagrad");
    let rest = Duration::from_millis(50);
    let trainer = open(&recording, board(&in_the_way.join("board")).flush_every(rest));
    learn(&recording, &trainer, 10);
    assert_eq!(trainer.version().unwrap(), 10);
    let status = || trainer.tensorboard_status().unwrap();
    until("all are dropped", || status().dropped == 10);
    let error = status().error.unwrap();
    assert!(error.contains("make the folder writable") && error.contains("file/board"), "{error}");
    assert_eq!(status().file, None);
    // Once it can be written, it is.
    fs::remove_file(&in_the_way).unwrap();
    std::thread::sleep(2 * rest);
    learn(&recording, &trainer, 1);
    until("it is written", || status().samples == 1);
    assert_eq!(status().error, None);
    // A folder that somebody removes is made again, with the graph.
    fs::remove_dir_all(&in_the_way).unwrap();
    until("it is noticed", || {
        learn(&recording, &trainer, 1);
        std::thread::sleep(rest / 5);
        in_the_way.exists()
    });
    drop(trainer);
    let events = Events::read(&in_the_way.join("board"));
    assert!(!events.nodes.is_empty() && !events.steps("loss/batch").is_empty());
}

#[test]
fn every_sample_is_written_or_counted_whatever_the_threads_do() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open("mlp", "adagrad");
    let trainer = open(&recording, board(folder.path()).histograms_every(1));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| learn(&recording, &trainer, 200));
        }
    });
    let status = || trainer.tensorboard_status().unwrap();
    until("all are done with", || status().samples + status().dropped == 600);
    let written = status().samples;
    assert!(written > 0);
    drop(trainer);
    let events = Events::read(folder.path());
    assert_eq!(events.scalars["loss/batch"].len() as u64, written);
    assert!(events.scalars["version_age"].iter().all(|point| (0.0..600.0).contains(&point.1)));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let bundle = peer().join("mlp-adagrad.bundle");
    let here = || TensorBoard::new("board");
    for (wrong, hint) in [
        (TensorBoard::new(""), "name a folder"),
        (here().every(0), "every step or less often"),
        (here().flush_every(Duration::ZERO), "for some time"),
        (here().file_bytes(0), "to some size"),
        (here().files(1), "at least two files"),
    ] {
        let error = builder(&bundle).tensorboard(wrong).open().unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(hint), "{error}");
    }
    assert!(builder(&bundle).open().unwrap().tensorboard_status().is_none());
}
