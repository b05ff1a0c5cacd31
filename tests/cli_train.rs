//! `streamgrad train` on streams with poison in them, and watched by TensorBoard.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod command;
mod common;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use command::{READING, Session, text};
use common::observed::Events;
use serde_json::Value;

const ROWS: usize = 32;

/// January with all numbers of these batches as much too large as a wrong unit makes them; `poisoned.csv`.
fn poisoned(session: &Session, batches: std::ops::Range<usize>) {
    let all = fs::read_to_string(session.path("january.csv")).unwrap();
    let (header, rows) = all.split_once('\n').unwrap();
    let of = |name: &str| header.split(',').position(|column| column == name).unwrap();
    let scaled = ["hour", "distance", "seats", "wind"].map(of);
    let rows = rows.lines().enumerate().map(|(number, row)| {
        let cell = |(at, cell): (usize, &str)| match cell.parse::<f64>() {
            Ok(value) if scaled.contains(&at) && batches.contains(&(number / ROWS)) => (value * 1e5).to_string(),
            _ => cell.to_owned(),
        };
        row.split(',').enumerate().map(cell).collect::<Vec<_>>().join(",") + "\n"
    });
    fs::write(session.path("poisoned.csv"), format!("{header}\n{}", rows.collect::<String>())).unwrap();
}

fn events<'r>(run: &'r Value, kind: &str) -> Vec<&'r str> {
    let events = run["events"].as_array().unwrap().iter().filter(|event| event["kind"] == kind);
    events.map(|event| event["text"].as_str().unwrap()).collect()
}

fn train<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["train", "flights.bundle", "--data", "poisoned.csv"][..], &READING, options].concat()
}

#[test]
fn a_guard_keeps_poison_out_and_hands_its_rows_over() {
    let session = Session::new();
    poisoned(&session, 100..102);
    let run = session.json(&train(&["--guard", "--quarantine", "bad.jsonl", "--report", "run.json"]));
    assert_eq!((run["quarantined"].as_u64(), run["refused"].as_u64()), (Some(64), Some(0)), "{run}");
    assert!(events(&run, "quarantined")[0].starts_with("rows 3200 to 3231: learn: the gradient's norm is "), "{run}");
    let bad = fs::read_to_string(session.path("bad.jsonl")).unwrap();
    let bad: Vec<Value> = bad.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<u64> = bad.iter().map(|record| record["quarantined"]["row"].as_u64().unwrap()).collect();
    assert_eq!(rows, (3200..3264).collect::<Vec<_>>());
    assert!(bad.iter().all(|record| record["hour"].as_f64().unwrap() >= 1e5 && record["quarantined"]["kind"] == "Outlier"));
    assert!(bad[0]["quarantined"]["reason"].as_str().unwrap().contains("the gradient's norm is"));
    // It is data, too.
    let again = session.json(&["evaluate", "flights.bundle", "--data", "bad.jsonl"]);
    assert_eq!((again["rows"].as_u64(), again["refused"].as_u64()), (Some(64), Some(0)), "{again}");

    session.ok(&["report", "run.json"]);
    let html = fs::read_to_string(session.path("run.html")).unwrap();
    assert!(html.contains("<th>quarantined</th><td>64 rows</td>"), "the sum");
    assert!(html.contains("<title>quarantined: rows 3200 to 3231: learn: "), "a mark on the curves");
    assert!(html.contains("<td>quarantined</td><td>rows 3232 to 3263: learn: "), "a line in the table");

    // Without a guard it is learned: nothing of it is infinite.
    assert_eq!(session.json(&train(&[]))["quarantined"], 0);
}

#[test]
fn many_refused_batches_end_the_run_or_take_it_back_or_let_it_wait() {
    let session = Session::new();
    poisoned(&session, 100..112);
    let first = session.trained(&["--store", "model"])["version"].as_str().unwrap().to_owned();
    let said = session.fails(1, &train(&["--guard"]));
    assert!(
        said.contains("error: 10 batches in a row were refused, and the last sound version was kept; learn: the gradient's norm"),
        "{said}"
    );

    let back = train(&["--store", "model", "--guard=rollback", "--quarantine", "bad.jsonl"]);
    let run = session.json(&back);
    assert_eq!(run["quarantined"].as_u64(), Some(12 * ROWS as u64), "{run}");
    assert!(events(&run, "warned")[0].contains(&format!("the trainer went back to version {first}, which is ")), "{run}");
    assert_eq!(events(&run, "went back").len(), 1, "{run}");
    let (lineage, number) = run["version"].as_str().unwrap().split_once('-').unwrap();
    // Those before the poison are gone with it.
    assert!(!first.starts_with(lineage) && number == (275 + 275 - 112).to_string(), "{first} {run}");
    // What was written is not written twice.
    session.json(&[&back[..], &["--resume"]].concat());
    assert_eq!(fs::read_to_string(session.path("bad.jsonl")).unwrap().lines().count(), 12 * ROWS);

    let child = session.command(&train(&["--store", "paused", "--guard=pause"])).spawn().unwrap();
    let started = Instant::now();
    let paused = loop {
        let output = session.run(&["status", "paused", "--json"]);
        match serde_json::from_slice::<Value>(&output.stdout) {
            Ok(reply) if reply["status"]["mode"] == "paused" => break reply,
            _ if started.elapsed() > Duration::from_secs(60) => panic!("{}{}", text(&output.stdout), text(&output.stderr)),
            _ => thread::sleep(Duration::from_millis(50)),
        }
    };
    assert!(paused["status"]["reason"].as_str().unwrap().contains("too many updates in a row were refused"), "{paused}");
    session.ok(&["resume", "paused"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("quarantined 384 rows"), "{}", text(&output.stdout));

    for (words, wanted) in [
        (&["--guard=pause"][..], "give --store, or --guard alone"),
        (&["--default", "seats=many"], "--default seats=many: \"many\" is not a float32"),
        (&["--guard=panic"], "possible values: fail, pause, rollback"),
        (&["--quarantine", "bad.csv"], "bad.csv: refused rows are written as JSON lines; give a name that ends in .jsonl"),
    ] {
        let said = session.fails(2, &train(words));
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn tensorboard_is_written_beside_or_learning_goes_on_without() {
    let session = Session::new();
    let january = |options: &[&str]| session.train(options);
    let words = january(&["--tensorboard", "board", "--tensorboard-every", "10"]);
    let said = session.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.ends_with("\ntensorboard --logdir board\n"), "{said}");
    assert_eq!(Events::read(&session.path("board")).steps("loss/batch"), (0..28).map(|sample| 10 * sample + 1).collect::<Vec<_>>());

    fs::write(session.path("taken"), "a file, no folder").unwrap();
    let words = january(&["--tensorboard", "taken", "--report", "run.json"]);
    let output = session.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("warning: TensorBoard's events cannot be written; learning goes on, and is tried again: "), "{said}");
    assert!(said.contains("taken"), "{said}");
    assert!(text(&output.stdout).contains("learned 8,800 rows") && !text(&output.stdout).contains("--logdir"), "{}", text(&output.stdout));
    let run: Value = serde_json::from_slice(&fs::read(session.path("run.json")).unwrap()).unwrap();
    assert_eq!((events(&run, "warned").len(), run["tensorboard"].is_null()), (1, true), "{run}");
}
