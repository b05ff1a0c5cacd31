//! Models with embedding tables: what they learn, beside Keras' dense embeddings; what they refuse.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Recording, distance};
use streamgrad::table::Pulled;
use streamgrad::Trainer;

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
