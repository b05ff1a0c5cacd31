//! The session of `docs/command.md` is what happens; `STREAMGRAD_WRITE_DOCS=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod command;
mod common;

use std::fs;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};

use command::{Session, text};
use common::tensorflow;
use streamgrad::control::{Command as Steer, send};

/// A word of a transcript, without what differs from run to run.
fn same(found: &str, wanted: &str) -> bool {
    let number = |word: &str| word.trim_matches(['(', ')', ',', '%']).replace(',', "").parse::<f64>().ok();
    match (number(found), number(wanted)) {
        // Another processor may round otherwise.
        (Some(found), Some(wanted)) => (found - wanted).abs() <= 0.01_f64.max(0.02 * wanted.abs()),
        _ => found == wanted,
    }
}

/// A line of a transcript as words, those that say when and how fast replaced.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let hex = |word: &str| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    for at in 0..words.len() {
        let word = words[at].trim_matches(['(', ')', ',', ';']).to_owned();
        let lineage = word.split('-').next().unwrap_or_default();
        let unit = words.get(at + 1).map(|word| word.trim_matches(['(', ')', ',', ';']).to_owned()).unwrap_or_default();
        let date = word.len() == 10 && word.bytes().filter(|byte| *byte == b'-').count() == 2;
        let clock = word.len() == 8 && word.bytes().filter(|byte| *byte == b':').count() == 2;
        if hex(lineage) {
            words[at] = words[at].replace(lineage, "#");
        } else if at > 0 && words[at - 1] == "process" && word.parse::<u32>().is_ok() {
            words[at] = words[at].replace(&word, "#");
        } else if date || clock || ["µs", "ms", "s", "rows/s", "KiB", "B"].contains(&unit.as_str()) {
            words[at] = "#".into();
        } else if ["µs", "ms", "s"].contains(&word.as_str()) {
            words[at] = "time".into();
        }
    }
    // The last column of a line of progress is a speed.
    if words.len() == 5 && words.iter().all(|word| word.parse::<f64>().is_ok() || word == "-") {
        words[4] = "#".into();
    }
    words
}

#[test]
fn the_session_of_the_docs_is_what_happens() {
    let session = Session::new();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command.md");
    let old = fs::read_to_string(&page).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_streamgrad")).parent().unwrap().display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let (mut new, mut inside) = (String::new(), false);
    for line in old.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) if !line.starts_with("$ ") => continue,
            _ => {}
        }
        new += &format!("{line}\n");
        if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            let mut shell = Command::new("bash");
            shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(session.folder.path());
            // A file, since a pipe would be waited for that a process in the background holds.
            let (mut said, shown) = (tempfile::tempfile().unwrap(), shell.env("PATH", &path).env("STREAMGRAD_TENSORFLOW", tensorflow()));
            assert!(shown.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).status().unwrap().code().is_some(), "{command}");
            let mut output = Vec::new();
            said.rewind().unwrap();
            said.read_to_end(&mut output).unwrap();
            new += &text(&output);
        }
    }
    // Of a session that went otherwise nothing stays behind.
    let _ = send(session.path("live"), &Steer::Stop);
    if std::env::var_os("STREAMGRAD_WRITE_DOCS").is_some() {
        fs::write(&page, &new).unwrap();
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    for (number, (old, new)) in old.iter().zip(&new).enumerate() {
        let (wanted, found) = (words(old), words(new));
        let agree = wanted.len() == found.len() && wanted.iter().zip(&found).all(|(wanted, found)| same(found, wanted));
        assert!(
            agree,
            "docs/command.md:{}: it says\n{old}\nbut the command prints\n{new}\n(STREAMGRAD_WRITE_DOCS=1 writes it anew)",
            number + 1
        );
    }
    assert_eq!(old.len(), new.len(), "STREAMGRAD_WRITE_DOCS=1 writes docs/command.md anew");
}
