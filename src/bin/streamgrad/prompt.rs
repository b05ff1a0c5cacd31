//! Predicting line by line, each answered before the next is read.

use std::io::{self, BufRead, IsTerminal, Write};

use serde_json::{Value, json};
use streamgrad::codec::{Csv, Decode, JsonLines};
use streamgrad::{Predictor, Schema};

use crate::answer::{Answer, Failure, Outcome, REFUSED};
use crate::data::Reading;
use crate::output;

/// Reads lines until there are no more, and answers each.
pub(crate) fn run(predictor: &Predictor, reading: &Reading) -> Outcome {
    let schema = predictor.schema().clone();
    if schema.rows().is_some_and(|rows| rows > 1) {
        return Err(Failure::usage("the model's graph holds batches of several rows, so no single line can be predicted; give --data"));
    }
    let names = fields(&schema);
    let terminal = io::stdin().is_terminal();
    if terminal {
        eprintln!(
            "{} by version {}; a record is its values with commas between, or a JSON object; Ctrl-D ends",
            names.join(","),
            predictor.version()?
        );
    }
    let (mut answered, mut refused) = (0_u64, 0_u64);
    let mut lines = io::stdin().lock().lines();
    loop {
        if terminal {
            eprint!("> ");
        }
        let Some(line) = lines.next() else { break };
        let line = line.map_err(|error| Failure::io("standard input", &error))?;
        if line.trim().is_empty() || line.trim() == names.join(",") {
            continue;
        }
        let answer = match answer(predictor, reading, &schema, &names, &line) {
            Ok(answer) => {
                answered += 1;
                answer
            }
            Err(reason) => {
                refused += 1;
                json!({"refused": reason}).to_string()
            }
        };
        let mut out = io::stdout();
        match writeln!(out, "{answer}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(Failure::io("standard output", &error)),
            Ok(()) => {}
        }
    }
    let exit = if answered == 0 && refused > 0 { REFUSED } else { 0 };
    Ok(Answer::silent(json!({"rows": answered, "refused": refused})).exit(exit))
}

/// The fields of the features, in the order of the schema.
fn fields(schema: &Schema) -> Vec<String> {
    schema.features().iter().flat_map(|feature| feature.fields.iter().cloned()).collect()
}

/// The prediction for one line; `Err` says why the line is none.
fn answer(
    predictor: &Predictor,
    reading: &Reading,
    schema: &std::sync::Arc<Schema>,
    names: &[String],
    line: &str,
) -> Result<String, String> {
    let said = |failure: &dyn std::fmt::Display| failure.to_string();
    let fields = reading.fields(schema).map_err(|failure| said(&failure))?;
    let mut batch = schema.batch_with_capacity(1);
    let mut decoder: Box<dyn Decode> = match line.trim_start().starts_with('{') {
        true => Box::new(JsonLines::open(&fields, line.as_bytes()).map_err(|error| said(&error))?),
        false => {
            let columns =
                names.iter().map(|name| reading.rename.iter().find(|(field, _)| field == name).map_or(name, |(_, column)| column).clone());
            let mut csv = Csv::of(&fields).columns(columns);
            if let Some(delimiter) = reading.delimiter {
                csv = csv.delimiter(delimiter);
            }
            Box::new(csv.open(line.as_bytes()).map_err(|error| said(&error))?)
        }
    };
    let filled = decoder.fill(&mut batch, 1).map_err(|error| said(&error))?;
    match decoder.refusals().kept() {
        [] if filled == 1 => {}
        [] => return Err("there is no record in this line".into()),
        [refusal, ..] => return Err(refusal.reason.clone()),
    }
    let predictions = predictor.predict(&batch).map_err(|error| said(&error))?;
    let mut object = output::object(schema, &predictions, 0);
    match object.len() {
        1 => Ok(object.values().next().map_or(Value::Null, Clone::clone).to_string()),
        _ => Ok(Value::from(std::mem::take(&mut object)).to_string()),
    }
}
