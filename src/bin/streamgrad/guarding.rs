//! Updates that would do harm: what becomes of them, and the file of the rows that they were made of.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use streamgrad::codec::JsonLinesWriter;
use streamgrad::guard::Response;
use streamgrad::{Batch, Error, Guard, Trainer};

use crate::answer::{Failure, Outcome};

/// Refused batches in a row that are many.
const MANY: u64 = 10;

/// The key beside the fields of a refused record.
const KEY: &str = "quarantined";

/// What is done about many refused batches in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Many {
    /// End, with the last sound version kept
    Fail,
    /// Wait for `streamgrad resume STORE`
    Pause,
    /// Go back to the version saved last, and learn on
    Rollback,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(crate) struct GuardArguments {
    /// Refuse batches whose gradient is far from those before, as well as those that are not finite; and say what to do after ten in a row
    #[arg(long, value_enum, value_name = "THEN", num_args = 0..=1, require_equals = true, default_missing_value = "fail")]
    guard: Option<Many>,
    /// Write the rows of refused batches, each as a JSON object with its fields, its number and the reason
    #[arg(long, value_name = "OUT.jsonl")]
    quarantine: Option<PathBuf>,
}

impl GuardArguments {
    /// Refuses what cannot work, before anything is opened.
    pub(crate) fn check(&self, store: bool) -> Outcome<()> {
        if let (false, Some(Many::Pause | Many::Rollback)) = (store, self.guard) {
            return Err(Failure::usage(
                "a trainer without a store has no version to go back to, and nobody can resume it; give --store, or --guard alone",
            ));
        }
        let named = |path: &Path| path.extension().is_some_and(|ending| ["jsonl", "ndjson"].iter().any(|known| ending == *known));
        match &self.quarantine {
            Some(path) if !named(path) => {
                Err(Failure::usage(format!("{}: refused rows are written as JSON lines; give a name that ends in .jsonl", path.display())))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn guard(&self) -> Guard {
        match self.guard {
            None => Guard::finite(),
            Some(Many::Fail) => Guard::default().without_response(),
            Some(Many::Pause) => Guard::default().after(MANY, Response::Pause),
            Some(Many::Rollback) => Guard::default().after(MANY, Response::RollBack),
        }
    }

    /// The refused batches in a row that end the run.
    pub(crate) fn most(&self) -> Option<u64> {
        matches!(self.guard, None | Some(Many::Fail)).then_some(MANY)
    }

    /// The file of refused rows, if there is to be one, behind those of them that were written before.
    pub(crate) fn writer(&self, trainer: &Trainer, before: u64) -> Outcome<Option<QuarantineWriter>> {
        let Some(path) = &self.quarantine else { return Ok(None) };
        if trainer.schema().columns().iter().any(|column| column.fields.iter().any(|field| field == KEY)) {
            return Err(Failure::usage(format!(
                "the model has a field named {KEY}, which a file of refused rows needs; leave --quarantine out"
            )));
        }
        let file = if before == 0 { File::create(path) } else { cut(path, before) };
        let file = file.map_err(|error| Failure::io(path.display(), &error))?;
        Ok(Some(QuarantineWriter { path: path.clone(), file }))
    }
}

/// A file with no more than its first lines, to write behind them.
fn cut(path: &Path, lines: u64) -> io::Result<File> {
    let file = File::options().read(true).append(true).create(true).open(path)?;
    let (mut reader, mut line, mut end) = (BufReader::new(&file), Vec::new(), 0);
    for _ in 0..lines {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        end += read as u64;
    }
    file.set_len(end)?;
    Ok(file)
}

/// Writes refused rows as records that can be read again.
pub(crate) struct QuarantineWriter {
    path: PathBuf,
    file: File,
}

impl QuarantineWriter {
    pub(crate) fn write(&mut self, trainer: &Trainer, batch: &Batch, numbers: &[u64], why: &Error) -> Outcome<()> {
        let mut records = JsonLinesWriter::new(trainer.schema(), Vec::new());
        // Of what JSON cannot hold there is the number alone.
        let records = records.write(batch).map(|()| records.into_inner()).unwrap_or_default();
        let mut records = records.split(|byte| *byte == b'\n');
        let mut lines = Vec::new();
        for number in numbers {
            let told = json!({"row": number, "kind": format!("{:?}", why.kind()), "reason": why.to_string()});
            let fields = records.next().and_then(|record| record.strip_prefix(b"{")).filter(|fields| *fields != b"}");
            lines.extend_from_slice(format!("{{\"{KEY}\":{told}").as_bytes());
            lines.extend_from_slice(if fields.is_some() { b"," } else { b"" });
            lines.extend_from_slice(fields.unwrap_or(b"}"));
            lines.push(b'\n');
        }
        self.file.write_all(&lines).map_err(|error| Failure::io(self.path.display(), &error))
    }
}
