//! Models with embedding tables: what they learn, beside Keras' dense embeddings; what they refuse.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::thread;
use std::time::{Duration, SystemTime};

use common::{Recording, builder, distance, peer};
use streamgrad::table::Pulled;
use streamgrad::{Batch, ErrorKind, Trainer};

const STEPS: usize = 300;
const BOUND: f32 = 1e-6;

/// The rows of these ids, in their order.
fn rows(trainer: &Trainer, table: &str, ids: &[u64]) -> Vec<f32> {
    let mut pulled = Pulled::default();
    trainer.table(table).unwrap().read(ids, &mut pulled).unwrap();
    let dim = pulled.rows().len() / pulled.ids().len();
    pulled.local().iter().flat_map(|place| pulled.rows()[*place as usize * dim..][..dim].to_vec()).collect()
}

#[test]
fn learns_as_keras_does_with_dense_embeddings() {
    for optimizer in ["sgd", "adagrad"] {
        let recording = Recording::open("embedding", optimizer);
        let trainer = recording.trainer();
        let mut batch = trainer.schema().batch();
        let mut furthest = 0.0_f32;
        for step in 0..STEPS {
            recording.fill(&mut batch, step);
            let report = trainer.step(&batch).unwrap();
            furthest = furthest.max(distance(&[report.loss()], &[recording.loss(step)], BOUND, BOUND));
            let predicted = report.predictions().array::<f32>().unwrap();
            let wanted = recording.f32s(&format!("prediction/{step}/late"));
            furthest = furthest.max(distance(predicted.as_slice().unwrap(), &wanted, BOUND, BOUND));
        }
        for table in ["item", "user", "wide"] {
            let ids = recording.u64s(&format!("table/{table}/ids"));
            let wanted = recording.f32s(&format!("table/{table}/rows"));
            furthest = furthest.max(distance(&rows(&trainer, table, &ids), &wanted, BOUND, BOUND));
            assert_eq!(trainer.table(table).unwrap().rows(), ids.len(), "a row was made for an id that nobody sent");
        }
        println!("{optimizer}: furthest {furthest:.3} of the bound");
        assert!(furthest <= 1.0, "{optimizer} is off by {furthest} x {BOUND}");
    }
}

/// A batch of one row for `embedding_settings.bundle`.
fn settings_batch(trainer: &Trainer, ids: [i64; 4], second: Option<u64>) -> Batch {
    let mut batch = trainer.schema().batch();
    let row = batch.row().set("often_id", ids[0]).unwrap().set("lucky_id", ids[1]).unwrap();
    row.set("fresh_id", ids[2]).unwrap().set("bounded_id", ids[3]).unwrap().set("label", 1).unwrap().push().unwrap();
    if let Some(second) = second {
        batch.set_event_time(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
    }
    batch
}

fn settings() -> Trainer {
    builder(peer().join("embedding_settings.bundle")).open().unwrap()
}

#[test]
fn an_id_has_its_row_when_it_is_admitted_and_until_it_expires() {
    let trainer = settings();
    let count = |table: &str| trainer.table(table).unwrap().rows();
    for step in 0..3 {
        assert_eq!(count("often"), 0, "after {step} sightings");
        trainer.step(&settings_batch(&trainer, [7, 7, 7, 7], Some(1000 + step))).unwrap();
    }
    assert_eq!((count("often"), count("fresh"), count("bounded")), (1, 1, 1));
    let learned = rows(&trainer, "fresh", &[7]);
    assert_ne!(learned, [0.125; 4]);
    for step in 3..20 {
        trainer.step(&settings_batch(&trainer, [7, 7, 8, 8], Some(1000 + step))).unwrap();
    }
    assert_eq!(count("bounded"), 2);
    assert_eq!(rows(&trainer, "often", &[1]), [0.5, -0.5, 0.25, 0.0], "the default row");
    // Id 7 of `fresh` was last seen 17 steps ago, that of `bounded` an hour and more.
    trainer.step(&settings_batch(&trainer, [7, 7, 7, 7], Some(1020 + 3600))).unwrap();
    let fresh = rows(&trainer, "fresh", &[7]);
    assert!(fresh.iter().zip(&learned).any(|(fresh, learned)| (fresh - 0.125).abs() < (learned - 0.125).abs()), "it began anew");
}

#[test]
fn a_step_that_fails_leaves_no_trace_in_a_table() {
    let trainer = settings();
    let batch = settings_batch(&trainer, [7, 7, 7, 7], None);
    let error = trainer.step(&batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("set the batch's event time: the rows of table bounded expire by it"), "{error}");

    // A row of the last table overflows: nothing of the others may have changed.
    let recording = Recording::open("embedding", "sgd");
    let trainer = builder(&recording.bundle).learning_rate(f32::MAX).open().unwrap();
    let (item, user) = (recording.u64s("table/item/ids")[0], recording.u64s("table/user/ids")[0]);
    let all = |trainer: &Trainer| [("item", item), ("user", user), ("wide", item)].map(|(table, id)| rows(trainer, table, &[id]));
    let before = all(&trainer);
    let mut batch = trainer.schema().batch();
    batch.set("user_id", &[user as i32]).unwrap();
    batch.set("items", &[item as i64; 3]).unwrap();
    batch.set_ragged("tags", &[item as i64, 12345], &[2]).unwrap();
    batch.set("numbers", &[0.0f32; 2]).unwrap();
    batch.set("label", &[1.0f32]).unwrap();
    for _ in 0..3 {
        let error = trainer.step(&batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NonFinite, "{error}");
        assert!(error.to_string().contains("wide"), "{error}");
    }
    assert_eq!(all(&trainer), before);
    assert_eq!(trainer.table("item").unwrap().rows(), recording.u64s("table/item/ids").len(), "no row was made for 12345");
    assert_eq!(trainer.version().unwrap(), 0);
}

#[test]
fn predicting_makes_no_row() {
    let trainer = settings();
    let predicted = trainer.predict(&settings_batch(&trainer, [1, 2, 3, 4], None)).unwrap();
    assert_eq!(predicted.rows(), 1);
    assert_eq!(["often", "lucky", "fresh", "bounded"].map(|table| trainer.table(table).unwrap().rows()), [0; 4]);
    assert!(trainer.table("none").unwrap_err().to_string().contains("it has "));
}

#[test]
fn gradients_of_rows_are_read_and_applied() {
    let recording = Recording::open("embedding", "sgd");
    let (stepping, applying) = (recording.trainer(), recording.trainer());
    let batch = recording.batch(&stepping);
    stepping.step(&batch).unwrap();
    let gradients = applying.gradients(&batch).unwrap();
    let (ids, gradient) = gradients.rows_of("wide").unwrap();
    assert_eq!(gradient.shape(), [ids.len(), 1]);
    assert!(gradient.iter().any(|value| *value != 0.0));
    assert_eq!(applying.apply(&gradients).unwrap(), 1);
    // A gradient may be applied again, and after the store went to other tables.
    let twice = recording.trainer();
    let gradients_twice = twice.gradients(&batch).unwrap();
    let before = twice.checkpoint().unwrap();
    assert_eq!((twice.apply(&gradients_twice).unwrap(), twice.apply(&gradients_twice).unwrap()), (1, 2));
    let mut stream = Vec::new();
    before.write_to(&mut stream).unwrap();
    twice.restore(stream.as_slice()).unwrap();
    twice.apply(&gradients_twice).unwrap();
    assert_eq!(rows(&twice, "wide", &recording.u64s("table/wide/ids")), rows(&stepping, "wide", &recording.u64s("table/wide/ids")));
    let all = recording.u64s("table/wide/ids");
    assert_eq!(rows(&stepping, "wide", &all), rows(&applying, "wide", &all));
    assert!(gradients.rows_of("hidden/kernel").is_err());
}

#[test]
fn several_threads_learn_on_one_table() {
    let trainer = builder(peer().join("embedding_alone.bundle")).open().unwrap();
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let trainer = &trainer;
            scope.spawn(move || {
                let mut batch = trainer.schema().batch();
                for step in 0..200u64 {
                    batch.clear();
                    batch.set_ragged("ids", &[step, step % 7, 1000 * thread + step], &[1, 2]).unwrap();
                    batch.set("label", &[1.0f32, 0.0]).unwrap();
                    trainer.step(&batch).unwrap();
                    trainer.predict(&batch).unwrap();
                }
            });
        }
    });
    assert_eq!(trainer.version().unwrap(), 800);
    // 0 to 199 of all, and three times 200 of one thread each.
    assert_eq!(trainer.table("wide").unwrap().rows(), 800);
}
