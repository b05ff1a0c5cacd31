//! Predicting some rows that Java has: what trainers and predictors have in common.

use jni::objects::JByteBuffer;
use jni::sys::jint;

use super::buffer::{Caller, Direct};
use super::layout::{Slab, size};
use super::results::Results;
use crate::batch::{BatchView, Purpose, Schema};
use crate::bind::Failure;
use crate::error::Result;
use crate::model::Predictions;

/// Writes what `run` predicts of `rows` rows of a slab from `first` on, and returns the number of the version that did.
pub(super) fn predict(
    caller: Caller<'_>,
    schema: &Schema,
    slab: &Slab,
    (first, rows): (jint, jint),
    results: &JByteBuffer<'_>,
    run: impl FnOnce(BatchView<'_>) -> Result<Predictions>,
) -> Result<u64, Failure> {
    let (first, count) = (size("first row", first)?, size("rows", rows)?);
    let rows = slab.rows(schema, first, count)?;
    predict_view(caller, schema, rows.view(Purpose::Predict, &rows.follow()?), results, run)
}

/// The same of all rows of a view.
pub(super) fn predict_view(
    caller: Caller<'_>,
    schema: &Schema,
    batch: BatchView<'_>,
    results: &JByteBuffer<'_>,
    run: impl FnOnce(BatchView<'_>) -> Result<Predictions>,
) -> Result<u64, Failure> {
    let results = Results::of_predictions(Direct::of(caller, results, "results")?, schema, batch.rows())?;
    let predictions = run(batch)?;
    results.write_predictions(&predictions)?;
    Ok(predictions.version())
}
