//! The Java side of the library: one class with native methods, `dev.streamgrad.Native`.
//!
//! 1. The methods are registered in `JNI_OnLoad`; a jar whose signatures differ is refused there, one whose layouts differ by [`ABI`].
//! 2. Every body runs inside the guard. It returns a number that is not negative, or a negated status code; where it has more to tell,
//!    bytes or null. The text of a failure is in the caller's error buffer; nothing is thrown.
//! 3. A direct buffer is used during the call that passes it and never kept. Its capacity is checked against what the call needs.
//! 4. A handle is checked each time; a call in flight keeps its object.
//! 5. Java's `Batch` lends its buffers to one call at a time, and Java writes nothing into them meanwhile.
//! 6. But for the release callback of a record batch that Java imports, its owner's business, nothing here calls back into Java or keeps a reference to one of its objects. The threads of stores and predictors never attach to the JVM.

mod buffer;
mod checkpoint;
mod control;
mod error;
mod heap;
mod imported;
mod layout;
mod native;
mod observing;
mod options;
mod predict;
mod predictor;
mod results;
mod saved_model;
mod schema;
mod store;

use std::ffi::c_void;

use jni::sys::{JNI_ERR, JNI_VERSION_1_8, jint};
use jni::{Env, JavaVM, jni_str};

/// The version of the native methods' signatures and of all layouts: Java's `Native.ABI`.
const ABI: jint = 8;

/// Called by the JVM when it loads this library, for each class loader with a copy of its own.
#[unsafe(no_mangle)]
extern "system" fn JNI_OnLoad(vm: *mut jni::sys::JavaVM, _reserved: *mut c_void) -> jint {
    if vm.is_null() {
        return JNI_ERR;
    }
    // SAFETY: the JVM passes its own invocation interface, valid for the life of the process.
    let vm = unsafe { JavaVM::from_raw(vm) };
    match std::panic::catch_unwind(|| vm.attach_current_thread(register)) {
        Ok(Ok(())) => JNI_VERSION_1_8,
        _ => JNI_ERR,
    }
}

fn register(env: &mut Env<'_>) -> jni::errors::Result<()> {
    // FindClass asks the class loader that is loading this library: each gets its own class registered.
    let class = env.find_class(jni_str!("dev/streamgrad/Native"))?;
    // SAFETY: the methods are those of the macro, which ties each function to the signature it declares.
    unsafe {
        env.register_native_methods(&class, native::METHODS)?;
        env.register_native_methods(&class, predictor::METHODS)?;
        env.register_native_methods(&class, checkpoint::METHODS)?;
        env.register_native_methods(&class, observing::METHODS)?;
        env.register_native_methods(&class, saved_model::METHODS)?;
        env.register_native_methods(&class, control::METHODS)?;
        env.register_native_methods(&class, imported::METHODS)
    }
}
