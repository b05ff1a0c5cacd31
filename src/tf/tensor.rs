//! Tensors: memory that a session reads in place, and memory that it hands back.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use smallvec::SmallVec;
use tensorflow_sys_runtime::{TF_TString, TF_Tensor};

use super::api::{Api, api};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, Element, name_of};

/// The dimensions of a tensor.
pub(crate) type Dims = SmallVec<[i64; 6]>;

/// A tensor that owns its share of its memory.
///
/// What a session handed back may be the memory of a fed tensor, of another output or of a constant in the graph, so
/// only a tensor that [`Tensor::allocate`] made is ever written to ([`Tensor::as_mut_slice`] checks).
pub(crate) struct Tensor {
    api: &'static Api,
    raw: NonNull<TF_Tensor>,
    dtype: DType,
    data: *mut u8,
    bytes: usize,
    ours: bool,
}

// SAFETY: a tensor's memory does not move and is written only through `&mut self` of a tensor that we allocated and share
// with nobody; TensorFlow's reference count is atomic.
unsafe impl Send for Tensor {}
// SAFETY: as above: `&self` only reads.
unsafe impl Sync for Tensor {}

impl Tensor {
    /// A tensor of its own memory, not initialised by TensorFlow but zeroed here: every page of it is touched before
    /// the first step needs it.
    pub(crate) fn allocate(dtype: DType, dims: &[i64]) -> Result<Self> {
        let api = api()?;
        let size = dtype.size().ok_or_else(|| Error::new(ErrorKind::Internal, "allocate tensor", "strings have no fixed size"))?;
        let bytes = dims.iter().map(|&dim| dim as usize).product::<usize>() * size;
        // SAFETY: `dims` are non-negative and `bytes` is their product, as `Shape` guarantees for whole and row shapes.
        let raw = unsafe { (api.TF_AllocateTensor)(dtype.code(), dims.as_ptr(), dims.len() as i32, bytes) };
        let tensor = Self::adopt(api, raw, true)?;
        // SAFETY: freshly allocated, `bytes` long, nobody else's.
        unsafe { tensor.data.write_bytes(0, tensor.bytes) };
        Ok(tensor)
    }

    /// A tensor in the memory of `data`. Memory that is not aligned to 64 bytes is copied by TensorFlow.
    ///
    /// # Safety
    /// The tensor must not be read when `data` is gone or while it is written to.
    pub(super) unsafe fn over(dtype: DType, dims: &[i64], data: &[u8]) -> Result<Self> {
        let api = api()?;
        let bytes = dims.iter().map(|&dim| dim as usize).product::<usize>() * dtype.size().unwrap_or(size_of::<TF_TString>());
        if bytes != data.len() {
            return Err(Error::new(ErrorKind::Internal, "borrow tensor", format!("{} bytes for {dtype} {dims:?}", data.len())));
        }
        // SAFETY: `data` has the size that dtype and dims ask for. TensorFlow keeps no reference to a fed tensor after a
        // run, never writes into it, and the deallocator does nothing.
        let raw = unsafe {
            (api.TF_NewTensor)(
                dtype.code(),
                dims.as_ptr(),
                dims.len() as i32,
                data.as_ptr() as *mut c_void,
                bytes,
                Some(leave),
                std::ptr::null_mut(),
            )
        };
        Self::adopt(api, raw, false)
    }

    /// Takes over a tensor that TensorFlow made.
    pub(super) fn adopt(api: &'static Api, raw: *mut TF_Tensor, ours: bool) -> Result<Self> {
        let Some(raw) = NonNull::new(raw) else {
            return Err(Error::new(ErrorKind::TensorFlow, "make tensor", "out of memory, or a dtype that this TensorFlow does not know"));
        };
        // SAFETY: `raw` is live.
        let (code, data, bytes) =
            unsafe { ((api.TF_TensorType)(raw.as_ptr()), (api.TF_TensorData)(raw.as_ptr()), (api.TF_TensorByteSize)(raw.as_ptr())) };
        match DType::from_code(code) {
            Some(dtype) => Ok(Self { api, raw, dtype, data: data.cast(), bytes, ours }),
            None => {
                // SAFETY: `raw` is live and ours to free.
                unsafe { (api.TF_DeleteTensor)(raw.as_ptr()) };
                Err(Error::new(
                    ErrorKind::TensorFlow,
                    "read tensor",
                    format!("{} is not taken; cast it in the graph", name_of(code.into())),
                ))
            }
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    pub(crate) fn dims(&self) -> Dims {
        // SAFETY: the tensor is live, and the index below its rank.
        unsafe {
            let rank = (self.api.TF_NumDims)(self.raw());
            (0..rank).map(|index| (self.api.TF_Dim)(self.raw(), index)).collect()
        }
    }

    /// The memory of a tensor of fixed-size elements.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        if self.bytes == 0 {
            return &[];
        }
        // SAFETY: TensorFlow keeps `bytes` bytes alive at `data` as long as this tensor lives.
        unsafe { std::slice::from_raw_parts(self.data, self.bytes) }
    }

    /// The elements, if they are of this type.
    pub(crate) fn as_slice<T: Element>(&self) -> Result<&[T]> {
        if T::DTYPE != self.dtype {
            return Err(Error::input("read tensor", format!("its elements are {}, not {}", self.dtype, T::DTYPE)));
        }
        if self.bytes == 0 {
            return Ok(&[]);
        }
        // SAFETY: the dtype was compared, tensors are aligned for their elements, and booleans that TensorFlow made are 0 or 1.
        Ok(unsafe { std::slice::from_raw_parts(self.data.cast(), self.bytes / size_of::<T>()) })
    }

    /// The elements of a tensor of ours, to write.
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        let length = self.as_slice::<T>()?.len();
        if !self.ours {
            return Err(Error::new(ErrorKind::Internal, "write tensor", "its memory belongs to TensorFlow"));
        }
        // SAFETY: as in `as_slice`; the memory is ours alone (`ours`), and `&mut self` the only way to it.
        Ok(unsafe { std::slice::from_raw_parts_mut(if length == 0 { NonNull::dangling().as_ptr() } else { self.data.cast() }, length) })
    }

    /// Fills a tensor of ours with the bytes of another value of its dtype and size.
    pub(crate) fn copy_from(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.ours || bytes.len() != self.bytes {
            let context = format!("{} bytes into {} bytes of {}", bytes.len(), self.bytes, self.dtype);
            return Err(Error::new(ErrorKind::Internal, "write tensor", context));
        }
        // SAFETY: both are `bytes` long; ours is no part of another tensor.
        unsafe { self.data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// A copy in memory of its own.
    pub(crate) fn copy(&self) -> Result<Self> {
        let mut copy = Self::allocate(self.dtype, &self.dims())?;
        copy.copy_from(self.as_bytes())?;
        Ok(copy)
    }

    /// Whether some of this tensor's memory is memory of the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (start, end) = (self.data as usize, self.data as usize + self.bytes);
        let (other_start, other_end) = (other.data as usize, other.data as usize + other.bytes);
        start < other_end && other_start < end
    }

    /// Whether its memory is exactly that of `data`.
    pub(super) fn covers(&self, data: &[u8]) -> bool {
        std::ptr::eq(self.data, data.as_ptr()) && self.bytes == data.len()
    }

    pub(super) fn raw(&self) -> *mut TF_Tensor {
        self.raw.as_ptr()
    }
}

impl Drop for Tensor {
    fn drop(&mut self) {
        // SAFETY: `raw` is live and owned.
        unsafe { (self.api.TF_DeleteTensor)(self.raw()) }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {:?})", self.dtype, self.dims())
    }
}

unsafe extern "C" fn leave(_: *mut c_void, _: usize, _: *mut c_void) {}

/// TensorFlow's string objects, each a view of bytes that live elsewhere.
#[derive(Debug)]
pub(crate) struct StringViews<'a> {
    tensor: Tensor,
    bytes: PhantomData<&'a [u8]>,
}

impl Deref for StringViews<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}

/// Strings as TensorFlow holds them: bytes, whatever they encode.
pub(crate) mod strings {
    use super::*;

    /// A tensor of views of these strings.
    pub(crate) fn view<'a>(dims: &[i64], strings: impl ExactSizeIterator<Item = &'a [u8]>) -> Result<StringViews<'a>> {
        let api = api()?;
        let count = strings.len();
        if dims.iter().map(|&dim| dim as usize).product::<usize>() != count {
            return Err(Error::new(ErrorKind::Internal, "make string tensor", format!("{count} strings for {dims:?}")));
        }
        // SAFETY: the size is the one of `count` string objects.
        let raw =
            unsafe { (api.TF_AllocateTensor)(DType::String.code(), dims.as_ptr(), dims.len() as i32, count * size_of::<TF_TString>()) };
        let tensor = Tensor::adopt(api, raw, false)?;
        let objects = tensor.data.cast::<TF_TString>();
        for (index, string) in strings.enumerate() {
            // SAFETY: `index` is below `count`; a view owns nothing, so the objects need no destructor.
            unsafe {
                let object = objects.add(index);
                (api.TF_StringInit)(object);
                (api.TF_StringAssignView)(object, string.as_ptr().cast::<c_char>(), string.len());
            }
        }
        Ok(StringViews { tensor, bytes: PhantomData })
    }

    /// Copies the strings out of a tensor.
    pub(crate) fn read(tensor: &Tensor) -> Result<Vec<Vec<u8>>> {
        if tensor.dtype != DType::String {
            return Err(Error::input("read tensor", format!("its elements are {}, not strings", tensor.dtype)));
        }
        let objects = tensor.data.cast::<TF_TString>();
        // SAFETY: the tensor holds that many live string objects; their bytes are copied while it is borrowed.
        Ok((0..tensor.bytes / size_of::<TF_TString>())
            .map(|index| unsafe {
                let object = objects.add(index);
                let (data, size) = ((tensor.api.TF_StringGetDataPointer)(object), (tensor.api.TF_StringGetSize)(object));
                if size == 0 { Vec::new() } else { std::slice::from_raw_parts(data.cast::<u8>(), size).to_vec() }
            })
            .collect())
    }
}
