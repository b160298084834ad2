//! Runs `checks/negotiate.rs`, which states the property, on what the fuzzer makes up.
#![no_main]

#[path = "../checks/negotiate.rs"]
mod negotiate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| negotiate::check(data));
