//! How the shared library is linked: its name, and that it stays loaded.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The number is `SG_ABI`; a test compares them.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libstreamgrad.so.1");
    // TensorFlow holds deallocators of ours for as long as the process lives, so no `dlclose` may unload them.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
