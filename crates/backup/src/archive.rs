//! The archive: a plain ZIP (PKWARE's APPNOTE 6.3, ZIP64 where needed) written and read as a stream.
//!
//! [`ArchiveWriter`] makes one; [`Archive`] opens one that nobody vouches for. Neither holds more than a few bytes per
//! entry.

mod behind;
#[cfg(any(test, feature = "fixtures"))]
pub mod broken;
mod codec;
mod directory;
mod entry;
mod job;
mod manifest;
mod notes;
mod pieces;
mod reader;
mod record;
mod sentinel;
mod sink;
mod spool;
mod structure;
mod workers;
mod writer;

pub(crate) use behind::Behind;
pub use entry::{ArchiveEntry, EntryKind, EntryReader};
pub(crate) use manifest::FORMAT as MANIFEST_FORMAT;
pub use manifest::{DatabaseFact, ManifestHeader};
pub(crate) use notes::{NoteReader, Notes};
pub(crate) use reader::Part;
pub use reader::{Archive, Checked, verify};
pub(crate) use spool::Spool;
pub(crate) use writer::{ArchiveWriter, EntryMeta};

/// Where the manifest is; always the last entry.
pub const MANIFEST_PATH: &str = ".bosbase/manifest.json";
