//! A stream whose ids never come back, under a budget: memory and speed stay as they are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Instant;

use common::tables::{adagrad, apply, at};
use streamgrad::table::{Budget, Evict, Initializer, Pulled, Table, TableSpec};

const BATCH: u64 = 16_384;
const DIM: usize = 8;
/// What the process may take beside the budget: the program, a batch's scratch, what the allocator holds back.
const MARGIN: usize = 96 << 20;

/// Steps of ids that are all new; the speed of each tenth, in million ids a second.
fn endless(ids: u64, bytes: usize) -> Vec<f64> {
    let budget = Some(Budget { bytes, evict: Evict::LeastRecent });
    let optimizer = adagrad(DIM);
    let spec = TableSpec { budget, ..TableSpec::new("t", DIM, 1, Initializer::Uniform { low: -0.05, high: 0.05 }) };
    let table = Table::new(spec, optimizer.slots(0)).unwrap();
    let (mut pulled, gradient, mut speeds) = (Pulled::default(), vec![0.01; BATCH as usize * DIM], Vec::new());
    let (mut batch, before) = (Vec::new(), common::resident() as usize * 1024);
    let steps = ids.div_ceil(BATCH);
    for tenth in 0..10 {
        let started = Instant::now();
        let of_tenth = steps * tenth / 10..steps * (tenth + 1) / 10;
        let count = of_tenth.end - of_tenth.start;
        for step in of_tenth {
            batch.clear();
            batch.extend((step * BATCH..(step + 1) * BATCH).map(|id| id.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            table.pull(&batch, at(step), &mut pulled).unwrap();
            assert_eq!(apply(&table, &optimizer, &mut pulled, &gradient).unwrap().rows, BATCH as usize);
            if step % 64 == 0 {
                assert!(table.bytes() <= bytes, "{} bytes after {step} steps", table.bytes());
            }
        }
        let (speed, resident) = ((count * BATCH) as f64 / 1e6 / started.elapsed().as_secs_f64(), common::resident() as usize * 1024);
        println!(
            "tenth {}: {speed:.2} million ids/s, {} rows, {} MB of table, {} MB of process",
            tenth + 1,
            table.rows(),
            table.bytes() >> 20,
            resident >> 20
        );
        assert!(resident <= before + bytes + MARGIN, "{resident} bytes of process, {before} before");
        speeds.push(speed);
    }
    assert!(table.bytes() > bytes / 2, "{} bytes: the budget was never used up", table.bytes());
    speeds
}

#[test]
fn half_a_million_ids_that_never_come_back() {
    endless(500_000, 4 << 20);
}

#[test]
#[ignore = "200 million ids; make test-long runs it"]
fn two_hundred_million_ids_that_never_come_back() {
    let speeds = endless(200_000_000, 1 << 30);
    // The first tenths only fill it. A busy machine is slow now and then; a table that decays is slow at the end.
    let (early, late) = (speeds[2].min(speeds[3]).min(speeds[4]), speeds[7].max(speeds[8]).max(speeds[9]));
    assert!(late >= 0.7 * early, "million ids a second by tenths: {speeds:?}");
}
