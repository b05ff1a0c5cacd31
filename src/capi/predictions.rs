//! `sg_predictions` and `sg_output`: what a model predicts, in the caller's memory.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;

use super::batch::{BATCHES, sg_batch};
use super::dtype::{from_c, sg_dtype};
use super::field::sg_bytes;
use super::pointer::{self, Out, Room};
use super::sized::{Caller, SizedStruct};
use crate::batch::{BatchView, Schema};
use crate::bind::{Failure, Status};
use crate::model::Predictions;
use crate::tensor::DType;

/// Memory of the caller for one named output.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_output {
    /// The output's name, ended by a zero.
    pub name: *const c_char,
    /// What `values` leads to; it must be the output's own dtype.
    pub dtype: sg_dtype,
    /// Where its values go: rows first, then its shape, row-major. Those of strings are `sg_bytes`, which are made to lead into `bytes`
    /// of the `sg_predictions`.
    pub values: *mut c_void,
    /// How many values there is room for.
    pub capacity: usize,
    /// Written: how many values there are.
    pub length: usize,
}

/// Where predictions go. Plain data of the caller, to be initialised with `SG_PREDICTIONS` or `SG_PREDICTIONS_OUTPUTS`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_predictions {
    /// `sizeof(sg_predictions)`.
    pub size: usize,
    /// Room for the values of a model with one output of `float`; null if they are not wanted here.
    pub values: *mut f32,
    /// How many values there is room for.
    pub capacity: usize,
    /// Room for outputs by name; null if there are none.
    pub outputs: *mut sg_output,
    /// How many of them.
    pub output_count: usize,
    /// Written: the rows predicted.
    pub rows: usize,
    /// Written: the version of the parameters that predicted: its number.
    pub version: u64,
    /// Written: the lineage of that version: both together are its `sg_version_id`.
    pub lineage: u64,
    /// Room for the bytes of the strings among `outputs`, all behind each other without a zero; null: the call only writes
    /// `byte_length`, if there are such outputs.
    pub bytes: *mut c_char,
    /// How many bytes there is room for.
    pub byte_capacity: usize,
    /// Written: how many bytes these strings are.
    pub byte_length: usize,
}

impl sg_predictions {
    /// Checks the caller's memory for so many rows.
    ///
    /// # Safety
    /// The pointers are as `docs/c-abi.md` says.
    pub(super) unsafe fn check(&self, schema: &Schema, rows: usize) -> Result<Wanted, Failure> {
        // SAFETY: the contract of this function.
        unsafe {
            let bytes = pointer::room(self.bytes.cast(), self.byte_capacity, 0, "bytes")?;
            Wanted::new(schema, rows, (self.values, self.capacity), (self.outputs, self.output_count), Text::In(bytes))
        }
    }

    pub(super) fn fill(&mut self, wanted: Wanted, schema: &Schema, predictions: &Predictions) -> Result<(), Failure> {
        self.byte_length = wanted.byte_length(predictions);
        if wanted.only_asks() {
            return Ok(());
        }
        (self.rows, self.version) = (predictions.rows(), predictions.version());
        self.lineage = predictions.version_id().lineage.number();
        wanted.fill(schema, predictions)
    }
}

// SAFETY: `repr(C)`, eleven fields of eight bytes, begins with its size, made of integers and pointers.
unsafe impl SizedStruct for sg_predictions {
    const MACRO: &'static str = "SG_PREDICTIONS";
    const FIRST_SIZE: usize = offset_of!(Self, lineage);
}

/// Predicts the rows of a batch into the caller's memory, which is checked before.
///
/// # Safety
/// `predictions` is as `docs/c-abi.md` says.
pub(super) unsafe fn predict(
    schema: &Schema,
    batch: sg_batch,
    predictions: *mut sg_predictions,
    run: impl FnOnce(BatchView<'_>) -> Result<Predictions, Failure>,
) -> Result<(), Failure> {
    let batch = BATCHES.get(batch.id)?;
    let batch = batch.lock();
    // SAFETY: the contract of this function.
    unsafe {
        let mut caller = Caller::<sg_predictions>::read(predictions, "predictions")?;
        let wanted = caller.value.check(schema, batch.rows())?;
        caller.value.fill(wanted, schema, &run(batch.view())?)?;
        caller.write();
    }
    Ok(())
}

/// Where the bytes of strings go.
#[derive(Debug)]
pub(super) enum Text {
    /// What is asked is how many there are, if there is no room.
    In(Option<Room<u8>>),
    /// A step cannot be undone, and how many bytes there will be is not known before it.
    Nowhere,
}

/// The memory that the caller gave for predictions, checked before the model runs, so that no run is in vain.
pub(super) struct Wanted {
    /// Which output goes where.
    rooms: Vec<(usize, Room<u8>)>,
    strings: Vec<(usize, Room<sg_bytes>)>,
    text: Text,
    lengths: Vec<(usize, Out<usize>)>,
}

impl Wanted {
    /// Checks `values` (for the one output of a model) and `outputs` (by name) for so many rows.
    ///
    /// # Safety
    /// They are null, misaligned or as large as their capacities say, as `docs/c-abi.md` has it.
    pub(super) unsafe fn new(
        schema: &Schema,
        rows: usize,
        (values, capacity): (*mut f32, usize),
        (outputs, output_count): (*mut sg_output, usize),
        text: Text,
    ) -> Result<Self, Failure> {
        let mut wanted = Self { rooms: Vec::new(), strings: Vec::new(), text, lengths: Vec::new() };
        if !values.is_null() || capacity != 0 {
            let [output] = schema.outputs() else {
                let names: Vec<&str> = schema.outputs().iter().map(|output| output.name.as_str()).collect();
                let message = format!("the model has several outputs, ask for them by name: {}", names.join(", "));
                return Err(Failure::new(Status::INVALID_INPUT, message));
            };
            // SAFETY: the contract of this function.
            unsafe { wanted.add(schema, rows, &output.name, DType::F32, values.cast(), capacity)? };
        }
        // SAFETY: the contract of this function.
        for (index, output) in unsafe { pointer::array(outputs.cast_const(), output_count, "outputs")? }.iter().enumerate() {
            // SAFETY: the contract of this function; `outputs` has `index` entries and more.
            unsafe {
                let name = pointer::text(output.name, "name of an output")?;
                let place = wanted.add(schema, rows, name, from_c(output.dtype)?, output.values, output.capacity)?;
                wanted.lengths.push((place, Out::new(&raw mut (*outputs.add(index)).length, "length")?));
            }
        }
        Ok(wanted)
    }

    /// # Safety
    /// As for [`Wanted::new`].
    unsafe fn add(
        &mut self,
        schema: &Schema,
        rows: usize,
        name: &str,
        dtype: DType,
        values: *mut c_void,
        capacity: usize,
    ) -> Result<usize, Failure> {
        let Some(index) = schema.outputs().iter().position(|output| output.name == name) else {
            let names: Vec<&str> = schema.outputs().iter().map(|output| output.name.as_str()).collect();
            let message = format!("the model has no output {name}, ask for one of: {}", names.join(", "));
            return Err(Failure::new(Status::INVALID_INPUT, message));
        };
        let output = &schema.outputs()[index];
        if output.dtype != dtype {
            let message = format!("the output holds {}, give memory of that type and not of {dtype}: {name}", output.dtype);
            return Err(Failure::new(Status::INVALID_INPUT, message));
        }
        let needed = rows.saturating_mul(output.shape.elements());
        if dtype == DType::String {
            if matches!(self.text, Text::Nowhere) {
                return Err(Failure::new(Status::UNSUPPORTED, format!("a step hands out no strings, predict them: {name}")));
            }
            // SAFETY: the contract of this function.
            let room = unsafe { pointer::room(values.cast::<sg_bytes>(), capacity, needed, name)? };
            self.strings.push((index, room.ok_or_else(|| Failure::null(name))?));
            return Ok(index);
        }
        // SAFETY: the contract of this function.
        match unsafe { pointer::typed_room(values, dtype, capacity, needed, name)? } {
            Some(room) => self.rooms.push((index, room)),
            None => return Err(Failure::null(name)),
        }
        Ok(index)
    }

    /// Whether the caller gave strings a place, but their bytes none.
    pub(super) fn only_asks(&self) -> bool {
        !self.strings.is_empty() && matches!(self.text, Text::In(None))
    }

    /// The bytes of all strings that are wanted.
    pub(super) fn byte_length(&self, predictions: &Predictions) -> usize {
        let strings = self.strings.iter().flat_map(|(index, _)| predictions.strings_at(*index));
        strings.map(Vec::len).sum()
    }

    /// Hands the predictions out.
    pub(super) fn fill(self, schema: &Schema, predictions: &Predictions) -> Result<(), Failure> {
        let needed = self.byte_length(predictions);
        if let Text::In(Some(room)) = self.text
            && !self.strings.is_empty()
        {
            if room.capacity() < needed {
                return Err(Failure::too_small("bytes", "bytes", room.capacity(), needed));
            }
            let start = room.start().cast_const();
            let mut bytes = Vec::with_capacity(needed);
            for (index, places) in self.strings {
                let place = |string: &Vec<u8>| {
                    let data = start.wrapping_add(bytes.len()).cast();
                    bytes.extend_from_slice(string);
                    sg_bytes { data, length: string.len() }
                };
                places.fill(&predictions.strings_at(index).iter().map(place).collect::<Vec<_>>())?;
            }
            room.fill(&bytes)?;
        }
        for (index, room) in self.rooms {
            room.fill(predictions.bytes(index).unwrap_or_default())?;
        }
        for (index, length) in self.lengths {
            length.write(predictions.rows() * schema.outputs()[index].shape.elements());
        }
        Ok(())
    }
}
