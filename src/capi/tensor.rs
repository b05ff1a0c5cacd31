//! `sg_tensor`: the name, type and shape of a feature, label, weight, output, parameter or piece of state.

use std::ffi::c_char;
use std::mem::offset_of;

use super::dtype::{sg_dtype, to_c};
use super::sized::SizedStruct;
use crate::bind::{Failure, Status};
use crate::bundle::{Column, Manifest};
use crate::tensor::{DType, Shape};

/// What a tensor is for: one of `SG_FEATURE` and so on.
pub type sg_role = i32;

/// An input of the model; its shape is that of one row.
pub const SG_FEATURE: sg_role = 1;
/// What the model learns from, and predicting does without; its shape is that of one row.
pub const SG_LABEL: sg_role = 2;
/// The weight of a row in the loss; predicting does without.
pub const SG_WEIGHT: sg_role = 3;
/// What the model predicts; its shape is that of one row.
pub const SG_OUTPUT: sg_role = 4;
/// What gradients move; its shape is the whole shape.
pub const SG_PARAMETER: sg_role = 5;
/// What the training pass itself replaces, such as moving averages; its shape is the whole shape.
pub const SG_STATE: sg_role = 6;

/// The bytes of a tensor's name, its zero included.
pub const SG_NAME_BYTES: usize = 256;
/// The most dimensions that a tensor can have here.
pub const SG_MAX_RANK: usize = 8;

/// The description of a tensor. Plain data of the caller, to be initialised with `SG_TENSOR_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_tensor {
    /// `sizeof(sg_tensor)`.
    pub size: usize,
    /// Written: its name, ended by a zero.
    pub name: [c_char; SG_NAME_BYTES],
    /// Written: what it is for.
    pub role: sg_role,
    /// Written: the type of its elements.
    pub dtype: sg_dtype,
    /// Written: how many dimensions; zero for a scalar.
    pub rank: usize,
    /// Written: their sizes.
    pub shape: [usize; SG_MAX_RANK],
    /// Written: the product of the sizes.
    pub elements: usize,
    /// Written: the record's fields that fill a row: one, or as many as elements; none for what no record fills.
    pub field_count: usize,
    /// Written: 1 if a row has any number of values, each of this dtype, one after the other; else 0.
    pub ragged: usize,
    /// Written: 1 if values may be missing (NaN, the lowest integer, the empty string, a field that `sg_batch_add` is not given); else 0.
    pub optional: usize,
}

// SAFETY: `repr(C)`, a multiple of eight bytes without padding, begins with its size, made of integers.
unsafe impl SizedStruct for sg_tensor {
    const MACRO: &'static str = "SG_TENSOR_INIT";
    const FIRST_SIZE: usize = offset_of!(Self, ragged);
}

/// What all kinds of tensors have in common.
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) dtype: DType,
    pub(super) shape: &'a Shape,
    pub(super) fields: &'a [String],
    pub(super) ragged: bool,
    pub(super) optional: bool,
}

/// The tensors of one role, in the order of the manifest.
pub(super) fn describe(manifest: &Manifest, role: sg_role) -> Result<Vec<Described<'_>>, Failure> {
    fn one<'a>(name: &'a str, dtype: DType, shape: &'a Shape) -> Described<'a> {
        Described { name, dtype, shape, fields: &[], ragged: false, optional: false }
    }
    fn column(column: &Column) -> Described<'_> {
        let (fields, ragged, optional) = (&column.fields, column.ragged, column.optional);
        Described { fields, ragged, optional, ..one(&column.name, column.dtype, &column.shape) }
    }
    Ok(match role {
        SG_FEATURE => manifest.given().map(column).collect(),
        SG_LABEL => manifest.labels.iter().map(column).collect(),
        SG_WEIGHT => manifest.weight.iter().map(column).collect(),
        SG_OUTPUT => manifest.outputs.iter().map(|entry| one(&entry.name, entry.dtype, &entry.shape)).collect(),
        SG_PARAMETER => manifest.parameters.iter().map(|entry| one(&entry.name, entry.dtype, &entry.shape)).collect(),
        SG_STATE => manifest.state.iter().map(|entry| one(&entry.name, entry.dtype, &entry.shape)).collect(),
        _ => return Err(Failure::new(Status::INVALID_INPUT, format!("pass one of SG_FEATURE and so on, there is no role {role}"))),
    })
}

impl Described<'_> {
    pub(super) fn to_c(&self, size: usize, role: sg_role) -> Result<sg_tensor, Failure> {
        let (name, sizes) = (self.name, self.shape.sizes());
        if name.len() >= SG_NAME_BYTES || sizes.len() > SG_MAX_RANK {
            let message =
                format!("rename or reshape it, C takes names of {} bytes and {SG_MAX_RANK} dimensions: {name}", SG_NAME_BYTES - 1);
            return Err(Failure::new(Status::UNSUPPORTED, message));
        }
        let mut tensor = sg_tensor {
            size,
            name: [0; SG_NAME_BYTES],
            role,
            dtype: to_c(self.dtype),
            rank: sizes.len(),
            shape: [0; SG_MAX_RANK],
            elements: self.shape.elements(),
            field_count: self.fields.len(),
            ragged: self.ragged.into(),
            optional: self.optional.into(),
        };
        tensor.shape[..sizes.len()].copy_from_slice(&sizes);
        for (target, &byte) in tensor.name.iter_mut().zip(name.as_bytes()) {
            *target = byte as c_char;
        }
        Ok(tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, dims: Vec<i64>) -> Result<sg_tensor, Failure> {
        let shape = Shape::new(dims).unwrap();
        Described { name, dtype: DType::F32, shape: &shape, fields: &[], ragged: false, optional: false }
            .to_c(size_of::<sg_tensor>(), SG_PARAMETER)
    }

    #[test]
    fn a_name_or_rank_that_has_no_room_is_unsupported_not_cut() {
        let tensor = described(&"n".repeat(255), vec![2, 3]).unwrap();
        assert_eq!((tensor.rank, tensor.shape[..3].to_vec(), tensor.elements), (2, vec![2, 3, 0], 6));
        assert_eq!((tensor.name[254], tensor.name[255]), (b'n' as c_char, 0));
        assert_eq!(described(&"n".repeat(256), vec![]).unwrap_err().status, Status::UNSUPPORTED);
        assert_eq!(described("n", vec![1; 9]).unwrap_err().status, Status::UNSUPPORTED);
    }
}
