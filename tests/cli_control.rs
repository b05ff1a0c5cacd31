//! A trainer of the command `streamgrad`, told by the command in another process what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod command;
mod common;

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use command::{READING, Session, text};
use serde_json::Value;

/// Asks until the status is so.
fn until(session: &Session, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let output = session.run(&["status", "model", "--json"]);
        match serde_json::from_slice::<Value>(&output.stdout) {
            Ok(reply) if output.status.success() && so(&reply["status"]) => return reply,
            _ if started.elapsed() > Duration::from_secs(60) => panic!("{what}: {}{}", text(&output.stdout), text(&output.stderr)),
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[test]
fn a_run_is_paused_steered_rolled_back_and_stopped() {
    let session = Session::new();
    let fixed = ["train", "flights.bundle", "--data", "-", "--format", "csv", "--store", "model", "--keep", "9"];
    let mut child = session.command(&[&fixed[..], &READING].concat()).stdin(Stdio::piped()).spawn().unwrap();
    let (all, mut input) = (fs::read_to_string(session.path("january.csv")).unwrap(), child.stdin.take().unwrap());
    let feed = thread::spawn(move || {
        let (header, rows) = all.split_once('\n').unwrap();
        let _ = input.write_all(format!("{header}\n").as_bytes());
        // For ever, until nobody reads any more.
        while rows.lines().all(|line| input.write_all(format!("{line}\n").as_bytes()).is_ok()) {}
    });
    until(&session, "it learns", |status| status["rows"].as_u64().unwrap() > 1000);
    assert_eq!(session.json(&["pause", "model"])["status"]["mode"], "paused");
    let rows = until(&session, "it is paused", |status| status["mode"] == "paused")["status"]["rows"].clone();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(session.json(&["status", "model"])["status"]["rows"], rows, "nothing is learned");
    let saved = session.json(&["save", "model"])["version"].as_str().unwrap().to_owned();
    assert_eq!(session.json(&["set", "learning-rate", "model", "0.25"])["status"]["learning_rate"], 0.25);
    assert_eq!(session.json(&["resume", "model"])["status"]["mode"], "running");
    until(&session, "it goes on", |status| status["rows"].as_u64() > rows.as_u64());
    let made = session.json(&["rollback", "model", &saved])["version"].as_str().unwrap().to_owned();
    assert_ne!(made, saved);
    let said = session.ok(&["stop", "model"]);
    assert!(said.starts_with("trainer        stopped in process"), "{said}");
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("stopped by a command; go on with --resume"), "{}", text(&output.stdout));
    let list = session.json(&["snapshot", "list", "model"]);
    assert!(list["versions"].as_array().unwrap().iter().any(|version| version["parent"] == saved.as_str()), "{list}");
    let said = session.fails(1, &["pause", "model"]);
    assert!(said.contains("no trainer takes commands in this folder") && !said.contains("inspect"), "{said}");
    let said = session.fails(1, &["status", "model"]);
    assert!(said.contains("no trainer takes commands in this folder"), "{said}");
    assert!(said.ends_with(": model; streamgrad inspect model shows what is saved\n"), "{said}");
}

#[test]
fn a_run_whose_stream_is_silent_can_be_stopped() {
    let session = Session::new();
    let fixed = ["train", "flights.bundle", "--data", "-", "--format", "csv", "--store", "model"];
    let mut child = session.command(&[&fixed[..], &READING].concat()).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&fs::read(session.path("january.csv")).unwrap()).unwrap();
    until(&session, "it learns", |status| status["rows"] == 8800);
    session.ok(&["stop", "model"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("stopped by a command; go on with --resume"), "{}", text(&output.stdout));
    drop(input);
}
