//! How far a run is: a bar on a terminal, else a line whenever the rows have doubled.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use streamgrad::metrics::MetricValues;

use crate::run::Recorder;
use crate::text;

/// What is shown on standard error while a run goes on.
pub(crate) enum Progress {
    Nothing,
    Bar { bar: ProgressBar, shown: Instant },
    Lines(Lines),
}

/// Lines at 1, 2, 4, 8, ... rows.
#[derive(Default)]
pub(crate) struct Lines {
    /// The next line comes with so many rows.
    next: u64,
    /// Rows and sum of the loss at the line before.
    before: (u64, f64),
}

impl Progress {
    /// For a run over so many bytes, if that is known.
    pub(crate) fn new(silent: bool, bytes: Option<u64>) -> Self {
        match (silent, std::io::stderr().is_terminal()) {
            (true, _) => Self::Nothing,
            (false, false) => Self::Lines(Lines { next: 1, ..Lines::default() }),
            (false, true) => {
                let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr_with_hz(8));
                let template = match bytes {
                    Some(_) => "{wide_bar:.cyan/dim} {percent:>3} %  {msg}  {eta} left",
                    None => "{spinner}  {msg}",
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                Self::Bar { bar, shown: Instant::now() }
            }
        }
    }

    /// Shows a step.
    pub(crate) fn step(&mut self, bytes: u64, recorder: &Recorder, values: &MetricValues) {
        match self {
            Self::Nothing => {}
            Self::Bar { bar, shown } if shown.elapsed() >= Duration::from_millis(100) => {
                *shown = Instant::now();
                let rate = recorder.run.rows as f64 / recorder.elapsed().as_secs_f64();
                let metrics = values.iter().skip(1).map(|(name, _, window)| format!("  {name} {}", text::value(window)));
                let loss = values.window("loss").unwrap_or(f64::NAN);
                let (rows, rate) = (text::count(recorder.run.rows), text::count(rate as u64));
                bar.set_position(bytes);
                bar.set_message(format!("{rows} rows  {rate} rows/s  loss {}{}", text::value(loss), metrics.collect::<String>()));
            }
            Self::Bar { .. } => {}
            Self::Lines(lines) if recorder.run.rows >= lines.next => lines.print(recorder, values),
            Self::Lines(_) => {}
        }
    }

    /// Shows a sentence beside it.
    pub(crate) fn say(&self, line: &str) {
        match self {
            Self::Nothing => {}
            Self::Bar { bar, .. } => bar.println(line),
            Self::Lines(_) => print(line),
        }
    }

    pub(crate) fn finish(&self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

impl Lines {
    fn print(&mut self, recorder: &Recorder, values: &MetricValues) {
        let (rows, loss) = (recorder.run.rows, recorder.loss_sum());
        let names = values.iter().skip(1).map(|(name, ..)| name);
        if self.before.0 == 0 {
            let metrics: String = names.map(|name| format!("{name:>12}")).collect();
            print(&format!("{:>12}{:>12}{:>12}{metrics}{:>12}", "rows", "loss", "since last", "rows/s"));
        }
        let since = (loss - self.before.1) / (rows - self.before.0) as f64;
        let metrics: String = values.iter().skip(1).map(|(_, total, _)| format!("{:>12}", text::value(total))).collect();
        let rate = rows as f64 / recorder.elapsed().as_secs_f64();
        let (mean, since) = (text::value(recorder.loss()), text::value(since));
        print(&format!("{rows:>12}{mean:>12}{since:>12}{metrics}{:>12}", rate as u64));
        self.before = (rows, loss);
        self.next = (rows + 1).next_power_of_two();
    }
}

/// A line on standard error, whoever reads it.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
