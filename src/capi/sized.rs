//! Structs of the caller that begin with their size, so that they can grow at their end within one ABI.

use crate::bind::{Failure, Status};

use super::pointer::checked;

/// No struct of ours comes near it; a larger size is memory that was never initialised.
const LARGEST: usize = 4096;

/// A struct that begins with its size in bytes, a `usize`.
///
/// # Safety
/// The type is `repr(C)`, has no padding, begins with a `usize`, and every bit pattern is a value of it.
pub(super) unsafe trait SizedStruct: Copy {
    /// The C macro that a caller initialises it with.
    const MACRO: &'static str;
    /// The size it had when it first appeared.
    const FIRST_SIZE: usize;
}

/// A checked struct of the caller: the value it had when the call began, and where to write it back.
#[derive(Debug)]
pub(super) struct Caller<T> {
    pub(super) value: T,
    place: *mut T,
    /// How many bytes both sides know.
    known: usize,
}

impl<T: SizedStruct> Caller<T> {
    /// Reads what both sides know of the struct; the rest is zero.
    ///
    /// # Safety
    /// `place` is null or misaligned (both are refused), or leads to as many initialised bytes as its first field says,
    /// which nobody else uses during the call.
    pub(super) unsafe fn read(place: *const T, argument: &str) -> Result<Self, Failure> {
        let place = checked(place, argument)?;
        // SAFETY: not null, aligned; a `T` begins with a `usize`.
        let size = unsafe { place.cast::<usize>().read() };
        if !(T::FIRST_SIZE..=LARGEST).contains(&size) {
            let message = format!("initialise the struct with {}, its size cannot be {size}: {argument}", T::MACRO);
            return Err(Failure::new(Status::INVALID_INPUT, message));
        }
        let known = size.min(size_of::<T>());
        // SAFETY: the struct has `size` initialised bytes, and zeros are a value of `T`, so is what is copied over them.
        let (value, rest) = unsafe {
            let mut value = std::mem::zeroed::<T>();
            (&raw mut value).cast::<u8>().copy_from_nonoverlapping(place.cast(), known);
            (value, std::slice::from_raw_parts(place.cast::<u8>().add(known), size - known))
        };
        if rest.iter().any(|&byte| byte != 0) {
            let message = format!("install the streamgrad that your header is from, this one is older: {argument}");
            return Err(Failure::new(Status::UNSUPPORTED, message));
        }
        Ok(Self { value, place: place.cast_mut(), known })
    }

    /// Writes back what both sides know; `value.size` must be the one that was read.
    ///
    /// # Safety
    /// The caller's struct may be written to: its pointer was not one to `const`.
    pub(super) unsafe fn write(self) {
        // SAFETY: `known` bytes of the caller's struct, checked by `read`, and of ours.
        unsafe { self.place.cast::<u8>().copy_from_nonoverlapping((&raw const self.value).cast(), self.known) }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Grown {
        size: usize,
        first: u64,
        second: u64,
    }

    // SAFETY: as the trait asks.
    unsafe impl SizedStruct for Grown {
        const MACRO: &'static str = "SG_GROWN";
        const FIRST_SIZE: usize = 16;
    }

    fn read(memory: &[u64; 5]) -> Result<Caller<Grown>, Failure> {
        // SAFETY: the sizes in these tests are within the memory, or refused.
        unsafe { Caller::read(memory.as_ptr().cast(), "grown") }
    }

    #[test]
    fn an_older_and_shorter_struct_is_read_and_written_as_far_as_it_goes() {
        let mut memory = [16_u64, 1, 9, 9, 9];
        // SAFETY: as in `read`, and writable.
        let mut caller = unsafe { Caller::<Grown>::read(memory.as_mut_ptr().cast(), "grown") }.unwrap();
        assert_eq!(caller.value, Grown { size: 16, first: 1, second: 0 });
        (caller.value.first, caller.value.second) = (2, 3);
        // SAFETY: the memory is this test's own.
        unsafe { caller.write() };
        assert_eq!(memory, [16, 2, 9, 9, 9]);
    }

    #[test]
    fn a_newer_and_longer_struct_is_accepted_while_its_rest_is_zero() {
        assert_eq!(read(&[40, 1, 2, 0, 0]).unwrap().value, Grown { size: 40, first: 1, second: 2 });
        assert_eq!(read(&[40, 1, 2, 0, 3]).unwrap_err().status, Status::UNSUPPORTED);
    }

    #[test]
    fn a_size_that_cannot_be_names_the_macro() {
        for size in [0, 8, 4097, u64::MAX] {
            let failure = read(&[size, 0, 0, 0, 0]).unwrap_err();
            assert_eq!(failure.status, Status::INVALID_INPUT);
            assert!(failure.message.contains("SG_GROWN"), "{}", failure.message);
        }
        // SAFETY: refused before it is read.
        assert_eq!(unsafe { Caller::<Grown>::read(ptr::null(), "grown") }.unwrap_err(), Failure::null("grown"));
    }
}
