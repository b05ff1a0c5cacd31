//! Versions under several threads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Recording, builder, resident};
use streamgrad::params::Store;
use streamgrad::{ErrorKind, MemoryStore};

/// Four threads step while two predict; one prediction in a thousand is made again with the version that made it.
fn stress(duration: Duration) {
    let recording = Recording::open("mlp", "adagrad");
    let trainer = recording.trainer();
    let batch = recording.batch(&trainer);
    let (stop, steps, checked) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let batch = recording.batch(&trainer);
                let mut held = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let report = trainer.step(&batch).unwrap();
                    assert!(report.gradient_version() < report.version());
                    let step = steps.fetch_add(1, Ordering::Relaxed);
                    if step.is_multiple_of(997) {
                        let seen = report.predictions().array::<f32>().unwrap().to_owned();
                        held.push((report, seen));
                    }
                }
                for (report, seen) in held {
                    assert_eq!(report.predictions().array::<f32>().unwrap(), seen);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                for round in 0u64.. {
                    let version = trainer.pin().unwrap();
                    assert!(version.number() >= last, "versions went back");
                    last = version.number();
                    let first = trainer.predict_at(&version, &batch).unwrap();
                    assert_eq!(first.version(), version.number());
                    if round.is_multiple_of(1000) {
                        thread::sleep(Duration::from_millis(20));
                        let again = trainer.predict_at(&version, &batch).unwrap();
                        assert_eq!(first.array::<f32>().unwrap(), again.array::<f32>().unwrap());
                        checked.fetch_add(1, Ordering::Relaxed);
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(trainer.version().unwrap(), steps.load(Ordering::Relaxed), "a step was lost or counted twice");
    assert!(checked.load(Ordering::Relaxed) >= 2);
}

#[test]
fn pinned_versions_and_held_reports_do_not_change() {
    stress(Duration::from_secs(5));
}

#[test]
#[ignore = "a minute; make test-long runs it"]
fn pinned_versions_and_held_reports_do_not_change_for_a_minute() {
    stress(Duration::from_secs(60));
}

#[test]
#[ignore = "a million steps; make test-long runs it"]
fn a_million_steps_keep_memory_flat() {
    let recording = Recording::open("mlp", "adagrad");
    let trainer = recording.trainer();
    let batch = recording.batch(&trainer);
    let started = Instant::now();
    let mut after_warm_up = 0;
    for step in 0..1_000_000u32 {
        trainer.step(&batch).unwrap();
        if step == 100_000 {
            after_warm_up = resident();
        }
    }
    let grown = resident().saturating_sub(after_warm_up);
    println!("a million steps in {:?}; resident memory grew by {grown} KiB after the first 100,000", started.elapsed());
    assert!(grown < 4 * 1024, "resident memory grew by {grown} KiB");
}

#[test]
fn an_error_changes_nothing() {
    let recording = Recording::open("regularized", "adagrad");
    let trainer = builder(&recording.bundle).learning_rate(3e38).open().unwrap();
    let batch = recording.batch(&trainer);
    let before = values(&trainer);
    let mut failures = 0;
    for _ in 0..5 {
        match trainer.step(&batch) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NonFinite, "{error}");
                failures += 1;
            }
            Ok(report) => assert!(failures == 0 && report.loss().is_finite()),
        }
    }
    assert!(failures > 0, "a learning rate of 3e38 did no harm");
    let steps = trainer.version().unwrap();
    assert_eq!(steps, 5 - failures);
    if steps == 0 {
        assert_eq!(values(&trainer), before);
    }
    // A step refused for its size leaves the way free for one that is not.
    let trainer = builder(&recording.bundle).open().unwrap();
    trainer.step(&batch).unwrap();
    assert_eq!(trainer.version().unwrap(), 1);
}

fn values(trainer: &streamgrad::Trainer) -> Vec<u8> {
    let parameters = trainer.parameters().unwrap();
    parameters.names().flat_map(|name| parameters.bytes(name).unwrap().to_vec()).collect()
}

#[test]
fn trainers_with_one_store_learn_together() {
    let recording = Recording::open("mlp", "sgd");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let [one, other] = [(); 2].map(|()| builder(&recording.bundle).store(store.clone()).open().unwrap());
    let batch = recording.batch(&one);
    one.step(&batch).unwrap();
    assert_eq!(other.version().unwrap(), 1);
    assert_eq!(other.step(&batch).unwrap().version(), 2);
    assert_eq!(values(&one), values(&other));
    let another = Recording::open("mlp", "adam");
    let error = builder(&another.bundle).store(store).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("another bundle"), "{error}");
    let error = one.predict_at(&another.trainer().pin().unwrap(), &batch).unwrap_err();
    assert!(error.to_string().contains("another bundle"), "{error}");
}

#[test]
fn one_thread_repeats_its_bits() {
    for model in common::MODELS {
        let recording = Recording::open(model, "adagrad");
        let [one, other] = [(); 2].map(|()| {
            let trainer = recording.trainer();
            let mut batch = trainer.schema().batch();
            for step in 0..10 {
                recording.fill(&mut batch, step);
                trainer.step(&batch).unwrap();
            }
            values(&trainer)
        });
        assert_eq!(one, other, "{model}");
    }
}
