//! Values written as text.

use super::plan::Target;
use crate::batch::{RowBuilder, Value};
use crate::tensor::DType;

/// Beyond it not every whole number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads one value of this dtype.
pub(super) fn value(text: &[u8], dtype: DType) -> Result<Value<'_>, String> {
    let refused = || format!("{:?} is not a {dtype}", shown(text));
    let trimmed = text.trim_ascii();
    let string = || std::str::from_utf8(trimmed).map_err(|_| refused());
    Ok(match dtype {
        DType::String => Value::Bytes(text),
        // Read as it is stored: by way of f64 it would be rounded twice.
        DType::F32 => Value::Float(string()?.parse::<f32>().map_err(|_| refused())?.into()),
        DType::F64 | DType::F16 | DType::BF16 => Value::Float(string()?.parse().map_err(|_| refused())?),
        DType::Bool => match trimmed {
            b"1" | b"true" | b"True" | b"TRUE" => Value::Bool(true),
            b"0" | b"false" | b"False" | b"FALSE" => Value::Bool(false),
            _ => return Err(refused()),
        },
        _ => {
            let string = string()?;
            match string.parse::<i64>().map(i128::from).or_else(|_| string.parse()) {
                Ok(number) => Value::Int(number),
                // Many programs write the whole numbers of a column with gaps as floats.
                Err(_) => match string.parse::<f64>() {
                    Ok(number) if number.fract() == 0.0 && number.abs() <= EXACT => Value::Float(number),
                    _ => return Err(refused()),
                },
            }
        }
    })
}

/// Sets a field of several elements, written `1;2;3`.
pub(super) fn list(target: &Target, row: &mut RowBuilder<'_>, text: &[u8], separator: u8) -> Result<(), String> {
    let mut elements = 0;
    if !text.trim_ascii().is_empty() {
        for (at, element) in text.split(|&byte| byte == separator).enumerate() {
            if !element.trim_ascii().is_empty() || !target.miss(row, at)? {
                target.write(row, at, &value(element, target.dtype)?)?;
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

    #[test]
    fn reads_numbers() {
        assert!(matches!(value(b" 1.5", DType::F32), Ok(Value::Float(1.5))));
        assert!(matches!(value(b"18446744073709551615", DType::U64), Ok(Value::Int(18_446_744_073_709_551_615))));
        assert!(matches!(value(b"-7.0", DType::I8), Ok(Value::Float(-7.0))));
        assert!(matches!(value(b"true", DType::Bool), Ok(Value::Bool(true))));
        assert!(matches!(value(b" x ", DType::String), Ok(Value::Bytes(b" x "))));
        // The nearest f32, not the nearest to the nearest f64.
        let Ok(Value::Float(number)) = value(b"1.00000017881393432617187499", DType::F32) else { panic!() };
        assert_eq!(number, f64::from(1.000_000_1_f32));
    }

    #[test]
    fn refuses_the_rest() {
        for (text, dtype) in [("a lot", DType::F32), ("", DType::F64), ("1.5", DType::I32), ("yes", DType::Bool), ("1e300", DType::I64)] {
            assert_eq!(value(text.as_bytes(), dtype).unwrap_err(), format!("{text:?} is not a {dtype}"));
        }
        assert!(value(&[0xff; 100], DType::I8).unwrap_err().ends_with("…\" is not a int8"));
    }
}
