//! A record batch that a host hands over by Arrow's C data interface.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Float64Type};
use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_buffer::Buffer;
use arrow_data::ffi::FFI_ArrowArray;
use arrow_schema::DataType;
use arrow_schema::ffi::FFI_ArrowSchema;

use super::super::fields::Fields;
use super::super::plan::{Plan, Target};
use super::super::refusals::{Place, Refusals};
use super::{append, columns, guarded};
use crate::batch::{Batch, BatchView, ColumnData, Purpose, RaggedValues};
use crate::error::{Error, Result};
use crate::tensor::DType;

const IMPORT: &str = "import arrow";

/// Rows that a host handed over. In place where every column has its dtype's type and no nulls, and every row is right; else
/// copied, without the rows that are refused. `Send`.
#[derive(Debug)]
pub struct ArrowBatch {
    rows: Rows,
    refusals: Refusals,
}

#[derive(Debug)]
enum Rows {
    InPlace { rows: usize, columns: Vec<Column> },
    Copied(Batch),
}

/// A column in the host's memory, which is kept until this is dropped.
#[derive(Debug)]
enum Column {
    Absent,
    Fixed(Buffer),
    Strings { bytes: Buffer, places: Vec<(u32, u32)> },
    Ragged { values: Buffer, lengths: Vec<i64> },
}

impl ArrowBatch {
    /// Takes over a record batch: a struct array whose children are the columns. Both structures are moved from and marked
    /// released, as the interface asks of who takes over; the host's release callback is called when this value is dropped.
    ///
    /// # Errors
    /// `InvalidInput` if the array contradicts itself or its schema, is no struct, or lacks a field that has no default.
    ///
    /// # Safety
    /// Both pointers are valid, and what they describe follows the C data interface: its buffers are as long as its counts say.
    pub unsafe fn import(fields: impl Into<Fields>, array: *mut FFI_ArrowArray, schema: *mut FFI_ArrowSchema) -> Result<Self> {
        if array.is_null() || schema.is_null() {
            return Err(Error::input(IMPORT, "a pointer is null"));
        }
        // SAFETY: the caller's promise; both are moved from, so nobody releases them twice.
        let (array, schema) = unsafe { (FFI_ArrowArray::from_raw(array), FFI_ArrowSchema::from_raw(schema)) };
        if array.is_released() {
            return Err(Error::input(IMPORT, "it was released, or imported before"));
        }
        let record = guarded(IMPORT, move || {
            // SAFETY: the caller's promise; what can be checked is checked below.
            let mut data = unsafe { arrow_array::ffi::from_ffi(array, &schema) }?;
            data.align_buffers();
            data.validate_full()?;
            if !matches!(data.data_type(), DataType::Struct(_)) || data.null_count() > 0 {
                return Err(arrow_schema::ArrowError::InvalidArgumentError("it is no record batch: a struct without nulls".into()));
            }
            Ok(RecordBatch::from(StructArray::from(data)))
        })?;
        Self::of(fields, &record)
    }

    /// The same of a record batch of this process.
    ///
    /// # Errors
    /// `InvalidInput` if it lacks a field that has no default.
    pub fn of(fields: impl Into<Fields>, record: &RecordBatch) -> Result<Self> {
        let plan = Plan::new(fields.into())?;
        let arrays: Vec<_> =
            columns(&plan, &record.schema())?.into_iter().map(|column| column.map(|column| record.column(column).clone())).collect();
        let mut refusals = Refusals::default();
        if let Some(columns) = in_place(&plan, &arrays) {
            let rows = Rows::InPlace { rows: record.num_rows(), columns };
            let view = rows.view();
            // What is wrong in one row must not stop the others.
            if record.num_rows() == 0 || (view.check(plan.schema(), Purpose::Predict).is_ok() && view.check_present(plan.schema()).is_ok())
            {
                return Ok(Self { rows, refusals });
            }
        }
        let mut batch = plan.schema().batch_with_capacity(record.num_rows());
        let mut seen = vec![false; plan.targets.len()];
        append(&plan, &mut seen, &arrays, record.num_rows(), &mut batch, |row, reason| refusals.add(Place::Row(row as u64), reason));
        Ok(Self { rows: Rows::Copied(batch), refusals })
    }

    /// The rows, for the calls that take a batch.
    pub fn view(&self) -> BatchView<'_> {
        self.rows.view()
    }

    /// Whether the columns are the host's memory.
    pub fn is_in_place(&self) -> bool {
        matches!(self.rows, Rows::InPlace { .. })
    }

    /// The rows that were refused.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }
}

impl<'a> From<&'a ArrowBatch> for BatchView<'a> {
    fn from(batch: &'a ArrowBatch) -> Self {
        batch.view()
    }
}

impl Rows {
    fn view(&self) -> BatchView<'_> {
        let (rows, columns) = match self {
            Self::Copied(batch) => return batch.into(),
            Self::InPlace { rows, columns } => (*rows, columns),
        };
        let data = columns.iter().map(|column| match column {
            Column::Absent => ColumnData::Absent,
            Column::Fixed(bytes) => ColumnData::Bytes(bytes),
            Column::Strings { bytes, places } => ColumnData::Strings { bytes, places },
            Column::Ragged { values, lengths } => ColumnData::Ragged { lengths, values: RaggedValues::Bytes(values) },
        });
        BatchView::new(rows, data.collect())
    }
}

/// The columns as they are; `None` if one of them is not as a batch wants it.
fn in_place(plan: &Plan, arrays: &[Option<ArrayRef>]) -> Option<Vec<Column>> {
    let mut found = plan.targets.iter().zip(arrays);
    let column = |spec: &crate::batch::ColumnSpec| {
        // A column that several fields fill lies in several places.
        let columns: Vec<_> = found.by_ref().take(spec.fields.len()).collect();
        match columns[..] {
            [(target, Some(array))] if array.logical_null_count() == 0 => self::column(target, array),
            [(target, None)] if !target.is_needed() && !target.has_default() => Some(Column::Absent),
            _ => None,
        }
    };
    plan.schema().columns().iter().map(column).collect()
}

fn column(target: &Target, array: &ArrayRef) -> Option<Column> {
    match array.data_type() {
        DataType::List(_) if target.ragged => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let values = list.values().slice(offsets[0] as usize, (offsets[list.len()] - offsets[0]) as usize);
            let lengths = offsets.windows(2).map(|ends| i64::from(ends[1] - ends[0])).collect();
            Some(Column::Ragged { values: numbers(target.dtype, &values)?, lengths })
        }
        DataType::FixedSizeList(_, size) if !target.ragged && *size as usize == target.elements => {
            let list = array.as_fixed_size_list();
            let values = list.values().slice(list.value_offset_at(0), list.len() * target.elements);
            Some(Column::Fixed(numbers(target.dtype, &values)?))
        }
        _ if target.ragged || target.elements != 1 => None,
        DataType::Utf8 if target.dtype == DType::String => {
            let strings = array.as_string::<i32>();
            Some(Column::Strings { bytes: strings.values().clone(), places: places(strings.value_offsets()) })
        }
        DataType::Binary if target.dtype == DType::String => {
            let strings = array.as_binary::<i32>();
            Some(Column::Strings { bytes: strings.values().clone(), places: places(strings.value_offsets()) })
        }
        _ => Some(Column::Fixed(numbers(target.dtype, array)?)),
    }
}

fn places(offsets: &[i32]) -> Vec<(u32, u32)> {
    offsets.windows(2).map(|ends| (ends[0].cast_unsigned(), (ends[1] - ends[0]).cast_unsigned())).collect()
}

/// The memory of numbers of this very type, which have no nulls.
fn numbers(dtype: DType, array: &ArrayRef) -> Option<Buffer> {
    if array.logical_null_count() > 0 {
        return None;
    }
    fn buffer<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<Buffer> {
        Some(array.as_primitive_opt::<T>()?.values().inner().clone())
    }
    match dtype {
        DType::F32 => buffer::<Float32Type>(array),
        DType::F64 => buffer::<Float64Type>(array),
        DType::I8 => buffer::<Int8Type>(array),
        DType::I16 => buffer::<Int16Type>(array),
        DType::I32 => buffer::<Int32Type>(array),
        DType::I64 => buffer::<Int64Type>(array),
        DType::U8 => buffer::<UInt8Type>(array),
        DType::U16 => buffer::<UInt16Type>(array),
        DType::U32 => buffer::<UInt32Type>(array),
        DType::U64 => buffer::<UInt64Type>(array),
        DType::F16 => buffer::<Float16Type>(array),
        DType::BF16 | DType::C64 | DType::C128 | DType::Bool | DType::String => None,
    }
}
