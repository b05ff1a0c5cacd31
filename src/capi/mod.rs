//! The C ABI: what `include/streamgrad.h` declares, by the rules of `docs/c-abi.md`.
//!
//! One file holds one C type and its functions; [`pointer`] and [`sized`] check what a caller hands in. Every exported
//! body is one call of [`error::boundary`], which catches panics and fills the caller's `sg_error`.
//!
//! Rust programs have no use for this module: it is public so that its documentation is.

#![allow(non_camel_case_types, reason = "the names of the C header")]

mod error;
mod pointer;
mod sized;
mod version;

pub use crate::bind::Status as sg_status;
pub use error::{SG_MESSAGE_BYTES, sg_error};
pub use version::{SG_ABI, sg_abi, sg_version};
