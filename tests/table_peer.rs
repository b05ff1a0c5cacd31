//! Tables against TensorFlow's hash, numpy's first values and Keras' dense embeddings: `make peer` records those.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::optimizing::same_bits;
use common::tables::see;
use safetensors::SafeTensors;
use serde_json::Value;
use streamgrad::optimizer::Optimizer;
use streamgrad::table::{Initializer, Moment, Pulled, Table, TableSpec, fingerprint64};

/// What `tests/peer/tables.py` wrote.
struct Peer {
    described: Value,
    file: Vec<u8>,
}

impl Peer {
    fn open() -> Self {
        let read = |name: &str| {
            let path = common::peer().join(name);
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make peer`", path.display()))
        };
        Self { described: serde_json::from_slice(&read("tables.json")).unwrap(), file: read("tables.safetensors") }
    }

    fn read<T, const N: usize>(&self, name: &str, element: fn([u8; N]) -> T) -> Vec<T> {
        let tensors = SafeTensors::deserialize(&self.file).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}; run `make peer`"));
        tensor.data().as_chunks().0.iter().map(|bytes| element(*bytes)).collect()
    }

    fn f32s(&self, name: &str) -> Vec<f32> {
        self.read(name, f32::from_le_bytes)
    }
}

#[test]
fn a_string_has_the_fingerprint_of_tensorflow() {
    let peer = Peer::open();
    let (bytes, offsets) = (peer.read("strings/bytes", u8::from_le_bytes), peer.read("strings/offsets", i64::from_le_bytes));
    let (fingerprints, buckets) = (peer.read("fingerprint", u64::from_le_bytes), peer.read("bucket", i64::from_le_bytes));
    assert!(fingerprints.len() > 300);
    for ((ends, fingerprint), bucket) in offsets.windows(2).zip(fingerprints).zip(buckets) {
        let string = &bytes[ends[0] as usize..ends[1] as usize];
        assert_eq!(fingerprint64(string), fingerprint, "{} bytes", string.len());
        assert_eq!(fingerprint64(string) % i64::MAX as u64, bucket as u64, "{} bytes", string.len());
    }
}

#[test]
fn first_values_are_those_of_numpy() {
    let peer = Peer::open();
    let (seed, dim) = (peer.described["seed"].as_u64().unwrap(), peer.described["dim"].as_u64().unwrap() as usize);
    let ids = peer.read("ids", u64::from_le_bytes);
    for (name, initializer) in peer.described["initializers"].as_object().unwrap() {
        let initializer: Initializer = serde_json::from_value(initializer.clone()).unwrap();
        let table = Table::new(TableSpec::new("t", dim, seed, initializer), &[]).unwrap();
        let mut pulled = Pulled::default();
        // In another order, and in parts: only the id decides.
        let (mut reversed, mut ours) = (ids.clone(), Vec::new());
        reversed.reverse();
        reversed.chunks(77).for_each(|ids| assert!(see(&table, ids, Moment::default(), &mut pulled).is_ok()));
        table.read(&ids, &mut pulled).unwrap();
        pulled.local().iter().for_each(|place| ours.extend_from_slice(&pulled.rows()[*place as usize * dim..][..dim]));
        let theirs = peer.f32s(&format!("first/{name}"));
        match initializer {
            Initializer::Constant { .. } | Initializer::Uniform { .. } => assert!(same_bits(&ours, &theirs), "{name}"),
            _ => {
                // Both round once from f64; their libraries differ in the last bit of that, which seldom reaches the f32.
                let differ = ours.iter().zip(&theirs).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                let far = ours.iter().zip(&theirs).filter(|(a, b)| (*a - *b).abs() > 1e-7 * a.abs().max(0.01)).count();
                assert!(differ * 1000 <= ours.len() && far == 0, "{name}: {differ} of {} differ, {far} by more than a bit", ours.len());
            }
        }
        let mean = ours.iter().map(|value| f64::from(*value)).sum::<f64>() / ours.len() as f64;
        let expected = match initializer {
            Initializer::Constant { value } => f64::from(value),
            Initializer::Uniform { low, high } => f64::from(low + high) / 2.0,
            Initializer::Normal { mean, .. } | Initializer::TruncatedNormal { mean, .. } => f64::from(mean),
        };
        let spread = ours.iter().fold(0.0f64, |most, value| most.max((f64::from(*value) - expected).abs()));
        assert!((mean - expected).abs() <= spread * 0.01, "{name}: mean {mean}");
    }
}

#[test]
fn a_table_learns_as_a_dense_embedding_of_keras() {
    let peer = Peer::open();
    let ids = peer.read("step/ids", u64::from_le_bytes);
    let gradients = peer.f32s("step/gradient");
    for (name, config) in peer.described["optimizers"].as_object().unwrap() {
        let start = peer.f32s(&format!("{name}/start"));
        let rows = ids.iter().max().unwrap() + 1;
        let (dim, steps) = (start.len() / 50, 300);
        assert!(rows <= 50 && gradients.len() == ids.len() * dim);
        let optimizer = Optimizer::from_json(config, &[(name.clone(), dim)]).unwrap();
        let table = Table::new(TableSpec::new(name, dim, 1, Initializer::Constant { value: 0.0 }), optimizer.slots(0)).unwrap();
        for (id, row) in start.chunks(dim).enumerate() {
            table.insert(id as u64, row, None, Moment::default()).unwrap();
        }
        let mut pulled = Pulled::default();
        let batch = ids.len() / steps;
        for (step, ids) in ids.chunks(batch).enumerate() {
            table.pull(ids, Moment { step: step as u64, seconds: 0 }, &mut pulled).unwrap();
            // What the graph does: the gradient of a row is the sum over its places in the batch.
            let mut gradient = vec![0.0f32; pulled.rows().len()];
            for (place, one) in pulled.local().iter().zip(gradients[step * batch * dim..].chunks(dim)) {
                gradient[*place as usize * dim..][..dim].iter_mut().zip(one).for_each(|(sum, value)| *sum += value);
            }
            let applying = optimizer.step(step as u64, [&gradient[..]]).unwrap();
            let applied = table.apply(&mut pulled, &gradient, &applying.rows(0, &gradient).unwrap()).unwrap();
            assert_eq!((applied.rows, applied.refused), (pulled.ids().len(), 0));
            let at = match step + 1 {
                150 => "middle",
                300 => "end",
                _ => continue,
            };
            let mut all = Pulled::default();
            table.read(&(0..50).collect::<Vec<_>>(), &mut all).unwrap();
            let rows: Vec<f32> = all.local().iter().flat_map(|place| &all.rows()[*place as usize * dim..][..dim]).copied().collect();
            assert!(same_bits(&rows, &peer.f32s(&format!("{name}/{at}"))), "{name} {at}");
        }
    }
}
