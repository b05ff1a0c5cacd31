//! Memory that TensorFlow can read in place.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::Element;

/// What TensorFlow wants of memory that it shall not copy.
pub(crate) const ALIGNMENT: usize = 64;

/// Zeroed bytes, aligned to 64, that only grow.
#[derive(Debug)]
pub(crate) struct AlignedBuffer {
    data: NonNull<u8>,
    capacity: usize,
}

// SAFETY: the buffer owns its bytes alone; sharing it shares only reads.
unsafe impl Send for AlignedBuffer {}
// SAFETY: as above; writing needs `&mut`.
unsafe impl Sync for AlignedBuffer {}

impl AlignedBuffer {
    pub(crate) fn new(bytes: usize) -> Self {
        let mut buffer = Self { data: NonNull::<Block>::dangling().cast(), capacity: 0 };
        buffer.reserve(bytes);
        buffer
    }

    /// Room for at least this many bytes; what was written stays.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        if bytes <= self.capacity {
            return;
        }
        let capacity = bytes.max(self.capacity * 2).next_multiple_of(ALIGNMENT);
        let layout = Self::layout(capacity);
        // SAFETY: the layout's size is not zero.
        let Some(data) = NonNull::new(unsafe { alloc_zeroed(layout) }) else { handle_alloc_error(layout) };
        // SAFETY: both regions are valid for `self.capacity` bytes and belong to different allocations.
        unsafe { data.copy_from_nonoverlapping(self.data, self.capacity) };
        self.free();
        (self.data, self.capacity) = (data, capacity);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: `capacity` bytes are allocated and initialised.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.capacity) }
    }

    pub(crate) fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: `capacity` bytes are allocated and initialised, and `&mut self` is the only way to them.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.capacity) }
    }

    /// Writes elements at an element index. The caller has reserved the room.
    pub(crate) fn write<T: Element>(&mut self, index: usize, values: &[T]) {
        let start = index * size_of::<T>();
        self.as_bytes_mut()[start..start + size_of_val(values)].copy_from_slice(bytes_of(values));
    }

    fn layout(capacity: usize) -> Layout {
        // SAFETY: 64 is a power of two, and `capacity` comes from sizes below 2^40 elements, far from isize::MAX.
        unsafe { Layout::from_size_align_unchecked(capacity, ALIGNMENT) }
    }

    fn free(&mut self) {
        if self.capacity > 0 {
            // SAFETY: allocated by `reserve` with this layout.
            unsafe { dealloc(self.data.as_ptr(), Self::layout(self.capacity)) };
            self.capacity = 0;
        }
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        self.free();
    }
}

#[repr(align(64))]
struct Block;

/// The memory of elements, as bytes.
pub(crate) fn bytes_of<T: Element>(values: &[T]) -> &[u8] {
    // SAFETY: every `Element` is plain data without padding.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// Bytes as elements; `None` if they are not aligned for them or no whole number of them. Not for booleans, whose bytes
/// must be checked first.
pub(crate) fn bytes_as<T: Element>(bytes: &[u8]) -> Option<&[T]> {
    if T::DTYPE == super::DType::Bool || !bytes.len().is_multiple_of(size_of::<T>()) {
        return None;
    }
    if bytes.is_empty() {
        return Some(&[]);
    }
    // SAFETY: size and alignment are checked; every bit pattern is a value of every `Element` but bool.
    (bytes.as_ptr() as usize)
        .is_multiple_of(align_of::<T>())
        .then(|| unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_keeps() {
        let mut buffer = AlignedBuffer::new(0);
        for index in 0..1000 {
            buffer.reserve((index + 1) * 4);
            buffer.write(index, &[index as f32]);
        }
        assert_eq!(buffer.as_bytes().as_ptr() as usize % ALIGNMENT, 0);
        assert_eq!(bytes_as::<f32>(&buffer.as_bytes()[999 * 4..1000 * 4]), Some(&[999f32][..]));
    }
}
