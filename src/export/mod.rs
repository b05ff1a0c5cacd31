//! A version for programs that know nothing of this one: a SavedModel of TensorFlow's.
//!
//! The graph is Python's, left in the bundle when it was exported; the values are those of a version, written by TensorFlow's own op. So no Python
//! is needed when it is written. What is in it says `docs/saved-model.md`.

mod folder;
mod values;

use std::path::Path;

use crate::bundle::Bundle;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Opening;
use crate::params::WholeVersion;
use crate::snapshot::{Snapshot, SnapshotFolder, VersionId};
use crate::tf;

const OPERATION: &str = "write SavedModel";

/// Writes a version as a SavedModel into the folder `folder/<number>`, as TensorFlow Serving wants it; without a snapshot, the bundle's own values as
/// number 0. It appears complete or not at all.
///
/// TensorFlow is loaded as [`tf::load`] finds it, unless it already is. Of a trainer's newest version it is
/// [`Trainer::to_saved_model`](crate::Trainer::to_saved_model).
///
/// ```no_run
/// # fn main() -> streamgrad::Result<()> {
/// use streamgrad::snapshot::SnapshotFolder;
/// use streamgrad::{Bundle, export};
///
/// let snapshot = SnapshotFolder::open("model")?.newest()?;
/// let version = export::saved_model(&Bundle::open("flights.bundle")?, snapshot.as_ref(), "served/flights")?;
/// println!("served/flights/{}", version.number);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `InvalidInput` if `folder/<number>` exists, or the snapshot is of another bundle; `InvalidBundle` if the bundle has none of the files that this
/// needs, since an older version exported it; `Io` if it cannot be written.
pub fn saved_model(bundle: &Bundle, snapshot: Option<&Snapshot>, folder: impl AsRef<Path>) -> Result<VersionId> {
    tf::load(None)?;
    write(bundle, WholeVersion::of(bundle, snapshot)?, folder.as_ref())
}

/// The same, for hosts that name a bundle and a version by paths and numbers: the newest of the store's folder unless one is named, the bundle's
/// own values without a store.
pub(crate) fn kept(opening: &Opening, bundle: &Path, store: Option<&Path>, version: Option<VersionId>, folder: &Path) -> Result<VersionId> {
    let snapshot = match (store, version) {
        (Some(store), Some(version)) => Some(SnapshotFolder::open(store)?.read(version)?),
        (Some(store), None) => {
            let newest = SnapshotFolder::open(store)?.newest()?;
            Some(newest.ok_or_else(|| Error::input(OPERATION, format!("nothing was saved there yet: {}", store.display())))?)
        }
        (None, Some(version)) => return Err(Error::input(OPERATION, format!("name the store that keeps version {version}"))),
        (None, None) => None,
    };
    let bundle = opening.bundle(bundle)?;
    tf::load_from(&opening.tensorflow)?;
    write(&bundle, WholeVersion::of(&bundle, snapshot.as_ref())?, folder)
}

/// The same, of a version that a store gave.
pub(crate) fn write(bundle: &Bundle, version: WholeVersion, folder: &Path) -> Result<VersionId> {
    let id = version.version.id();
    let target = folder.join(id.number.to_string());
    let _export = tracing::debug_span!("export", version = %id, folder = %target.display()).entered();
    folder::refuse_taken(&target)?;
    let graph = bundle.serving()?;
    folder::appear(&target, |path| {
        let failed = |error| Error::new(ErrorKind::Io, OPERATION, path.display().to_string()).with_source(error);
        std::fs::write(path.join("saved_model.pb"), &graph).map_err(failed)?;
        std::fs::create_dir(path.join("variables")).map_err(failed)?;
        values::write(bundle, version, &path.join("variables").join("variables"))
    })?;
    Ok(id)
}
