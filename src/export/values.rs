//! The values of a version under the names by which a SavedModel's variables are restored: those of a snapshot.

use std::path::Path;

use crate::bundle::Bundle;
use crate::error::Result;
use crate::params::WholeVersion;
use crate::snapshot::table_name;
use crate::table::{Cut, TableSpec};
use crate::tensor::DType;
use crate::tf::{Tensor, write_checkpoint};

/// Writes them as a checkpoint. Of values that change while training goes on, only those of tables are copied.
pub(super) fn write(bundle: &Bundle, WholeVersion { version, tables }: WholeVersion, prefix: &Path) -> Result<()> {
    let manifest = bundle.manifest();
    let mut owned: Vec<(String, Tensor)> = Vec::new();
    for weight in &manifest.frozen {
        let mut tensor = Tensor::allocate(weight.dtype, weight.shape.dims())?;
        tensor.copy_from(bundle.values().bytes(&weight.name)?)?;
        owned.push((weight.name.clone(), tensor));
    }
    for (table, cut) in version.tables().iter().zip(tables) {
        let (ids, rows) = sorted(table.spec(), cut)?;
        owned.push((table_name(&table.spec().name, "ids"), ids));
        owned.push((table_name(&table.spec().name, "rows"), rows));
    }
    let parameters = manifest.parameters.iter().map(|weight| weight.name.as_str()).zip(&version.dense().parameters);
    let state = manifest.state.iter().map(|weight| weight.name.as_str()).zip(&version.dense().state);
    let others = owned.iter().map(|(name, tensor)| (name.as_str(), tensor));
    write_checkpoint(prefix, &parameters.chain(state).chain(others).collect::<Vec<_>>())
}

/// Ids and rows of a table in the order of the ids as `int64`, which is how they are searched. An empty table has the default row for one id:
/// the search wants something to find.
fn sorted(spec: &TableSpec, cut: Cut) -> Result<(Tensor, Tensor)> {
    let dim = spec.dim;
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    let walked: Result<()> = cut.for_each(|row| {
        ids.push(row.id.cast_signed());
        rows.extend_from_slice(row.values);
        Ok(())
    });
    walked?;
    if ids.is_empty() {
        ids.push(0);
        rows.extend_from_slice(&spec.default_row);
        rows.resize(dim, 0.0);
    }
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_unstable_by_key(|place| ids[*place]);
    let count = ids.len() as i64;
    let mut sorted_ids = Tensor::allocate(DType::I64, &[count])?;
    let mut sorted_rows = Tensor::allocate(DType::F32, &[count, dim as i64])?;
    for (into, from) in sorted_ids.as_mut_slice::<i64>()?.iter_mut().zip(&order) {
        *into = ids[*from];
    }
    for (into, from) in sorted_rows.as_mut_slice::<f32>()?.chunks_exact_mut(dim).zip(&order) {
        into.copy_from_slice(&rows[*from * dim..][..dim]);
    }
    Ok((sorted_ids, sorted_rows))
}
