//! Columns of Arrow that are copied as they are.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::batch::{Append, Batch, Value};
use crate::codec::plan::{Plan, Target};
use crate::tensor::{DType, Element, bytes_of};

/// Appends all rows; false, and nothing is changed, if values must be looked at one by one.
pub(super) fn append(plan: &Plan, arrays: &[Option<ArrayRef>], batch: &mut Batch, rows: usize) -> bool {
    let mut append = batch.append(rows);
    let fits = plan.targets.iter().zip(arrays).all(|(target, array)| match array {
        Some(array) if array.logical_null_count() == 0 => column(target, array, &mut append),
        // A stream of what is only predicted.
        Some(array) => array.logical_null_count() == rows && target.may_be_null() && !target.has_default(),
        None => !target.has_default(),
    });
    fits && append.commit()
}

fn column(target: &Target, array: &ArrayRef, append: &mut Append<'_>) -> bool {
    match array.data_type() {
        DataType::List(_) if target.ragged => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let values = list.values().slice(offsets[0] as usize, (offsets[list.len()] - offsets[0]) as usize);
            let lengths = offsets.windows(2).map(|ends| (ends[1] - ends[0]) as usize);
            numbers(target, &values, |bytes| append.ragged(target.field(), bytes, lengths))
        }
        DataType::FixedSizeList(_, size) if !target.ragged && *size as usize == target.elements => {
            let list = array.as_fixed_size_list();
            let values = list.values().slice(list.value_offset_at(0), list.len() * target.elements);
            numbers(target, &values, |bytes| append.bytes(target.field(), bytes))
        }
        _ if target.ragged || target.elements != 1 => false,
        DataType::Utf8 => {
            let strings = array.as_string::<i32>();
            append.strings(target.field(), (0..strings.len()).map(|row| strings.value(row).as_bytes()))
        }
        DataType::LargeUtf8 => {
            let strings = array.as_string::<i64>();
            append.strings(target.field(), (0..strings.len()).map(|row| strings.value(row).as_bytes()))
        }
        DataType::Binary => {
            let strings = array.as_binary::<i32>();
            append.strings(target.field(), (0..strings.len()).map(|row| strings.value(row)))
        }
        DataType::Boolean if target.dtype == DType::Bool => {
            let values: Vec<bool> = array.as_boolean().values().iter().collect();
            target.allows(None) && append.bytes(target.field(), bytes_of(&values))
        }
        _ => numbers(target, array, |bytes| append.bytes(target.field(), bytes)),
    }
}

/// Hands over the bytes of numbers of the target's dtype; of other numbers only if it is a float.
fn numbers(target: &Target, array: &ArrayRef, give: impl FnOnce(&[u8]) -> bool) -> bool {
    if array.logical_null_count() > 0 {
        return false;
    }
    fn same<T: ArrowPrimitiveType<Native: Element>>(array: &ArrayRef) -> &[T::Native] {
        array.as_primitive::<T>().values()
    }
    macro_rules! float {
        ($float:ty, $wrap:expr, $($from:ident $type:ty),+) => {{
            let values: Vec<$float> = match array.data_type() {
                $(DataType::$from => same::<$type>(array).iter().map(|&value| value as $float).collect(),)+
                _ => return false,
            };
            target.allows(Some(&$wrap(&values))) && give(bytes_of(&values))
        }};
    }
    match (target.dtype, array.data_type()) {
        (DType::F32, DataType::Float32) => {
            let values = same::<Float32Type>(array);
            target.allows(Some(&Value::F32s(values))) && give(bytes_of(values))
        }
        (DType::F64, DataType::Float64) => {
            let values = same::<Float64Type>(array);
            target.allows(Some(&Value::F64s(values))) && give(bytes_of(values))
        }
        (DType::I32, DataType::Int32) => {
            let values = same::<Int32Type>(array);
            target.allows(Some(&Value::I32s(values))) && give(bytes_of(values))
        }
        (DType::I64, DataType::Int64) => {
            let values = same::<Int64Type>(array);
            target.allows(Some(&Value::I64s(values))) && give(bytes_of(values))
        }
        (DType::U64, DataType::UInt64) => {
            let values = same::<UInt64Type>(array);
            target.allows(Some(&Value::U64s(values))) && give(bytes_of(values))
        }
        (DType::F16, DataType::Float16) => {
            let values: Vec<f32> = same::<Float16Type>(array).iter().map(|value| value.to_f32()).collect();
            target.allows(Some(&Value::F32s(&values))) && give(bytes_of(same::<Float16Type>(array)))
        }
        (DType::I8, DataType::Int8) => target.allows(None) && give(bytes_of(same::<Int8Type>(array))),
        (DType::I16, DataType::Int16) => target.allows(None) && give(bytes_of(same::<Int16Type>(array))),
        (DType::U8, DataType::UInt8) => target.allows(None) && give(bytes_of(same::<UInt8Type>(array))),
        (DType::U16, DataType::UInt16) => target.allows(None) && give(bytes_of(same::<UInt16Type>(array))),
        (DType::U32, DataType::UInt32) => target.allows(None) && give(bytes_of(same::<UInt32Type>(array))),
        (DType::F32, _) => float!(
            f32, Value::F32s, Float64 Float64Type, Int8 Int8Type, Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, UInt8 UInt8Type,
            UInt16 UInt16Type, UInt32 UInt32Type, UInt64 UInt64Type
        ),
        (DType::F64, _) => float!(
            f64, Value::F64s, Float32 Float32Type, Int8 Int8Type, Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, UInt8 UInt8Type,
            UInt16 UInt16Type, UInt32 UInt32Type, UInt64 UInt64Type
        ),
        _ => false,
    }
}
