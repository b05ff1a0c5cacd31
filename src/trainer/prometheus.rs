//! A trainer in Prometheus' text format.

use std::time::SystemTime;

use super::Trainer;
use crate::observe::{BOUNDS, Counters, Exposition};

impl Trainer {
    /// The trainer as it is now, in Prometheus' text format (0.0.4): what a host answers when it is scraped, with the content type
    /// `text/plain; version=0.0.4`. Counters begin with 0 when a trainer is opened; `docs/observing.md` lists all of them. Each
    /// sample has the label `model`, the bundle's name.
    pub fn prometheus(&self) -> String {
        let manifest = self.bundle().manifest();
        let mut text = Exposition::new(&[("model", &manifest.name)]);
        steps(&mut text, self.observer.counters());
        self.learned(&mut text);
        self.stored(&mut text);
        if let Some(status) = self.tensorboard_status() {
            text.family("streamgrad_tensorboard_samples_total", "counter", "Samples written for TensorBoard.").sample(&[], status.samples);
            text.family("streamgrad_tensorboard_dropped_total", "counter", "Samples for TensorBoard that were dropped.")
                .sample(&[], status.dropped);
            text.family("streamgrad_tensorboard_failing", "gauge", "1 while TensorBoard's folder cannot be written, else 0.")
                .sample(&[], u64::from(status.error.is_some()));
        }
        text.into_text()
    }

    /// What learning has come to.
    fn learned(&self, text: &mut Exposition) {
        if let Ok(metrics) = self.metrics() {
            for over in ["total", "window"] {
                let (name, help) = match over {
                    "total" => ("streamgrad_metric", "The loss and each metric, progressive, over all rows."),
                    _ => ("streamgrad_metric_window", "The loss and each metric, progressive, over the window."),
                };
                text.family(name, "gauge", help);
                for (metric, total, window) in metrics.iter() {
                    text.sample(&[("metric", metric)], if over == "total" { total } else { window });
                }
            }
            text.family("streamgrad_metric_rows", "gauge", "The rows that the metrics are over.").sample(&[], metrics.rows());
            text.family("streamgrad_metric_window_rows", "gauge", "The rows that the window holds.").sample(&[], metrics.window_rows());
        }
        if let Ok(rate) = self.learning_rate() {
            text.family("streamgrad_learning_rate", "gauge", "The learning rate of the next step.").sample(&[], rate);
        }
        text.family("streamgrad_native_bytes", "gauge", "Native memory for parameters, state, slots, tables and frozen weights.")
            .sample(&[], self.memory());
        let Ok(version) = self.pin() else { return };
        text.family("streamgrad_version", "gauge", "The number of the newest version.").sample(&[], version.number());
        if !version.tables().is_empty() {
            text.family("streamgrad_table_rows", "gauge", "Rows of an embedding table.");
            for table in version.tables().iter() {
                text.sample(&[("table", &table.spec().name)], table.rows());
            }
            text.family("streamgrad_table_bytes", "gauge", "Memory of an embedding table: rows, slots, bookkeeping.");
            for table in version.tables().iter() {
                text.sample(&[("table", &table.spec().name)], table.bytes());
            }
        }
    }

    /// What became of the snapshots.
    fn stored(&self, text: &mut Exposition) {
        let status = self.store_status();
        text.family("streamgrad_snapshots_saved_total", "counter", "Snapshots that were saved.").sample(&[], status.all_saved);
        text.family("streamgrad_snapshots_failed_total", "counter", "Snapshots that could not be saved.").sample(&[], status.all_failed);
        if let Some(saved) = status.saved {
            text.family("streamgrad_saved_version", "gauge", "The number of the version saved last.").sample(&[], saved.number);
        }
        if let Some(time) = status.saved_at {
            let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            text.family("streamgrad_saved_timestamp_seconds", "gauge", "When that version was taken.").sample(&[], seconds);
        }
    }
}

/// What is counted of every step.
fn steps(text: &mut Exposition, counters: &Counters) {
    let totals = counters.totals();
    text.family("streamgrad_steps_total", "counter", "Batches learned.").sample(&[], totals.steps);
    text.family("streamgrad_rows_total", "counter", "Rows learned.").sample(&[], totals.rows);
    text.family("streamgrad_applied_total", "counter", "Gradients applied that the host had computed before.")
        .sample(&[], counters.all_applied());
    text.family("streamgrad_refused_total", "counter", "Batches that changed nothing, by the kind of their error.");
    for (kind, count) in counters.all_refused() {
        text.sample(&[("kind", &kind)], count);
    }
    if let Some(loss) = counters.loss() {
        text.family("streamgrad_batch_loss", "gauge", "The loss of the last batch.").sample(&[], loss);
    }
    let seconds = totals.nanos.map(|nanos| nanos as f64 / 1e9);
    text.family("streamgrad_step_part_seconds_total", "counter", "Where the time of steps went.");
    for (part, seconds) in ["pull", "run", "push"].iter().zip(seconds) {
        text.sample(&[("part", part)], seconds);
    }
    text.family("streamgrad_step_seconds", "histogram", "How long steps take.");
    let times = counters.times();
    for (bound, count) in BOUNDS.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".into()]).zip(times) {
        text.suffixed("_bucket", &[("le", &bound)], count);
    }
    text.suffixed("_sum", &[], seconds.iter().sum::<f64>());
    text.suffixed("_count", &[], times[BOUNDS.len()]);
}
