//! Checks of the pointers that a C program hands in: null, alignment, length, UTF-8.

use std::ffi::{CStr, OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::slice;

use crate::bind::{Failure, Status};
use crate::tensor::DType;

/// Refuses a pointer that is null or not aligned to its type.
pub(super) fn checked<T>(pointer: *const T, argument: &str) -> Result<*const T, Failure> {
    if pointer.is_null() {
        return Err(Failure::null(argument));
    }
    if !pointer.is_aligned() {
        return Err(Failure::misaligned(argument, align_of::<T>()));
    }
    Ok(pointer)
}

/// The place of a result, checked before the work begins and written when it is done.
#[derive(Debug)]
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is null or misaligned (both are refused), or leads to memory of a `T` that the caller lets us write to
    /// until the call ends; it may be uninitialised.
    pub(super) unsafe fn new(pointer: *mut T, argument: &str) -> Result<Self, Failure> {
        checked(pointer.cast_const(), argument).map(|pointer| Self(pointer.cast_mut()))
    }

    /// The same where the caller may do without the result: `None` if `pointer` is null.
    ///
    /// # Safety
    /// As for [`Out::new`].
    pub(super) unsafe fn optional(pointer: *mut T, argument: &str) -> Result<Option<Self>, Failure> {
        // SAFETY: the contract of this function.
        (!pointer.is_null()).then(|| unsafe { Self::new(pointer, argument) }).transpose()
    }

    pub(super) fn write(self, value: T) {
        // SAFETY: checked for null and alignment, and writable, by the contract of `new`.
        unsafe { self.0.write(value) }
    }
}

/// The caller's array; it may be null if it is empty.
///
/// # Safety
/// `pointer` is null or misaligned (both are refused), or leads to `length` values of `T` that nobody changes while the
/// slice is in use.
pub(super) unsafe fn array<'a, T>(pointer: *const T, length: usize, argument: &str) -> Result<&'a [T], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    let pointer = checked(pointer, argument)?;
    check_length::<T>(length, argument)?;
    // SAFETY: not null, aligned, not larger than memory can be; `length` values by the contract of this function.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// The caller's memory for `capacity` values, of which `needed` will be written; null asks for nothing.
///
/// # Safety
/// As for [`Out::new`], with room for `capacity` values.
pub(super) unsafe fn room<T>(pointer: *mut T, capacity: usize, needed: usize, argument: &str) -> Result<Option<Room<T>>, Failure> {
    if pointer.is_null() && capacity == 0 {
        return Ok(None);
    }
    let pointer = checked(pointer.cast_const(), argument)?.cast_mut();
    check_length::<T>(capacity, argument)?;
    if capacity < needed {
        return Err(Failure::too_small(argument, "values", capacity, needed));
    }
    Ok(Some(Room { pointer, capacity }))
}

/// Memory of the caller that passed the checks of [`room`].
#[derive(Debug)]
pub(super) struct Room<T> {
    pointer: *mut T,
    capacity: usize,
}

impl<T> Room<T> {
    pub(super) fn start(&self) -> *mut T {
        self.pointer
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<T: Copy> Room<T> {
    pub(super) fn fill(self, values: &[T]) -> Result<(), Failure> {
        if values.len() > self.capacity {
            let message = format!("{} values do not fit into {}, this is a defect of streamgrad", values.len(), self.capacity);
            return Err(Failure::new(Status::INTERNAL, message));
        }
        // SAFETY: checked for null and alignment, room for `capacity` values by the contract of `room`; `values` is
        // ours, so the two do not overlap.
        unsafe { self.pointer.copy_from_nonoverlapping(values.as_ptr(), values.len()) }
        Ok(())
    }
}

/// The caller's memory for `capacity` values of a dtype that is known at run time, of which `needed` will be written.
///
/// # Safety
/// As for [`room`].
pub(super) unsafe fn typed_room(
    values: *mut c_void,
    dtype: DType,
    capacity: usize,
    needed: usize,
    argument: &str,
) -> Result<Option<Room<u8>>, Failure> {
    if values.is_null() && capacity == 0 {
        return Ok(None);
    }
    if values.is_null() {
        return Err(Failure::null(argument));
    }
    let Some(size) = dtype.size() else {
        return Err(Failure::new(Status::UNSUPPORTED, format!("strings are not handed out in C: {argument}")));
    };
    let alignment = if dtype.is_complex() { size / 2 } else { size };
    if !values.addr().is_multiple_of(alignment) {
        return Err(Failure::misaligned(argument, alignment));
    }
    if capacity < needed {
        return Err(Failure::too_small(argument, "values", capacity, needed));
    }
    let bytes = needed.checked_mul(size).ok_or_else(|| Failure::too_small(argument, "values", capacity, needed))?;
    Ok(Some(Room { pointer: values.cast(), capacity: bytes }))
}

/// A zero-terminated name.
///
/// # Safety
/// `pointer` is null (which is refused) or leads to a zero-terminated string that nobody changes while it is in use.
pub(super) unsafe fn text<'a>(pointer: *const c_char, argument: &str) -> Result<&'a str, Failure> {
    // SAFETY: the contract of this function.
    unsafe { bytes(pointer, argument) }?
        .to_str()
        .map_err(|_| Failure::new(Status::INVALID_INPUT, format!("write the text in UTF-8: {argument}")))
}

/// A zero-terminated path, of any bytes.
///
/// # Safety
/// As for [`text`].
pub(super) unsafe fn path<'a>(pointer: *const c_char, argument: &str) -> Result<&'a Path, Failure> {
    // SAFETY: the contract of this function.
    let bytes = unsafe { bytes(pointer, argument) }?.to_bytes();
    if bytes.is_empty() {
        return Err(Failure::new(Status::INVALID_INPUT, format!("name a path, this one is empty: {argument}")));
    }
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

/// An array of zero-terminated names.
///
/// # Safety
/// As for [`array`] and, for each of its values, [`text`].
pub(super) unsafe fn texts<'a>(pointers: *const *const c_char, length: usize, argument: &str) -> Result<Vec<&'a str>, Failure> {
    // SAFETY: the contract of this function.
    unsafe { array(pointers, length, argument)?.iter().map(|&pointer| text(pointer, argument)).collect() }
}

/// Copies `text` and a zero to the caller's `place`, and its length without the zero to `length`; a null `place` without
/// capacity only asks for the length.
///
/// # Safety
/// As for [`room`] and [`Out::new`].
pub(super) unsafe fn copy_text(text: &str, place: *mut c_char, capacity: usize, length: *mut usize, argument: &str) -> Result<(), Failure> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    // SAFETY: the contract of this function.
    let (room, out) = unsafe { (room(place.cast::<u8>(), capacity, bytes.len(), argument)?, Out::new(length, "length")?) };
    if let Some(room) = room {
        room.fill(&bytes)?;
    }
    out.write(text.len());
    Ok(())
}

/// Copies `values` to the caller's `place`, and how many there are to `length`, an argument of that name; a null `place` without
/// capacity only asks for the length.
///
/// # Safety
/// As for [`room`] and [`Out::new`].
pub(super) unsafe fn copy<T: Copy>(
    values: &[T],
    place: *mut T,
    capacity: usize,
    length: *mut usize,
    argument: &str,
    length_argument: &str,
) -> Result<(), Failure> {
    // SAFETY: the contract of this function.
    let (room, out) = unsafe { (room(place, capacity, values.len(), argument)?, Out::new(length, length_argument)?) };
    if let Some(room) = room {
        room.fill(values)?;
    }
    out.write(values.len());
    Ok(())
}

unsafe fn bytes<'a>(pointer: *const c_char, argument: &str) -> Result<&'a CStr, Failure> {
    let pointer = checked(pointer, argument)?;
    // SAFETY: not null; zero-terminated and unchanged by the contract of the callers.
    Ok(unsafe { CStr::from_ptr(pointer) })
}

fn check_length<T>(length: usize, argument: &str) -> Result<(), Failure> {
    match length.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => Err(Failure::new(Status::INVALID_INPUT, format!("pass a length that memory can have, not {length}: {argument}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn null_misaligned_and_endless_arrays_are_refused() {
        let values = [1.0_f32, 2.0];
        let odd = values.as_ptr().wrapping_byte_add(1);
        // SAFETY: every array here is `values`, or refused before it is read.
        unsafe {
            assert_eq!(array(values.as_ptr(), 2, "v").unwrap(), &values);
            assert_eq!(array::<f32>(ptr::null(), 0, "v").unwrap(), &[0.0; 0]);
            assert_eq!(array::<f32>(ptr::null(), 1, "v").unwrap_err(), Failure::null("v"));
            assert_eq!(array(odd, 1, "v").unwrap_err(), Failure::misaligned("v", 4));
            assert_eq!(array(values.as_ptr(), usize::MAX / 2, "v").unwrap_err().status, Status::INVALID_INPUT);
        }
    }

    #[test]
    fn room_that_is_too_small_says_the_size_needed() {
        let mut values = [0_i64; 3];
        // SAFETY: the capacities are those of `values`.
        unsafe {
            let failure = room(values.as_mut_ptr(), 3, 5, "predictions").unwrap_err();
            assert_eq!(failure.status, Status::BUFFER_TOO_SMALL);
            assert_eq!(failure.message, "pass room for 5 values, not 3: predictions");
            assert!(room::<i64>(ptr::null_mut(), 0, 5, "predictions").unwrap().is_none());
            assert_eq!(room::<i64>(ptr::null_mut(), 5, 5, "p").unwrap_err().status, Status::NULL_POINTER);
            room(values.as_mut_ptr(), 3, 2, "p").unwrap().unwrap().fill(&[7, 8]).unwrap();
            assert!(room(values.as_mut_ptr(), 3, 2, "p").unwrap().unwrap().fill(&[0; 4]).is_err());
        }
        assert_eq!(values, [7, 8, 0]);
    }

    #[test]
    fn text_must_be_utf8_and_a_path_may_be_any_bytes() {
        // SAFETY: literals, zero-terminated.
        unsafe {
            assert_eq!(text(c"auc".as_ptr(), "name").unwrap(), "auc");
            assert_eq!(text(c"\xff".as_ptr(), "name").unwrap_err().status, Status::INVALID_INPUT);
            assert_eq!(path(c"/tmp/\xff".as_ptr(), "bundle").unwrap().as_os_str().len(), 6);
            assert_eq!(path(c"".as_ptr(), "bundle").unwrap_err().status, Status::INVALID_INPUT);
            assert_eq!(path(ptr::null(), "bundle").unwrap_err(), Failure::null("bundle"));
        }
    }
}
