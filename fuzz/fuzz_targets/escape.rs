//! Runs `checks/escape.rs`, which states the property, on what the fuzzer makes up.
#![no_main]

#[path = "../checks/escape.rs"]
mod escape;

libfuzzer_sys::fuzz_target!(|data: &[u8]| escape::check(data));
