//! The stream of rows: all files, as often as they are wanted, each row with its number.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use streamgrad::codec::{Decode, Fields, Place, Refusal};
use streamgrad::{Batch, Schema};

use crate::answer::{Failure, Outcome};
use crate::data::{DataArguments, Reading, is_standard_input};
use crate::file::Meter;
use crate::shuffle::Shuffle;
use crate::signals::Stop;

/// How many refused records are shown.
const SHOWN: usize = 5;

/// The records that were refused, of all files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refused(Arc<Mutex<RefusedState>>);

#[derive(Debug, Default)]
struct RefusedState {
    count: u64,
    first: Vec<String>,
    /// Of the first, those that were given out.
    told: usize,
    /// Numbers of rows within the file, where the format has numbers.
    rows: Vec<u64>,
}

impl Refused {
    fn add(&self, file: &str, refusal: &Refusal) {
        let mut state = self.0.lock();
        state.count += 1;
        if state.first.len() < SHOWN {
            state.first.push(format!("{file}: {refusal}"));
        }
        if let Place::Row(row) = refusal.place {
            state.rows.push(row);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.lock().count
    }

    pub(crate) fn first(&self) -> Vec<String> {
        self.0.lock().first.clone()
    }

    /// What a verb fails with that found no record to use.
    pub(crate) fn all(&self) -> Failure {
        let (count, first) = (self.count(), self.first().join("; "));
        let all = if count == 1 { "the one record was".to_owned() } else { format!("all {count} records were") };
        Failure::refused(format!("{all} refused: {first}"))
    }

    /// Those of the first that were not given out yet.
    pub(crate) fn news(&self) -> Vec<String> {
        let mut state = self.0.lock();
        let told = std::mem::take(&mut state.told);
        state.told = state.first.len();
        state.first[told..].to_vec()
    }

    fn take_rows(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().rows)
    }
}

/// A file that is being read.
struct Open {
    decoder: Box<dyn Decode>,
    /// Whether its refused records have numbers, so that rows need not come one by one to be numbered.
    numbered: bool,
    /// The number of its first record.
    start: u64,
    /// Its records so far, refused ones too.
    records: u64,
}

/// Rows in the order of the files, or shuffled.
pub(crate) struct Rows {
    files: Files,
    shuffle: Option<Shuffle>,
    /// The rows that were given out.
    given: u64,
}

/// Rows in the order of the files.
pub(crate) struct Files {
    paths: Vec<PathBuf>,
    reading: Reading,
    fields: Fields,
    /// Files that are still to be opened, over all epochs.
    at: usize,
    left: usize,
    open: Option<Open>,
    /// The number of the next file's first record.
    next: u64,
    refused: Refused,
    meter: Meter,
    stop: Stop,
}

impl Rows {
    pub(crate) fn new(data: &DataArguments, fields: Fields, epochs: u64, stop: &Stop) -> Outcome<Self> {
        data.check()?;
        if epochs > 1 && data.data.iter().any(|path| is_standard_input(path)) {
            return Err(Failure::usage("standard input can be read once, not in several epochs"));
        }
        let left = usize::try_from(epochs).unwrap_or(usize::MAX).saturating_mul(data.data.len());
        let files = Files {
            paths: data.data.clone(),
            reading: data.reading.clone(),
            fields,
            at: 0,
            left,
            open: None,
            next: 0,
            refused: Refused::default(),
            meter: Meter::default(),
            stop: stop.clone(),
        };
        Ok(Self { files, shuffle: None, given: 0 })
    }

    /// Shuffles them within blocks of so many rows.
    pub(crate) fn shuffled(mut self, schema: &Arc<Schema>, block: usize, seed: u64) -> Self {
        self.shuffle = Some(Shuffle::new(schema, block, seed));
        self
    }

    /// Fills an empty batch with the next rows, fewer at the end, and says their numbers: those of their records in the stream from 0 on,
    /// refused ones included.
    pub(crate) fn fill(&mut self, batch: &mut Batch, numbers: &mut Vec<u64>) -> Outcome<()> {
        batch.clear();
        numbers.clear();
        let result = match &mut self.shuffle {
            Some(shuffle) => shuffle.fill(&mut self.files, batch, numbers),
            None => self.files.fill(batch, numbers),
        };
        self.given += batch.rows() as u64;
        result
    }

    /// Passes over so many rows.
    pub(crate) fn skip(&mut self, schema: &Arc<Schema>, rows: u64) -> Outcome<()> {
        const BLOCK: u64 = 4096;
        let mut numbers = Vec::new();
        while self.given < rows && !self.files.stop.came() {
            let block = (rows - self.given).min(BLOCK);
            let mut batch = schema.batch_with_capacity(usize::try_from(block).unwrap_or(usize::MAX));
            self.fill(&mut batch, &mut numbers)?;
            if batch.rows() == 0 {
                return Err(Failure::new(format!(
                    "the store is {rows} rows into the stream, but there are only {}; is it the same data?",
                    self.given
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    pub(crate) fn refused(&self) -> &Refused {
        &self.files.refused
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.meter.load(Ordering::Relaxed)
    }
}

impl Files {
    pub(crate) fn fill(&mut self, batch: &mut Batch, numbers: &mut Vec<u64>) -> Outcome<()> {
        while batch.rows() < batch.capacity() && !self.stop.came() {
            let name = self.name();
            let Some(open) = &mut self.open else {
                if self.left == 0 {
                    return Ok(());
                }
                self.open_next()?;
                continue;
            };
            let before = open.decoder.refusals().count();
            let wanted = if open.numbered { batch.capacity() - batch.rows() } else { 1 };
            let filled = match open.decoder.fill(batch, wanted) {
                Ok(filled) => filled,
                Err(_) if self.stop.came() => return Ok(()),
                Err(error) => return Err(Failure::from(error).about(name)),
            };
            let refused = open.decoder.refusals().count() - before;
            open.records += refused;
            match open.numbered {
                true => {
                    let (first, gone) = (open.records - refused, self.refused.take_rows());
                    let last = first + refused + filled as u64;
                    numbers.extend((first..last).filter(|row| !gone.contains(row)).map(|row| open.start + row));
                }
                false => numbers.extend((0..filled as u64).map(|row| open.start + open.records + row)),
            }
            open.records += filled as u64;
            if let Some(most) = self.reading.max_refused.filter(|most| self.refused.count() > *most) {
                let first = self.refused.first().join("; ");
                let most = if most == 1 { "1 record was".to_owned() } else { format!("{most} records were") };
                return Err(Failure::refused(format!("more than {most} refused: {first}")));
            }
            if filled == 0 {
                self.next = open.start + open.records;
                self.open = None;
            }
        }
        Ok(())
    }

    /// Whether a signal ended the reading.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.came()
    }

    /// The file that is being read.
    fn name(&self) -> String {
        let path = &self.paths[self.at.saturating_sub(1) % self.paths.len()];
        if is_standard_input(path) { "standard input".into() } else { path.display().to_string() }
    }

    fn open_next(&mut self) -> Outcome<()> {
        let path = self.paths[self.at % self.paths.len()].clone();
        (self.at, self.left) = (self.at + 1, self.left - 1);
        let name = self.name();
        let opened = self.reading.open(&path, &self.fields, &self.meter, &self.stop);
        let mut decoder = opened.map_err(|failure| failure.about(&name))?;
        let refused = self.refused.clone();
        decoder.refusals_mut().tell(move |refusal| refused.add(&name, refusal));
        let numbered = self.reading.numbers_rows(&path);
        self.open = Some(Open { decoder, numbered, start: self.next, records: 0 });
        Ok(())
    }
}
