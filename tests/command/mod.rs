//! The program under test, in a folder with the flights and their model.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs, which nothing reaches from outside")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use streamgrad::Trainer;
use streamgrad::codec::Fields;

use crate::common::{peer, tensorflow};

/// A folder with the flights and their model.
pub struct Session {
    pub folder: tempfile::TempDir,
}

/// What stands for nothing in the flights.
pub const READING: [&str; 6] = ["--missing", "NA", "--default", "seats=150", "--default", "wind=11"];

impl Session {
    pub fn new() -> Self {
        let (folder, from) = (tempfile::tempdir().unwrap(), peer().join("command"));
        for name in ["january.csv", "february.csv"] {
            fs::copy(from.join(name), folder.path().join(name)).expect("the flights are missing; run `make peer`");
        }
        let bundle = folder.path().join("flights.bundle");
        fs::create_dir(&bundle).unwrap();
        for file in fs::read_dir(from.join("flights.bundle")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), bundle.join(file.file_name())).unwrap();
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_streamgrad"));
        command.args(arguments).current_dir(self.folder.path()).env("STREAMGRAD_TENSORFLOW", tensorflow());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of what must succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Standard error of what must end with this code.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    /// `train` of January with these options as well.
    pub fn train(&self, options: &[&str]) -> Vec<String> {
        ["train", "flights.bundle", "--data", "january.csv"].iter().chain(&READING).chain(options).map(|word| (*word).to_owned()).collect()
    }

    pub fn trained(&self, options: &[&str]) -> Value {
        let words = self.train(options);
        self.json(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn fields(trainer: &Trainer) -> Fields {
    Fields::of(trainer.schema()).default("seats", 150).default("wind", 11).labelled()
}

/// Row, prediction, label of each line.
pub fn predictions(path: &Path) -> Vec<(u64, f32, f32)> {
    let file = fs::read_to_string(path).unwrap();
    let mut lines = file.lines();
    assert_eq!(lines.next(), Some("row,prediction,label"));
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].parse().unwrap(), cells[1].parse().unwrap(), cells[2].parse().unwrap())
    };
    lines.map(line).collect()
}

/// The rows of a batch as Parquet and Arrow.
pub fn columns(session: &Session, batch: &streamgrad::Batch) {
    use arrow_array::{ArrayRef, Float32Array, RecordBatch};
    let view = streamgrad::BatchView::from(batch);
    let floats = |column: usize| match view.columns()[column] {
        streamgrad::ColumnData::Bytes(bytes) => bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect::<Vec<_>>(),
        _ => panic!("the flights are numbers"),
    };
    let numbers = floats(0);
    let number = |at: usize| -> ArrayRef { Arc::new(numbers.iter().skip(at).step_by(4).copied().collect::<Float32Array>()) };
    let late: ArrayRef = Arc::new(Float32Array::from(floats(1)));
    let arrays = [("hour", number(0)), ("distance", number(1)), ("seats", number(2)), ("wind", number(3)), ("late", late)];
    let record = RecordBatch::try_from_iter(arrays).unwrap();
    let create = |name: &str| File::create(session.path(name)).unwrap();
    let mut parquet = parquet::arrow::ArrowWriter::try_new(create("j.parquet"), record.schema(), None).unwrap();
    parquet.write(&record).unwrap();
    parquet.close().unwrap();
    let mut file = arrow_ipc::writer::FileWriter::try_new(create("j.arrow"), &record.schema()).unwrap();
    file.write(&record).unwrap();
    file.finish().unwrap();
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(create("j.arrows"), &record.schema()).unwrap();
    stream.write(&record).unwrap();
    stream.finish().unwrap();
}
