//! Values written as text.

use super::plan::Target;
use crate::batch::{RowBuilder, Value};
use crate::tensor::DType;

/// Beyond it not every whole number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads one value of this dtype, and puts it where it belongs.
pub(super) fn value(text: &[u8], dtype: DType, put: impl FnOnce(&Value<'_>) -> Result<(), String>) -> Result<(), String> {
    match (dtype, std::str::from_utf8(text)) {
        (DType::String, _) => put(&Value::Bytes(text)),
        (_, Ok(text)) => number(text, dtype, put),
        (_, Err(_)) => Err(refused(text, dtype)),
    }
}

/// Reads one number or truth value of this dtype, and puts it where it belongs. What is put is not returned first: a value has
/// parts of many sizes, and to move one that was just made costs more than to read the number.
pub(super) fn number(text: &str, dtype: DType, put: impl FnOnce(&Value<'_>) -> Result<(), String>) -> Result<(), String> {
    let trimmed = text.trim_ascii();
    match dtype {
        // Read as it is stored: by way of f64 it would be rounded twice.
        DType::F32 => {
            if let Ok(value) = trimmed.parse::<f32>() {
                return put(&Value::Float(value.into()));
            }
        }
        DType::F64 | DType::F16 | DType::BF16 => {
            if let Ok(value) = trimmed.parse() {
                return put(&Value::Float(value));
            }
        }
        DType::Bool => match trimmed {
            "1" | "true" | "True" | "TRUE" => return put(&Value::Bool(true)),
            "0" | "false" | "False" | "FALSE" => return put(&Value::Bool(false)),
            _ => {}
        },
        _ => {
            if let Ok(value) = trimmed.parse::<i64>() {
                return put(&Value::Int(value.into()));
            }
            if let Some(value) = whole(trimmed) {
                return put(&value);
            }
        }
    }
    Err(refused(text.as_bytes(), dtype))
}

/// A whole number that is large, or written as a float: many programs write the whole numbers of a column with gaps so.
#[cold]
fn whole(text: &str) -> Option<Value<'static>> {
    let float = |text: &str| text.parse::<f64>().ok().filter(|value| value.fract() == 0.0 && value.abs() <= EXACT);
    text.parse().map(Value::Int).ok().or_else(|| float(text).map(Value::Float))
}

#[cold]
fn refused(text: &[u8], dtype: DType) -> String {
    format!("{:?} is not a {dtype}", shown(text))
}

/// Sets a field of several elements, written `1;2;3`.
pub(super) fn list(target: &Target, row: &mut RowBuilder<'_>, text: &[u8], separator: u8) -> Result<(), String> {
    let mut elements = 0;
    if !text.trim_ascii().is_empty() {
        for (at, element) in text.split(|&byte| byte == separator).enumerate() {
            if !element.trim_ascii().is_empty() || !target.miss(row, at)? {
                value(element, target.dtype, |value| target.write(row, at, value))?;
            }
            elements = at + 1;
        }
    }
    target.close(row, elements)
}

/// Text for a message: as UTF-8 as far as it is, and not too long.
pub(super) fn shown(text: &[u8]) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::from_utf8_lossy(&text[..text.len().min(LONGEST)]).into_owned();
    if text.len() > LONGEST {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], dtype: DType) -> Result<String, String> {
        let mut read = String::new();
        value(text, dtype, |value| {
            read = format!("{value:?}");
            Ok(())
        })?;
        Ok(read)
    }

    #[test]
    fn reads_numbers() {
        assert_eq!(read(b" 1.5", DType::F32).unwrap(), "Float(1.5)");
        assert_eq!(read(b"18446744073709551615", DType::U64).unwrap(), "Int(18446744073709551615)");
        assert_eq!(read(b"-7.0", DType::I8).unwrap(), "Float(-7.0)");
        assert_eq!(read(b"true", DType::Bool).unwrap(), "Bool(true)");
        assert_eq!(read(b" x ", DType::String).unwrap(), "Bytes([32, 120, 32])");
        // The nearest f32, not the nearest to the nearest f64.
        assert_eq!(read(b"1.00000017881393432617187499", DType::F32).unwrap(), format!("Float({:?})", f64::from(1.000_000_1_f32)));
    }

    #[test]
    fn refuses_the_rest() {
        for (text, dtype) in [("a lot", DType::F32), ("", DType::F64), ("1.5", DType::I32), ("yes", DType::Bool), ("1e300", DType::I64)] {
            assert_eq!(read(text.as_bytes(), dtype).unwrap_err(), format!("{text:?} is not a {dtype}"));
        }
        assert!(read(&[0xff; 100], DType::I8).unwrap_err().ends_with("…\" is not a int8"));
    }
}
