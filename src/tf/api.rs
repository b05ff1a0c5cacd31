//! The functions of the C API that we call, resolved when the library is loaded.

#![allow(non_snake_case, reason = "the names of the C API")]

use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;

use libloading::os::unix::Library;
use tensorflow_sys_runtime::{
    TF_Buffer, TF_Graph, TF_ImportGraphDefOptions, TF_Operation, TF_Output, TF_Session, TF_SessionOptions, TF_Status, TF_TString, TF_Tensor,
};

use crate::error::{Error, ErrorKind, Result};

pub(super) type Deallocator = unsafe extern "C" fn(*mut c_void, usize, *mut c_void);

macro_rules! functions {
    ($(fn $name:ident($($argument:ty),*) $(-> $result:ty)?;)+) => {
        /// One function pointer each. Enumerations cross as the integers that they are in C: a value that is new to us
        /// must not be undefined behaviour.
        #[derive(Debug)]
        pub(super) struct Api {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+
        }

        impl Api {
            /// Resolves every function, or names those that the library lacks.
            pub(super) fn resolve(library: &Library) -> std::result::Result<Self, Vec<&'static str>> {
                let mut missing = Vec::new();
                $(
                    // SAFETY: the signature is the one of TensorFlow's c_api.h and tf_tensor.h, stable through 2.x.
                    let $name = unsafe { library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(stringify!($name).as_bytes()) };
                    if $name.is_err() {
                        missing.push(stringify!($name));
                    }
                )+
                match ($($name,)+) {
                    ($(Ok($name),)+) => Ok(Self { $($name: *$name,)+ }),
                    _ => Err(missing),
                }
            }
        }
    };
}

functions! {
    fn TF_Version() -> *const c_char;

    fn TF_NewStatus() -> *mut TF_Status;
    fn TF_DeleteStatus(*mut TF_Status);
    fn TF_GetCode(*const TF_Status) -> u32;
    fn TF_Message(*const TF_Status) -> *const c_char;

    fn TF_AllocateTensor(u32, *const i64, c_int, usize) -> *mut TF_Tensor;
    fn TF_NewTensor(u32, *const i64, c_int, *mut c_void, usize, Option<Deallocator>, *mut c_void) -> *mut TF_Tensor;
    fn TF_DeleteTensor(*mut TF_Tensor);
    fn TF_TensorType(*const TF_Tensor) -> u32;
    fn TF_NumDims(*const TF_Tensor) -> c_int;
    fn TF_Dim(*const TF_Tensor, c_int) -> i64;
    fn TF_TensorByteSize(*const TF_Tensor) -> usize;
    fn TF_TensorData(*const TF_Tensor) -> *mut c_void;

    fn TF_StringInit(*mut TF_TString);
    fn TF_StringAssignView(*mut TF_TString, *const c_char, usize);
    fn TF_StringGetDataPointer(*const TF_TString) -> *const c_char;
    fn TF_StringGetSize(*const TF_TString) -> usize;

    fn TF_NewGraph() -> *mut TF_Graph;
    fn TF_DeleteGraph(*mut TF_Graph);
    fn TF_NewImportGraphDefOptions() -> *mut TF_ImportGraphDefOptions;
    fn TF_DeleteImportGraphDefOptions(*mut TF_ImportGraphDefOptions);
    fn TF_GraphImportGraphDef(*mut TF_Graph, *const TF_Buffer, *const TF_ImportGraphDefOptions, *mut TF_Status);
    fn TF_NewBufferFromString(*const c_void, usize) -> *mut TF_Buffer;
    fn TF_NewBuffer() -> *mut TF_Buffer;
    fn TF_DeleteBuffer(*mut TF_Buffer);
    fn TF_GraphOperationByName(*mut TF_Graph, *const c_char) -> *mut TF_Operation;
    fn TF_GraphToGraphDef(*mut TF_Graph, *mut TF_Buffer, *mut TF_Status);
    fn TF_AddGradients(*mut TF_Graph, *mut TF_Output, c_int, *mut TF_Output, c_int, *mut TF_Output, *mut TF_Status, *mut TF_Output);
    fn TF_OperationName(*mut TF_Operation) -> *const c_char;
    fn TF_OperationNumOutputs(*mut TF_Operation) -> c_int;
    fn TF_OperationOutputType(TF_Output) -> u32;
    fn TF_GraphGetTensorNumDims(*mut TF_Graph, TF_Output, *mut TF_Status) -> c_int;
    fn TF_GraphGetTensorShape(*mut TF_Graph, TF_Output, *mut i64, c_int, *mut TF_Status);

    fn TF_NewSessionOptions() -> *mut TF_SessionOptions;
    fn TF_DeleteSessionOptions(*mut TF_SessionOptions);
    fn TF_SetConfig(*mut TF_SessionOptions, *const c_void, usize, *mut TF_Status);
    fn TF_NewSession(*mut TF_Graph, *const TF_SessionOptions, *mut TF_Status) -> *mut TF_Session;
    fn TF_LoadSessionFromSavedModel(
        *const TF_SessionOptions,
        *const TF_Buffer,
        *const c_char,
        *const *const c_char,
        c_int,
        *mut TF_Graph,
        *mut TF_Buffer,
        *mut TF_Status
    ) -> *mut TF_Session;
    fn TF_CloseSession(*mut TF_Session, *mut TF_Status);
    fn TF_DeleteSession(*mut TF_Session, *mut TF_Status);
    fn TF_SessionRun(
        *mut TF_Session,
        *const TF_Buffer,
        *const TF_Output,
        *const *mut TF_Tensor,
        c_int,
        *const TF_Output,
        *mut *mut TF_Tensor,
        c_int,
        *const *const TF_Operation,
        c_int,
        *mut TF_Buffer,
        *mut TF_Status
    );
}

static API: OnceLock<Api> = OnceLock::new();

/// Publishes the functions for the rest of the process. The library they come from is never unloaded.
pub(super) fn publish(api: Api) {
    let _ = API.set(api);
}

/// The functions, once [`super::load`] has succeeded.
pub(super) fn api() -> Result<&'static Api> {
    API.get().ok_or_else(|| Error::new(ErrorKind::TensorFlowNotFound, "call TensorFlow", "no TensorFlow library was loaded yet"))
}
