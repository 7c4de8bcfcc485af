//! What hostile bytes must never do, as functions that take any bytes and panic where one of the promises is broken.
//!
//! `targets/` hands them to libFuzzer (`fuzz/run`), `tests/replay.rs` every file of `corpus/` (`./check fuzz`).
//!
//! - [`archive`]: the bytes are an archive that somebody uploads.
//! - [`manifest`]: the bytes are the manifest inside an archive that is whole otherwise.

mod archive;
pub mod bomb;
mod manifest;
pub mod memory;
mod zip;

pub use archive::archive;
pub use manifest::{good_manifest, manifest, manifest_is_proven};
