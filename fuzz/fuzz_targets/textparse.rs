//! Runs `checks/textparse.rs`, which states the property, on what the fuzzer makes up.
#![no_main]

#[path = "../checks/textparse.rs"]
mod textparse;

libfuzzer_sys::fuzz_target!(|data: &[u8]| textparse::check(data));
