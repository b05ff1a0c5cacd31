//! Values of Arrow's types, one by one.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

use crate::batch::{RowBuilder, Value};
use crate::codec::plan::Target;

/// Whether values of this type can be read: numbers, booleans, strings, times as the whole numbers they are, lists and
/// dictionaries of these.
pub(super) fn is_readable(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => is_readable(field.data_type()),
        DataType::Dictionary(_, values) => is_readable(values),
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Duration(_) => true,
        other => other.is_integer(),
    }
}

/// Sets the field from the value at this index; false if it is null.
pub(super) fn set(target: &Target, row: &mut RowBuilder<'_>, array: &ArrayRef, index: usize) -> Result<bool, String> {
    let mut elements = 0;
    if !write(target, row, &mut elements, array, index)? {
        return Ok(false);
    }
    target.close(row, elements).map(|()| true)
}

fn write(target: &Target, row: &mut RowBuilder<'_>, at: &mut usize, array: &ArrayRef, index: usize) -> Result<bool, String> {
    if array.is_null(index) {
        return Ok(false);
    }
    let range = match array.data_type() {
        DataType::Null => return Ok(false),
        DataType::List(_) => {
            let offsets = array.as_list::<i32>().value_offsets();
            offsets[index] as usize..offsets[index + 1] as usize
        }
        DataType::LargeList(_) => {
            let offsets = array.as_list::<i64>().value_offsets();
            offsets[index] as usize..offsets[index + 1] as usize
        }
        DataType::FixedSizeList(_, size) => {
            let start = array.as_fixed_size_list().value_offset_at(index);
            start..start + *size as usize
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let Some(Value::Int(key)) = scalar(dictionary.keys(), index) else { return Ok(false) };
            let key = usize::try_from(key).ok().filter(|key| *key < dictionary.values().len());
            let key = key.ok_or_else(|| target.named("its dictionary has no such entry".into()))?;
            return write(target, row, at, dictionary.values(), key);
        }
        data_type if data_type.is_temporal() && !target.dtype.is_integer() => {
            return Err(target.named(format!("it is a {data_type}, a count that only an integer holds")));
        }
        data_type => {
            let value = scalar(array, index).ok_or_else(|| target.named(format!("it is of type {data_type}")))?;
            target.write(row, *at, &value)?;
            *at += 1;
            return Ok(true);
        }
    };
    let values = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().values(),
        DataType::LargeList(_) => array.as_list::<i64>().values(),
        _ => array.as_fixed_size_list().values(),
    };
    for index in range {
        if !write(target, row, at, values, index)? {
            if !target.miss(row, *at)? {
                return Err(target.named("it has a null among its values".into()));
            }
            *at += 1;
        }
    }
    Ok(true)
}

/// The value of a type that is no list.
fn scalar(array: &dyn Array, index: usize) -> Option<Value<'_>> {
    macro_rules! numbers {
        ($($pattern:pat => $variant:ident $type:ty;)+) => {
            match array.data_type() {
                $($pattern => Value::$variant(array.as_primitive::<$type>().value(index).into()),)+
                DataType::Boolean => Value::Bool(array.as_boolean().value(index)),
                DataType::Float16 => Value::Float(array.as_primitive::<Float16Type>().value(index).to_f64()),
                DataType::Utf8 => Value::Bytes(array.as_string::<i32>().value(index).as_bytes()),
                DataType::LargeUtf8 => Value::Bytes(array.as_string::<i64>().value(index).as_bytes()),
                DataType::Utf8View => Value::Bytes(array.as_string_view().value(index).as_bytes()),
                DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(index)),
                DataType::LargeBinary => Value::Bytes(array.as_binary::<i64>().value(index)),
                DataType::BinaryView => Value::Bytes(array.as_binary_view().value(index)),
                DataType::FixedSizeBinary(_) => Value::Bytes(array.as_fixed_size_binary().value(index)),
                _ => return None,
            }
        };
    }
    Some(numbers! {
        DataType::Int8 => Int Int8Type;
        DataType::Int16 => Int Int16Type;
        DataType::Int32 => Int Int32Type;
        DataType::Int64 => Int Int64Type;
        DataType::UInt8 => Int UInt8Type;
        DataType::UInt16 => Int UInt16Type;
        DataType::UInt32 => Int UInt32Type;
        DataType::UInt64 => Int UInt64Type;
        DataType::Float32 => Float Float32Type;
        DataType::Float64 => Float Float64Type;
        DataType::Date32 => Int Date32Type;
        DataType::Date64 => Int Date64Type;
        DataType::Time32(TimeUnit::Second) => Int Time32SecondType;
        DataType::Time32(_) => Int Time32MillisecondType;
        DataType::Time64(TimeUnit::Microsecond) => Int Time64MicrosecondType;
        DataType::Time64(_) => Int Time64NanosecondType;
        DataType::Timestamp(TimeUnit::Second, _) => Int TimestampSecondType;
        DataType::Timestamp(TimeUnit::Millisecond, _) => Int TimestampMillisecondType;
        DataType::Timestamp(TimeUnit::Microsecond, _) => Int TimestampMicrosecondType;
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Int TimestampNanosecondType;
        DataType::Duration(TimeUnit::Second) => Int DurationSecondType;
        DataType::Duration(TimeUnit::Millisecond) => Int DurationMillisecondType;
        DataType::Duration(TimeUnit::Microsecond) => Int DurationMicrosecondType;
        DataType::Duration(TimeUnit::Nanosecond) => Int DurationNanosecondType;
    })
}
