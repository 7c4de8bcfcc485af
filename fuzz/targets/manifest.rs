//! [`bosbase_fuzz::manifest`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bosbase_fuzz::manifest(bytes));
