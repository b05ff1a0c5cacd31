//! Records into batches, and back.
//!
//! The schema of the bundle says what a record holds, so nothing is typed twice: a decoder is made of [`Fields`] and a reader,
//! and its [`Decode::fill`] writes records straight into the columns of a [`Batch`](crate::Batch). A record that is wrong is
//! refused: its place and the reason are kept in [`Refusals`], and the stream goes on. Which type of a format fills which
//! dtype is told in `docs/records.md`.
//!
//! ```no_run
//! use streamgrad::Trainer;
//! use streamgrad::codec::{Csv, Decode, Fields};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let trainer = Trainer::open("flights.bundle")?;
//! let fields = Fields::of(trainer.schema()).rename("late", "arr_late").default("wind", 0.0);
//! let mut flights = Csv::of(fields).missing(["", "NA"]).open(std::fs::File::open("flights.csv")?)?;
//! let mut batch = trainer.schema().batch();
//! while flights.fill(&mut batch, 256)? > 0 {
//!     trainer.step(&batch)?;
//!     batch.clear();
//! }
//! println!("{} learned, {} refused", flights.read(), flights.refusals().count());
//! for refusal in flights.refusals().kept() {
//!     println!("{refusal}"); // line 17: wind: "a lot" is not a float32
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "arrow")]
mod arrow;
mod cells;
mod csv;
mod decode;
mod example;
mod example_writer;
mod fields;
mod json;
mod json_writer;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod plan;
mod record_file;
mod refusals;
mod text;

#[cfg(feature = "arrow")]
pub use arrow::{Arrow, ArrowBatch};
pub use cells::Output;
pub use csv::{Csv, CsvBuilder, CsvWriter};
pub use decode::Decode;
pub use example::Examples;
pub use example_writer::ExampleWriter;
pub use fields::Fields;
pub use json::JsonLines;
pub use json_writer::JsonLinesWriter;
pub use record_file::{Compression, RecordReader, RecordWriter};
pub use refusals::{Place, Refusal, Refusals};
