//! [`bosbase_fuzz::archive`] for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bosbase_fuzz::archive(bytes));
