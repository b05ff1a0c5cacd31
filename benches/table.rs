//! Embedding tables beside a bare walk over a `hashbrown` map of the same rows, and what a row takes: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them. A batch has the ids of 512 rows of 26 features. The bare walk knows
//! the ids of each batch and nothing else: no repeated ids found, no bookkeeping, no lock, no guard; its update goes over the distinct ids.
//! Contenders take turns. Then a cut of all rows, and a delta of one in a hundred, is read in another thread beside steps, in turns with steps alone.
//! With `TABLE_ROWS` in the environment, as many rows in place of a million.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use serde_json::json;
use streamgrad::optimizer::Optimizer;
use streamgrad::table::{Budget, Evict, Initializer, Moment, Pulled, Table, TableSpec};

const DIM: usize = 16;
const BATCH: usize = 512 * 26;
const BATCHES: usize = 128;
const TURN: Duration = Duration::from_millis(60);

type Bare = HashMap<u64, [f32; 2 * DIM]>;

fn report(name: &str, value: f64, unit: &str, goal: Option<&str>) {
    println!("{}", json!({"name": name, "value": value, "unit": unit, "goal": goal}));
}

/// Numbers from 0 to 1.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The id of a row: all over the 64 bits, as hashes are.
fn id(row: u64) -> u64 {
    row.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn batches(rows: u64, power_law: bool) -> Vec<Vec<u64>> {
    let mut random = Random(5);
    // Of a power law of exponent 1: the logarithm of the rank is spread evenly.
    let mut one = || match power_law {
        true => id(((rows as f64).powf(random.unit()) as u64 - 1).min(rows - 1)),
        false => id((random.unit() * rows as f64) as u64),
    };
    (0..BATCHES).map(|_| (0..BATCH).map(|_| one()).collect()).collect()
}

fn optimizer() -> Optimizer {
    let config = json!({"rule": "adagrad", "learning_rate": 0.01, "initial_accumulator_value": 0.1, "epsilon": 1e-7});
    Optimizer::from_json(&config, &[("t".to_owned(), DIM)]).unwrap()
}

fn pull(table: &Table, ids: &[u64], step: u64, pulled: &mut Pulled) {
    table.pull(ids, Moment { step, seconds: 0 }, pulled).unwrap();
}

fn apply(table: &Table, optimizer: &Optimizer, pulled: &mut Pulled, gradient: &[f32]) {
    let gradient = &gradient[..pulled.rows().len()];
    let step = optimizer.step(0, []).unwrap();
    black_box(table.apply(pulled, gradient, &step.rows(0, gradient).unwrap()).unwrap());
}

fn bare_lookup(bare: &Bare, ids: &[u64], out: &mut [f32]) {
    for (id, out) in ids.iter().zip(out.as_chunks_mut::<DIM>().0) {
        out.copy_from_slice(&bare[id][..DIM]);
    }
}

fn bare_adagrad(bare: &mut Bare, ids: &[u64], gradient: &[f32]) {
    for (id, gradient) in ids.iter().zip(gradient.as_chunks::<DIM>().0) {
        let (row, slot) = bare.get_mut(id).unwrap().split_at_mut(DIM);
        for ((value, slot), gradient) in row.iter_mut().zip(slot).zip(gradient) {
            *slot += gradient * gradient;
            *value -= gradient * 0.01 / (*slot + 1e-7).sqrt();
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds of each contender by round: pull, pull and apply, bare lookup, bare lookup and update.
fn against_bare(table: &Table, bare: &mut Bare, batches: &[Vec<u64>], distinct: &[Vec<u64>], rounds: usize) -> Vec<[f64; 4]> {
    let (optimizer, gradient) = (optimizer(), vec![0.01; BATCH * DIM]);
    let (mut pulled, mut out) = (Pulled::default(), vec![0.0; BATCH * DIM]);
    let mut counters = [0usize; 4];
    let mut next = |contender: usize| {
        counters[contender] += 1;
        counters[contender] % BATCHES
    };
    let mut turns = Vec::new();
    for _ in 0..=rounds {
        let looked = given::turn(TURN, || pull(table, &batches[next(0)], 1, &mut pulled));
        let learned = given::turn(TURN, || {
            pull(table, &batches[next(1)], 1, &mut pulled);
            apply(table, &optimizer, &mut pulled, &gradient);
        });
        let bare_looked = given::turn(TURN, || bare_lookup(bare, &batches[next(2)], black_box(&mut out)));
        let bare_learned = given::turn(TURN, || {
            let at = next(3);
            bare_lookup(bare, &batches[at], black_box(&mut out));
            bare_adagrad(bare, &distinct[at], &gradient);
        });
        turns.push([looked, learned, bare_looked, bare_learned]);
    }
    turns
}

/// Batches a second of so many threads on one table.
fn throughput(table: &Table, batches: &[Vec<u64>], threads: usize, lasts: Duration) -> f64 {
    let (optimizer, done, ends) = (optimizer(), AtomicU64::new(0), AtomicBool::new(false));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (optimizer, done, ends) = (&optimizer, &done, &ends);
            scope.spawn(move || {
                let (mut pulled, gradient) = (Pulled::default(), vec![0.01; BATCH * DIM]);
                for ids in batches.iter().cycle().skip(thread * BATCHES / 2) {
                    if ends.load(Ordering::Relaxed) {
                        return;
                    }
                    pull(table, ids, 1, &mut pulled);
                    apply(table, optimizer, &mut pulled, &gradient);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(lasts);
        ends.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn spec(budget: Option<Budget>) -> TableSpec {
    TableSpec { budget, ..TableSpec::new("t", DIM, 1, Initializer::Uniform { low: -0.05, high: 0.05 }) }
}

/// Milliseconds of each step until `until` says so.
fn steps(table: &Table, batches: &[Vec<u64>], pulled: &mut Pulled, next: &mut usize, until: impl Fn(usize) -> bool) -> Vec<f64> {
    let (optimizer, gradient, mut times) = (optimizer(), vec![0.01; BATCH * DIM], Vec::new());
    while !until(times.len()) {
        *next += 1;
        let started = Instant::now();
        pull(table, &batches[*next % BATCHES], *next as u64, pulled);
        apply(table, &optimizer, pulled, &gradient);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times
}

fn p99(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

/// How long steps take beside the reading of a cut, of all rows or of a hundredth, and without it.
fn stall(table: &Arc<Table>, batches: &[Vec<u64>], rows: u64, rounds: usize, size: &str) {
    table.track_removed(true);
    let (mut pulled, mut next) = (Pulled::default(), 0);
    for (what, is_delta) in [("a complete cut", false), ("a delta of 1 %", true)] {
        let (mut alone, mut beside, mut took) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            // As many steps as touch a hundredth of the rows.
            let since = table.cut().number();
            let touching = (rows as usize / 100).div_ceil(BATCH);
            steps(table, batches, &mut pulled, &mut next, |done| done == touching);
            let (cut, ended) = (table.cut(), AtomicBool::new(false));
            std::thread::scope(|scope| {
                let reads = scope.spawn(|| {
                    let started = Instant::now();
                    let columns = cut.columns(is_delta.then_some(since));
                    let took = started.elapsed();
                    ended.store(true, Ordering::Relaxed);
                    assert_eq!((columns.since.is_some(), columns.ids.len() as u64 == rows), (is_delta, !is_delta));
                    took
                });
                beside.extend(steps(table, batches, &mut pulled, &mut next, |_| ended.load(Ordering::Relaxed)));
                took.push(reads.join().unwrap().as_secs_f64());
            });
            let count = beside.len().max(100);
            alone.extend(steps(table, batches, &mut pulled, &mut next, |done| done == count / rounds));
        }
        report(&format!("table: reading {what}, {size}, beside steps"), median(took), "s", None);
        report(&format!("table: p99 of a step, in turns with {what}, {size}"), p99(alone.clone()), "ms", None);
        let ratio = p99(beside) / p99(alone);
        report(&format!("table: p99 of a step beside the reading of {what} / without, {size}"), ratio, "x", Some("<= 1.5"));
    }
}

/// Ids that never came before, for as long as a turn lasts, under a budget that is used up.
fn endless(rounds: usize) {
    let budget = Budget { bytes: 1 << 28, evict: Evict::LeastRecent };
    let (optimizer, gradient) = (optimizer(), vec![0.01; BATCH * DIM]);
    let (table, mut pulled, mut next) = (Table::new(spec(Some(budget)), optimizer.slots(0)).unwrap(), Pulled::default(), 0u64);
    let mut step = || {
        let ids: Vec<u64> = (next..next + BATCH as u64).map(id).collect();
        next += BATCH as u64;
        pull(&table, &ids, next / BATCH as u64, &mut pulled);
        apply(&table, &optimizer, &mut pulled, &gradient);
    };
    (0..400).for_each(|_| step());
    let bytes = table.bytes();
    let turns: Vec<f64> = (0..rounds.max(3)).map(|_| given::turn(TURN, &mut step)).collect();
    report("table: new ids under a budget of 256 MB that is used up", BATCH as f64 / median(turns), "million ids/s", None);
    report("table: bytes after that / before", table.bytes() as f64 / bytes as f64, "x", Some("<= 1.01"));
}

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let rows: u64 = match std::env::var("TABLE_ROWS") {
        Ok(rows) => rows.parse().unwrap(),
        Err(_) if is_bench => 1_000_000,
        // Under `cargo test` it only has to run.
        Err(_) => 20_000,
    };
    let rounds = if is_bench { 15 } else { 1 };
    let size = if rows >= 1_000_000 { format!("{} M rows", rows / 1_000_000) } else { format!("{rows} rows") };

    let table = Arc::new(Table::new(spec(None), optimizer().slots(0)).unwrap());
    let mut pulled = Pulled::default();
    let (optimizer, gradient) = (optimizer(), vec![0.01; BATCH * DIM]);
    let filled = Instant::now();
    let mut longest = Duration::ZERO;
    for first in (0..rows).step_by(BATCH) {
        let ids: Vec<u64> = (first..rows.min(first + BATCH as u64)).map(id).collect();
        let started = Instant::now();
        pull(&table, &ids, 0, &mut pulled);
        apply(&table, &optimizer, &mut pulled, &gradient);
        longest = longest.max(started.elapsed());
    }
    report(&format!("table: making rows, {size}"), rows as f64 / 1e6 / filled.elapsed().as_secs_f64(), "million ids/s", None);
    report(&format!("table: the longest step of {BATCH} new ids, {size}"), longest.as_secs_f64() * 1e3, "ms", None);
    let beside = table.bytes() as f64 / rows as f64 - (2 * DIM * size_of::<f32>()) as f64;
    report(&format!("table: memory of a row beside its numbers, {size}"), beside, "bytes", Some("<= 32"));
    let mut bare: Bare = (0..rows).map(|row| (id(row), [0.1; 2 * DIM])).collect();

    for (law, power_law) in [("uniform", false), ("power law", true)] {
        let batches = batches(rows, power_law);
        let distinct: Vec<Vec<u64>> = batches
            .iter()
            .map(|ids| {
                table.read(ids, &mut pulled).unwrap();
                pulled.ids().to_vec()
            })
            .collect();
        let turns = against_bare(&table, &mut bare, &batches, &distinct, rounds);
        // The first turn touches what is cold.
        let of = |value: fn(&[f64; 4]) -> f64| median(turns[1..].iter().map(value).collect());
        let case = format!("{law} ids, {size}, one thread");
        report(&format!("table: lookup of {BATCH} ids, {case}"), of(|t| t[0]), "us", None);
        report(&format!("table: lookup and Adagrad update of {BATCH} ids, {case}"), of(|t| t[1]), "us", None);
        report(&format!("table / bare hashbrown walk, speed: lookup, {case}"), of(|t| t[2] / t[0]), "x", Some(">= 0.5"));
        report(&format!("table / bare hashbrown walk, speed: lookup and Adagrad update, {case}"), of(|t| t[3] / t[1]), "x", Some(">= 0.5"));
        let ratios = (0..rounds).map(|_| {
            let [one, two] = [1, 2].map(|threads| throughput(&table, &batches, threads, 3 * TURN));
            two / one
        });
        let ratio = median(ratios.collect());
        report(&format!("table: two threads / one, lookup and Adagrad update, {law} ids, {size}"), ratio, "x", Some(">= 1.7"));
    }
    drop(bare);
    stall(&table, &batches(rows, false), rows, if is_bench { 5 } else { 1 }, &size);
    drop(table);
    endless(rounds);
}
