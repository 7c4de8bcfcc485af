//! Uploaded files: received to disk, put beside their record before it is committed, served, and removed after a commit.
//!
//! A file lies at `storage/<collection id>/<record id>/<name>`; beside it `<name>.attrs` holds its content type and original
//! name, as PocketBase keeps them. The order of writes makes sure that a committed record never names a file that is not
//! there: [`FileStore::place`] is durable before the record's commit, [`FileStore::remove_files`] comes after it. A crash
//! between the two leaves files that no record names, never the other way round; what is placed, and what
//! is to be removed ([`Intent`]), is written down before, so that [`FileStore::clean_uploads`] finds it at the next start.
//!
//! A backup needs every file that its snapshot names. While one holds [`FileStore::lock_path`] exclusively, removals are
//! written down durably and carried out by [`FileStore::purge_pending`] later.

mod attributes;
mod intent;
mod name;
mod pending;
mod placing;
mod sniff;
mod store;
mod upload;

#[cfg(test)]
mod tests;

pub use attributes::Attributes;
pub use intent::Intent;
pub use placing::InFlight;
pub use store::{FileStore, References, StoredFile};
pub use upload::{Receiving, Upload};
