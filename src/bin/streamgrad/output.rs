//! Predictions and labels as numbers in text.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use streamgrad::codec::Output;
use streamgrad::tensor::DType;
use streamgrad::{BatchView, ColumnData, Predictions, Schema};

use crate::answer::{Failure, Outcome};

/// One value of an output or a label as JSON.
pub(crate) fn element(dtype: DType, bytes: &[u8], at: usize) -> Value {
    macro_rules! read {
        ($rust:ty) => {{
            let size = size_of::<$rust>();
            let mut value = [0; size_of::<$rust>()];
            match bytes.get(at * size..(at + 1) * size) {
                Some(found) => value.copy_from_slice(found),
                None => return Value::Null,
            }
            <$rust>::from_le_bytes(value)
        }};
    }
    match dtype {
        // Its own shortest digits, not those of the double that it becomes.
        DType::F32 => read!(f32).to_string().parse::<f64>().map_or(Value::Null, Value::from),
        DType::F64 => json!(read!(f64)),
        DType::I8 => json!(read!(i8)),
        DType::I16 => json!(read!(i16)),
        DType::I32 => json!(read!(i32)),
        DType::I64 => json!(read!(i64)),
        DType::U8 => json!(read!(u8)),
        DType::U16 => json!(read!(u16)),
        DType::U32 => json!(read!(u32)),
        DType::U64 => json!(read!(u64)),
        DType::Bool => json!(read!(u8) != 0),
        _ => Value::Null,
    }
}

/// The values of one row of all outputs, each beside its name.
pub(crate) fn row(schema: &Schema, predictions: &Predictions, row: usize) -> Vec<(String, Vec<Value>)> {
    let outputs = predictions.outputs();
    let values = schema.outputs().iter().zip(&outputs).map(|(spec, output)| {
        let places = row * spec.shape.elements()..(row + 1) * spec.shape.elements();
        let values = match output {
            Output::Bytes(bytes) => places.map(|at| element(spec.dtype, bytes, at)).collect(),
            Output::Strings(strings) => strings[places].iter().map(|text| json!(String::from_utf8_lossy(text))).collect(),
            _ => Vec::new(),
        };
        (spec.name.clone(), values)
    });
    values.collect()
}

/// The prediction of one row as one JSON object, a single value without a list around it.
pub(crate) fn object(schema: &Schema, predictions: &Predictions, at: usize) -> Map<String, Value> {
    let one = |mut values: Vec<Value>| if values.len() == 1 { values.remove(0) } else { Value::from(values) };
    row(schema, predictions, at).into_iter().map(|(name, values)| (name, one(values))).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains(['"', ',', '\n', '\r']) => format!("\"{}\"", text.replace('"', "\"\"")),
        Value::String(text) => text.clone(),
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Writes `row,prediction,label`, or `row,p0,p1,...,label` where a row of all outputs has several values.
pub(crate) struct PredictionWriter {
    path: PathBuf,
    writer: BufWriter<Box<dyn Write>>,
    labels: bool,
    line: String,
}

impl PredictionWriter {
    /// Begins a file, or standard output.
    pub(crate) fn create(path: Option<&Path>, schema: &Schema, labels: bool) -> Outcome<Self> {
        let mut writer = match path {
            Some(path) => {
                let file = File::create(path).map_err(|error| Failure::io(path.display(), &error))?;
                Self::new(path, Box::new(file), labels)
            }
            None => Self::new(Path::new("standard output"), Box::new(io::stdout()), labels),
        };
        writer.line = header(schema, labels);
        writer.emit()?;
        Ok(writer)
    }

    /// Goes on in a file after the rows that a stream gave out before; what it holds beyond them is cut off.
    pub(crate) fn resume(path: &Path, schema: &Schema, labels: bool, given: u64) -> Outcome<Self> {
        let failed = |error: io::Error| Failure::io(path.display(), &error);
        if !path.exists() {
            return Self::create(Some(path), schema, labels);
        }
        let header = header(schema, labels);
        let mut lines = BufReader::new(File::open(path).map_err(failed)?);
        let (mut line, mut end) = (String::new(), 0);
        for number in 0..=given {
            line.clear();
            let read = lines.read_line(&mut line).map_err(failed)?;
            if number == 0 && line != header {
                return Err(Failure::new(format!("{}: it has other columns than {}", path.display(), header.trim_end())));
            }
            if !line.ends_with('\n') {
                break;
            }
            end += read as u64;
        }
        let file = File::options().append(true).open(path).map_err(failed)?;
        file.set_len(end).map_err(failed)?;
        Ok(Self::new(path, Box::new(file), labels))
    }

    fn new(path: &Path, writer: Box<dyn Write>, labels: bool) -> Self {
        Self { path: path.to_owned(), writer: BufWriter::new(writer), labels, line: String::new() }
    }

    pub(crate) fn write(&mut self, schema: &Schema, predictions: &Predictions, batch: &BatchView<'_>, numbers: &[u64]) -> Outcome<()> {
        for (at, number) in numbers.iter().enumerate() {
            let _ = write!(self.line, "{number}");
            for value in row(schema, predictions, at).iter().flat_map(|(_, values)| values) {
                let _ = write!(self.line, ",{}", text(value));
            }
            if self.labels {
                labels(schema, batch, at, &mut self.line);
            }
            self.line.push('\n');
            self.emit()?;
        }
        Ok(())
    }

    fn emit(&mut self) -> Outcome<()> {
        let written = self.writer.write_all(self.line.as_bytes());
        self.line.clear();
        written.map_err(|error| self.failed(&error))
    }

    pub(crate) fn flush(&mut self) -> Outcome<()> {
        self.writer.flush().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        // A reader that has seen enough, as `head`, is no failure; there is nobody to tell anything.
        if error.kind() == io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        Failure::io(self.path.display(), error)
    }
}

fn header(schema: &Schema, labels: bool) -> String {
    let several = |name: &str, letter: &str, count: usize| match count {
        1 => format!(",{name}"),
        count => (0..count).map(|at| format!(",{letter}{at}")).collect(),
    };
    let mut header = "row".to_owned();
    header += &several("prediction", "p", schema.outputs().iter().map(|output| output.shape.elements()).sum());
    if labels {
        header += &several("label", "label", schema.labels().iter().map(|label| label.shape.elements()).sum());
    }
    header + "\n"
}

/// The labels of a row; nothing where it has none.
fn labels(schema: &Schema, batch: &BatchView<'_>, row: usize, line: &mut String) {
    let first = schema.features().len();
    for (label, data) in schema.labels().iter().zip(&batch.columns()[first..]) {
        for at in 0..label.shape.elements() {
            let value = match data {
                ColumnData::Bytes(bytes) => element(label.dtype, bytes, row * label.shape.elements() + at),
                ColumnData::Missing { rows, bytes } if rows.binary_search(&row).is_err() => {
                    element(label.dtype, bytes, row * label.shape.elements() + at)
                }
                _ => Value::Null,
            };
            let _ = write!(line, ",{}", number(&value));
        }
    }
}

/// A whole number without the fraction that a float has.
fn number(value: &Value) -> String {
    match value.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => text(value),
    }
}
