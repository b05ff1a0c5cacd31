#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    streamgrad_fuzz::json_lines(bytes);
});
