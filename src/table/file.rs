//! A table's rows as a safetensors file, for other tools and from them.
//!
//! The file has two tensors for each table, as a bundle's `tables.safetensors` has them: `<table>/ids`, `uint64 [n]`, and `<table>/rows`,
//! `float32 [n, dim]`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::Builder;

use super::columns::ColumnsView;
use super::{Columns, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::bytes_of;

impl Table {
    /// Writes all rows as they are now to a file, which appears complete or not at all; returns how many there are. Learning goes on meanwhile.
    ///
    /// # Errors
    /// `Io` if the file cannot be written.
    pub fn export(self: &Arc<Self>, path: impl AsRef<Path>) -> Result<usize> {
        let (path, name) = (path.as_ref(), &self.spec().name);
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Io, "export table", format!("{name} to {}", path.display())).with_source(error)
        };
        let Columns { ids, rows, .. } = self.cut().columns(None);
        let count = ids.len();
        let ids = TensorView::new(Dtype::U64, vec![count], bytes_of(&ids)).map_err(|error| failed(error.into()))?;
        let rows = TensorView::new(Dtype::F32, vec![count, self.spec().dim], bytes_of(&rows)).map_err(|error| failed(error.into()))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // As any other new file: what the process lets others do with it.
        let file = Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map_err(|error| failed(error.into()))?;
        let tensors = [(format!("{name}/ids"), ids), (format!("{name}/rows"), rows)];
        safetensors::serialize_to_file(tensors, None, file.path()).map_err(|error| failed(error.into()))?;
        file.as_file().sync_all().map_err(|error| failed(error.into()))?;
        file.persist(path).map_err(|error| failed(error.into()))?;
        Ok(count)
    }

    /// Takes in pre-trained rows from a file such as [`Table::export`] writes; returns how many. An id that has a row gets the file's,
    /// one that has none gets one, whatever admission says; their optimizer slots begin anew.
    ///
    /// # Errors
    /// `Io` if the file cannot be read; `InvalidInput` if it has no such tensors, rows of another length, or numbers that are not finite: nothing
    /// is changed then.
    pub fn import(&self, path: impl AsRef<Path>) -> Result<usize> {
        let (path, name, dim) = (path.as_ref(), &self.spec().name, self.spec().dim);
        let file = fs::read(path)
            .map_err(|error| Error::new(ErrorKind::Io, "import table", format!("{name} from {}", path.display())).with_source(error))?;
        let invalid = |what: String| Error::input("import table", format!("{}: {what}: table {name}", path.display()));
        let tensors = SafeTensors::deserialize(&file).map_err(|error| invalid("it is no safetensors file".into()).with_source(error))?;
        let tensor = |what: &str| {
            tensors.tensor(&format!("{name}/{what}")).map_err(|_| {
                invalid(format!("it lacks the tensor {name}/{what}; it has {}", tensors.names().into_iter().collect::<Vec<_>>().join(", ")))
            })
        };
        let (ids, rows) = (tensor("ids")?, tensor("rows")?);
        if ids.dtype() != Dtype::U64 || rows.dtype() != Dtype::F32 || ids.shape().len() != 1 || rows.shape() != [ids.shape()[0], dim] {
            let (a, b, c, d) = (ids.dtype(), ids.shape(), rows.dtype(), rows.shape());
            return Err(invalid(format!("its ids are {a:?} {b:?} and its rows {c:?} {d:?}; give U64 [n] and F32 [n, {dim}]")));
        }
        let ids: Vec<u64> = ids.data().as_chunks().0.iter().copied().map(u64::from_le_bytes).collect();
        let rows: Vec<f32> = rows.data().as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
        self.load(&ColumnsView { ids: &ids, rows: &rows, ..ColumnsView::default() })?;
        Ok(ids.len())
    }
}
