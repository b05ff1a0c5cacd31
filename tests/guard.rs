//! Updates that a trainer refuses: what is not finite, what is far beyond the gradients before, and what comes of many.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::thread;

use common::store::{fresh, quiet, values};
use common::{Recording, builder, peer};
use csv::StringRecord;
use streamgrad::guard::{Mode, Response};
use streamgrad::{Batch, ErrorKind, Guard, Schema, Trainer};

const ROWS: usize = 32;

fn trainer(guard: Guard) -> Trainer {
    builder(peer().join("flights.bundle")).guard(guard).open().unwrap()
}

/// Numbers below one, and a label that hangs on them but for some noise.
fn fill(batch: &mut Batch, number: u64, scale: f32) {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 * 2.0 - 1.0
    };
    let numbers: Vec<f32> = (0..ROWS * 4).map(|_| draw()).collect();
    let late: Vec<f32> = numbers.chunks(4).map(|row| f32::from(u8::from(row[0] + 0.5 * row[3] + 0.5 * draw() > 0.4))).collect();
    let scaled: Vec<f32> = numbers.iter().map(|number| number * scale).collect();
    batch.clear();
    batch.set("numbers", &scaled).unwrap();
    batch.set("late", &late).unwrap();
}

fn learn(trainer: &Trainer, numbers: std::ops::Range<u64>) {
    let mut batch = trainer.schema().batch();
    for number in numbers {
        fill(&mut batch, number, 1.0);
        trainer.step(&batch).unwrap();
    }
}

/// Learns a batch that must be refused.
fn poison(trainer: &Trainer, number: u64, scale: f32) -> streamgrad::Error {
    let mut batch = trainer.schema().batch();
    fill(&mut batch, number, scale);
    trainer.step_to(&batch, &number.to_le_bytes()).unwrap_err()
}

#[test]
fn a_poisoned_stream_leaves_the_bits_of_the_clean_one() {
    let clean = builder(peer().join("flights.bundle")).open().unwrap();
    learn(&clean, 0..400);
    let guarded = trainer(Guard::default().without_response().quarantine(1000));
    let (mut refused, mut batch) = (Vec::new(), guarded.schema().batch());
    for number in 0..400 {
        if number >= 64 {
            let before = (guarded.version().unwrap(), guarded.metrics().unwrap().rows());
            let (scale, kind) = match number % 5 {
                0 => (1000.0, ErrorKind::Outlier),
                1 => (3e38, ErrorKind::NonFinite),
                2 => (f32::NAN, ErrorKind::InvalidInput),
                3 => (f32::INFINITY, ErrorKind::InvalidInput),
                _ => (-1000.0, ErrorKind::Outlier),
            };
            let error = poison(&guarded, number, scale);
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(before, (guarded.version().unwrap(), guarded.metrics().unwrap().rows()));
            if kind != ErrorKind::InvalidInput {
                refused.push((number, scale, error));
            }
        }
        fill(&mut batch, number, 1.0);
        guarded.step(&batch).unwrap();
    }
    assert_eq!(values(&guarded), values(&clean));
    assert_eq!(guarded.metrics().unwrap().auc().to_bits(), clean.metrics().unwrap().auc().to_bits());

    let status = guarded.guard_status();
    let outliers = refused.iter().filter(|(.., error)| error.kind() == ErrorKind::Outlier).count();
    assert_eq!((status.outliers, status.not_finite), (outliers as u64, (refused.len() - outliers) as u64));
    assert_eq!((status.in_row, status.quarantined, status.dropped), (0, refused.len() as u64, 0));
    assert!(status.norm.unwrap() < status.limit.unwrap());
    let quarantined = [guarded.drain_quarantine(3), guarded.drain_quarantine(usize::MAX)].concat_all();
    assert_eq!(quarantined.len(), refused.len());
    for (entry, (number, scale, error)) in quarantined.iter().zip(&refused) {
        fill(&mut batch, *number, *scale);
        assert_eq!(common::records::values(&entry.batch), common::records::values(&batch));
        assert_eq!((entry.kind, &entry.reason), (error.kind(), &error.to_string()));
        assert_eq!(entry.position.as_deref(), Some(&number.to_le_bytes()[..]));
        // One version for each clean batch before it.
        assert_eq!(entry.version.number, *number);
    }
    assert_eq!(guarded.guard_status().quarantined, 0);
}

trait ConcatAll<T> {
    fn concat_all(self) -> Vec<T>;
}

impl<T, const N: usize> ConcatAll<T> for [Vec<T>; N] {
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn without_a_guard_only_what_is_not_finite_is_refused_and_the_last_are_kept() {
    let trainer = builder(peer().join("flights.bundle")).open().unwrap();
    learn(&trainer, 0..70);
    for number in 0..20 {
        assert_eq!(poison(&trainer, number, 3e38).kind(), ErrorKind::NonFinite);
    }
    let mut batch = trainer.schema().batch();
    fill(&mut batch, 70, 1000.0);
    trainer.step(&batch).unwrap();
    let status = trainer.guard_status();
    assert_eq!((status.not_finite, status.quarantined, status.dropped, status.responses), (20, 16, 4, 0));
    assert_eq!((status.norm, status.limit), (None, None));
    assert_eq!(trainer.drain_quarantine(1)[0].position.as_deref(), Some(&4_u64.to_le_bytes()[..]));
}

#[test]
fn a_gradient_of_nothing_is_refused_where_there_was_none() {
    let trainer = trainer(Guard::default());
    learn(&trainer, 0..64);
    let mut batch = trainer.schema().batch();
    // All predicted right, without a doubt.
    batch.set("numbers", &[1e30_f32; 4]).unwrap();
    let probability = trainer.predict(&batch).unwrap().array::<f32>().unwrap()[[0, 0]];
    batch.set("late", &[probability.round()]).unwrap();
    let error = trainer.step(&batch).unwrap_err();
    assert!(error.kind() == ErrorKind::Outlier && error.to_string().contains("no less than"), "{error}");
    assert_eq!(trainer.guard_status().norm, Some(0.0));
}

#[test]
fn gradients_of_the_host_are_guarded_too() {
    let trainer = trainer(Guard::default().after(2, Response::Pause));
    learn(&trainer, 0..64);
    let mut batch = trainer.schema().batch();
    fill(&mut batch, 64, 1000.0);
    let gradients = trainer.gradients(&batch).unwrap();
    for _ in 0..2 {
        assert_eq!(trainer.apply(&gradients).unwrap_err().kind(), ErrorKind::Outlier);
    }
    assert_eq!((trainer.version().unwrap(), trainer.guard_status().quarantined), (64, 0));
    assert_eq!(trainer.apply(&gradients).unwrap_err().kind(), ErrorKind::Paused);
}

#[test]
fn the_norm_is_that_of_all_gradients_rows_included() {
    let recording = Recording::open("embedding", "adagrad");
    let trainer = builder(&recording.bundle).guard(Guard::default()).open().unwrap();
    let batch = recording.batch(&trainer);
    let gradients = trainer.gradients(&batch).unwrap();
    let manifest = trainer.bundle().manifest();
    assert!(!manifest.tables.is_empty());
    let square = |value: &f32| f64::from(*value).powi(2);
    let dense: f64 = manifest.parameters.iter().map(|of| gradients.array(&of.name).unwrap().iter().map(square).sum::<f64>()).sum();
    let rows: f64 = manifest.tables.iter().map(|of| gradients.rows_of(&of.name).unwrap().1.iter().map(square).sum::<f64>()).sum();
    assert!(dense > 0.0 && rows > 0.0);
    trainer.step(&batch).unwrap();
    let norm = trainer.guard_status().norm.unwrap();
    assert!((norm / (dense + rows).sqrt() - 1.0).abs() < 1e-9, "{norm}");
}

#[test]
fn many_in_a_row_pause_and_the_host_resumes() {
    let trainer = trainer(Guard::default().after(3, Response::Pause));
    learn(&trainer, 0..64);
    assert_eq!(poison(&trainer, 1, 1000.0).kind(), ErrorKind::Outlier);
    // One that is learned in between begins the row anew.
    learn(&trainer, 64..65);
    for number in 0..3 {
        let error = poison(&trainer, number, 1000.0);
        assert_eq!(error.kind(), ErrorKind::Outlier);
        assert_eq!(error.to_string().contains("paused"), number == 2, "{error}");
    }
    let status = trainer.status().unwrap();
    assert_eq!((status.mode, status.guard.responses), (Mode::Paused, 1));
    assert!(status.reason.unwrap().contains("norm"));

    let mut batch = trainer.schema().batch();
    fill(&mut batch, 65, 1.0);
    let error = trainer.step(&batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paused);
    assert!(error.to_string().contains("refused"), "{error}");
    trainer.predict(&batch).unwrap();
    trainer.resume().unwrap();
    trainer.step(&batch).unwrap();
    assert_eq!(trainer.version().unwrap(), 66);
}

#[test]
fn many_in_a_row_go_back_to_the_version_that_was_saved() {
    let (_folder, path) = fresh();
    let guard = Guard::default().after(3, Response::RollBack);
    let trainer = builder(peer().join("flights.bundle")).store(quiet(&path).open().unwrap()).guard(guard).open().unwrap();
    learn(&trainer, 0..64);
    let burst = || (0..3).fold(String::new(), |_, number| poison(&trainer, number, 1000.0).to_string());
    // There is nothing to go back to yet.
    assert!(burst().contains("no version is saved"));
    assert_eq!(trainer.status().unwrap().mode, Mode::Paused);
    trainer.resume().unwrap();

    learn(&trainer, 64..70);
    let (saved, kept) = (trainer.save().unwrap(), values(&trainer));
    learn(&trainer, 70..80);
    let said = burst();
    let made = trainer.pin().unwrap().id();
    assert!(said.contains(&format!("went back to version {saved}, which is {made} now")), "{said}");
    assert!(made.number == 70 && made.lineage != saved.lineage);
    assert_eq!(values(&trainer), kept);
    assert_eq!(trainer.store_status().saved, Some(made));

    // Going back once more would change nothing.
    assert!(burst().contains("nothing was learned since"));
    assert_eq!(trainer.status().unwrap().guard.responses, 3);
    trainer.resume().unwrap();
    learn(&trainer, 80..81);
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    let open = |guard| builder(peer().join("flights.bundle")).guard(guard).open().map(drop).unwrap_err();
    let wrong = [
        Guard::default().window(7),
        Guard::default().warm_up(1),
        Guard::default().warm_up(257),
        Guard::default().deviations(f64::NAN),
        Guard::default().factor(1.0),
        Guard::default().after(0, Response::Pause),
    ];
    for guard in wrong {
        let error = open(guard);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("give "), "{error}");
    }
    let error = open(Guard::default().after(9, Response::RollBack));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("open it with a folder"), "{error}");
}

/// The landings of the flights, each with what was known at its departure, in the order in which the year learned of them.
struct Flights {
    fields: Vec<String>,
    landings: Vec<(StringRecord, f64)>,
}

impl Flights {
    fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}; run `make demo`", path.display()));
        let fields = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let (mut departed, mut landings) = (HashMap::new(), Vec::new());
        for record in reader.records().map(Result::unwrap) {
            match record[2].parse() {
                Err(_) => drop(departed.insert(record[0].to_owned(), record)),
                Ok(late) => landings.push((departed.remove(&record[0]).unwrap(), late)),
            }
        }
        Self { fields, landings }
    }

    /// The fields that a model takes, with their places in a record.
    fn of(&self, schema: &Schema) -> Vec<(usize, &str)> {
        let all = self.fields.iter().map(String::as_str).enumerate().skip(3);
        all.filter(|(_, field)| schema.field(field).is_ok()).collect()
    }

    /// A batch of them with all numbers scaled; what does not fit a record is refused here.
    fn fill(&self, batch: &mut Batch, fields: &[(usize, &str)], number: usize, scale: f64) -> streamgrad::Result<()> {
        batch.clear();
        for (record, late) in &self.landings[number * ROWS..][..ROWS] {
            let mut row = batch.row().set("late", *late)?;
            for (place, field) in fields {
                let text = &record[*place];
                row = match text.parse::<f64>() {
                    // A flight such as 9E3538 is no number.
                    Ok(value) if *field != "number" => row.set(field, value * scale)?,
                    _ => row.set(field, text)?,
                };
            }
            row.push()?;
        }
        Ok(())
    }

    /// Learns the year by one model, with poisoned copies of every seventh batch in between.
    fn learn(&self, model: &str, bundle: &Path) {
        let trainer = builder(bundle).guard(Guard::default().without_response()).open().unwrap();
        let fields = self.of(trainer.schema());
        let mut batch = trainer.schema().batch();
        let (mut poisoned, mut alike, mut zeros, mut closest, mut least) = (0, 0, 0, 0.0_f64, f64::INFINITY);
        let batches = self.landings.len() / ROWS;
        for number in 0..batches {
            let limit = trainer.guard_status().limit;
            if let Some(limit) = limit.filter(|_| number % 7 == 0) {
                let mut step = |scale| self.fill(&mut batch, &fields, number, scale).and_then(|()| trainer.step(&batch));
                for scale in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let kind = step(scale).map(|report| report.version()).unwrap_err().kind();
                    assert!(matches!(kind, ErrorKind::InvalidInput | ErrorKind::NonFinite), "{model} {number} {scale}: {kind:?}");
                }
                let error = step(1000.0).map(|report| report.loss()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Outlier, "{model} {number}: {error}");
                let norm = trainer.guard_status().norm.unwrap();
                match norm > limit {
                    true => least = least.min(norm / limit),
                    false if error.to_string().contains("where the loss is") => {
                        println!("{model}: {number}: {error}");
                        alike += 1;
                    }
                    false => zeros += 1,
                }
                poisoned += 1;
            }
            self.fill(&mut batch, &fields, number, 1.0).unwrap();
            let report = trainer.step(&batch).unwrap_or_else(|error| panic!("{model} {number}: {error}"));
            // Whatever was refused made no version.
            assert_eq!(report.version(), (number + 1) as u64);
            closest = closest.max(limit.map_or(0.0, |limit| trainer.guard_status().norm.unwrap() / limit));
        }
        println!(
            "{model}: {batches} clean norms up to {closest:.3} of the limit; those of {poisoned} of thousandfold scale from {least:.1} of it, or ({zeros}) next to nothing, or ({alike}) too large for the loss"
        );
        assert!(batches > 10_000 && poisoned > batches / 8);
        assert_eq!(trainer.guard_status().outliers, poisoned as u64);
    }
}

#[test]
#[ignore = "learns the flights of a year by three models; make test-long runs it"]
fn no_clean_batch_of_the_flights_is_refused_and_every_poisoned_one_is() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo");
    let flights = Flights::read(&demo.join("events.csv"));
    thread::scope(|scope| {
        for model in ["days", "tables", "numbers"] {
            let (flights, bundle) = (&flights, demo.join(format!("{model}.bundle")));
            scope.spawn(move || flights.learn(model, &bundle));
        }
    });
}
