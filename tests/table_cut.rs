//! A cut of a table beside the steps that go on: it holds the table as of one moment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::tables::{DIM, adagrad, apply, at, rows, see, sgd, spec};
use streamgrad::table::{Budget, Evict, Expiry, Initializer, Pulled, Table, TableSpec};

/// Ends the threads of a test however it ends.
struct Ends<'e>(&'e AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A stream with old and new ids, so that rows are changed, made, given up by age and put out.
fn step(table: &Table, step: u64, pulled: &mut Pulled) {
    let ids: Vec<u64> = (0..60).map(|id| if id % 3 == 0 { id } else { step * 20 + id }).collect();
    table.pull(&ids, at(step), pulled).unwrap();
    let gradient: Vec<f32> = (0..pulled.rows().len()).map(|at| (at as u64 + step) as f32 * 0.001 - 0.1).collect();
    apply(table, &adagrad(DIM), pulled, &gradient).unwrap();
}

#[test]
fn it_is_the_table_of_before_though_steps_run_between_any_two_rows() {
    for (expiry, bytes) in [(Expiry::Never, usize::MAX), (Expiry::Steps { steps: 30 }, usize::MAX), (Expiry::Steps { steps: 200 }, 500_000)]
    {
        let spec = TableSpec { expiry, budget: Some(Budget { bytes, evict: Evict::LeastRecent }), ..spec() };
        let [table, twin] = [(); 2].map(|()| Arc::new(Table::new(spec.clone(), adagrad(DIM).slots(0)).unwrap()));
        let (mut now, mut twins_now, mut pulled) = (0, 0, Pulled::default());
        for round in 0..4 {
            for _ in 0..100 {
                step(&table, now, &mut pulled);
                now += 1;
            }
            let cut = table.cut();
            // The twin has had the same steps, and stands still while it is read.
            while twins_now < now {
                step(&twin, twins_now, &mut pulled);
                twins_now += 1;
            }
            let expected = rows(twin.cut(), || {});
            let mut count = 0;
            let found = rows(cut, || {
                count += 1;
                if count % 31 == 0 {
                    step(&table, now, &mut pulled);
                    now += 1;
                }
            });
            assert!(count > 500, "{count} rows");
            assert_eq!(found.len(), expected.len());
            for (id, row) in &found {
                let twin = &expected[id];
                assert_eq!(
                    (&row.values, &row.slots, row.seen, row.count),
                    (&twin.values, &twin.slots, twin.seen, twin.count),
                    "round {round}, id {id}"
                );
            }
        }
        // Nothing that was saved is left behind.
        let bytes = table.bytes();
        drop(table.cut());
        assert_eq!(table.bytes(), bytes);
    }
}

#[test]
fn it_falls_between_the_steps_of_threads() {
    const ROWS: u64 = 2_000;
    let table = Arc::new(Table::new(TableSpec::new("t", DIM, 1, Initializer::Constant { value: 0.0 }), &[]).unwrap());
    let (optimizer, ids, ends) = (sgd(1.0, DIM), (0..ROWS).collect::<Vec<_>>(), AtomicBool::new(false));
    let mut all = Pulled::default();
    see(&table, &ids, at(0), &mut all).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (table, optimizer, ends) = (&table, &optimizer, &ends);
            scope.spawn(move || {
                let mut pulled = Pulled::default();
                // Each step adds 1 to each of 500 rows.
                let ids: Vec<u64> = (0..500).map(|at| (at * 3 + thread * 211) % ROWS).collect();
                while !ends.load(Ordering::Relaxed) {
                    table.pull(&ids, at(0), &mut pulled).unwrap();
                    apply(table, optimizer, &mut pulled, &[-1.0; 500 * DIM]).unwrap();
                }
            });
        }
        let ending = Ends(&ends);
        let mut sums = Vec::new();
        for _ in 0..40 {
            let rows = rows(table.cut(), || {});
            assert_eq!(rows.len(), ROWS as usize);
            sums.push(rows.values().map(|row| f64::from(row.values[0])).sum::<f64>());
        }
        drop(ending);
        assert!(sums.iter().all(|sum| sum % 500.0 == 0.0), "a step was cut in two: {sums:?}");
        assert!(sums.is_sorted() && sums[39] > sums[0]);
    });
}

#[test]
fn it_tells_what_changed_since_the_one_before() {
    let table = Arc::new(Table::new(spec(), adagrad(DIM).slots(0)).unwrap());
    let mut pulled = Pulled::default();
    let mut pull_and_cut = |ids: &[u64]| {
        see(&table, ids, at(0), &mut pulled).unwrap();
        let rows = rows(table.cut(), || {});
        rows.into_iter().filter(|(_, row)| row.is_changed).map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(pull_and_cut(&[1, 2, 3, 4]), [1, 2, 3, 4]);
    assert!(pull_and_cut(&[]).is_empty());
    assert_eq!(pull_and_cut(&[2, 9]), [2, 9]);
    assert_eq!(pull_and_cut(&[3]), [3]);
}
