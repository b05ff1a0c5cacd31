//! The fuzzers' targets on what they begin with and on what once broke them, `fuzz/seeds`, as it is, cut off and changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(unreachable_pub, missing_docs, dead_code, reason = "the library of the fuzzers, which uses a part of what tests share")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// As many inputs are made of each seed by a generator: what needs no nightly Rust. More with `FUZZ_ROUNDS`.
const ROUNDS: u64 = 50;

/// One to four changes of the bytes: a bit, a byte, a run taken out, doubled or moved, a number that is often an edge.
fn mutated(seed: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random(4) {
        let (at, length) = (random(bytes.len() + 1), 1 + random(16));
        let (end, mut run) = ((at + length).min(bytes.len()), Vec::new());
        match (random(6), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << random(8),
            (1, Some(byte)) => *byte = random(256) as u8,
            (2, Some(_)) => drop(bytes.drain(at..end)),
            (3, Some(_)) => run.extend_from_slice(&bytes[at..end]),
            (4, Some(_)) => run.extend(bytes.drain(at..end)),
            (_, _) => {
                let edge = [0, 1, 0x7f, 0x80, 0xff, 0xffff, i32::MAX as u64, u32::MAX.into(), i64::MAX as u64, u64::MAX][random(10)];
                let size = [1, 2, 4, 8][random(4)].min(bytes.len() - at);
                bytes[at..at + size].copy_from_slice(&edge.to_le_bytes()[..size]);
            }
        }
        let to = random(bytes.len() + 1);
        bytes.splice(to..to, run);
    }
    bytes
}

fn seeds_of(name: &str, target: fn(&[u8]) -> usize) {
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let rounds = std::env::var("FUZZ_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut with_rows = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let (path, bytes) = file.map(|file| (file.path(), fs::read(file.path()).unwrap())).unwrap();
        let (rows, seed) = (target(&bytes), path.file_name().unwrap().to_str().unwrap());
        assert_eq!(rows > 0, seed.starts_with("some"), "{}: {rows} rows", path.display());
        with_rows += usize::from(rows > 0);
        // Cut off anywhere, it is not to panic, nor to differ from itself in pieces.
        for end in 0..bytes.len().min(300) {
            target(&bytes[..end]);
        }
        for round in 0..rounds {
            let changed = mutated(&bytes, &mut random);
            if let Err(panic) = std::panic::catch_unwind(|| target(&changed)) {
                let broken = std::env::temp_dir().join(format!("{name}-{round}"));
                fs::write(&broken, &changed).unwrap();
                eprintln!("{} breaks it", broken.display());
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(with_rows > 0, "{}: no seed with rows", folder.display());
}

#[test]
fn text() {
    seeds_of("csv", targets::csv);
    seeds_of("json_lines", targets::json_lines);
}

#[test]
fn records_of_tensorflow() {
    seeds_of("example", targets::example);
    seeds_of("records", targets::records);
}

#[cfg(feature = "parquet")]
#[test]
fn arrow_and_parquet() {
    seeds_of("arrow_stream", targets::arrow_stream);
    seeds_of("arrow_file", targets::arrow_file);
    seeds_of("parquet", targets::parquet);
}

#[test]
fn every_target_has_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| {
        let mut names: Vec<_> =
            fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path().file_stem().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("fuzz_targets"), names("seeds"));
}
