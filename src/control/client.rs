//! The side of whoever commands.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use super::command::{Answer, Command, Reply};
use super::place;
use crate::error::{Error, ErrorKind, Result};
use crate::params::last_writer;
use crate::snapshot::SnapshotFolder;

const OPERATION: &str = "control trainer";

/// Tells the trainer that learns in this folder, in whatever process of this machine, and waits until it has done so.
///
/// # Errors
/// `InvalidSnapshot` if it is not the folder of a store; `Closed`, naming who has or had the folder, if no trainer listens there; else what
/// the trainer says, as if it had been called here.
pub fn send(folder: impl AsRef<Path>, command: &Command) -> Result<Reply> {
    let folder = folder.as_ref();
    SnapshotFolder::open(folder)?;
    let closed = |what: &str| {
        let writer = last_writer(folder).unwrap_or_else(|| "no process has opened it yet".to_owned());
        Error::new(ErrorKind::Closed, OPERATION, format!("{what}, {writer}: {}", folder.display()))
    };
    let failed = |error: io::Error| Error::new(ErrorKind::Io, OPERATION, folder.display().to_string()).with_source(error);
    let stream = place::connect(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => closed("no trainer takes commands in this folder"),
        _ => failed(error),
    })?;
    let request = serde_json::to_string(command).map_err(|error| failed(error.into()))?;
    let mut line = String::new();
    let mut ask = || (&stream).write_all(format!("{request}\n").as_bytes()).and_then(|()| BufReader::new(&stream).read_line(&mut line));
    match ask() {
        Ok(0) => return Err(closed("the trainer ended before it answered")),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
            return Err(closed("the trainer ended before it answered"));
        }
        Err(error) => return Err(failed(error)),
    }
    match serde_json::from_str(&line) {
        Ok(Answer::Ok(reply)) => Ok(*reply),
        Ok(Answer::Error { kind, message }) => Err(Error::new(kind, OPERATION, message)),
        Err(error) => Err(Error::new(ErrorKind::Unsupported, OPERATION, "use one version of streamgrad on both sides").with_source(error)),
    }
}
