//! The rival: a loop over TensorFlow's C API that feeds parameters and a batch, and applies SGD in place. Nothing else: no
//! checks, no versions, no report.

#![allow(missing_docs, unreachable_pub, non_snake_case, dead_code, reason = "a part of the benchmarks")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a benchmark may panic")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::Path;
use std::ptr::{null, null_mut};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use safetensors::SafeTensors;
use serde_json::Value;
use tensorflow_sys_runtime::{
    TF_Buffer, TF_Graph, TF_ImportGraphDefOptions, TF_Operation, TF_Output, TF_Session, TF_SessionOptions, TF_Status, TF_Tensor,
};

macro_rules! api {
    ($(fn $name:ident($($argument:ty),*) $(-> $result:ty)?;)+) => {
        struct Api { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+ }

        impl Api {
            fn load(path: &Path) -> Self {
                // SAFETY: the library is TensorFlow's, the signatures are those of its header.
                unsafe {
                    let library = Library::open(Some(path), RTLD_NOW | RTLD_LOCAL).unwrap();
                    let api = Self { $($name: *library.get(stringify!($name).as_bytes()).unwrap(),)+ };
                    std::mem::forget(library);
                    api
                }
            }
        }
    };
}

api! {
    fn TF_NewStatus() -> *mut TF_Status;
    fn TF_GetCode(*const TF_Status) -> u32;
    fn TF_Message(*const TF_Status) -> *const c_char;
    fn TF_AllocateTensor(u32, *const i64, c_int, usize) -> *mut TF_Tensor;
    fn TF_DeleteTensor(*mut TF_Tensor);
    fn TF_TensorData(*const TF_Tensor) -> *mut c_void;
    fn TF_TensorByteSize(*const TF_Tensor) -> usize;
    fn TF_NewGraph() -> *mut TF_Graph;
    fn TF_NewImportGraphDefOptions() -> *mut TF_ImportGraphDefOptions;
    fn TF_GraphImportGraphDef(*mut TF_Graph, *const TF_Buffer, *const TF_ImportGraphDefOptions, *mut TF_Status);
    fn TF_NewBufferFromString(*const c_void, usize) -> *mut TF_Buffer;
    fn TF_GraphOperationByName(*mut TF_Graph, *const c_char) -> *mut TF_Operation;
    fn TF_NewSessionOptions() -> *mut TF_SessionOptions;
    fn TF_SetConfig(*mut TF_SessionOptions, *const c_void, usize, *mut TF_Status);
    fn TF_NewSession(*mut TF_Graph, *const TF_SessionOptions, *mut TF_Status) -> *mut TF_Session;
    fn TF_SessionRun(*mut TF_Session, *const TF_Buffer, *const TF_Output, *const *mut TF_Tensor, c_int, *const TF_Output, *mut *mut TF_Tensor, c_int, *const *const TF_Operation, c_int, *mut TF_Buffer, *mut TF_Status);
}

/// `ConfigProto` with one thread inside ops, all else as TensorFlow has it: ops run in a pool of its own.
pub const DEFAULTS: &[u8] = &[0x10, 0x01];

/// The same with all ops in the caller's thread.
pub const CALLERS_THREAD: &[u8] = &[0x10, 0x01, 0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];

/// That with the two fields that `src/tf/config.rs` sets: no meta optimizer, the single-threaded executor.
pub fn same_settings() -> Vec<u8> {
    let mut config = CALLERS_THREAD.to_vec();
    config.extend([0x52, 0x05, 0x52, 0x03, 0x98, 0x01, 0x01, 0x82, 0x01, 0x1a, 0x1a, 0x18]);
    config.extend(b"SINGLE_THREADED_EXECUTOR");
    config
}

/// The loop's state: a session, the tensors it feeds, the parameters it moves.
pub struct Bare {
    api: Api,
    status: *mut TF_Status,
    session: *mut TF_Session,
    inputs: Vec<TF_Output>,
    fed: Vec<*mut TF_Tensor>,
    outputs: Vec<TF_Output>,
    predict_inputs: Vec<usize>,
    first_parameter: usize,
    learning_rate: f32,
}

impl Bare {
    pub fn open(tensorflow: &Path, bundle: &Path, config: &[u8], numbers: &[f32], labels: &[i64]) -> Self {
        let api = Api::load(tensorflow);
        let manifest: Value = serde_json::from_slice(&fs::read(bundle.join("bundle.json")).unwrap()).unwrap();
        let graph_def = fs::read(bundle.join("graph.pb")).unwrap();
        let values = fs::read(bundle.join("initial.safetensors")).unwrap();
        let values = SafeTensors::deserialize(&values).unwrap();
        // SAFETY: objects live until the process ends; every name and size is the bundle's.
        unsafe {
            let status = (api.TF_NewStatus)();
            let graph = (api.TF_NewGraph)();
            let buffer = (api.TF_NewBufferFromString)(graph_def.as_ptr().cast(), graph_def.len());
            (api.TF_GraphImportGraphDef)(graph, buffer, (api.TF_NewImportGraphDefOptions)(), status);
            let options = (api.TF_NewSessionOptions)();
            (api.TF_SetConfig)(options, config.as_ptr().cast(), config.len(), status);
            let session = (api.TF_NewSession)(graph, options, status);
            let output = |name: &Value| {
                let (node, index) = name.as_str().unwrap().rsplit_once(':').unwrap();
                let node = CString::new(node).unwrap();
                let oper = (api.TF_GraphOperationByName)(graph, node.as_ptr());
                assert!(!oper.is_null());
                TF_Output { oper, index: index.parse().unwrap() }
            };
            let tensor = |dtype: u32, dims: &[i64], bytes: &[u8]| {
                let tensor = (api.TF_AllocateTensor)(dtype, dims.as_ptr(), dims.len() as c_int, bytes.len());
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), (api.TF_TensorData)(tensor).cast(), bytes.len());
                tensor
            };
            let rows = labels.len();
            let bytes = |data: *const c_void, length: usize| std::slice::from_raw_parts(data.cast::<u8>(), length);
            let mut inputs = vec![output(&manifest["features"][0]["tensor"]), output(&manifest["labels"][0]["tensor"])];
            let mut fed = vec![
                tensor(1, &[rows as i64, (numbers.len() / rows) as i64], bytes(numbers.as_ptr().cast(), size_of_val(numbers))),
                tensor(9, &[rows as i64], bytes(labels.as_ptr().cast(), size_of_val(labels))),
            ];
            let mut outputs = vec![output(&manifest["loss"]["train"]), output(&manifest["outputs"][0]["train"])];
            for parameter in manifest["parameters"].as_array().unwrap() {
                inputs.push(output(&parameter["tensor"]));
                let dims: Vec<i64> = parameter["shape"].as_array().unwrap().iter().map(|dim| dim.as_i64().unwrap()).collect();
                fed.push(tensor(1, &dims, values.tensor(parameter["name"].as_str().unwrap()).unwrap().data()));
                outputs.push(output(&parameter["gradient"]));
            }
            let bare = Self {
                predict_inputs: (0..inputs.len()).filter(|&input| input != 1).collect(),
                api,
                status,
                session,
                inputs,
                fed,
                outputs,
                first_parameter: 2,
                learning_rate: manifest["optimizer"]["learning_rate"].as_f64().unwrap() as f32,
            };
            bare.check();
            bare
        }
    }

    fn check(&self) {
        // SAFETY: the status is live.
        unsafe {
            assert_eq!((self.api.TF_GetCode)(self.status), 0, "{:?}", CStr::from_ptr((self.api.TF_Message)(self.status)));
        }
    }

    fn run(&self, inputs: &[TF_Output], fed: &[*mut TF_Tensor], outputs: &[TF_Output], fetched: &mut [*mut TF_Tensor]) {
        // SAFETY: the arrays have the lengths that are passed.
        unsafe {
            (self.api.TF_SessionRun)(
                self.session,
                null(),
                inputs.as_ptr(),
                fed.as_ptr(),
                inputs.len() as c_int,
                outputs.as_ptr(),
                fetched.as_mut_ptr(),
                outputs.len() as c_int,
                null(),
                0,
                null_mut(),
                self.status,
            );
        }
        self.check();
    }

    /// One step; returns the loss.
    pub fn step(&mut self) -> f32 {
        let mut fetched = [null_mut(); 16];
        self.run(&self.inputs, &self.fed, &self.outputs, &mut fetched);
        // SAFETY: gradients have the size of their parameters; the parameters' memory is this loop's alone.
        unsafe {
            let loss = *(self.api.TF_TensorData)(fetched[0]).cast::<f32>();
            for (&parameter, &gradient) in self.fed[self.first_parameter..].iter().zip(&fetched[2..]) {
                let elements = (self.api.TF_TensorByteSize)(parameter) / 4;
                let parameter = std::slice::from_raw_parts_mut((self.api.TF_TensorData)(parameter).cast::<f32>(), elements);
                let gradient = std::slice::from_raw_parts((self.api.TF_TensorData)(gradient).cast::<f32>(), elements);
                for (parameter, gradient) in parameter.iter_mut().zip(gradient) {
                    *parameter -= self.learning_rate * gradient;
                }
            }
            for &tensor in fetched.iter().filter(|tensor| !tensor.is_null()) {
                (self.api.TF_DeleteTensor)(tensor);
            }
            loss
        }
    }

    /// Predicts; returns the first value.
    pub fn predict(&mut self) -> f32 {
        let inputs: Vec<TF_Output> = self.predict_inputs.iter().map(|&input| self.inputs[input]).collect();
        let fed: Vec<*mut TF_Tensor> = self.predict_inputs.iter().map(|&input| self.fed[input]).collect();
        let mut fetched = [null_mut(); 1];
        self.run(&inputs, &fed, &self.outputs[1..2], &mut fetched);
        // SAFETY: one tensor was fetched.
        unsafe {
            let value = *(self.api.TF_TensorData)(fetched[0]).cast::<f32>();
            (self.api.TF_DeleteTensor)(fetched[0]);
            value
        }
    }
}
