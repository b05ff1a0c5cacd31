//! The event files of one trainer: one grows, and when it is large enough the next one does.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use prost::Message;

use super::TensorBoard;
use super::event::Event;
use crate::codec::{Compression, RecordWriter};
use crate::error::{Error, ErrorKind, Result};

const WRITE: &str = "write TensorBoard events";

/// The bytes of a record beside the event itself: its length, and the checksums of both.
const FRAME: u64 = 16;

/// TensorBoard reads the files of a folder in the order of their names and never goes back to one, so each later one has a greater name.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    file_bytes: u64,
    most: usize,
    /// What all names begin with, the time of the first file above all.
    prefix: Option<String>,
    made: u32,
    /// The oldest first.
    kept: VecDeque<PathBuf>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    path: PathBuf,
    writer: RecordWriter<BufWriter<File>>,
    bytes: u64,
}

impl Files {
    pub(super) fn new(options: &TensorBoard) -> Self {
        let TensorBoard { folder, file_bytes, files, .. } = options;
        Self { folder: folder.clone(), file_bytes: *file_bytes, most: *files, prefix: None, made: 0, kept: VecDeque::new(), current: None }
    }

    /// The file that grows.
    pub(super) fn current(&self) -> Option<&Path> {
        self.current.as_ref().map(|current| current.path.as_path())
    }

    /// Whether the first file is there, with what is only in that one.
    pub(super) fn has_first(&self) -> bool {
        self.kept.front().is_some_and(|first| first.exists())
    }

    /// Appends an event. After an error the next one begins another file: the end of this one may be half a record.
    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        if self.current.as_ref().is_some_and(|current| current.bytes >= self.file_bytes) {
            self.flush()?;
            self.current = None;
        }
        let current = match &mut self.current {
            Some(current) => current,
            None => {
                let current = self.create()?;
                self.current.insert(current)
            }
        };
        let written = current.write(event);
        if written.is_err() {
            self.current = None;
        }
        written
    }

    /// Hands everything to the operating system; notices a file that somebody has removed.
    pub(super) fn flush(&mut self) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let flushed = current.writer.flush();
        if flushed.is_err() || !current.path.exists() {
            self.current = None;
        }
        flushed
    }

    fn create(&mut self) -> Result<Current> {
        let now = SystemTime::now();
        let path = self.folder.join(format!("{}.{:06}", self.prefix.get_or_insert_with(|| prefix(now)), self.made));
        self.made += 1;
        let failed = |error: std::io::Error| {
            let context = format!("make the folder writable, or name another one: {}", self.folder.display());
            Error::new(ErrorKind::Io, WRITE, context).with_source(error)
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        let mut current = Current { path: path.clone(), writer: RecordWriter::new(BufWriter::new(file), Compression::None), bytes: 0 };
        current.write(&Event::version(now))?;
        self.keep(path);
        Ok(current)
    }

    /// Removes the oldest files beyond those that are kept, but never the first, which has the graph.
    fn keep(&mut self, path: PathBuf) {
        self.kept.retain(|path| path.exists());
        self.kept.push_back(path);
        while self.kept.len() > self.most {
            if let Some(old) = self.kept.remove(1)
                && let Err(error) = fs::remove_file(&old)
            {
                tracing::warn!(file = %old.display(), %error, "an old event file cannot be removed");
            }
        }
    }
}

impl Current {
    fn write(&mut self, event: &Event) -> Result<()> {
        let bytes = event.encode_to_vec();
        self.writer.write_record(&bytes)?;
        self.bytes += bytes.len() as u64 + FRAME;
        Ok(())
    }
}

/// No other trainer has it.
fn prefix(now: SystemTime) -> String {
    static TRAINERS: AtomicU64 = AtomicU64::new(0);
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (process, trainer) = (std::process::id(), TRAINERS.fetch_add(1, Ordering::Relaxed));
    format!("events.out.tfevents.{seconds:010}.{}.{process}.{trainer:04}", host())
}

/// The machine's name, as far as it may stand in that of a file.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String = name.trim().chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').collect();
    if plain.is_empty() { "localhost".into() } else { plain }
}
