//! The status codes are the same in Rust, C, Java, Python and the contract's page.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Codes = BTreeMap<String, i32>;

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Lines of the form `NAME = code`, with whatever stands before the name and after the code.
fn assignments<'a>(lines: impl Iterator<Item = &'a str>) -> Codes {
    let mut codes = Codes::new();
    for line in lines {
        let Some((name, code)) = line.trim_end_matches([',', ';']).split_once(" = ") else { continue };
        let (name, Ok(code)) = (name.rsplit(' ').next().unwrap(), code.parse()) else { continue };
        assert!(codes.insert(name.to_owned(), code).is_none(), "{name} twice");
    }
    codes
}

/// The lines between the one that holds `first` and the next that begins with a brace.
fn block<'a>(text: &'a str, first: &str) -> impl Iterator<Item = &'a str> {
    text.lines().skip_while(move |line| !line.contains(first)).skip(1).take_while(|line| !line.starts_with('}'))
}

fn rust() -> Codes {
    let codes = assignments(block(&read("src/bind/status.rs"), "pub enum Status"));
    assert!(codes.len() >= 16, "{codes:?}");
    codes
}

#[test]
fn c_agrees() {
    let header = read("include/streamgrad.h");
    let codes = assignments(block(&header, "enum sg_status"));
    assert_eq!(codes.into_iter().map(|(name, code)| (name.replacen("SG_", "", 1), code)).collect::<Codes>(), rust());
}

#[test]
fn java_agrees() {
    let java = read("java/streamgrad/src/main/java/dev/streamgrad/Status.java");
    assert_eq!(assignments(java.lines().filter(|line| line.contains("static final int"))), rust());
}

#[test]
fn the_contract_s_page_agrees() {
    let page = read("docs/c-abi.md");
    let mut codes = Codes::new();
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let pieces: Vec<&str> = row.split('`').collect();
        for piece in pieces.windows(2) {
            let code = piece[1].trim_start().split([',', ' ']).next().and_then(|code| code.parse().ok());
            if let (Some(name), Some(code)) = (piece[0].strip_prefix("SG_"), code) {
                codes.insert(name.to_owned(), code);
            }
        }
    }
    assert_eq!(codes, rust());
}

/// Python exports bundles and calls no native code: it has none of the codes, and this fails when that changes.
#[test]
fn python_has_none() {
    let mut files = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python/src")];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "py") {
            let text = read(&path);
            let codes = assignments(text.lines());
            for name in rust().keys() {
                assert!(!codes.contains_key(name), "{} has the status {name}: compare it here", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn every_code_is_in_one_of_the_ranges() {
    for (name, code) in rust() {
        assert!(matches!(code, 0 | 100..=599 | 900..=999), "{name} = {code}");
    }
    let codes: Vec<i32> = rust().into_values().collect();
    assert_eq!(codes.len(), codes.iter().collect::<std::collections::BTreeSet<_>>().len(), "a code twice");
}
