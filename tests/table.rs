//! Tables against an exact model: who has a row, what is in it, and what nothing may change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use common::tables::{DIM, adagrad, apply, at, optimizer, rows, see, sgd, spec};
use proptest::prelude::*;
use streamgrad::ErrorKind;
use streamgrad::table::{Admission, Expiry, Initializer, Moment, Pulled, Table, TableSpec};

/// What a table is to do, with maps that forget nothing.
#[derive(Clone, Default)]
struct Model {
    rows: BTreeMap<u64, ModelRow>,
    sightings: HashMap<u64, u64>,
}

#[derive(Clone)]
struct ModelRow {
    values: Vec<f32>,
    slots: Vec<f32>,
    seen: u64,
    count: u32,
}

impl Model {
    /// The rows of these ids after they are seen, `None` for the default row.
    fn see(&mut self, table: &Table, ids: &[u64], now: u64) {
        let mut distinct = Vec::new();
        ids.iter().for_each(|id| {
            if !distinct.contains(id) {
                distinct.push(*id)
            }
        });
        for id in distinct {
            let times = ids.iter().filter(|other| **other == id).count() as u64;
            if let Expiry::Steps { steps } = table.spec().expiry
                && self.rows.get(&id).is_some_and(|row| now.saturating_sub(row.seen) > steps)
            {
                self.rows.remove(&id);
            }
            if let Some(row) = self.rows.get_mut(&id) {
                (row.seen, row.count) = (row.seen.max(now), row.count + times as u32);
                continue;
            }
            let sightings = self.sightings.entry(id).or_default();
            *sightings += times;
            let admitted = match table.spec().admission {
                Admission::Sightings { sightings: wanted, .. } => *sightings >= u64::from(wanted),
                _ => true,
            };
            if admitted {
                // What a table without any history makes of it.
                let (fresh, mut pulled) = (Table::new(spec(), &[]).unwrap(), Pulled::default());
                fresh.pull(&[id], at(0), &mut pulled).unwrap();
                self.rows.insert(id, ModelRow { values: pulled.rows().to_vec(), slots: vec![0.1; DIM], seen: now, count: times as u32 });
            }
        }
    }

    fn adagrad(&mut self, id: u64, gradient: &[f32]) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        for ((value, slot), gradient) in row.values.iter_mut().zip(&mut row.slots).zip(gradient) {
            *slot += gradient * gradient;
            *value -= gradient * 0.1 / (*slot + 1e-7f32).sqrt();
        }
    }
}

fn settings() -> impl Strategy<Value = TableSpec> {
    let sightings = |sightings| Admission::Sightings { sightings, sketch_bytes: 1 << 22 };
    let admission = prop_oneof![Just(Admission::Always), (2u8..6).prop_map(sightings)];
    let expiry = prop_oneof![Just(Expiry::Never), (1u64..20).prop_map(|steps| Expiry::Steps { steps })];
    let default_row = prop_oneof![Just(vec![]), Just(vec![5.0, 6.0, 7.0])];
    (admission, expiry, default_row).prop_map(|(admission, expiry, default_row)| TableSpec { admission, expiry, default_row, ..spec() })
}

/// Batches, each with how many steps later it comes, and whether its step fails.
fn batches() -> impl Strategy<Value = Vec<(u64, Vec<u64>, bool)>> {
    let id = prop_oneof![4 => 0u64..12, 2 => 0u64..60, 1 => Just(u64::MAX)];
    prop::collection::vec((0u64..6, prop::collection::vec(id, 0..12), prop::bool::weighted(0.2)), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_does_what_the_model_does(spec in settings(), batches in batches()) {
        let optimizer = adagrad(DIM);
        let table = Arc::new(Table::new(spec.clone(), optimizer.slots(0)).unwrap());
        let default_row = if spec.default_row.is_empty() { vec![0.0; DIM] } else { spec.default_row };
        let (mut model, mut now, mut pulled) = (Model::default(), 0, Pulled::default());
        for (number, (later, ids, fails)) in batches.iter().enumerate() {
            now += later;
            table.pull(ids, at(now), &mut pulled).unwrap();
            let before = model.clone();
            model.see(&table, ids, now);
            let back: Vec<u64> = pulled.local().iter().map(|place| pulled.ids()[*place as usize]).collect();
            prop_assert_eq!(&back, ids);
            let mut gradient = Vec::new();
            for (position, (id, row)) in pulled.ids().iter().zip(pulled.rows().chunks(DIM)).enumerate() {
                let expected = model.rows.get(id);
                prop_assert_eq!(row, expected.map_or(&default_row, |row| &row.values), "id {}, batch {}", id, number);
                prop_assert_eq!(pulled.has_row(position), expected.is_some());
                gradient.extend((0..DIM).map(|column| (id % 7) as f32 - 3.0 + column as f32 * 0.25 + number as f32 * 0.1));
            }
            if *fails {
                if let Some(last) = gradient.last_mut() {
                    *last = f32::NAN;
                    prop_assert!(apply(&table, &optimizer, &mut pulled, &gradient).is_err());
                }
                model = before;
                continue;
            }
            let applied = apply(&table, &optimizer, &mut pulled, &gradient).unwrap();
            pulled.ids().iter().zip(gradient.chunks(DIM)).for_each(|(id, gradient)| model.adagrad(*id, gradient));
            prop_assert_eq!(applied.rows, pulled.ids().iter().filter(|id| model.rows.contains_key(id)).count());
        }
        // The table may still hold rows whose time is over, but no others.
        let mut kept = rows(table.cut(), || {});
        if let Expiry::Steps { steps } = table.spec().expiry {
            kept.retain(|_, row| now - row.seen <= steps);
            model.rows.retain(|_, row| now - row.seen <= steps);
        }
        prop_assert_eq!(kept.len(), model.rows.len());
        for (id, expected) in model.rows {
            let row = &kept[&id];
            prop_assert_eq!((&row.values, &row.slots, row.seen, row.count), (&expected.values, &expected.slots, expected.seen, expected.count));
        }
    }
}

/// Ids far apart and ids in a row.
fn many(count: u64) -> Vec<u64> {
    (0..count).map(|id| if id % 2 == 0 { id } else { id.wrapping_mul(0x9e37_79b9_7f4a_7c15) }).collect()
}

#[test]
fn a_number_that_is_not_finite_changes_nothing() {
    let (optimizer, ids) = (adagrad(DIM), many(500));
    let table = Arc::new(Table::new(spec(), optimizer.slots(0)).unwrap());
    let mut pulled = Pulled::default();
    see(&table, &ids[..400], at(0), &mut pulled).unwrap();
    table.pull(&ids, at(1), &mut pulled).unwrap();
    let before = rows(table.cut(), || {});
    for (bad, what) in [(f32::NAN, "a gradient"), (f32::INFINITY, "a gradient"), (1e30, "a new value or slot")] {
        for place in [0, 700, ids.len() * DIM - 1] {
            let mut gradient = vec![0.1; ids.len() * DIM];
            gradient[place] = bad;
            let error = apply(&table, &optimizer, &mut pulled, &gradient).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NonFinite);
            assert!(error.to_string().contains(what) && error.to_string().contains("no row was changed"), "{error}");
        }
    }
    let after = rows(table.cut(), || {});
    assert_eq!(after.len(), 400, "a step that failed has made rows");
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(a, b)| (a.0, &a.1.values, &a.1.slots, a.1.seen, a.1.count) == (b.0, &b.1.values, &b.1.slots, b.1.seen, b.1.count))
    );
    // The same pull still serves for a step that is sound.
    assert_eq!(apply(&table, &optimizer, &mut pulled, &vec![0.1; ids.len() * DIM]).unwrap().rows, ids.len());
}

#[test]
fn threads_lose_no_update_of_a_row_they_share() {
    const THREADS: u64 = 4;
    const STEPS: u64 = 200;
    let optimizer = sgd(1.0, DIM);
    let table = Table::new(TableSpec::new("t", DIM, 1, Initializer::Constant { value: 0.0 }), &[]).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (table, optimizer) = (&table, &optimizer);
            scope.spawn(move || {
                let mut pulled = Pulled::default();
                for step in 0..STEPS {
                    // A hundred that all share, and some of one's own.
                    let ids: Vec<u64> = (0..100).chain(1000 * (thread + 1)..1000 * (thread + 1) + step % 20).collect();
                    table.pull(&ids, at(step), &mut pulled).unwrap();
                    let applied = apply(table, optimizer, &mut pulled, &vec![-1.0; ids.len() * DIM]).unwrap();
                    assert_eq!((applied.rows, applied.refused), (ids.len(), 0));
                }
            });
        }
    });
    let mut pulled = Pulled::default();
    table.read(&(0..100).chain(1000..1020).collect::<Vec<_>>(), &mut pulled).unwrap();
    for (id, values) in pulled.ids().iter().zip(pulled.rows().chunks(DIM)) {
        let steps = if *id < 100 { THREADS * STEPS } else { STEPS - STEPS / 20 * (id - 999) };
        assert_eq!(values, [steps as f32; DIM], "id {id}");
    }
}

#[test]
fn steps_that_overlap_lose_nothing() {
    let admission = Admission::Sightings { sightings: 2, sketch_bytes: 1 << 20 };
    let table = Table::new(TableSpec { admission, ..TableSpec::new("t", DIM, 1, Initializer::Constant { value: 0.0 }) }, &[]).unwrap();
    let (optimizer, [mut first, mut second]) = (sgd(1.0, DIM), [(); 2].map(|()| Pulled::default()));
    let value = |id| {
        let mut pulled = Pulled::default();
        table.read(&[id], &mut pulled).unwrap();
        pulled.has_row(0).then(|| pulled.rows()[0])
    };
    // Both are to make the same row.
    [&mut first, &mut second].into_iter().for_each(|pulled| table.pull(&[1, 1], at(0), pulled).unwrap());
    for (pulled, expected) in [(&mut second, 1.0), (&mut first, 2.0)] {
        assert_eq!((apply(&table, &optimizer, pulled, &[-1.0; DIM]).unwrap().rows, value(1)), (1, Some(expected)));
    }
    // One saw no row where the other makes one.
    table.pull(&[2], at(1), &mut first).unwrap();
    table.pull(&[2, 2], at(1), &mut second).unwrap();
    assert_eq!([&first, &second].map(|pulled| pulled.has_row(0)), [false, true]);
    for (pulled, expected) in [(&mut second, 1.0), (&mut first, 2.0)] {
        assert_eq!((apply(&table, &optimizer, pulled, &[-1.0; DIM]).unwrap().rows, value(2)), (1, Some(expected)));
    }
    // Neither has a row at its own pull; the next one does.
    [&mut first, &mut second].into_iter().for_each(|pulled| table.pull(&[3], at(2), pulled).unwrap());
    for pulled in [&mut first, &mut second] {
        assert_eq!((apply(&table, &optimizer, pulled, &[-1.0; DIM]).unwrap().rows, value(3)), (0, None));
    }
    table.pull(&[3], at(3), &mut first).unwrap();
    assert!(first.has_row(0));
    // What cannot stay finite after another's update is left as that made it.
    let big = f32::MAX / 1.5;
    [&mut first, &mut second].into_iter().for_each(|pulled| table.pull(&[1], at(4), pulled).unwrap());
    for (pulled, rows, refused) in [(&mut first, 1, 0), (&mut second, 0, 1)] {
        let applied = apply(&table, &optimizer, pulled, &[-big; DIM]).unwrap();
        assert_eq!((applied.rows, applied.refused, value(1)), (rows, refused, Some(2.0 + big)));
    }
    // One whose row is given up meanwhile gets it back as this step has it.
    table.pull(&[2], at(5), &mut first).unwrap();
    assert!(table.remove(2) && !table.remove(2));
    assert_eq!(value(2), None);
    assert_eq!((apply(&table, &optimizer, &mut first, &[-1.0; DIM]).unwrap().rows, value(2)), (1, Some(3.0)));
}

#[test]
fn the_rows_of_a_clipped_step_share_their_norm() {
    let config = serde_json::json!({"rule": "sgd", "learning_rate": 1.0, "momentum": 0.0, "nesterov": false, "clipnorm": 1.0});
    let (optimizer, mut pulled) = (optimizer(config, DIM), Pulled::default());
    let table = Table::new(TableSpec::new("t", DIM, 1, Initializer::Constant { value: 0.0 }), &[]).unwrap();
    table.pull(&[5, 6], at(0), &mut pulled).unwrap();
    let gradient = if pulled.ids() == [5, 6] { [3.0, 0.0, 0.0, 0.0, -4.0, 0.0] } else { [0.0, -4.0, 0.0, 3.0, 0.0, 0.0] };
    apply(&table, &optimizer, &mut pulled, &gradient).unwrap();
    for (id, row) in [(5, [-0.6, 0.0, 0.0]), (6, [0.0, 0.8, 0.0])] {
        table.read(&[id], &mut pulled).unwrap();
        assert_eq!(pulled.rows(), row);
    }
}

#[test]
fn reading_makes_nothing_and_sees_nothing() {
    let table = Arc::new(Table::new(spec(), &[]).unwrap());
    let mut pulled = Pulled::default();
    see(&table, &[1, 2], at(3), &mut pulled).unwrap();
    let before = rows(table.cut(), || {});
    table.read(&many(1000), &mut pulled).unwrap();
    assert_eq!(table.rows(), 2);
    assert_eq!(pulled.rows().iter().filter(|value| **value != 0.0).count(), DIM, "of the ids only 2 is there");
    let after = rows(table.cut(), || {});
    assert!(before.iter().zip(&after).all(|(a, b)| (a.0, a.1.seen, a.1.count) == (b.0, b.1.seen, b.1.count)));
}

#[test]
fn chance_lets_in_as_many_as_it_should_and_the_same_ones_again() {
    let admission = Admission::Probability { probability: 0.1 };
    let admitted = |turns: u64, repeats: usize| {
        let (table, mut pulled, mut all) = (Table::new(TableSpec { admission, ..spec() }, &[]).unwrap(), Pulled::default(), HashSet::new());
        for step in 0..turns {
            let ids: Vec<u64> = (0..20_000u64).flat_map(|id| std::iter::repeat_n(id, repeats)).collect();
            see(&table, &ids, at(step), &mut pulled).unwrap();
            all.extend(pulled.ids().iter().enumerate().filter(|(position, _)| pulled.has_row(*position)).map(|(_, id)| *id));
        }
        assert_eq!(table.rows(), all.len());
        all
    };
    let share = |ids: &HashSet<u64>| ids.len() as f64 / 20_000.0;
    assert!((share(&admitted(1, 1)) - 0.1).abs() < 0.01);
    assert!((share(&admitted(1, 3)) - 0.271).abs() < 0.01);
    assert!((share(&admitted(10, 1)) - 0.651).abs() < 0.01);
    assert_eq!(admitted(3, 1), admitted(3, 1));
}

#[test]
fn event_time_that_goes_back_keeps_a_row() {
    let table = Table::new(TableSpec { expiry: Expiry::Seconds { seconds: 60 }, ..spec() }, &[]).unwrap();
    let (mut pulled, first) = (Pulled::default(), |pulled: &Pulled| pulled.rows()[0]);
    let moment = |seconds| Moment { step: 7, seconds };
    see(&table, &[1], moment(1_000), &mut pulled).unwrap();
    table.insert(1, &[9.0; DIM], None, moment(1_000)).unwrap();
    for (seconds, still) in [(900, true), (1_060, true), (1_120, true), (1_181, false)] {
        see(&table, &[1], moment(seconds), &mut pulled).unwrap();
        assert_eq!(first(&pulled) == 9.0, still, "at {seconds}");
    }
}

#[test]
fn the_memory_of_rows_that_have_expired_is_used_again() {
    let table = Table::new(TableSpec { expiry: Expiry::Steps { steps: 10 }, ..spec() }, &[]).unwrap();
    let (mut pulled, mut most) = (Pulled::default(), 0);
    for step in 0..300u64 {
        see(&table, &(step * 1000..(step + 1) * 1000).collect::<Vec<_>>(), at(step), &mut pulled).unwrap();
        if step == 40 {
            most = table.bytes();
        }
    }
    // 11 steps' rows live; a sweep takes back what has expired as fast as it comes.
    assert!(table.rows() < 25_000, "{} rows", table.rows());
    assert!(table.bytes() <= most * 11 / 10, "{} bytes, {most} after 40 steps", table.bytes());
}

/// Of 1 M rows on; what DESIGN.md and the module promise.
#[test]
fn a_row_takes_32_bytes_beside_its_numbers_at_most() {
    let optimizer = adagrad(16);
    let table = Table::new(TableSpec::new("t", 16, 1, Initializer::Constant { value: 0.0 }), optimizer.slots(0)).unwrap();
    let (mut pulled, mut least, mut most) = (Pulled::default(), f64::MAX, 0.0f64);
    for step in 0..220u64 {
        see(&table, &(step * 10_000..(step + 1) * 10_000).collect::<Vec<_>>(), at(step), &mut pulled).unwrap();
        if table.rows() >= 1_000_000 {
            let beside = table.bytes() as f64 / table.rows() as f64 - 128.0;
            (least, most) = (least.min(beside), most.max(beside));
        }
    }
    println!("beside row and slots from 1 to 2.2 M rows: {least:.1} to {most:.1} bytes");
    assert!(most <= 32.0, "{most}");
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let refused = |result: streamgrad::Result<()>, says: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(says), "{error} does not say {says}");
    };
    let made = |change: &dyn Fn(&mut TableSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Table::new(spec, &[]).map(|_| ())
    };
    refused(made(&|spec| spec.dim = 0), "give rows 1 to 65536 numbers, not 0: table t");
    refused(made(&|spec| spec.dim = 70_000), "not 70000");
    refused(made(&|spec| spec.initializer = Initializer::Uniform { low: 1.0, high: 0.0 }), "finite numbers in their order");
    refused(made(&|spec| spec.initializer = Initializer::Normal { mean: f32::NAN, deviation: 1.0 }), "finite numbers");
    refused(made(&|spec| spec.default_row = vec![1.0]), "give the default row 3 numbers, not 1");
    refused(made(&|spec| spec.default_row = vec![f32::NAN; DIM]), "default row of finite numbers");
    refused(made(&|spec| spec.admission = Admission::Sightings { sightings: 1, sketch_bytes: 1 << 20 }), "after 2 to 255 sightings");
    refused(made(&|spec| spec.admission = Admission::Sightings { sightings: 3, sketch_bytes: 100 }), "at least 16384 bytes, not 100");
    refused(made(&|spec| spec.admission = Admission::Probability { probability: 0.0 }), "above 0 and at most 1, not 0");
    refused(made(&|spec| spec.admission = Admission::Probability { probability: f64::NAN }), "above 0 and at most 1, not NaN");
    refused(made(&|spec| spec.expiry = Expiry::Steps { steps: 0 }), "at least one step or second");

    let table = Arc::new(Table::new(spec(), adagrad(DIM).slots(0)).unwrap());
    refused(table.insert(1, &[1.0], None, at(0)), "give a row 3 numbers");
    refused(table.insert(1, &[1.0; DIM], Some(&[1.0; 2]), at(0)), "1 slots");
    refused(table.insert(1, &[f32::NAN; DIM], None, at(0)), "finite numbers: id 1");
    assert_eq!(table.rows(), 0);
    let mut pulled = Pulled::default();
    table.pull(&[1, 2], at(0), &mut pulled).unwrap();
    let short = adagrad(DIM);
    refused(apply(&table, &short, &mut pulled, &[0.0; DIM]).map(|_| ()), "give the gradient of 2 rows of 3, not 3 numbers");
    refused(apply(&table, &sgd(0.1, DIM), &mut pulled, &[0.0; 2 * DIM]).map(|_| ()), "the optimizer that the table was made for");
    let other = Table::new(spec(), short.slots(0)).unwrap();
    refused(apply(&other, &short, &mut pulled, &[0.0; 2 * DIM]).map(|_| ()), "pull the rows of a batch from this table");
    apply(&table, &short, &mut pulled, &[0.0; 2 * DIM]).unwrap();
    refused(apply(&table, &short, &mut pulled, &[0.0; 2 * DIM]).map(|_| ()), "before each update");
    table.read(&[1, 2], &mut pulled).unwrap();
    refused(apply(&table, &short, &mut pulled, &[0.0; 2 * DIM]).map(|_| ()), "before each update");
}
