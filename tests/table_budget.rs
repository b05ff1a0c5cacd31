//! A table under a budget of memory: what it never exceeds, whom it keeps, and what a batch may ask of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use common::tables::{DIM, adagrad, apply, at, rows, see, spec};
use streamgrad::ErrorKind;
use streamgrad::table::{Admission, Budget, Evict, Expiry, Pulled, Table, TableSpec};

fn table(bytes: usize, evict: Evict) -> Table {
    Table::new(TableSpec { budget: Some(Budget { bytes, evict }), ..spec() }, adagrad(DIM).slots(0)).unwrap()
}

/// Ids by a power law, whose favourites change over time.
fn clicks(count: usize, drift: usize) -> impl Iterator<Item = u64> {
    let mut state = 7u64;
    (0..count).map(move |at| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
        ((1.0 / (unit + 1e-6)).powf(3.0) as u64) + (at / drift) as u64 * 50
    })
}

/// An exact order by whom goes first, with as many rows.
struct Exact {
    rows: HashMap<u64, (u64, u64)>,
    order: BTreeSet<(u64, u64, u64)>,
    most: usize,
    evict: Evict,
}

impl Exact {
    fn key(&self, id: u64, (seen, count): (u64, u64)) -> (u64, u64, u64) {
        match self.evict {
            Evict::LeastRecent => (seen, 0, id),
            Evict::LeastFrequent => (count, seen, id),
        }
    }

    /// Whether the id was there.
    fn see(&mut self, id: u64, now: u64) -> bool {
        let old = self.rows.get(&id).copied();
        if let Some(old) = old {
            self.order.remove(&self.key(id, old));
        } else if self.rows.len() == self.most {
            let (_, _, first) = self.order.pop_first().unwrap();
            self.rows.remove(&first);
        }
        let new = (now, old.map_or(1, |(_, count)| count + 1));
        self.rows.insert(id, new);
        self.order.insert(self.key(id, new));
        old.is_some()
    }
}

#[test]
fn it_keeps_nearly_those_that_an_exact_order_would() {
    for (evict, drift) in [(Evict::LeastRecent, 20_000), (Evict::LeastFrequent, usize::MAX)] {
        let table = Arc::new(table(1 << 19, evict));
        let (mut pulled, ids): (_, Vec<u64>) = (Pulled::default(), clicks(400_000, drift).collect());
        // As many rows as it turns out to have room for.
        ids.chunks(100).enumerate().for_each(|(step, ids)| assert!(see(&table, ids, at(step as u64), &mut pulled).is_ok()));
        let most = table.rows();
        let mut exact = Exact { rows: HashMap::new(), order: BTreeSet::new(), most, evict };
        let hits = ids.iter().enumerate().filter(|(at, id)| exact.see(**id, *at as u64)).count();

        let again = Arc::new(self::table(1 << 19, evict));
        let (mut found, mut created) = (0, 0);
        for (step, ids) in ids.chunks(100).enumerate() {
            again.read(ids, &mut pulled).unwrap();
            found += pulled.local().iter().filter(|place| pulled.has_row(**place as usize)).count();
            created += (0..pulled.ids().len()).filter(|position| !pulled.has_row(*position)).count();
            see(&again, ids, at(step as u64), &mut pulled).unwrap();
            assert!((0..pulled.ids().len()).all(|position| pulled.has_row(position)), "every id of the batch has its row");
        }
        let (ours, theirs) = (found as f64 / ids.len() as f64, hits as f64 / ids.len() as f64);
        println!("{evict:?}: {most} rows, {created} made, {ours:.4} of the ids found, {theirs:.4} by an exact order");
        assert!(created > 3 * most, "too few ids for {most} rows: {created}");
        assert!((ours - theirs).abs() < 0.005, "{evict:?}: {ours} of the ids found, {theirs} by an exact order");
        // One thread, one order of arrival: the same rows to the last bit.
        assert_eq!(rows(table.cut(), || {}), rows(again.cut(), || {}));
    }
}

#[test]
fn memory_stays_within_the_budget_whatever_comes() {
    let sketch = Admission::Sightings { sightings: 2, sketch_bytes: 1 << 18 };
    for (bytes, admission) in [(600_000, Admission::Always), (1 << 20, Admission::Always), (1 << 20, sketch)] {
        let budget = Some(Budget { bytes, evict: Evict::LeastRecent });
        let table =
            Table::new(TableSpec { budget, admission, expiry: Expiry::Steps { steps: 500 }, ..spec() }, adagrad(DIM).slots(0)).unwrap();
        let (mut pulled, mut most) = (Pulled::default(), 0);
        for step in 0..2_000u64 {
            // Ids that come twice and never again.
            let ids: Vec<u64> = (step * 50..step * 50 + 100).collect();
            table.pull(&ids, at(step), &mut pulled).unwrap();
            apply(&table, &adagrad(DIM), &mut pulled, &vec![0.1; ids.len() * DIM]).unwrap();
            most = most.max(table.bytes());
        }
        println!("{bytes} bytes: {most} at most, {} rows", table.rows());
        assert!(most <= bytes && most > bytes / 2, "{most} of {bytes}");
    }
}

#[test]
fn a_batch_that_does_not_fit_is_refused_and_costs_no_row() {
    let table = Arc::new(table(600_000, Evict::LeastRecent));
    let (mut pulled, ids): (_, Vec<u64>) = (Pulled::default(), (0..100_000).collect());
    see(&table, &ids[..500], at(0), &mut pulled).unwrap();
    let before = rows(table.cut(), || {});
    let error = table.pull(&ids, at(1), &mut pulled).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("raise the budget or give fewer ids at once: of 100000 different ids"), "{error}");
    let after = rows(table.cut(), || {});
    assert!(before.iter().zip(&after).all(|(a, b)| (a.0, &a.1.values, a.1.seen) == (b.0, &b.1.values, b.1.seen)));
    assert_eq!(before.len(), after.len());

    let little = TableSpec { budget: Some(Budget { bytes: 1_000, evict: Evict::LeastRecent }), ..spec() };
    let error = Table::new(little, &[]).unwrap_err();
    assert!(error.to_string().contains("give a budget of at least"), "{error}");
}

#[test]
fn a_batch_that_hardly_fits_keeps_all_its_rows() {
    // Room for a few rows in each part, so that most draws meet rows of the batch itself.
    let table = table(600_000, Evict::LeastFrequent);
    let mut pulled = Pulled::default();
    let (mut step, mut first) = (0, 0u64);
    let most = {
        // The largest batch that is taken.
        let mut most = 100;
        while see(&table, &(0..most + 100).collect::<Vec<_>>(), at(0), &mut pulled).is_ok() {
            most += 100;
        }
        most
    };
    assert!(most > 1_000, "{most}");
    for _ in 0..50 {
        (step, first) = (step + 1, first + 10_000);
        let ids: Vec<u64> = (first..first + most * 9 / 10).collect();
        if table.pull(&ids, at(step), &mut pulled).is_ok() {
            assert!((0..ids.len()).all(|position| pulled.has_row(position)));
            assert_eq!(apply(&table, &adagrad(DIM), &mut pulled, &vec![0.1; ids.len() * DIM]).unwrap().rows, ids.len());
        }
    }
}
