//! The command `streamgrad` as a user has it: a process, its files, what it prints and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod command;
mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use command::{READING, Session, columns, fields, predictions, text};
use common::{builder, peer};
use serde_json::Value;
use streamgrad::FolderStore;
use streamgrad::codec::{Compression, Csv, Decode, ExampleWriter};

#[test]
fn learns_what_the_library_learns() {
    let session = Session::new();
    let run = session.trained(&["--store", "model", "--predictions", "out.csv", "--batch", "64"]);
    let trainer = builder(session.path("flights.bundle")).open().unwrap();
    let mut csv = Csv::of(fields(&trainer)).missing(["", "NA"]).open(File::open(session.path("january.csv")).unwrap()).unwrap();
    let mut batch = trainer.schema().batch();
    let mut wanted = Vec::new();
    while csv.fill(&mut batch, 64).unwrap() > 0 {
        let report = trainer.step(&batch).unwrap();
        wanted.extend(report.predictions().array::<f32>().unwrap().iter().copied());
        batch.clear();
    }
    let found = predictions(&session.path("out.csv"));
    assert_eq!(found.iter().map(|(_, prediction, _)| *prediction).collect::<Vec<_>>(), wanted);
    assert!(found.iter().enumerate().all(|(at, (row, ..))| *row == at as u64), "nothing was refused, so rows are numbered one by one");
    assert_eq!(run["rows"], wanted.len());
    assert_eq!(run["metrics"]["auc"][0].as_f64().unwrap(), trainer.metrics().unwrap().auc());
    // What it kept is what was learned.
    let store = FolderStore::open(session.path("model")).unwrap();
    let kept = builder(session.path("flights.bundle")).store(store).open().unwrap();
    let (kept, learned) = (kept.parameters().unwrap(), trainer.parameters().unwrap());
    for name in learned.names() {
        assert_eq!(kept.array::<f32>(name).unwrap(), learned.array::<f32>(name).unwrap(), "{name}");
    }
}

/// Waits for a line on standard error that has this in it.
fn wait_for(child: &mut Child, what: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains(what)), "it ended before it said {what}");
    // Whoever writes there must not be stopped by a pipe that nobody reads.
    std::thread::spawn(move || lines.for_each(drop));
}

#[test]
fn a_signal_saves_and_resume_goes_on_with_the_same_bits() {
    for shuffle in [&["--shuffle", "700", "--seed", "5"][..], &[]] {
        let session = Session::new();
        let all = fs::read(session.path("january.csv")).unwrap();
        let options = |out: &'static str, store: &'static str| {
            let fixed = ["train", "flights.bundle", "--data", "-", "--format", "csv", "--store", store, "--predictions", out];
            [&fixed[..], &READING, shuffle].concat()
        };
        let mut child = session.command(&options("out.csv", "model")).stdin(Stdio::piped()).spawn().unwrap();
        // Half of the data, which ends within a line, and then nothing for as long as it likes.
        let mut input = child.stdin.take().unwrap();
        input.write_all(&all[..all.len() / 2]).unwrap();
        wait_for(&mut child, "     2048 ");
        let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(143));
        assert!(text(&output.stdout).contains("stopped by signal 15; go on with --resume"), "{}", text(&output.stdout));
        drop(input);
        let first = predictions(&session.path("out.csv")).len();

        let whole = |words: &[&str]| {
            let file = File::open(session.path("january.csv")).unwrap();
            let output = session.command(words).stdin(file).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        };
        whole(&[options("out.csv", "model"), vec!["--resume"]].concat());
        whole(&options("never.csv", "never"));
        let (found, wanted) = (predictions(&session.path("out.csv")), predictions(&session.path("never.csv")));
        assert!(first >= 2048 && first < wanted.len(), "{first} of {} rows", wanted.len());
        assert_eq!(found, wanted);
    }
}

#[test]
fn shuffled_rows_keep_their_numbers_and_the_seed_decides() {
    let session = Session::new();
    session.trained(&["--predictions", "plain.csv"]);
    session.trained(&["--predictions", "one.csv", "--shuffle", "1000"]);
    session.trained(&["--predictions", "again.csv", "--shuffle", "1000"]);
    session.trained(&["--predictions", "two.csv", "--shuffle", "1000", "--seed", "1"]);
    let [plain, one, again, two] = ["plain", "one", "again", "two"].map(|name| predictions(&session.path(&format!("{name}.csv"))));
    assert_eq!(one, again);
    assert_ne!(one, two);
    let order = |rows: &[(u64, f32, f32)]| rows.iter().map(|(row, _, label)| (*row, *label as u8)).collect::<Vec<_>>();
    let mut sorted = order(&one);
    assert_ne!(sorted, order(&plain));
    sorted.sort_unstable();
    assert_eq!(sorted, order(&plain), "each row once, with the label of its record");
}

#[test]
fn every_format_gives_the_same_rows() {
    let session = Session::new();
    session.trained(&["--predictions", "csv.csv"]);
    let trainer = builder(session.path("flights.bundle")).open().unwrap();
    let january = || File::open(session.path("january.csv")).unwrap();
    let mut csv = Csv::of(fields(&trainer)).missing(["", "NA"]).open(january()).unwrap();
    let mut batch = trainer.schema().batch_with_capacity(100_000);
    csv.fill(&mut batch, 100_000).unwrap();
    let mut examples = ExampleWriter::new(trainer.schema(), File::create(session.path("j.tfrecord.gz")).unwrap(), Compression::Gzip);
    examples.write(&batch).unwrap();
    examples.finish().unwrap();
    let mut json = streamgrad::codec::JsonLinesWriter::new(trainer.schema(), File::create(session.path("j.jsonl")).unwrap());
    json.write(&batch).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(File::create(session.path("j.csv.gz")).unwrap(), flate2::Compression::fast());
    std::io::copy(&mut january(), &mut gzip).unwrap();
    gzip.finish().unwrap();
    columns(&session, &batch);
    for name in ["j.tfrecord.gz", "j.jsonl", "j.csv.gz", "j.parquet", "j.arrow", "j.arrows"] {
        session.json(&[&["train", "flights.bundle", "--data", name, "--predictions", "other.csv"][..], &READING].concat());
        assert_eq!(fs::read(session.path("other.csv")).unwrap(), fs::read(session.path("csv.csv")).unwrap(), "{name}");
    }
}

#[test]
fn evaluates_as_the_library_does() {
    let session = Session::new();
    session.trained(&["--store", "model"]);
    let arguments = ["evaluate", "flights.bundle", "--store", "model", "--data", "february.csv", "--report", "evaluation.json"];
    let found = session.json(&[&arguments[..], &READING].concat());
    let store = FolderStore::open(session.path("model")).unwrap();
    let trainer = builder(session.path("flights.bundle")).store(store).open().unwrap();
    let mut csv = Csv::of(fields(&trainer)).missing(["", "NA"]).open(File::open(session.path("february.csv")).unwrap()).unwrap();
    let mut evaluator = trainer.evaluator().unwrap();
    let mut batch = trainer.schema().batch();
    while csv.fill(&mut batch, 256).unwrap() > 0 {
        evaluator.add(&batch).unwrap();
        batch.clear();
    }
    let wanted = evaluator.finish().unwrap();
    assert_eq!(found["metrics"]["auc"].as_f64().unwrap(), wanted.metrics().auc());
    assert_eq!(found["metrics"]["loss"].as_f64().unwrap(), wanted.loss());
    let counts = found["confusion"]["labels_by_predictions"].as_array().unwrap();
    let sum: u64 = counts.iter().flat_map(|row| row.as_array().unwrap()).map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((sum, found["rows"].as_u64().unwrap()), (wanted.rows(), wanted.rows()));
    let times = &found["latency"]["microseconds"];
    let [p50, p99, max] = ["p50", "p99", "max"].map(|name| times[name].as_f64().unwrap());
    assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{times}");
    assert_eq!(
        serde_json::from_str::<Value>(&fs::read_to_string(session.path("evaluation.json")).unwrap()).unwrap()["rows"],
        found["rows"]
    );
}

#[test]
fn predicts_files_and_lines() {
    let session = Session::new();
    let january = ["predict", "flights.bundle", "--data", "january.csv"];
    let csv = session.ok(&[&january[..], &READING].concat());
    assert_eq!(csv.lines().count(), fs::read_to_string(session.path("january.csv")).unwrap().lines().count());
    let said = session.json(&[&january[..], &READING, &["--out", "out.csv"]].concat());
    assert_eq!(fs::read_to_string(session.path("out.csv")).unwrap(), csv);
    assert_eq!(said["rows"], csv.lines().count() - 1);

    // Some flights have no label yet.
    fs::write(session.path("few.csv"), "hour,distance,seats,wind,late\n5,1400,149,12.7,1\n6,200,50,3,\n").unwrap();
    let few = session.ok(&["predict", "flights.bundle", "--data", "few.csv", "--labels"]);
    let cells: Vec<&str> = few.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(cells, ["1", ""], "{few}");

    // A line is answered before the next is written.
    let mut child = session.command(&["predict", "flights.bundle"]).stdin(Stdio::piped()).spawn().unwrap();
    let (mut input, mut answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    let mut ask = |line: &str| {
        writeln!(input, "{line}").unwrap();
        answers.next().unwrap().unwrap()
    };
    let wanted = csv.lines().nth(1).unwrap().split(',').nth(1).unwrap().to_owned();
    // Its last bits hang on the number of rows beside it.
    let alone = ask("5,1400,149,12.7");
    assert!((alone.parse::<f32>().unwrap() - wanted.parse::<f32>().unwrap()).abs() < 1e-6, "{alone} {wanted}");
    assert_eq!(ask(r#"{"hour": 5, "distance": 1400, "seats": 149, "wind": 12.7}"#), alone);
    assert_eq!(ask("5,far,149,12.7"), r#"{"refused":"distance: \"far\" is not a float32"}"#);
    assert_eq!(ask("5,1400"), r#"{"refused":"it has 2 cells, not 4"}"#);
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn refused_records_have_numbers_places_and_a_bound() {
    let session = Session::new();
    let lines = ["hour,distance,seats,wind,late", "5,1400,149,12.7,0", "5,1400,many,12.7,0", "6,200,50,3,", "7,300,60,4,1", "7,300,60,4,2"];
    fs::write(session.path("few.csv"), lines.join("\n")).unwrap();
    let output = session.run(&["train", "flights.bundle", "--data", "few.csv", "--predictions", "out.csv", "--report", "run.json"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for refused in [
        "few.csv: line 3: seats: \"many\" is not a float32",
        "few.csv: line 4: late is missing",
        "few.csv: line 6: late must be from 0 to 1, it is 2",
    ] {
        assert!(said.contains(&format!("refused {refused}")), "{said}");
    }
    assert_eq!(predictions(&session.path("out.csv")).iter().map(|(row, ..)| *row).collect::<Vec<_>>(), [0, 3]);
    let said = session.fails(3, &["train", "flights.bundle", "--data", "few.csv", "--max-refused", "1"]);
    assert!(said.contains("more than 1 record was refused: few.csv: line 3"), "{said}");
    let said = session.fails(3, &["train", "flights.bundle", "--data", "january.csv", "--rename", "late=origin"]);
    assert!(said.contains("error: all 8800 records were refused: january.csv: line 2: late: "), "{said}");
    fs::write(session.path("one.csv"), "hour,distance,seats,wind,late\n5\n").unwrap();
    let said = session.fails(3, &["train", "flights.bundle", "--data", "one.csv"]);
    assert!(said.contains("error: the one record was refused: one.csv: line 2: it has 1 cell, not 5"), "{said}");
    let none = session.fails(3, &["evaluate", "flights.bundle", "--data", "january.csv", "--rename", "late=origin"]);
    assert!(none.contains("records were refused: january.csv: line 2: late: "), "{none}");

    let said = session.fails(1, &["inspect", "run.json"]);
    assert!(said.contains("run.json: that is the report of a run: streamgrad report run.json"), "{said}");
    session.ok(&["report", "run.json"]);
    let html = fs::read_to_string(session.path("run.html")).unwrap();
    assert!(html.contains("few.csv: line 3: seats: &quot;many&quot; is not a float32") && html.contains("<svg"));
    assert!(!html.contains("http") && !html.contains("<script") && !html.contains("NaN"), "nothing is fetched, nothing undefined is drawn");
}

#[test]
fn a_batch_that_is_not_finite_is_quarantined_and_its_rows_are_told() {
    let session = Session::new();
    let good: String = (0..40).map(|hour| format!("{},1000,150,9,{}\n", hour % 24, hour % 2)).collect();
    // Finite, but not its gradient's square.
    let bad = "3,3e38,150,9,1\n3,3e38,150,9,0\n";
    fs::write(session.path("poisoned.csv"), format!("hour,distance,seats,wind,late\n{good}{bad}{good}")).unwrap();
    let words = ["train", "flights.bundle", "--data", "poisoned.csv", "--batch", "2", "--store", "model", "--predictions", "out.csv"];
    let run = session.json(&words);
    assert_eq!((run["rows"].as_u64(), run["quarantined"].as_u64()), (Some(80), Some(2)), "{run}");
    assert!(run["events"].as_array().unwrap().iter().any(|event| event["text"].as_str().unwrap().starts_with("rows 40 to 41: ")), "{run}");
    let rows: Vec<u64> = predictions(&session.path("out.csv")).iter().map(|(row, ..)| *row).collect();
    assert_eq!(rows, (0..40).chain(42..82).collect::<Vec<_>>());
    // What was written beyond the position, by a run that was killed, goes when another goes on.
    let whole = fs::read_to_string(session.path("out.csv")).unwrap();
    fs::write(session.path("out.csv"), format!("{whole}82,0.5,1\n83,0.")).unwrap();
    session.json(&[&words[..], &["--resume"]].concat());
    assert_eq!(fs::read_to_string(session.path("out.csv")).unwrap(), whole);
    fs::write(session.path("only.csv"), format!("hour,distance,seats,wind,late\n{}", bad.repeat(30))).unwrap();
    let said = session.fails(1, &["train", "flights.bundle", "--data", "only.csv", "--batch", "2"]);
    assert!(said.contains("10 batches in a row were refused, and the last sound version was kept; "), "{said}");
}

#[test]
fn what_is_wrong_says_what_to_do() {
    let session = Session::new();
    let said = |code, words: &[&str], wanted: &str| {
        let found = session.fails(code, words);
        assert!(found.contains(wanted), "{words:?}: {found}");
    };
    said(2, &["trian", "flights.bundle"], "a similar subcommand exists: 'train'");
    said(2, &["train", "flights.bundle", "--data", "january.csv", "--lerning-rate", "1"], "a similar argument exists: '--learning-rate'");
    said(2, &["train", "flights.bundle", "--data", "-"], "give --format");
    said(
        2,
        &["train", "flights.bundle", "--data", "flights.bundle/graph.pb"],
        "graph.pb: its name does not tell its format; give --format",
    );
    said(2, &["train", "flights.bundle", "--data", "january.csv", "--resume"], "--store <DIR>");
    said(1, &["train", "flights.bundle", "--data", "nowhere.csv"], "nowhere.csv: No such file");
    said(
        1,
        &["train", "flights.bundle", "--data", "january.csv", "--rename", "wind=gust"],
        "january.csv: open csv: there is no column gust; rename the field",
    );
    said(
        1,
        &["train", "flights.bundle", "--data", "january.csv", "--rename", "gust=wind"],
        "the model has no field gust; it has hour, distance, seats, wind, late",
    );
    said(1, &["train", "nowhere.bundle", "--data", "january.csv"], "is nowhere.bundle a folder that streamgrad.export wrote?");
    said(1, &["inspect", "nowhere"], "nowhere: there is no such file or folder");
    said(1, &["report", "flights.bundle/bundle.json"], "give a file that `train --report` wrote");
    said(1, &["evaluate", "flights.bundle", "--store", "nowhere", "--data", "january.csv"], "is nowhere the folder of a store?");
    let error: Value = serde_json::from_str(&session.fails(2, &["--json", "trian"])).unwrap();
    assert_eq!((error["error"]["exit"].as_u64(), error["error"]["kind"].as_str()), (Some(2), Some("Usage")));
    let error: Value = serde_json::from_str(&session.fails(1, &["inspect", "nowhere", "--json"])).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("there is no such file"));
}

#[test]
fn a_store_in_use_names_who_uses_it() {
    let session = Session::new();
    let _held = FolderStore::open(session.path("model")).unwrap();
    let words = session.train(&["--store", "model"]);
    let said = session.fails(1, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains(&format!("is open for writing in process {}", std::process::id())), "{said}");
    let said = session.fails(1, &["snapshot", "prune", "model"]);
    assert!(said.contains(&format!("is open for writing in process {}", std::process::id())), "{said}");
}

#[test]
fn versions_are_listed_compared_restored_and_removed() {
    let session = Session::new();
    let first = session.trained(&["--store", "model"])["version"].as_str().unwrap().to_owned();
    let second = session.trained(&["--store", "model"])["version"].as_str().unwrap().to_owned();
    let listed = |session: &Session| -> Vec<String> {
        let list = session.json(&["snapshot", "list", "model"]);
        list["versions"].as_array().unwrap().iter().map(|saved| saved["version"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&session), [first.clone(), second.clone()]);
    let number = first.rsplit('-').next().unwrap();
    assert_eq!(session.json(&["snapshot", "show", "model", number])["version"], first.as_str());
    let moved = session.json(&["snapshot", "diff", "model", &first, &second]);
    let kernel = moved["differences"].as_array().unwrap().iter().find(|found| found["name"] == "dense/kernel").unwrap();
    assert!(kernel["difference"]["most"].as_f64().unwrap() > 0.0 && kernel["difference"]["of"] == 128);
    let back =
        session.json(&["snapshot", "restore", "model", number, "--bundle", "flights.bundle"])["version"].as_str().unwrap().to_owned();
    assert_ne!(back, first);
    assert_eq!(listed(&session), [first.clone(), second.clone(), back.clone()]);
    let same = session.json(&["snapshot", "diff", "model", &first, &back]);
    assert_eq!(same["differences"], serde_json::json!([]), "what was restored is what was kept");
    assert_eq!(session.json(&["snapshot", "list", "model"])["newest"], back.as_str());
    assert_eq!(session.json(&["snapshot", "prune", "model", "--keep", "2"])["removed"], serde_json::json!([first]));
    assert_eq!(listed(&session), [second, back]);
    let said = session.fails(1, &["snapshot", "show", "model", "7"]);
    assert!(said.contains("model keeps no version 7; it has "), "{said}");
}

#[test]
fn inspects_whatever_there_is() {
    let session = Session::new();
    session.trained(&["--store", "model"]);
    let peer = |name: &str| peer().join(name).display().to_string();
    let bundle = session.json(&["inspect", "flights.bundle"]);
    assert_eq!((bundle["kind"].as_str(), bundle["parameters"].as_u64()), (Some("bundle"), Some(193)));
    assert_eq!(bundle["features"][0]["fields"], serde_json::json!(["hour", "distance", "seats", "wind"]));
    assert_eq!(session.json(&["inspect", "model"])["newest"]["steps"], 275);
    assert_eq!(session.json(&["inspect", "flights.bundle/initial.safetensors"])["kind"], "safetensors");
    assert_eq!(session.json(&["inspect", &peer("ancestor/lr.json")])["kind"], "bundle");
    assert_eq!(session.json(&["inspect", "model", "model"])["differences"], serde_json::json!([]));
    let (one, other) = (peer("mlp-adagrad.bundle"), peer("mlp-adam.bundle"));
    let found = session.json(&["inspect", &one, &other])["differences"].as_array().unwrap().clone();
    assert!(
        found.iter().any(|found| found["name"] == "optimizer.rule" && found["difference"] == serde_json::json!(["adagrad", "adam"])),
        "{found:?}"
    );
    let said = session.fails(2, &["inspect", "model", "flights.bundle"]);
    assert!(said.contains("a snapshot and a bundle cannot be compared; give two bundles"), "{said}");
}

#[test]
fn the_doctor_finds_and_misses_tensorflow() {
    let session = Session::new();
    let found = session.json(&["doctor", "flights.bundle"]);
    assert!(found["TensorFlow"]["version"].as_str().unwrap().starts_with("2."), "{found}");
    let speeds = found["speed"]["batches"].as_array().unwrap();
    assert!(speeds.len() == 3 && speeds.iter().all(|speed| speed["steps_per_second"].as_f64().unwrap() > 0.0), "{found}");
    assert!(found["disk"]["sync_seconds"].as_f64().unwrap() > 0.0 && found["glibc"].as_str().unwrap().starts_with("2."));
    let missing = session.command(&["doctor"]).env("STREAMGRAD_TENSORFLOW", "/nowhere").output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stdout).contains("no TensorFlow library at /nowhere"), "{}", text(&missing.stdout));
}

#[test]
fn converts_what_the_ancestor_left() {
    let session = Session::new();
    let file = |name: &str| peer().join("ancestor").join(name).display().to_string();
    session.ok(&["convert", &file("mlp.json"), "--out", "mlp.bundle", "--values", &file("records.bin"), "--store", "kept"]);
    let saved = streamgrad::bundle::read_named(file("records.bin")).unwrap();
    let store = FolderStore::open(session.path("kept")).unwrap();
    let trainer = builder(session.path("mlp.bundle")).store(store).open().unwrap();
    let parameters = trainer.parameters().unwrap();
    for (name, values) in &saved {
        assert_eq!(parameters.array::<f32>(name).unwrap().iter().copied().collect::<Vec<_>>(), *values, "{name}");
    }
    assert!(!saved.is_empty());
    let again = session.fails(1, &["convert", &file("mlp.json"), "--out", "mlp.bundle"]);
    assert!(again.contains("mlp.bundle exists; give another path"), "{again}");
}

#[test]
fn completions_know_every_verb() {
    let session = Session::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = session.ok(&["completions", shell]);
        let verbs = ["train", "predict", "evaluate", "inspect", "snapshot", "doctor", "convert", "report"];
        assert!(verbs.iter().all(|verb| script.contains(verb)), "{shell}");
    }
}
