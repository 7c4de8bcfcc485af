//! The backup engine: sources → archive → storage → restore, and which backups may go.
//!
//! It knows files and bytes; of databases it knows what [`DatabaseSnapshot`] and [`restore::StagedCheck`] tell it, of HTTP
//! nothing. Everything blocks. Memory does not grow with the size of the data; per file it takes a few dozen bytes.
//!
//! - [`create`]: plan → write → read back and verify → publish. Listed only when whole and durable.
//! - [`Archive`]: an archive nobody vouches for, its structure checked; [`verify`] proves its contents.
//! - [`Storage`]: where archives are kept; [`LocalStorage`] is a folder.
//! - [`restore`]: stage → journal → (the process starts anew) → recover → confirm or roll back.
//! - [`retention`]: what scheduled backups have had their day.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod archive;
pub mod create;
mod entry_path;
mod error;
mod key;
pub mod layout;
mod progress;
pub mod restore;
pub mod retention;
mod sources;
pub mod storage;

pub use archive::{Archive, Checked, verify};
pub use create::{CREATE_STEPS, CreatePlan, CreateReport, Sources};
pub use entry_path::{BadPath, EntryPath};
pub use error::{Error, ErrorKind, Result};
pub use key::BackupKey;
pub use progress::{NoProgress, NoSteps, Progress, Steps};
pub use restore::{RESTORE_STEPS, ROLLBACK_STEPS};
pub use sources::DatabaseSnapshot;
pub use storage::local::LocalStorage;
pub use storage::{ArchiveSource, BackupInfo, StagedUpload, Storage};
