use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

/// Xorshift: the tests need many different orders of events, not good randomness.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn zero_and_made_up_handles_are_closed() {
    let table = Table::new(Kind::Batch);
    let handle = table.insert("batch").unwrap();
    for wrong in [0, 1, handle ^ 1, handle ^ 1 << 32, handle ^ 1 << 55, handle | 1 << 63, u64::MAX] {
        assert_eq!(table.get(wrong).unwrap_err().status, Status::CLOSED, "{wrong:#x}");
        assert!(table.remove(wrong).is_none());
    }
    assert_eq!(*table.get(handle).unwrap(), "batch");
}

#[test]
fn a_handle_of_another_type_is_closed() {
    let (trainers, batches) = (Table::new(Kind::Trainer), Table::new(Kind::Batch));
    let (trainer, batch) = (trainers.insert(1).unwrap(), batches.insert(2).unwrap());
    let failure = trainers.get(batch).unwrap_err();
    assert_eq!(failure.status, Status::CLOSED);
    assert!(failure.message.contains(": trainer 0x"), "{}", failure.message);
    assert!(batches.remove(trainer).is_none());
    assert_eq!((*trainers.get(trainer).unwrap(), *batches.get(batch).unwrap()), (1, 2));
}

#[test]
fn a_stale_handle_never_names_the_next_object_of_its_slot() {
    let table = Table::new(Kind::Trainer);
    let first = table.insert(1).unwrap();
    assert_eq!(table.remove(first).as_deref(), Some(&1));
    let second = table.insert(2).unwrap();
    assert_ne!(first, second);
    assert!(table.get(first).is_err());
    assert!(table.remove(first).is_none(), "closing twice does nothing");
    assert_eq!(*table.get(second).unwrap(), 2);
}

#[test]
fn a_slot_is_retired_when_its_generations_are_used_up() {
    let table = Table::new(Kind::Trainer);
    let first = table.insert(0).unwrap();
    table.slots.write().all[0].generation = u32::MAX;
    let last = first | u64::from(u32::MAX);
    assert!(table.remove(last).is_some());
    let next = table.insert(1).unwrap();
    assert_eq!(table.index(next), Some(1));
    assert!(table.get(first).is_err() && table.get(last).is_err());
}

#[test]
fn a_handle_is_positive_in_java() {
    assert!(pack(Kind::JavaTrainer, MAX_SLOTS as u32 - 1, u32::MAX) as i64 > 0);
}

#[test]
fn a_call_in_flight_keeps_its_object() {
    struct Dropped<'a>(&'a AtomicUsize);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let drops = AtomicUsize::new(0);
    let table = Table::new(Kind::Trainer);
    let handle = table.insert(Dropped(&drops)).unwrap();
    let in_flight = table.get(handle).unwrap();
    drop(table.remove(handle));
    assert!(table.get(handle).is_err(), "intake stops at once");
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(in_flight);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn agrees_with_a_map_over_any_order_of_events() {
    for seed in 1..=64 {
        let mut random = Random(seed * 0x9E37_79B9);
        let table = Table::new(Kind::Batch);
        let (mut open, mut closed): (HashMap<u64, usize>, Vec<u64>) = Default::default();
        for event in 0..400 {
            if random.below(5) < 3 {
                let handle = table.insert(event).unwrap();
                assert!(open.insert(handle, event).is_none() && !closed.contains(&handle), "handed out twice");
            } else if let Some(&handle) = open.keys().nth(random.below(open.len().max(1))) {
                assert_eq!(table.remove(handle).map(|object| *object), open.remove(&handle));
                closed.push(handle);
            }
        }
        assert_eq!(table.len(), open.len());
        assert!(open.iter().all(|(&handle, &event)| *table.get(handle).unwrap() == event));
        assert!(closed.iter().all(|&handle| table.get(handle).is_err()));
    }
}

#[test]
fn threads_that_open_use_and_close_never_see_each_other_s_objects() {
    let table = Table::new(Kind::Trainer);
    let closes = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (table, closes) = (&table, &closes);
            scope.spawn(move || {
                let mut random = Random(thread + 1);
                let mut mine = Vec::new();
                for event in 0..20_000 {
                    match random.below(3) {
                        0 => mine.push((table.insert((thread, event)).unwrap(), event)),
                        1 => {
                            let Some(&(handle, event)) = mine.last() else { continue };
                            assert_eq!(*table.get(handle).unwrap(), (thread, event));
                        }
                        _ => {
                            let Some((handle, event)) = mine.pop() else { continue };
                            assert_eq!(table.remove(handle).as_deref(), Some(&(thread, event)));
                            assert!(table.get(handle).is_err());
                        }
                    }
                }
                closes.fetch_add(mine.len(), Ordering::SeqCst);
            });
        }
    });
    assert_eq!(table.len(), closes.load(Ordering::SeqCst));
}

#[test]
fn of_many_threads_that_close_one_handle_exactly_one_gets_the_object() {
    for _ in 0..200 {
        let table = Table::new(Kind::Trainer);
        let handle = table.insert(()).unwrap();
        let won = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| won.fetch_add(usize::from(table.remove(handle).is_some()), Ordering::SeqCst));
            }
        });
        assert_eq!(won.load(Ordering::SeqCst), 1);
    }
}
