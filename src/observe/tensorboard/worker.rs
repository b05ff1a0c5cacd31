//! The thread that turns samples into events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::super::counters::Totals;
use super::event::{Event, Histogram, Summary};
use super::files::Files;
use super::sample::{Held, Sample};
use super::{OPEN, TensorBoard, TensorBoardStatus};
use crate::bundle::{Bundle, Form};
use crate::error::{Error, ErrorKind, Result};
use crate::optimizer::sum_of_squares;
use crate::params::yield_to_the_stream;
use crate::snapshot::Lineage;

const MILLION: f64 = 1e6;

#[derive(Debug)]
pub(super) struct Worker {
    bundle: Arc<Bundle>,
    files: Files,
    flush_every: Duration,
    status: Arc<Mutex<TensorBoardStatus>>,
    /// The graph is there.
    begun: bool,
    /// Of the sample before.
    last: Option<Last>,
    /// Not to try again before.
    rest_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    time: SystemTime,
    totals: Totals,
    version: u64,
    lineage: Lineage,
}

impl Worker {
    pub(super) fn new(options: &TensorBoard, bundle: Arc<Bundle>, status: Arc<Mutex<TensorBoardStatus>>) -> Self {
        let (files, flush_every) = (Files::new(options), options.flush_every);
        Self { bundle, files, flush_every, status, begun: false, last: None, rest_until: None }
    }

    /// Until nobody can send samples any more and all that were sent are written.
    pub(super) fn run(mut self, samples: &Receiver<Sample>) {
        yield_to_the_stream();
        let mut flushed = Instant::now();
        loop {
            match samples.recv_timeout(self.flush_every.saturating_sub(flushed.elapsed())) {
                Ok(sample) => self.take(sample),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if flushed.elapsed() >= self.flush_every {
                self.attempt(|worker| worker.files.flush());
                flushed = Instant::now();
            }
        }
        self.attempt(|worker| worker.files.flush());
    }

    fn take(&mut self, sample: Sample) {
        let resting = self.rest_until.is_some_and(|until| Instant::now() < until);
        let written = !resting && self.attempt(|worker| worker.write(sample));
        let mut status = self.status.lock();
        *(if written { &mut status.samples } else { &mut status.dropped }) += 1;
        if status.file.as_deref() != self.files.current() {
            status.file = self.files.current().map(Into::into);
        }
    }

    /// Says whether it worked; that it did not is told, not felt.
    fn attempt(&mut self, what: impl FnOnce(&mut Self) -> Result<()>) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| what(self)))
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, OPEN, "a defect of this library ended it midway")));
        let error = outcome.err().map(|error| error.to_string());
        let mut status = self.status.lock();
        if error.is_some() {
            self.rest_until = Instant::now().checked_add(self.flush_every);
        } else if status.error.is_some() && self.files.current().is_none() {
            // Nothing was tried.
            return true;
        }
        match (&status.error, &error) {
            (None, Some(error)) => tracing::warn!(error, "TensorBoard's events cannot be written; learning goes on, and is tried again"),
            (Some(_), None) => tracing::info!("TensorBoard's events are written again"),
            _ => {}
        }
        status.error = error;
        status.error.is_none()
    }

    fn write(&mut self, sample: Sample) -> Result<()> {
        let Sample { time, version, lineage, totals, .. } = sample;
        if self.files.current().is_none() && !(self.begun && self.files.has_first()) {
            if let Form::Graph(graph) = self.bundle.form() {
                self.files.write(&Event::graph(time, graph))?;
            }
            self.begun = true;
            // A run that went on after the snapshot from which this one goes on has written later steps.
            self.files.write(&Event::start(time, version))?;
        } else if self.last.is_some_and(|last| last.lineage != lineage && last.version >= version) {
            self.files.write(&Event::start(time, version))?;
        }
        let mut summary = Summary::default();
        scalars(&mut summary, &sample, self.last.as_ref());
        if let Some(held) = sample.held {
            self.held(&mut summary, held)?;
        }
        self.last = Some(Last { time, totals, version, lineage });
        self.files.write(&Event::summary(time, version, summary))
    }

    fn held(&self, summary: &mut Summary, Held { values, gradients, turn }: Held) -> Result<()> {
        let manifest = self.bundle.manifest();
        let mut squares = 0.0;
        for (weight, tensor) in manifest.parameters.iter().zip(&values.dense().parameters) {
            let parameter = tensor.as_slice::<f32>()?;
            squares += sum_of_squares(parameter);
            if gradients.is_some()
                && let Some(histogram) = Histogram::of(parameter)
            {
                summary.histogram(format!("parameters/{}", weight.name), histogram);
            }
        }
        summary.scalar("norm/parameters", squares.sqrt());
        for table in values.tables().iter() {
            let name = &table.spec().name;
            summary.scalar(format!("table/{name}/rows"), table.rows() as f64);
            summary.scalar(format!("table/{name}/bytes"), table.bytes() as f64);
        }
        // The store can use its memory again before the rest is done.
        drop(values);
        let names = manifest.parameters.iter().map(|weight| &weight.name).chain(manifest.tables.iter().map(|table| &table.name));
        for (name, gradient) in names.zip(gradients.iter().flatten()) {
            if let Some(histogram) = Histogram::of(gradient) {
                summary.histogram(format!("gradients/{name}"), histogram);
            }
        }
        drop(turn);
        Ok(())
    }
}

fn scalars(summary: &mut Summary, sample: &Sample, last: Option<&Last>) {
    summary.scalar("loss/batch", sample.loss.into());
    for (name, total, window) in sample.metrics.iter() {
        summary.scalar(format!("{name}/window"), window);
        summary.scalar(format!("{name}/total"), total);
    }
    if let Some(rate) = sample.learning_rate {
        summary.scalar("learning_rate", rate.into());
    }
    summary.scalar("norm/gradients", sample.gradient_norm);
    summary.scalar("version_age", sample.age as f64);
    // Means over the steps since the sample before; of the first, over all.
    let before = last.map(|last| last.totals).unwrap_or_default();
    let steps = sample.totals.steps.saturating_sub(before.steps);
    for (part, (now, before)) in ["pull", "run", "push"].iter().zip(sample.totals.nanos.iter().zip(before.nanos)) {
        summary.scalar(format!("milliseconds/{part}"), now.saturating_sub(before) as f64 / steps as f64 / MILLION);
    }
    if let Some(last) = last {
        let seconds = sample.time.duration_since(last.time).unwrap_or_default().as_secs_f64();
        summary.scalar("rows_per_second", sample.totals.rows.saturating_sub(before.rows) as f64 / seconds);
    }
}
