//! `streamgrad doctor`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use streamgrad::{Schema, Trainer, tf};

use crate::answer::{Answer, FAILED, Outcome};
use crate::disk::Disk;
use crate::machine::Machine;
use crate::{made_up, text};

/// How long each speed is measured.
const MEASURED: Duration = Duration::from_millis(400);
const BATCHES: [usize; 3] = [1, 32, 256];
/// A disk that takes longer than this to keep 4 KiB is called slow.
const SLOW_SYNC: Duration = Duration::from_millis(20);

/// Finds TensorFlow, looks at processor, memory and disk, and measures steps and predictions a second of a bundle on made-up rows.
/// Says what to change. Exit code 1 if nothing can be learned here.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A bundle to measure
    bundle: Option<PathBuf>,
    /// The folder whose disk is measured: that of a store to be
    #[arg(long, value_name = "DIR", default_value = ".")]
    store: PathBuf,
}

/// What was found, and what to change.
#[derive(Default)]
struct Findings {
    facts: Vec<(&'static str, String)>,
    advice: Vec<String>,
    json: serde_json::Map<String, Value>,
    /// Whether nothing can be learned here.
    broken: bool,
}

impl Findings {
    fn note(&mut self, name: &'static str, what: impl Into<String>, json: Value) {
        self.facts.push((name, what.into()));
        self.json.insert(name.to_owned(), json);
    }

    fn advise(&mut self, advice: impl Into<String>) {
        self.advice.push(advice.into());
    }
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let mut findings = Findings::default();
    findings.note("streamgrad", env!("CARGO_PKG_VERSION"), json!(env!("CARGO_PKG_VERSION")));
    if cfg!(debug_assertions) {
        findings.advise("this program was built without optimisation: build it with `cargo build --release`");
    }
    tensorflow(&mut findings);
    machine(&mut findings);
    disk(&mut findings, &arguments.store);
    let mut speeds = String::new();
    if let (Some(bundle), false) = (&arguments.bundle, findings.broken) {
        match Trainer::open(bundle) {
            Ok(trainer) => speeds = measured(&trainer, &mut findings),
            Err(error) => {
                findings.broken = true;
                findings.advise(error.to_string());
            }
        }
    }
    let Findings { facts, advice, mut json, broken } = findings;
    json.insert("advice".into(), json!(advice));
    let mut said = text::facts(&facts) + &speeds;
    said += &match advice.as_slice() {
        [] => "\nnothing to change".to_owned(),
        advice => advice.iter().map(|advice| format!("\n- {advice}")).collect(),
    };
    Ok(Answer::new(said, Value::from(json)).exit(if broken { FAILED } else { 0 }))
}

fn tensorflow(findings: &mut Findings) {
    match tf::load(None) {
        Ok(found) => {
            let (path, version) = (found.path().display().to_string(), found.version().to_owned());
            findings.note("TensorFlow", format!("{version}, {path}"), json!({"version": version, "path": path}));
            let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
            if !minor.is_some_and(|minor| (18..=21).contains(&minor)) {
                findings.advise(format!("TensorFlow {version} is not one of those that Streamgrad is tested with, 2.18 to 2.21"));
            }
        }
        Err(error) => {
            findings.note("TensorFlow", "not found", Value::Null);
            findings.broken = true;
            findings.advise(error.to_string());
        }
    }
}

fn machine(findings: &mut Findings) {
    let machine = Machine::look();
    findings.note("processor", format!("{}, {} cores", machine.cpu, machine.cores), json!({"name": machine.cpu, "cores": machine.cores}));
    findings.note("instructions", machine.features.join(" "), json!(machine.features));
    if !machine.features.contains(&"avx") {
        findings.advise("TensorFlow's wheels need a processor with AVX; this one has none");
    } else if !machine.features.contains(&"avx2") {
        findings.advise("this processor has no AVX2: a step takes about twice as long as on one that has");
    }
    if let Some(governor) = &machine.governor {
        findings.note("clock", governor.clone(), json!(governor));
        if governor == "powersave" {
            findings.advise("the processor saves power: `cpupower frequency-set -g performance` makes steps shorter and even");
        }
    }
    if let Some((total, free)) = machine.memory {
        findings.note("memory", format!("{}, {} free", text::bytes(total), text::bytes(free)), json!({"bytes": total, "free": free}));
        if free < 1 << 30 {
            findings.advise("less than 1 GiB of memory is free; TensorFlow alone takes some 300 MiB");
        }
    }
    findings.note("kernel", machine.kernel.clone(), json!(machine.kernel));
    findings.note("glibc", machine.glibc.clone(), json!(machine.glibc));
    match &machine.jvm {
        Some(jvm) => {
            findings.note("JVM", format!("{}, {}", jvm.version, jvm.program.display()), json!(jvm));
            if jvm.feature.is_some_and(|feature| feature < 11) {
                findings.advise("the JVM is too old for Streamgrad, which needs Java 11");
            }
        }
        None => findings.note("JVM", "none (only Java and Flink need one)", Value::Null),
    }
}

fn disk(findings: &mut Findings, folder: &Path) {
    let exists = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    match Disk::measure(exists) {
        Ok(disk) => {
            let what = format!("{} until 4 KiB are safe, {}/s", text::duration(disk.sync), text::bytes(disk.rate as u64));
            findings.note(
                "disk",
                format!("{what}, in {}", exists.display()),
                json!({"folder": exists, "sync_seconds": disk.sync.as_secs_f64(), "bytes_per_second": disk.rate}),
            );
            if disk.sync > SLOW_SYNC {
                findings.advise("the disk is slow to keep what is written: snapshots take long, though no step waits for them; save less often, or on another disk");
            }
        }
        Err(error) => {
            findings.note("disk", format!("{error}, in {}", exists.display()), Value::Null);
            findings.advise(format!("nothing can be written in {}: no store can be there", exists.display()));
        }
    }
}

/// The speeds as a table. That a model cannot take made-up rows is no fault of the machine.
fn measured(trainer: &Trainer, findings: &mut Findings) -> String {
    match measure(trainer, findings) {
        Ok(table) => format!("\n{table}"),
        Err(failure) => {
            findings.advise(format!("the bundle cannot be measured on made-up rows: {failure}"));
            String::new()
        }
    }
}

/// Steps and predictions a second.
fn measure(trainer: &Trainer, findings: &mut Findings) -> Outcome<String> {
    let schema: Arc<Schema> = trainer.schema().clone();
    let mut rows = vec![["batch", "steps/s", "rows learned/s", "predictions/s", "rows predicted/s"].map(str::to_owned).to_vec()];
    let (mut listed, mut learned) = (Vec::new(), Vec::new());
    for size in schema.rows().map_or_else(|| BATCHES.to_vec(), |rows| vec![rows]) {
        let batch = made_up::batch(&schema, size)?;
        let steps = rate(|| trainer.step(&batch).map(drop))?;
        let predictions = rate(|| trainer.predict(&batch).map(drop))?;
        let shown = |rate: f64| text::count(rate as u64);
        rows.push(vec![size.to_string(), shown(steps), shown(steps * size as f64), shown(predictions), shown(predictions * size as f64)]);
        listed.push(json!({"batch": size, "steps_per_second": steps, "predictions_per_second": predictions}));
        learned.push((size, steps * size as f64));
    }
    let name = trainer.bundle().manifest().name.clone();
    findings.json.insert("speed".into(), json!({"bundle": name, "batches": listed, "bytes": trainer.memory()}));
    if let ([(one, slow), .., (many, fast)], true) = (learned.as_slice(), learned.len() > 1)
        && fast > &(slow * 4.0)
    {
        findings.advise(format!(
            "batches of {many} learn {:.0} times as many rows a second as those of {one}: take larger ones where the stream is fast",
            fast / slow
        ));
    }
    Ok(format!("{name} on made-up rows, one thread, {} held:\n{}", text::bytes(trainer.memory() as u64), text::table(&rows, true)))
}

/// How often a second this can be done.
fn rate(mut call: impl FnMut() -> streamgrad::Result<()>) -> Outcome<f64> {
    for _ in 0..3 {
        call()?;
    }
    let (started, mut calls) = (Instant::now(), 0_u32);
    while started.elapsed() < MEASURED {
        call()?;
        calls += 1;
    }
    Ok(f64::from(calls) / started.elapsed().as_secs_f64())
}
