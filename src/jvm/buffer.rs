//! Direct buffers and byte arrays of Java, checked before anything reads or writes them.

use std::marker::PhantomData;

use jni::objects::{JByteArray, JByteBuffer};
use jni::{Env, EnvUnowned, sys};

use crate::bind::{Failure, Status};

/// What every block of columns begins at a multiple of.
pub(super) const ALIGNMENT: usize = 64;

/// The thread's JNI environment during one call, for the two functions that a step needs of it. What the `jni` crate does around each
/// call (a thread-local, a second guard) is a tenth of a microsecond that a prediction of a small model can tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'l>(*mut sys::JNIEnv, PhantomData<&'l ()>);

impl<'l> From<&EnvUnowned<'l>> for Caller<'l> {
    fn from(env: &EnvUnowned<'l>) -> Self {
        Self(env.as_raw(), PhantomData)
    }
}

impl<'l> From<&'l Env<'_>> for Caller<'l> {
    fn from(env: &'l Env<'_>) -> Self {
        Self(env.get_raw(), PhantomData)
    }
}

/// The memory of one direct buffer during one call: Java keeps it alive, and its `Batch` lets no other call use it.
#[derive(Debug)]
pub(super) struct Direct {
    name: &'static str,
    address: *mut u8,
    bytes: usize,
}

impl Direct {
    pub(super) fn of(caller: Caller<'_>, buffer: &JByteBuffer<'_>, name: &'static str) -> Result<Self, Failure> {
        if buffer.is_null() {
            return Err(Failure::null(name));
        }
        // SAFETY: clause 3 of this room: the environment is that of the running call, the reference one of its arguments and
        // not null; both functions are in every JVM since 1.4, and throw nothing.
        let (address, bytes) = unsafe {
            let functions = &(**caller.0).v1_4;
            let address = (functions.GetDirectBufferAddress)(caller.0, buffer.as_raw());
            (address, (functions.GetDirectBufferCapacity)(caller.0, buffer.as_raw()))
        };
        match usize::try_from(bytes) {
            Ok(bytes) if !address.is_null() => Ok(Self { name, address: address.cast(), bytes }),
            _ => Err(Failure::new(Status::INVALID_INPUT, format!("pass a direct buffer, not one on the heap: {name}"))),
        }
    }

    /// Refuses a buffer that does not begin at a multiple of 64: TensorFlow would copy its columns in silence.
    pub(super) fn aligned(self) -> Result<Self, Failure> {
        if self.address.addr().is_multiple_of(ALIGNMENT) { Ok(self) } else { Err(Failure::misaligned(self.name, ALIGNMENT)) }
    }

    /// Refuses a buffer with less room than this.
    pub(super) fn at_least(self, needed: usize) -> Result<Self, Failure> {
        if self.bytes >= needed { Ok(self) } else { Err(Failure::too_small(self.name, "bytes", self.bytes, needed)) }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes in use, to be read during this call.
    pub(super) fn read(&self, used: usize) -> Result<&[u8], Failure> {
        if used > self.bytes {
            return Err(Failure::too_small(self.name, "bytes", self.bytes, used));
        }
        // SAFETY: the clauses 3 and 5 of this room: the JVM vouches for address and capacity, the caller's reference keeps the memory
        // alive during the call, and Java's `Batch` is lent to one call at a time, so nobody writes meanwhile.
        Ok(unsafe { std::slice::from_raw_parts(self.address, used) })
    }

    /// Copies bytes to this place, or panics, which the guard turns into an error: sizes were checked before.
    pub(super) fn write(&self, at: usize, bytes: &[u8]) {
        let end = at.checked_add(bytes.len());
        assert!(end.is_some_and(|end| end <= self.bytes), "{} bytes at {at} do not fit {}: {}", bytes.len(), self.bytes, self.name);
        // SAFETY: the clauses 3 and 5 of this room, as above, for writing; the range was just checked. A copy that may overlap, so that a
        // caller who passes one buffer twice gets wrong numbers but no undefined behaviour.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.address.add(at), bytes.len()) };
    }
}

/// A copy of a byte array's text, which has to be UTF-8.
pub(super) fn text(env: &Env<'_>, array: &JByteArray<'_>, name: &'static str) -> Result<String, Failure> {
    if array.is_null() {
        return Err(Failure::null(name));
    }
    let bytes = env.convert_byte_array(array).map_err(|error| Failure::new(Status::INTERNAL, format!("read {name}: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Failure::new(Status::INVALID_INPUT, format!("pass UTF-8: {name}")))
}
