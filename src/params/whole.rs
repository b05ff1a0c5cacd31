//! A version with its tables as of the same step, to be written for others.

use super::checkpoint::Checkpoint;
use super::layout::Layout;
use super::version::Version;
use crate::bundle::Bundle;
use crate::error::Result;
use crate::snapshot::{Snapshot, VersionId};
use crate::table::{Cut, Table};

/// Everything that predicts, of one version. Training goes on beside it.
#[derive(Debug)]
pub(crate) struct WholeVersion {
    pub(crate) version: Version,
    /// Of each table, in the order of the bundle.
    pub(crate) tables: Vec<Cut>,
}

impl WholeVersion {
    /// The version that was saved; without one, the bundle's own values.
    ///
    /// # Errors
    /// `InvalidInput` if it is of another bundle, naming each tensor that differs.
    pub(crate) fn of(bundle: &Bundle, snapshot: Option<&Snapshot>) -> Result<Self> {
        // The window is one of metrics, which nobody keeps here.
        let layout = Layout::new(bundle, None, 1)?;
        let version = match snapshot {
            Some(snapshot) => Version::saved(&layout, snapshot)?,
            None => Version::initial(&layout, bundle, VersionId::of_bundle(bundle.identity(), 0))?,
        };
        let tables = version.tables().iter().map(Table::cut).collect();
        Ok(Self { version, tables })
    }
}

impl From<Checkpoint> for WholeVersion {
    fn from(checkpoint: Checkpoint) -> Self {
        let captured = checkpoint.captured();
        Self { version: captured.version.clone(), tables: captured.cuts.take() }
    }
}
