//! Runs `checks/regex_oracle.rs`, which states the property, on what the fuzzer makes up.
#![no_main]

#[path = "../checks/regex_oracle.rs"]
mod regex_oracle;

libfuzzer_sys::fuzz_target!(|data: &[u8]| regex_oracle::check(data));
