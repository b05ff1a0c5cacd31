//! The fuzzers' targets on what they begin with, and on what once broke them: `fuzz/seeds`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(unreachable_pub, missing_docs, dead_code, reason = "the library of the fuzzers, which uses a part of what tests share")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod targets;

fn seeds_of(name: &str, target: fn(&[u8]) -> usize) {
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
