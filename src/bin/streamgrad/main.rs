//! The command `streamgrad`: trains, predicts, evaluates and looks into bundles and stores, without a program around it.
//!
//! Each verb is a file, and stands on the crate's public interface alone. Its result is an [`Answer`](answer::Answer), printed as text or, with
//! `--json`, as one JSON document; what fails is a [`Failure`](answer::Failure) on standard error, with an exit code that `docs/command.md` lists.

mod answer;
mod chart;
mod confusion;
mod control;
mod convert;
mod data;
mod difference;
mod disk;
mod doctor;
mod evaluate;
mod file;
mod guarding;
mod inspect;
mod machine;
mod made_up;
mod open;
mod output;
mod predict;
mod progress;
mod prompt;
mod report;
mod rows;
mod run;
mod session;
mod shuffle;
mod signals;
mod snapshot;
mod text;
mod to_savedmodel;
mod train;
mod warnings;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use streamgrad::control::Command;

use answer::{Answer, Failure, Outcome};

/// The options of every verb.
#[derive(Debug, Parser)]
#[command(name = "streamgrad", version, max_term_width = 110, subcommand_required = true, arg_required_else_help = true)]
#[command(about = "Trains and serves TensorFlow models on streams of records, without Python")]
#[command(after_help = "\
A model is exported once from Keras, as a bundle; from then on:

  streamgrad train flights.bundle --data january.csv --store model     learn, and keep what was learned
  streamgrad evaluate flights.bundle --store model --data february.csv see how good it is
  streamgrad predict flights.bundle --store model                      ask it, line by line
  streamgrad inspect model                                             see what is in it
  streamgrad doctor flights.bundle                                     see whether this machine is fit for it

TensorFlow is found in STREAMGRAD_TENSORFLOW, beside this program, or in the Python on the path.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 too many records refused, 130 and 143 stopped by a signal, everything saved.")]
struct Arguments {
    /// Print one JSON document instead of text; errors, too, on standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Learn from files or from standard input
    Train(train::Arguments),
    /// Predict the records of files, or line by line
    Predict(predict::Arguments),
    /// Measure a model on records that it does not learn from
    Evaluate(evaluate::Arguments),
    /// Show what is in a bundle, a store, a snapshot or a table, or how two of them differ
    Inspect(inspect::Arguments),
    /// List, show, compare, restore and remove the versions in a store
    Snapshot(snapshot::Arguments),
    /// Look at this machine: TensorFlow, processor, disk, and how fast a bundle learns on it
    Doctor(doctor::Arguments),
    /// Turn a graph of someone else's, and the parameters saved with it, into a bundle
    Convert(convert::Arguments),
    /// Write a version as a SavedModel, for TensorFlow Serving
    ToSavedmodel(to_savedmodel::Arguments),
    /// Tell a trainer in another process to learn no more until it is resumed
    Pause(control::Store),
    /// Let a trainer that was paused learn again
    Resume(control::Store),
    /// Tell a trainer to finish its batch, save, and learn no more
    Stop(control::Store),
    /// Tell a trainer to save its newest version
    Save(control::Store),
    /// Ask a trainer how it is
    Status(control::Store),
    /// Change a setting of a trainer while it runs
    Set(control::Set),
    /// Tell a trainer to go back to a version that is kept
    Rollback(control::Rollback),
    /// Draw what `train --report` wrote, as one HTML file
    Report(report::Arguments),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Verb {
    fn run(self, json: bool) -> Outcome {
        match self {
            Self::Train(arguments) => train::run(arguments, json),
            Self::Predict(arguments) => predict::run(arguments),
            Self::Evaluate(arguments) => evaluate::run(arguments, json),
            Self::Inspect(arguments) => inspect::run(&arguments),
            Self::Snapshot(arguments) => snapshot::run(arguments),
            Self::Doctor(arguments) => doctor::run(&arguments),
            Self::Convert(arguments) => convert::run(&arguments),
            Self::ToSavedmodel(arguments) => to_savedmodel::run(&arguments),
            Self::Pause(store) => control::tell(&store, &Command::Pause),
            Self::Resume(store) => control::tell(&store, &Command::Resume),
            Self::Stop(store) => control::tell(&store, &Command::Stop),
            Self::Save(store) => control::tell(&store, &Command::Save),
            Self::Status(store) => control::tell(&store, &Command::Status),
            Self::Set(arguments) => control::set(&arguments),
            Self::Rollback(arguments) => control::rollback(&arguments),
            Self::Report(arguments) => report::run(&arguments),
            Self::Completions { shell } => completions(shell),
        }
    }
}

fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "streamgrad", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Ok(Answer::new(script.clone(), serde_json::json!({"shell": shell.to_string(), "script": script})))
}

fn main() -> ExitCode {
    if std::env::var_os("TF_CPP_MIN_LOG_LEVEL").is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("TF_CPP_MIN_LOG_LEVEL", "2") };
    }
    warnings::keep();
    let (json, outcome) = match Arguments::try_parse() {
        Ok(Arguments { json, verb }) => (json, verb.run(json)),
        // Help and version are no errors.
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let json = std::env::args_os().any(|argument| argument == "--json");
            if !json {
                let _ = error.print();
                return ExitCode::from(answer::USAGE);
            }
            (true, Err(Failure::usage(error.to_string().trim_start_matches("error: ").trim_end())))
        }
    };
    if !json {
        warnings::tell();
    }
    match outcome {
        Ok(answer) => answer.print(json),
        Err(failure) => failure.print(json),
    }
}
