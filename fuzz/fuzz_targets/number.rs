//! Runs `checks/number.rs`, which states the property, on what the fuzzer makes up.
#![no_main]

#[path = "../checks/number.rs"]
mod number;

libfuzzer_sys::fuzz_target!(|data: &[u8]| number::check(data));
