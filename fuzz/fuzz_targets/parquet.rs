#![no_main]

use libfuzzer_sys::fuzz_target;

// The readers of Arrow's crates panic on some damaged bytes, which the decoder catches; the fuzzer's own hook would end the program.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    streamgrad_fuzz::parquet(bytes);
});
