//! Which library this is.

use std::ffi::{CStr, c_char};

/// The number of the contract that this header declares; compare it with `sg_abi()`.
pub const SG_ABI: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The number of the contract that the library keeps; a program compiled against another `SG_ABI` must not go on.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_abi() -> u32 {
    SG_ABI
}

/// The library's version, such as "0.1.0": static, zero-terminated, never to be freed.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_version() -> *const c_char {
    VERSION.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_cargo_s() {
        assert_eq!(VERSION.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn the_shared_library_is_named_after_the_abi() {
        assert!(include_str!("../../build.rs").contains(&format!("libstreamgrad.so.{SG_ABI}\"")));
    }
}
