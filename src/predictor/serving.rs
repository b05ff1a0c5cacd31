//! A model and a version of its parameters: what one call predicts with.

use std::sync::Arc;
use std::time::SystemTime;

use super::made_up::MadeUp;
use crate::batch::{BatchView, ColumnSpec, Schema};
use crate::bundle::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Model, Predictions};
use crate::params::Version;
use crate::snapshot::VersionId;
use crate::tensor::{DType, bytes_as};

/// Immutable; all that a call needs.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) model: Arc<Model>,
    pub(super) version: Version,
    /// When the version was made, if that is known.
    pub(super) made: Option<SystemTime>,
}

impl Serving {
    pub(super) fn id(&self) -> VersionId {
        self.version.id()
    }

    pub(super) fn memory(&self) -> usize {
        self.model.memory() + self.version.memory()
    }

    pub(super) fn predict(&self, batch: &BatchView<'_>) -> Result<Predictions> {
        self.model.predict(&self.version, batch)
    }

    /// Runs once, so that the first real call finds everything compiled and in memory.
    ///
    /// The rows are made up, and some graphs refuse such rows. So a failure says something about this version only if
    /// `current` does not fail in the same way.
    pub(super) fn warm(&self, rows: usize, current: Option<&Self>) -> Result<()> {
        let rows = MadeUp::new(self.model.schema(), rows)?;
        let Err(error) = self.sound(&rows) else { return Ok(()) };
        match current {
            Some(current) if current.sound(&rows).is_ok() => Err(error),
            _ => {
                tracing::debug!(version = %self.id(), %error, "made-up rows tell nothing about this model");
                Ok(())
            }
        }
    }

    /// Predicts made-up rows; what comes out must be finite.
    fn sound(&self, rows: &MadeUp) -> Result<()> {
        let predictions = self.predict(&rows.view())?;
        for (index, output) in self.model.schema().outputs().iter().enumerate() {
            let values = predictions.bytes(index).filter(|_| output.dtype == DType::F32);
            if values.and_then(bytes_as::<f32>).is_some_and(|values| values.iter().any(|value| !value.is_finite())) {
                let context = format!("version {} predicts values of {} that are not finite", self.id(), output.name);
                return Err(Error::new(ErrorKind::NonFinite, "warm up", context));
            }
        }
        Ok(())
    }

    /// Refuses a model that does not take the batches of this schema, or gives other outputs.
    pub(super) fn check(&self, schema: &Arc<Schema>) -> Result<()> {
        let found = self.model.schema();
        if Arc::ptr_eq(schema, found) {
            return Ok(());
        }
        let column = |column: &ColumnSpec| (column.name.clone(), column.role, column.dtype, column.shape.clone(), column.fields.clone());
        let output = |output: &Output| (output.name.clone(), output.dtype, output.shape.clone());
        let columns = |schema: &Schema| schema.columns().iter().map(column).collect::<Vec<_>>();
        let outputs = |schema: &Schema| schema.outputs().iter().map(output).collect::<Vec<_>>();
        let what = match (columns(schema) == columns(found), outputs(schema) == outputs(found)) {
            (true, true) => return Ok(()),
            (false, _) => "takes other columns",
            (true, false) => "predicts other outputs",
        };
        let context = format!(
            "the model {:?} of version {} {what} than the one that predicts; open a predictor of its own for it",
            self.model.bundle().manifest().name,
            self.id()
        );
        Err(Error::new(ErrorKind::InvalidBundle, "follow", context))
    }
}
