//! Rows as columns: the unit of every call.
//!
//! A [`Schema`] comes with the bundle, so nobody types it twice. A [`Batch`] of it is filled row by row or column by column
//! and used again and again; a [`BatchView`] is the same in the memory of somebody else. Both are checked before a model
//! sees them: names, dtypes, lengths, finiteness, the range of labels.

mod append;
#[expect(clippy::module_inception, reason = "the type that the room is named for")]
mod batch;
mod check;
mod copy;
mod part;
mod ragged;
mod row;
mod rows;
mod schema;
mod value;
mod view;

pub(crate) use append::Append;
pub use batch::Batch;
pub(crate) use check::{Purpose, out_of_range};
pub use row::RowBuilder;
pub use schema::{ColumnSpec, Field, Role, Schema};
pub use value::Value;
pub use view::{BatchView, ColumnData, RaggedValues};
