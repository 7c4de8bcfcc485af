//! Uploaded files: received to disk, put beside their record before it is committed, served, and removed after a
//! commit.
//!
//! A file lies at `storage/<collection id>/<record id>/<name>`; beside it `<name>.attrs` holds its content type and
//! original name, as PocketBase keeps them. The order of writes makes sure that a committed record never names a file
//! that is not there: [`FileStore::place`] is durable before the record's commit, [`FileStore::remove_files`] comes
//! after it. A crash between the two leaves files that no record names, never the other way round; what is placed, and
//! what is to be removed ([`Intent`]), is written down before, so that [`FileStore::clean_uploads`] finds it at the
//! next start.
//!
//! Where `settings.s3` is on, new files go to a bucket instead, under the same three names. The order of writes is the
//! same, with "acknowledged by the bucket" for "durable"; files found in the data directory are served from there all
//! the same. Removals happen in both places.
//!
//! Several data directories may name the same bucket; only its owner deletes there (`owner`).
//!
//! A backup needs every file that its snapshot names. While one holds [`FileStore::lock_path`] exclusively, removals
//! are written down durably and carried out by [`FileStore::purge_pending`] later.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod announced;
mod attributes;
mod entries;
mod in_flight;
mod instance;
mod intent;
mod journal;
mod local;
mod name;
mod objects;
mod owner;
mod pending;
mod picture;
mod place;
mod placing;
mod references;
mod removal_batch;
mod removing;
mod slots;
mod sniff;
mod source;
mod store;
mod stored;
mod target;
mod thumb_size;
mod thumbnails;
mod upload;

#[cfg(test)]
mod tests;

pub use attributes::Attributes;
pub use bosbase_disk::DiskFile;
pub use in_flight::InFlight;
pub use instance::{Arrival, Instance, TAG_MARK};
pub use intent::{Intent, Removals};
pub use owner::{TakeOverError, mark_if_empty, take_over};
pub use place::{FilesPlace, Nowhere, RemoteFiles, is_of_bucket};
pub use references::References;
pub use removal_batch::RemovalBatch;
pub use sniff::{HEAD, content_type};
pub use source::BucketSource;
pub use store::FileStore;
pub use stored::{Content, Remote, Sought, StoredFile};
pub use target::BucketTarget;
pub use thumbnails::Thumb;
pub use upload::{Receiving, Upload};
