//! Which records are read, and how.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flate2::read::MultiGzDecoder;
use streamgrad::Schema;
use streamgrad::batch::Value;
use streamgrad::codec::{Arrow, Compression, Csv, Decode, Examples, Fields, JsonLines};
use streamgrad::tensor::DType;

use crate::answer::{Failure, Outcome};
use crate::file::{Counted, Meter, StandardInput};
use crate::signals::Stop;

/// A format of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated, names of columns in the first line
    Csv,
    /// JSON objects, one in each line
    Json,
    /// tf.train.Example in TFRecord files
    Tfrecord,
    /// Arrow IPC, file or stream
    Arrow,
    /// Parquet
    Parquet,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Records")]
pub(crate) struct DataArguments {
    /// Files of records, one after the other; `-` is standard input
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) data: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Records")]
pub(crate) struct Reading {
    /// Their format; else the name says it: .csv .tsv .json .jsonl .ndjson .tfrecord .arrow .arrows .feather .parquet, text and TFRecords also with .gz
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Take a field of the model from what the records call otherwise
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = pair)]
    pub(crate) rename: Vec<(String, String)>,
    /// What a field holds where a record has nothing
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    pub(crate) default: Vec<(String, String)>,
    /// What stands for nothing in a cell of CSV, such as NA; the empty cell does anyway
    #[arg(long, value_name = "TEXT")]
    pub(crate) missing: Vec<String>,
    /// The character between cells of CSV
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// Fail when more records than this are refused; without it they are counted, and the first are shown
    #[arg(long, value_name = "N")]
    pub(crate) max_refused: Option<u64>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or("give it as FIELD=VALUE")?;
    Ok((field.to_owned(), value.to_owned()))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("give one ASCII character, or \\t".into()),
    }
}

/// Whether a path means standard input.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// What the name of a file says of what is in it.
struct Named {
    format: Option<Format>,
    tabs: bool,
    compression: Compression,
}

impl Named {
    fn of(path: &Path) -> Self {
        let ending = |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).unwrap_or_default();
        let (compression, inner) = match ending(path).as_str() {
            "gz" | "gzip" => (Compression::Gzip, path.with_extension("")),
            "zlib" => (Compression::Zlib, path.with_extension("")),
            _ => (Compression::None, path.to_owned()),
        };
        let ending = ending(&inner);
        let format = match ending.as_str() {
            "csv" | "tsv" => Some(Format::Csv),
            "json" | "jsonl" | "ndjson" => Some(Format::Json),
            "tfrecord" | "tfrecords" => Some(Format::Tfrecord),
            "arrow" | "arrows" | "feather" | "ipc" => Some(Format::Arrow),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        };
        Self { format, tabs: ending == "tsv", compression }
    }
}

impl DataArguments {
    /// Bytes of all files; `None` if one has no length that is known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let length = |path: &PathBuf| std::fs::metadata(path).ok().filter(|found| found.is_file()).map(|found| found.len());
        self.data.iter().map(length).sum()
    }

    /// Fails before anything is opened if a file is not there or of no known format.
    pub(crate) fn check(&self) -> Outcome<()> {
        for path in &self.data {
            self.reading.format_of(path)?;
            if !is_standard_input(path) {
                File::open(path).map_err(|error| Failure::io(path.display(), &error))?;
            }
        }
        if self.data.iter().filter(|path| is_standard_input(path)).count() > 1 {
            return Err(Failure::usage("standard input can be read once"));
        }
        Ok(())
    }
}

impl Reading {
    fn format_of(&self, path: &Path) -> Outcome<Format> {
        let name = Named::of(path);
        self.format.or(name.format).ok_or_else(|| match is_standard_input(path) {
            true => Failure::usage("standard input has no name to tell its format by; give --format"),
            false => Failure::usage(format!("{}: its name does not tell its format; give --format", path.display())),
        })
    }

    /// Whether a record that is refused is told by its number, not by its line or offset.
    pub(crate) fn numbers_rows(&self, path: &Path) -> bool {
        matches!(self.format_of(path), Ok(Format::Arrow | Format::Parquet))
    }

    /// The fields of the model, as the options say where they come from.
    pub(crate) fn fields(&self, schema: &std::sync::Arc<Schema>) -> Outcome<Fields> {
        let mut fields = Fields::of(schema);
        for (field, column) in &self.rename {
            fields = fields.rename(field, column);
        }
        for (field, value) in &self.default {
            let column = schema.columns().iter().find(|column| column.fields.contains(field));
            fields = fields.default(field, filler(field, value, column.map(|column| column.dtype))?);
        }
        Ok(fields)
    }

    /// Begins to read a file.
    pub(crate) fn open(&self, path: &Path, fields: &Fields, meter: &Meter, stop: &Stop) -> Outcome<Box<dyn Decode>> {
        let format = self.format_of(path)?;
        let named = Named::of(path);
        if is_standard_input(path) {
            let input = StandardInput::open(stop.clone()).map_err(|error| Failure::io("it cannot be read", &error))?;
            let input = Counted::new(input, meter.clone());
            return match format {
                Format::Arrow => Ok(Box::new(Arrow::stream(fields, BufReader::new(input))?)),
                Format::Parquet => {
                    let mut whole = Vec::new();
                    { input }.read_to_end(&mut whole).map_err(|error| Failure::io("standard input", &error))?;
                    Ok(Box::new(Arrow::parquet(fields, bytes::Bytes::from(whole))?))
                }
                text => self.text(text, fields, input, &named),
            };
        }
        let unreadable = |error: std::io::Error| Failure::io("it cannot be read", &error);
        let mut file = File::open(path).map_err(unreadable)?;
        let input = |file: File| Counted::new(file, meter.clone());
        match (format, named.compression) {
            (Format::Arrow, _) => {
                let mut magic = [0; 6];
                let is_file = file.read_exact(&mut magic).is_ok() && magic == *b"ARROW1";
                file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
                let input = BufReader::new(input(file));
                Ok(Box::new(if is_file { Arrow::file(fields, input)? } else { Arrow::stream(fields, input)? }))
            }
            (Format::Parquet, _) => Ok(Box::new(Arrow::parquet(fields, input(file))?)),
            (Format::Csv | Format::Json, Compression::Gzip) => {
                self.text(format, fields, MultiGzDecoder::new(BufReader::new(input(file))), &named)
            }
            (Format::Csv | Format::Json, Compression::Zlib) => Err(Failure::usage("text in ZLIB is not read; compress it by gzip")),
            _ => self.text(format, fields, input(file), &named),
        }
    }

    fn text<R: Read + 'static>(&self, format: Format, fields: &Fields, input: R, named: &Named) -> Outcome<Box<dyn Decode>> {
        Ok(match format {
            Format::Json => Box::new(JsonLines::open(fields, input)?),
            Format::Tfrecord => Box::new(Examples::open(fields, input, named.compression)?),
            _ => {
                let mut csv = Csv::of(fields);
                if let Some(delimiter) = self.delimiter.or(named.tabs.then_some(b'\t')) {
                    csv = csv.delimiter(delimiter);
                }
                if !self.missing.is_empty() {
                    csv = csv.missing(std::iter::once("").chain(self.missing.iter().map(String::as_str)));
                }
                Box::new(csv.open(input)?)
            }
        })
    }
}

/// The value that a text means for a field of this dtype.
fn filler<'t>(field: &str, text: &'t str, dtype: Option<DType>) -> Outcome<Value<'t>> {
    let wrong = || Failure::usage(format!("--default {field}={text}: {text:?} is not a {}", dtype.unwrap_or(DType::String)));
    match dtype {
        Some(DType::String) | None => Ok(text.as_bytes().into()),
        Some(DType::Bool) => text.parse::<bool>().map(Value::from).map_err(|_| wrong()),
        Some(_) => match text.parse::<i64>() {
            Ok(whole) => Ok(whole.into()),
            Err(_) => text.parse::<f64>().map(Value::from).map_err(|_| wrong()),
        },
    }
}
