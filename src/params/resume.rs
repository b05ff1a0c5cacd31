//! From a snapshot back to a start, if it is one of this model.

use super::cuts;
use super::layout::{Layout, TableLayout, Weight};
use super::learned::Start;
use super::tables::Tables;
use super::version::{Dense, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{File, Lineage, Snapshot, VersionId, metrics_state, slot_name, table_name};
use crate::table::TableSpec;
use crate::tensor::DType;
use crate::tf::Tensor;

const OPERATION: &str = "resume";

/// Goes on exactly where the snapshot was taken.
///
/// # Errors
/// `InvalidInput` if it is of another bundle, naming each tensor that differs.
pub(super) fn resume(layout: &Layout, snapshot: &Snapshot) -> Result<Start> {
    let mut dense = dense(layout, snapshot)?;
    let tables = Tables::to_learn(layout)?;
    cuts::load(snapshot, &tables, true)?;
    dense.set_runs(snapshot.head().runs);
    let slots =
        layout.slots_from(|slot, _, weight, tensor| fill(snapshot, File::Training, &slot_name(slot, &weight.name), weight, tensor))?;
    let mut metrics = layout.metrics.clone();
    metrics.restore(&metrics_state(snapshot)?).map_err(|error| {
        let context = format!("the metrics of version {} cannot be restored", snapshot.version());
        Error::new(ErrorKind::InvalidSnapshot, OPERATION, context).with_source(error)
    })?;
    Ok(Start {
        id: snapshot.version(),
        parent: snapshot.parent(),
        steps: snapshot.steps(),
        dense,
        tables,
        slots,
        metrics,
        position: snapshot.position().map(Into::into),
    })
}

/// What predicts, alone.
pub(super) fn to_predict(layout: &Layout, snapshot: &Snapshot) -> Result<Values> {
    let (dense, tables) = (dense(layout, snapshot)?, Tables::to_predict(layout)?);
    cuts::load(snapshot, &tables, false)?;
    Ok(Values { dense, tables })
}

fn dense(layout: &Layout, snapshot: &Snapshot) -> Result<Dense> {
    if snapshot.bundle_identity() != &*layout.identity {
        return Err(of_another_bundle(layout, snapshot));
    }
    layout.dense(|weight, tensor| fill(snapshot, File::Model, &weight.name, weight, tensor))
}

/// As [`resume`], in a lineage of its own.
pub(super) fn depart(layout: &Layout, snapshot: &Snapshot) -> Result<Start> {
    let id = VersionId { lineage: Lineage::random()?, ..snapshot.version() };
    Ok(Start { id, parent: Some(snapshot.version()), ..resume(layout, snapshot)? })
}

/// Takes over the parameters and state that fit, in a lineage of its own. If they all do and the optimizer keeps the same
/// slots, these and the number of steps come along; else the optimizer begins anew, as do the metrics in any case.
pub(super) fn warm_start(layout: &Layout, initial: Values, snapshot: &Snapshot) -> Result<Start> {
    if snapshot.bundle_identity() == &*layout.identity {
        return resume(layout, snapshot);
    }
    let Values { dense: Dense { mut parameters, mut state, .. }, tables } = initial;
    let mut all = true;
    for (weights, tensors) in [(&layout.parameters, &mut parameters), (&layout.state, &mut state)] {
        for (weight, tensor) in weights.iter().zip(tensors) {
            match found(snapshot, File::Model, &weight.name, weight.dtype, weight) {
                Some(bytes) => tensor.copy_from(bytes)?,
                None => {
                    all = false;
                    tracing::warn!(weight = weight.name, "the snapshot has no value that fits; it begins with the bundle's");
                }
            }
        }
    }
    let fits = |table: &TableLayout| cuts::dim(snapshot, &table.spec.name) == Some(table.spec.dim);
    let all = all && layout.tables.iter().all(fits) && slots_agree(layout, snapshot);
    for (table, of) in tables.iter().zip(&layout.tables) {
        match fits(of) {
            true => cuts::load_one(table, snapshot, all)?,
            false => tracing::warn!(table = of.spec.name, "the snapshot has no table that fits; it begins with the bundle's"),
        }
    }
    let start = Start::new(layout, Values { dense: Dense::new(parameters, state), tables })?;
    let slots = match all {
        true => {
            layout.slots_from(|slot, _, weight, tensor| fill(snapshot, File::Training, &slot_name(slot, &weight.name), weight, tensor))?
        }
        false => start.slots,
    };
    let steps = if all { snapshot.steps() } else { 0 };
    let id = VersionId { number: steps, ..start.id };
    Ok(Start { id, parent: Some(snapshot.version()), steps, slots, position: snapshot.position().map(Into::into), ..start })
}

/// The bytes of a tensor, if the snapshot has it in this dtype and the weight's shape.
fn found<'a>(snapshot: &'a Snapshot, file: File, name: &str, dtype: DType, weight: &Weight) -> Option<&'a [u8]> {
    let (found, shape, bytes) = snapshot.tensor(file, name)?;
    (found == dtype && shape == weight.shape.sizes()).then_some(bytes)
}

fn fill(snapshot: &Snapshot, file: File, name: &str, weight: &Weight, tensor: &mut Tensor) -> Result<()> {
    match found(snapshot, file, name, tensor.dtype(), weight) {
        Some(bytes) => tensor.copy_from(bytes),
        None => {
            let context =
                format!("version {} lacks {name} as {} {}; restore another version", snapshot.version(), tensor.dtype(), weight.shape);
            Err(Error::new(ErrorKind::InvalidSnapshot, OPERATION, context))
        }
    }
}

fn slots_agree(layout: &Layout, snapshot: &Snapshot) -> bool {
    let dense = layout.slot_names().all(|(name, weight, _)| found(snapshot, File::Training, &name, DType::F32, weight).is_some());
    let tables = layout.table_slots().all(|name| snapshot.tensor(File::Training, &name).is_some());
    let count = layout.slot_names().count() + layout.table_slots().count();
    dense && tables && snapshot.names(File::Training).filter(|name| name.starts_with("slot/")).count() == count
}

fn of_another_bundle(layout: &Layout, snapshot: &Snapshot) -> Error {
    let mut differences = Vec::new();
    let weights = || layout.parameters.iter().chain(&layout.state);
    for weight in weights() {
        match snapshot.tensor(File::Model, &weight.name) {
            None => differences.push(format!("{} is only in the bundle", weight.name)),
            Some((dtype, shape, _)) if dtype != weight.dtype || shape != weight.shape.sizes() => {
                let (name, wanted, wanted_shape) = (&weight.name, weight.dtype, &weight.shape);
                differences.push(format!("{name} is {dtype} {shape:?} in the snapshot, {wanted} {wanted_shape} in the bundle"));
            }
            Some(_) => {}
        }
    }
    for TableSpec { name, dim, .. } in layout.tables.iter().map(|table| &table.spec) {
        match cuts::dim(snapshot, name) {
            None => differences.push(format!("the table {name} is only in the bundle")),
            Some(found) if found != *dim => {
                differences.push(format!("the table {name} has rows of {found} in the snapshot, of {dim} in the bundle"));
            }
            Some(_) => {}
        }
    }
    let of_table = |name: &str| layout.tables.iter().any(|table| name.starts_with(&table_name(&table.spec.name, "")));
    let only = snapshot.names(File::Model).filter(|name| !of_table(name) && weights().all(|weight| weight.name != *name));
    differences.extend(only.map(|name| format!("{name} is only in the snapshot")));
    if differences.is_empty() {
        differences.push(match slots_agree(layout, snapshot) {
            true => "all tensors agree, but graph, optimizer, metrics or first values do not".to_owned(),
            false => "parameters and state agree, but the optimizer keeps other slots".to_owned(),
        });
    }
    let context = format!(
        "version {} is of another bundle, {:?} ({}): {}; open that bundle, name another folder, or let a store begin with a warm start",
        snapshot.version(),
        snapshot.bundle_name(),
        snapshot.bundle_identity().get(..12).unwrap_or(snapshot.bundle_identity()),
        differences.join("; ")
    );
    Error::input(OPERATION, context)
}
