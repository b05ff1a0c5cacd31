//! `streamgrad to-savedmodel`: the version that is asked for, in a place that was free.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod command;
mod common;

use std::fs;

use command::Session;

/// What a model predicts for these rows.
fn predictions(session: &Session, model: &[&str], rows: &str) -> Vec<f32> {
    let out = session.ok(&[&["predict"], model, &["--data", rows]].concat());
    out.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn any_version_of_a_store_is_written_and_none_is_overwritten() {
    let session = Session::new();
    // A SavedModel knows the feature, not the fields that it is made of.
    let rows: String = (0..100).map(|row| format!("{},{},{},{}\n", row % 24, 100 + 30 * row, 50 + row, row % 9)).collect();
    let lists: String = rows.lines().map(|row| format!("{{\"numbers\": [{row}]}}\n")).collect();
    fs::write(session.path("rows.csv"), format!("hour,distance,seats,wind\n{rows}")).unwrap();
    fs::write(session.path("rows.jsonl"), lists).unwrap();
    let first = session.trained(&["--store", "model"])["version"].as_str().unwrap().to_owned();
    let second = session.trained(&["--store", "model"])["version"].as_str().unwrap().to_owned();
    let write = ["to-savedmodel", "flights.bundle", "--out", "served", "--store", "model"];
    let numbers = [&first, &second].map(|version| version.rsplit('-').next().unwrap().to_owned());

    let said = session.ok(&[&write[..], &["--version", &first]].concat());
    assert_eq!(said, format!("version {first} in served/{}\n", numbers[0]));
    assert_eq!(session.json(&write)["version"], second.as_str(), "the newest, if none is named");
    assert_eq!(session.json(&["to-savedmodel", "flights.bundle", "--out", "served"])["path"], "served/0");
    for (folder, model) in [
        ("0".to_owned(), vec!["flights.bundle"]),
        (numbers[0].clone(), vec!["flights.bundle", "--store", "model", "--version", &first]),
        (numbers[1].clone(), vec!["flights.bundle", "--store", "model"]),
    ] {
        let found = predictions(&session, &[&format!("served/{folder}")], "rows.jsonl");
        let wanted = predictions(&session, &model, "rows.csv");
        assert_eq!((found.len(), wanted.len()), (100, 100));
        let most = found.iter().zip(&wanted).map(|(found, wanted)| (found - wanted).abs()).fold(0.0, f32::max);
        assert!(most <= 1e-6, "{folder}: {most}");
    }

    let all = ["0", &numbers[0], &numbers[1]];
    let said = session.ok(&["inspect", "served"]);
    assert!(said.starts_with(&format!("folder of numbered models  served\nit has {}; the newest:\n", all.join(", "))), "{said}");
    assert!(said.contains(&format!("SavedModel  served/{}\n", numbers[1])) && said.contains("probability"), "{said}");
    let found = session.json(&["inspect", "served"]);
    assert_eq!(found["numbers"], serde_json::json!(all.map(|number| number.parse::<u64>().unwrap())));
    assert_eq!(found["newest"]["path"], format!("served/{}", numbers[1]));

    let said = session.fails(1, &[&write[..], &["--version", &numbers[0]]].concat());
    assert!(
        said.contains(&format!(
            "it is there already, and whoever serves it may be reading it; remove it, or name another folder: served/{}",
            numbers[0]
        )),
        "{said}"
    );
    let said = session.fails(1, &[&write[..], &["--version", "7"]].concat());
    assert!(said.contains("model keeps no version 7; it has "), "{said}");
    let said = session.fails(2, &["to-savedmodel", "flights.bundle", "--out", "served", "--version", "7"]);
    assert!(said.contains("--store <DIR>"), "{said}");
    let mut left: Vec<_> =
        fs::read_dir(session.path("served")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["0", &numbers[0], &numbers[1]], "nothing is left of what failed");
}
