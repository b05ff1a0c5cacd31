//! A table that is cut into columns and loaded from them goes on as the one that was not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, OnceLock};

use common::tables::{DIM, adagrad, apply, at, see, spec};
use proptest::prelude::*;
use streamgrad::ErrorKind;
use streamgrad::table::{Admission, Budget, Columns, ColumnsView, Cut, Evict, Expiry, Initializer, Pulled, Table, TableSpec};

/// What happens to a table.
#[derive(Clone, Debug)]
enum Event {
    /// A step so many steps later, with so many ids that all fall into a few parts of the table, and some of everyday.
    Step { later: u64, fresh: u64, often: Vec<u64> },
    /// A row is given up by hand.
    Remove(u64),
    /// A cut, complete or since one of the earlier ones, read so many events later.
    Cut { since: Option<usize>, read_after: usize },
    /// A cut as above, and the process ends: all goes on from what was saved.
    Restart { since: Option<usize> },
    /// Deltas since the earlier ones are not wanted any more.
    Forget,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let since = || prop::option::weighted(0.7, 0usize..4);
    let step = (0u64..4, 0u64..60, prop::collection::vec(0u64..50, 0..20));
    let event = prop_oneof![
        12 => step.prop_map(|(later, fresh, often)| Event::Step { later, fresh, often }),
        1 => (0u64..50).prop_map(Event::Remove),
        2 => (since(), 0usize..8).prop_map(|(since, read_after)| Event::Cut { since, read_after }),
        1 => since().prop_map(|since| Event::Restart { since }),
        1 => Just(Event::Forget),
    ];
    prop::collection::vec(event, 1..80)
}

fn settings() -> impl Strategy<Value = TableSpec> {
    let admission = prop_oneof![
        Just(Admission::Always),
        (2u8..4).prop_map(|sightings| Admission::Sightings { sightings, sketch_bytes: 1 << 14 }),
        Just(Admission::Probability { probability: 0.5 }),
    ];
    let expiry = prop_oneof![Just(Expiry::Never), (1u64..30).prop_map(|steps| Expiry::Steps { steps })];
    let evict = prop_oneof![Just(Evict::LeastRecent), Just(Evict::LeastFrequent)];
    // The smallest has room for 32 rows in each of 256 parts.
    let budget = prop::option::of((470_000usize..600_000, evict).prop_map(|(bytes, evict)| Budget { bytes, evict }));
    (admission, expiry, budget).prop_map(|(admission, expiry, budget)| TableSpec { admission, expiry, budget, ..spec() })
}

/// Ids of three parts of the table, so that there is a crowd in them.
fn crowd() -> &'static [u64] {
    static CROWD: OnceLock<Vec<u64>> = OnceLock::new();
    CROWD.get_or_init(|| {
        let table = table(&spec());
        see(&table, &(1_000..41_000).collect::<Vec<_>>(), at(0), &mut Pulled::default()).unwrap();
        let columns = all(&table);
        // Each part has a first place.
        let third = columns.places.iter().enumerate().filter(|(_, place)| **place == 0).nth(3).unwrap().0;
        columns.ids[..third].to_vec()
    })
}

fn table(spec: &TableSpec) -> Arc<Table> {
    let table = Arc::new(Table::new(spec.clone(), adagrad(DIM).slots(0)).unwrap());
    table.track_removed(true);
    table
}

/// All of a table now.
fn all(table: &Arc<Table>) -> Columns {
    Columns { since: None, ..table.cut().columns(None) }
}

fn loaded(spec: &TableSpec, chain: &Chain) -> Arc<Table> {
    let table = table(spec);
    chain.iter().for_each(|(_, columns)| table.load(&columns.view()).unwrap());
    table
}

/// A complete snapshot and its deltas, each with the number of its cut.
type Chain = Vec<(u32, Columns)>;

/// The part of a chain that a delta shall build on; none for a complete snapshot.
fn base(chain: &Chain, since: Option<usize>) -> Chain {
    match since {
        Some(since) if !chain.is_empty() => chain[..=since % chain.len()].to_vec(),
        _ => Chain::new(),
    }
}

/// A chain with one more.
fn and(mut base: Chain, number: u32, columns: Columns) -> Chain {
    if columns.since.is_none() {
        base.clear();
    }
    base.push((number, columns));
    base
}

/// A cut that waits to be read.
struct Waiting {
    cut: Cut,
    due: usize,
    base: Chain,
    expected: Columns,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_goes_on_from_its_columns_as_if_nothing_had_been(spec in settings(), events in events()) {
        // One of them lives through, the other ends now and then.
        let (lives, mut ends) = (table(&spec), table(&spec));
        let (optimizer, mut pulled, mut now, mut next) = (adagrad(DIM), Pulled::default(), 0, 0u64);
        let (mut saved, mut waiting) = (Chain::new(), Vec::<Waiting>::new());
        for (number, event) in events.iter().chain(&[Event::Restart { since: Some(0) }]).enumerate() {
            match event {
                Event::Step { later, fresh, often } => {
                    now += later;
                    let fresh_ids = crowd().iter().cycle().skip(next as usize % crowd().len()).take(*fresh as usize);
                    let ids: Vec<u64> = fresh_ids.chain(often).copied().collect();
                    next += fresh / 2;
                    for table in [&lives, &ends] {
                        // A budget may be too small for some.
                        if table.pull(&ids, at(now), &mut pulled).is_ok() {
                            let gradient: Vec<f32> = pulled.ids().iter().flat_map(|id| [*id as f32 % 7.0 - 3.0, 0.5, now as f32 * 0.1]).collect();
                            apply(table, &optimizer, &mut pulled, &gradient).unwrap();
                        }
                    }
                }
                Event::Remove(id) => prop_assert_eq!(lives.remove(*id), ends.remove(*id)),
                Event::Cut { since, read_after } => {
                    let (base, expected) = (base(&saved, *since), all(&lives));
                    waiting.push(Waiting { cut: ends.cut(), due: number + read_after, base, expected });
                }
                Event::Restart { since } => {
                    let (base, cut) = (base(&saved, *since), ends.cut());
                    let (number, since) = (cut.number(), base.last().map(|(cut, _)| *cut));
                    let again = loaded(&spec, &and(base, number, cut.columns(since)));
                    prop_assert_eq!(all(&again), all(&ends));
                    prop_assert_eq!(all(&again), all(&lives));
                    waiting.clear();
                    ends = again;
                    // A delta builds on the table as it was loaded.
                    saved = vec![(ends.cut().number(), all(&ends))];
                }
                Event::Forget => {
                    if let Some((cut, _)) = saved.last() {
                        ends.forget_removed_before(*cut);
                    }
                }
            }
            while let Some(ready) = waiting.iter().position(|waiting| waiting.due <= number) {
                let Waiting { cut, base, expected, .. } = waiting.swap_remove(ready);
                let (number, since) = (cut.number(), base.last().map(|(cut, _)| *cut));
                let told = since.is_some_and(|since| cut.can_tell_since(since));
                let columns = cut.columns(since);
                prop_assert_eq!(columns.since, since.filter(|_| told));
                saved = and(base, number, columns);
                prop_assert_eq!(all(&loaded(&spec, &saved)), expected);
            }
        }
    }
}

#[test]
fn a_delta_is_the_rows_that_changed_and_the_ids_that_went() {
    let table = table(&TableSpec { expiry: Expiry::Steps { steps: 10 }, ..spec() });
    let mut pulled = Pulled::default();
    let sorted = |mut ids: Vec<u64>| {
        ids.sort_unstable();
        ids
    };
    see(&table, &(0..100).collect::<Vec<_>>(), at(0), &mut pulled).unwrap();
    let first = table.cut().number();
    see(&table, &[3, 4, 200], at(1), &mut pulled).unwrap();
    table.remove(5);
    let second = table.cut();
    table.remove(6);
    table.remove(200);
    // One that went and is back, one that was never here before and is gone again.
    table.remove(7);
    see(&table, &[5, 7, 201], at(2), &mut pulled).unwrap();
    table.remove(201);
    let (third, number) = (table.cut(), second.number());
    assert!(third.can_tell_since(first) && third.can_tell_since(number) && !third.can_tell_since(0) && !third.can_tell_since(9));
    let delta = second.columns(Some(first));
    assert_eq!((sorted(delta.ids), sorted(delta.removed), delta.since), (vec![3, 4, 200], vec![5], Some(first)));
    let again = table.cut();
    let delta = third.columns(Some(number));
    assert_eq!((sorted(delta.ids), sorted(delta.removed)), (vec![5, 7], vec![6, 200, 201]));
    let delta = again.columns(Some(first));
    assert_eq!((sorted(delta.ids), sorted(delta.removed)), (vec![3, 4, 5, 7], vec![6, 200, 201]));
    // Expired rows are told as they are given up, by the search that steps carry on.
    let before = table.cut().number();
    let others: Vec<u64> = (300..5_300).collect();
    (0..5).for_each(|step| assert!(see(&table, &others, at(50 + step), &mut pulled).is_ok()));
    let delta = table.cut().columns(Some(before));
    assert_eq!((delta.ids.len(), delta.removed.len(), table.rows()), (5_000, 99, 5_000));
    // What is forgotten makes a complete one.
    table.forget_removed_before(before + 1);
    let complete = table.cut().columns(Some(before));
    assert_eq!((complete.since, complete.ids.len(), complete.removed.len()), (None, 5_000, 0));
    table.track_removed(false);
    assert!(!table.cut().can_tell_since(before + 1));
}

#[test]
fn vectors_trained_elsewhere_begin_with_fresh_slots() {
    let table = table(&spec());
    let mut pulled = Pulled::default();
    see(&table, &[1, 2], at(0), &mut pulled).unwrap();
    let (ids, rows) = ([2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    table.load(&ColumnsView { ids: &ids, rows: &rows, ..ColumnsView::default() }).unwrap();
    for (id, row) in ids.iter().zip(rows.chunks(DIM)) {
        table.read(&[*id], &mut pulled).unwrap();
        assert_eq!(pulled.rows(), row);
    }
    let columns = all(&table);
    assert_eq!((columns.ids.len(), &columns.slots[0]), (3, &vec![0.1; 3 * DIM]));
    // One that predicts has no slots, and takes the rest.
    let predicts = Table::new(spec(), &[]).unwrap();
    predicts.load(&ColumnsView { slots: Vec::new(), ..columns.view() }).unwrap();
    predicts.read(&[3], &mut pulled).unwrap();
    assert_eq!(pulled.rows(), [4.0, 5.0, 6.0]);
}

#[test]
fn columns_that_do_not_fit_are_refused_and_change_nothing() {
    let counting = Admission::Sightings { sightings: 3, sketch_bytes: 1 << 14 };
    let table = Table::new(TableSpec { admission: counting, ..spec() }, adagrad(DIM).slots(0)).unwrap();
    let (ids, rows, bad) = ([1, 2], [1.0; 2 * DIM], [1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0]);
    let view = || ColumnsView { ids: &ids, rows: &rows, ..ColumnsView::default() };
    for (wrong, says) in [
        (ColumnsView { rows: &rows[1..], ..view() }, "give 2 rows of 3 numbers, not 5 numbers"),
        (ColumnsView { rows: &bad, ..view() }, "finite numbers: id 2"),
        (ColumnsView { slots: vec![&bad], ..view() }, "finite numbers: id 2"),
        (ColumnsView { slots: vec![&rows, &rows], ..view() }, "give 1 slots of 2 rows of 3 numbers, or none, not [6, 6]"),
        (ColumnsView { slots: vec![&rows[..3]], ..view() }, "or none, not [3]"),
        (ColumnsView { seen: &[1], ..view() }, "as many seen as ids, 2, or none, not 1"),
        (ColumnsView { counts: &[1], ..view() }, "as many counts as ids"),
        (ColumnsView { places: &[1, 2, 3], ..view() }, "as many places as ids"),
        (ColumnsView { hands: &[1], ..view() }, "give 256 hands, or none, not 1"),
        (ColumnsView { sketch: &[1], ..view() }, "give the sketch of a table of the same admission, 18432 bytes, or none"),
    ] {
        let error = table.load(&wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error} does not say {says}");
        assert_eq!(table.rows(), 0);
    }
    // Places that nobody would believe, and one place for two, cost no memory and no row.
    let places = [u32::MAX, u32::MAX - 1];
    table.load(&ColumnsView { places: &places, hands: &[u32::MAX; 256], ..view() }).unwrap();
    let many: Vec<u64> = (0..2_000).collect();
    table.load(&ColumnsView { ids: &many, rows: &vec![0.5; 2_000 * DIM], places: &[7; 2_000], ..ColumnsView::default() }).unwrap();
    assert!(table.rows() == 2_000 && table.bytes() < 2_000_000, "{} rows, {} bytes", table.rows(), table.bytes());

    // A smaller budget keeps what it has room for.
    let budget = Some(Budget { bytes: 600_000, evict: Evict::LeastRecent });
    let small = Table::new(TableSpec { budget, initializer: Initializer::Constant { value: 0.0 }, ..spec() }, &[]).unwrap();
    let many: Vec<u64> = (0..100_000).collect();
    small.load(&ColumnsView { ids: &many, rows: &vec![0.5; 100_000 * DIM], seen: &many, ..ColumnsView::default() }).unwrap();
    assert!(small.rows() > 256 && small.bytes() < 700_000, "{} rows, {} bytes", small.rows(), small.bytes());
}
