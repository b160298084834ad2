//! Runs `checks/regex.rs`, which states the property, on what the fuzzer makes up.
#![no_main]

#[path = "../checks/regex.rs"]
mod regex;

libfuzzer_sys::fuzz_target!(|data: &[u8]| regex::check(data));
