//! What the tests of tables share.

use std::collections::BTreeMap;

use streamgrad::optimizer::Optimizer;
use streamgrad::table::{Applied, Cut, Initializer, Moment, Pulled, Table, TableSpec};

pub const DIM: usize = 3;

pub fn spec() -> TableSpec {
    TableSpec::new("t", DIM, 9, Initializer::Uniform { low: -1.0, high: 1.0 })
}

/// An optimizer of one table with rows of `dim`.
pub fn optimizer(config: serde_json::Value, dim: usize) -> Optimizer {
    Optimizer::from_json(&config, &[("t".to_owned(), dim)]).unwrap()
}

pub fn sgd(learning_rate: f32, dim: usize) -> Optimizer {
    optimizer(serde_json::json!({"rule": "sgd", "learning_rate": learning_rate, "momentum": 0.0, "nesterov": false}), dim)
}

pub fn adagrad(dim: usize) -> Optimizer {
    optimizer(serde_json::json!({"rule": "adagrad", "learning_rate": 0.1, "initial_accumulator_value": 0.1, "epsilon": 1e-7}), dim)
}

pub fn at(step: u64) -> Moment {
    Moment { step, seconds: 0 }
}

pub fn apply(table: &Table, optimizer: &Optimizer, pulled: &mut Pulled, gradient: &[f32]) -> streamgrad::Result<Applied> {
    let step = optimizer.step(0, [gradient])?;
    table.apply(pulled, gradient, &step.rows(0, gradient)?)
}

/// A step whose gradient is zero: under Adagrad and plain SGD its ids are seen, and nothing moves.
pub fn see(table: &Table, ids: &[u64], moment: Moment, pulled: &mut Pulled) -> streamgrad::Result<Applied> {
    let optimizer = if table.slots().is_empty() { sgd(0.1, table.spec().dim) } else { adagrad(table.spec().dim) };
    table.pull(ids, moment, pulled)?;
    apply(table, &optimizer, pulled, &vec![0.0; pulled.rows().len()])
}

/// A row as a cut tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub seen: u64,
    pub count: u32,
    pub values: Vec<f32>,
    pub slots: Vec<f32>,
    pub is_changed: bool,
}

/// All rows of a cut, and whether they changed since the one before; `meanwhile` runs after each.
pub fn rows(cut: Cut, mut meanwhile: impl FnMut()) -> BTreeMap<u64, Kept> {
    let (mut all, before) = (BTreeMap::new(), cut.number() - 1);
    cut.for_each(|row| {
        let kept = Kept {
            seen: row.seen,
            count: row.count,
            values: row.values.to_vec(),
            slots: row.slots.to_vec(),
            is_changed: row.changed_since(before),
        };
        assert!(all.insert(row.id, kept).is_none(), "id {} came twice", row.id);
        meanwhile();
        Ok::<(), ()>(())
    })
    .unwrap();
    all
}
