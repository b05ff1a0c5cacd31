//! `tables.safetensors`: the rows that tables begin with, where a model was trained before it was exported.

use std::collections::HashMap;
use std::ops::Range;

use safetensors::{Dtype, SafeTensors};

use super::invalid;
use super::manifest::Manifest;
use crate::error::Result;

pub(super) const FILE: &str = "tables.safetensors";

/// Ids and rows of each table that has any, checked for dtype and shape.
#[derive(Debug, Default)]
pub(crate) struct FirstRows {
    file: Vec<u8>,
    places: HashMap<String, [Range<usize>; 2]>,
}

impl FirstRows {
    pub(super) fn parse(file: Vec<u8>, manifest: &Manifest) -> Result<Self> {
        let mut places = HashMap::new();
        {
            let tensors = SafeTensors::deserialize(&file)
                .map_err(|error| invalid(format!("{FILE} cannot be read; export the bundle again")).with_source(error))?;
            for table in &manifest.tables {
                let name = &table.name;
                let (Ok(ids), Ok(rows)) = (tensors.tensor(&format!("{name}/ids")), tensors.tensor(&format!("{name}/rows"))) else {
                    continue;
                };
                let &[count] = ids.shape() else { return Err(contradiction(name)) };
                if ids.dtype() != Dtype::U64 || rows.dtype() != Dtype::F32 || rows.shape() != [count, table.dim] {
                    return Err(contradiction(name));
                }
                let place = |data: &[u8]| {
                    let start = data.as_ptr() as usize - file.as_ptr() as usize;
                    start..start + data.len()
                };
                places.insert(name.clone(), [place(ids.data()), place(rows.data())]);
            }
        }
        Ok(Self { file, places })
    }

    /// Ids and rows of a table, one row after the other.
    pub(crate) fn of(&self, table: &str) -> Option<(Vec<u64>, Vec<f32>)> {
        let [ids, rows] = self.places.get(table)?;
        let (ids, rows) = (self.file[ids.clone()].as_chunks().0, self.file[rows.clone()].as_chunks().0);
        Some((ids.iter().copied().map(u64::from_le_bytes).collect(), rows.iter().copied().map(f32::from_le_bytes).collect()))
    }
}

fn contradiction(table: &str) -> crate::error::Error {
    invalid(format!("{FILE}: ids and rows of {table} are not uint64 [n] and float32 [n, dim]; export the bundle again"))
}
