//! TensorFlow's status as our errors.

use std::ffi::CStr;
use std::ptr::NonNull;

use tensorflow_sys_runtime::TF_Status;

use super::api::Api;
use crate::error::{Error, ErrorKind, Result};

/// A status that TensorFlow fills, freed when dropped.
pub(super) struct Status {
    api: &'static Api,
    raw: NonNull<TF_Status>,
}

impl Status {
    pub(super) fn new(api: &'static Api) -> Result<Self> {
        // SAFETY: the function takes nothing.
        match NonNull::new(unsafe { (api.TF_NewStatus)() }) {
            Some(raw) => Ok(Self { api, raw }),
            None => Err(Error::new(ErrorKind::Internal, "call TensorFlow", "it made no status object")),
        }
    }

    pub(super) fn raw(&self) -> *mut TF_Status {
        self.raw.as_ptr()
    }

    /// The message of a failure; `None` when all went well.
    pub(super) fn failure(&self) -> Option<String> {
        // SAFETY: `raw` is a live status; its message lives until the status is changed or freed, and is copied here.
        unsafe {
            match (self.api.TF_GetCode)(self.raw()) {
                0 => None,
                code => {
                    let message = CStr::from_ptr((self.api.TF_Message)(self.raw())).to_string_lossy();
                    // The first line is the reason; below it TensorFlow repeats where every op was made.
                    let reason = message.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim();
                    Some(format!("{reason} (code {code})"))
                }
            }
        }
    }

    pub(super) fn check(&self, operation: &'static str) -> Result<()> {
        match self.failure() {
            None => Ok(()),
            Some(message) => Err(Error::new(ErrorKind::TensorFlow, operation, message)),
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        // SAFETY: `raw` is live and owned.
        unsafe { (self.api.TF_DeleteStatus)(self.raw()) }
    }
}
