//! Processes that end without warning, and processes that are told to end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Recording, builder};
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{FolderStore, Trainer, VersionId};

/// Set in the process that is to learn in this folder until it is ended.
const FOLDER: &str = "STREAMGRAD_TEST_FOLDER";
const MODE: &str = "STREAMGRAD_TEST_MODE";

const MODEL: (&str, &str) = ("cnn", "adam");

fn learn(recording: &Recording, trainer: &Trainer) {
    let mut batch = trainer.schema().batch();
    recording.fill(&mut batch, (trainer.version().unwrap() % 10) as usize);
    trainer.step(&batch).unwrap();
}

/// The body of the other processes; a test like any other, so that one program is enough.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let recording = Recording::open(MODEL.0, MODEL.1);
    let store = FolderStore::builder(folder).wait_for_writer(Duration::from_secs(30)).every(Duration::ZERO).on_close(false);
    let on_signal = std::env::var(MODE).is_ok_and(|mode| mode == "signal");
    let store = if on_signal { store } else { store.every_steps(3) };
    let trainer = builder(&recording.bundle).store(store.open().unwrap()).open().unwrap();
    if on_signal {
        trainer.save_on_signal().unwrap();
    }
    let say = |what: &str, version: VersionId| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{what} {version}").and_then(|()| out.flush()).unwrap();
    };
    say("opened", trainer.pin().unwrap().id());
    loop {
        learn(&recording, &trainer);
        let version = trainer.pin().unwrap().id();
        if on_signal {
            say("learned", version);
        } else if version.number.is_multiple_of(5) {
            say("saved", trainer.save().unwrap());
        }
    }
}

fn spawn(folder: &Path, mode: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(FOLDER, folder).env(MODE, mode);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What the process says, line by line, until its end.
fn said(child: &mut Child) -> impl Iterator<Item = (String, VersionId)> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| {
        let (what, version) = line.split_once(' ')?;
        Some((what.to_owned(), version.parse().ok()?))
    })
}

fn values(trainer: &Trainer) -> Vec<u8> {
    let parameters = trainer.parameters().unwrap();
    parameters.names().flat_map(|name| parameters.bytes(name).unwrap().to_vec()).collect()
}

/// Kills a learning process again and again; nothing that it reported is lost, and in the end all is as if it had never died.
fn kill(rounds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let mut reported: Option<VersionId> = None;
    for round in 0..rounds {
        let mut child = spawn(&path, "kill");
        let mut lines = said(&mut child);
        let (what, opened) = lines.next().expect("the process did not open the store");
        assert_eq!(what, "opened");
        if let Some(reported) = reported {
            assert!(opened.lineage == reported.lineage && opened.number >= reported.number, "{opened} after {reported}");
        }
        // Now and then before anything is saved, else at some moment of the next snapshots.
        if round % 7 != 3 {
            let (_, version) = lines.next().unwrap();
            reported = Some(version);
            std::thread::sleep(Duration::from_micros(round * 37_777 % 150_000));
        }
        child.kill().unwrap();
        if let Some((_, version)) = lines.last() {
            reported = Some(version);
        }
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
    let snapshot = SnapshotFolder::open(&path).unwrap().newest().unwrap().unwrap();
    let reported = reported.unwrap();
    assert!(snapshot.version().lineage == reported.lineage && snapshot.version().number >= reported.number);
    let recording = Recording::open(MODEL.0, MODEL.1);
    let whole = builder(&recording.bundle).open().unwrap();
    for _ in 0..snapshot.version().number {
        learn(&recording, &whole);
    }
    let learned: Vec<u8> = snapshot.values().flat_map(|(.., bytes)| bytes.to_vec()).collect();
    assert!(learned == values(&whole), "after {rounds} deaths, step {} has other bits", snapshot.version().number);
    println!("{rounds} deaths, {} steps", snapshot.version().number);
}

#[test]
fn nothing_that_was_saved_is_lost_to_kill_9() {
    kill(5);
}

#[test]
#[ignore = "minutes; make test-long runs it"]
fn nothing_that_was_saved_is_lost_to_a_hundred_kill_9() {
    kill(100);
}

#[test]
fn a_process_that_is_told_to_end_saves_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for signal in [15, 2] {
        let before =
            SnapshotFolder::open(&path).ok().and_then(|folder| folder.newest_version().unwrap()).map_or(0, |version| version.number);
        let mut child = spawn(&path, "signal");
        let mut lines = said(&mut child);
        assert_eq!(lines.next().unwrap().1.number, before);
        lines.by_ref().take(3).for_each(drop);
        let told = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(told.success());
        lines.for_each(drop);
        assert_eq!(child.wait().unwrap().signal(), Some(signal), "the status that a shell calls 128 + {signal}");
        let saved = SnapshotFolder::open(&path).unwrap().newest().unwrap().unwrap().version();
        assert!(saved.number >= before + 3, "{saved} after {before}");
    }
}

#[test]
fn a_dead_writer_s_lock_is_free_and_a_living_one_s_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let mut child = spawn(&path, "kill");
    let mut lines = said(&mut child);
    lines.next().unwrap();
    let error = FolderStore::open(&path).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", child.id())), "{error}");
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || FolderStore::builder(&path).wait_for_writer(Duration::from_secs(30)).open().map(drop)
    });
    std::thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    child.kill().unwrap();
    lines.for_each(drop);
    child.wait().unwrap();
    waiting.join().unwrap().unwrap();
}
