//! The types of a tensor's elements.

use std::fmt;

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use serde::{Deserialize, Serialize};

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the memory of one element of a tensor: Rust's own numbers and `bool`, [`f16`](struct@f16) and [`bf16`] of the crate
/// `half`, [`Complex32`] and [`Complex64`] of `num-complex`, which name the bits of one part: they are TensorFlow's `complex64` and
/// `complex128`.
///
/// # Safety of implementing it
/// The trait is sealed: every implementor has exactly the size and bit patterns of its [`DType`].
pub trait Element: sealed::Sealed + Copy + Send + Sync + fmt::Debug + 'static {
    /// The dtype whose elements look like this.
    const DTYPE: DType;
}

macro_rules! dtypes {
    ($($variant:ident $name:literal $code:literal $($rust:ty)?;)+) => {
        /// The type of a tensor's elements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum DType {
            $(#[doc = concat!("TensorFlow's `", $name, "`.")] #[serde(rename = $name)] $variant,)+
        }

        impl DType {
            /// TensorFlow's name of it, as in a bundle's manifest.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The number that TensorFlow has for it (`DataType` of its protocol).
            pub(crate) const fn code(self) -> u32 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The dtype with this number, if it is one of ours.
            pub(crate) const fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// Bytes of one element; `None` for strings, whose elements have no fixed size.
            pub const fn size(self) -> Option<usize> {
                match self { $(Self::$variant => dtypes!(@size $($rust)?),)+ }
            }
        }

        $($(
            impl sealed::Sealed for $rust {}
            impl Element for $rust {
                const DTYPE: DType = DType::$variant;
            }
        )?)+
    };
    (@size $rust:ty) => { Some(size_of::<$rust>()) };
    (@size) => { None };
}

dtypes! {
    F32 "float32" 1 f32;
    F64 "float64" 2 f64;
    I32 "int32" 3 i32;
    U8 "uint8" 4 u8;
    I16 "int16" 5 i16;
    I8 "int8" 6 i8;
    String "string" 7;
    C64 "complex64" 8 Complex32;
    I64 "int64" 9 i64;
    Bool "bool" 10 bool;
    BF16 "bfloat16" 14 bf16;
    U16 "uint16" 17 u16;
    C128 "complex128" 18 Complex64;
    F16 "float16" 19 f16;
    U32 "uint32" 22 u32;
    U64 "uint64" 23 u64;
}

/// TensorFlow's names of the dtypes that are none of ours, for messages.
const OTHERS: &[(u32, &str)] = &[
    (11, "qint8"),
    (12, "quint8"),
    (13, "qint32"),
    (15, "qint16"),
    (16, "quint16"),
    (20, "resource"),
    (21, "variant"),
    (24, "float8_e5m2"),
    (25, "float8_e4m3fn"),
    (26, "float8_e4m3fnuz"),
    (27, "float8_e4m3b11fnuz"),
    (28, "float8_e5m2fnuz"),
    (29, "int4"),
    (30, "uint4"),
    (31, "int2"),
    (32, "uint2"),
];

/// What to call a number that is no dtype of ours.
pub(crate) fn name_of(code: i64) -> String {
    let known = OTHERS.iter().find(|(known, _)| i64::from(*known) == code);
    known.map_or_else(|| format!("dtype {code}"), |(_, name)| (*name).to_owned())
}

impl DType {
    /// Whether its elements are complex numbers.
    pub(crate) const fn is_complex(self) -> bool {
        matches!(self, Self::C64 | Self::C128)
    }

    /// Whether its elements are whole numbers.
    pub(crate) const fn is_integer(self) -> bool {
        use DType::{I8, I16, I32, I64, U8, U16, U32, U64};
        matches!(self, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
    }

    /// Whether a value of it can say that it is missing: NaN, the empty string, of an integer the lowest one.
    pub(crate) const fn has_gap(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::I32 | Self::I64 | Self::String)
    }

    /// What it is called in a safetensors file; `None` for strings and `complex128`, which such a file
    /// cannot hold.
    pub(crate) const fn safetensors(self) -> Option<safetensors::Dtype> {
        use safetensors::Dtype;
        Some(match self {
            Self::F32 => Dtype::F32,
            Self::F64 => Dtype::F64,
            Self::F16 => Dtype::F16,
            Self::BF16 => Dtype::BF16,
            Self::C64 => Dtype::C64,
            Self::I8 => Dtype::I8,
            Self::I16 => Dtype::I16,
            Self::I32 => Dtype::I32,
            Self::I64 => Dtype::I64,
            Self::U8 => Dtype::U8,
            Self::U16 => Dtype::U16,
            Self::U32 => Dtype::U32,
            Self::U64 => Dtype::U64,
            Self::Bool => Dtype::BOOL,
            Self::String | Self::C128 => return None,
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_and_sizes_agree() {
        for code in 0..64 {
            if let Some(dtype) = DType::from_code(code) {
                assert_eq!(dtype.code(), code);
                assert!(OTHERS.iter().all(|(other, _)| *other != code), "{dtype}");
                assert_eq!(serde_json::to_string(&dtype).unwrap(), format!("\"{dtype}\""));
            }
        }
        assert_eq!(DType::Bool.size(), Some(1));
        assert_eq!(DType::String.size(), None);
        assert_eq!(<i64 as Element>::DTYPE, DType::I64);
    }
}
