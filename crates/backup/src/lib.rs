//! The backup engine: sources → archive → storage → restore, and which backups may go.
//!
//! It knows files and bytes; of databases it knows what [`DatabaseSnapshot`] and [`restore::StagedCheck`] tell it, of
//! HTTP nothing. Everything blocks. Memory does not grow with the size of the data; per file it takes a few dozen
//! bytes.
//!
//! - [`create`]: plan → write → publish → prove. Listed only when whole and durable, then read back and verified.
//! - [`Archive`]: an archive nobody vouches for, its structure checked; [`verify`] proves its contents, [`examine`] its
//!   databases too.
//! - [`Inventory`]: what an archive holds, as its directory and its manifest tell; a proof brings it along.
//! - [`remote_files`]: uploaded files that do not lie in the data directory.
//! - [`Storage`]: where archives are kept; [`LocalStorage`] is a folder.
//! - [`restore`]: stage → journal → (the process starts anew) → recover → confirm or roll back.
//! - [`retention`]: what scheduled backups have had their day.
//!
//! ```
//! use std::sync::Arc;
//! use bosbase_backup::{
//!     Archive, BackupKey, CheckFailure, DataDir, DatabaseFormat, DatabaseSnapshot, LocalStorage, NoProgress, NoSteps,
//!     Sources, Storage, create, verify,
//! };
//! use bosbase_disk::{Disk, RealDisk};
//!
//! /// A database that holds still: the bytes of its file, and how far they were read.
//! struct Still(&'static [u8]);
//!
//! impl DatabaseSnapshot for Still {
//!     fn name(&self) -> &str { DataDir::DATABASE }
//!     fn len(&self) -> u64 { 16 }
//!     fn page_count(&self) -> u32 { 1 }
//!     fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> { std::io::Read::read(&mut self.0, buf) }
//!     fn integrity_check(&mut self) -> Result<(), CheckFailure> { Ok(()) }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("bosbase-backup-doc-{}", std::process::id()));
//! let data_dir = DataDir::at(&dir);
//! RealDisk.create_dir_all(&data_dir)?;
//! let storage = LocalStorage::new(Arc::new(RealDisk), data_dir.backups());
//! let sources = Sources {
//!     data_dir: data_dir.clone(),
//!     databases: vec![Box::new(Still(DatabaseFormat::MAGIC))],
//!     required_files: Box::new(std::iter::empty()),
//!     remote_files: None,
//! };
//! let plan = create::plan(&RealDisk, &BackupKey::for_new("first.zip")?, jiff::Timestamp::now(), &sources)?;
//! println!("{plan}");
//! let created = create::perform(&RealDisk, &plan, sources, &storage, &NoProgress, &NoSteps)?;
//! assert_eq!(storage.list()?, [created.report().backup.clone()]);
//! assert_eq!(created.prove(&storage, &NoProgress, &NoSteps)?.checked.entries, 1);
//!
//! let archive = Archive::open(Arc::from(storage.open(&plan.key)?))?;
//! assert_eq!(verify(&archive, &NoProgress)?.entries, 1);
//! # RealDisk.remove_dir_all(&data_dir)?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod archive;
pub mod create;
mod data_dir;
mod database_format;
mod entry_path;
mod error;
mod examine;
pub mod inventory;
mod key;
mod packed;
mod progress;
mod proof;
pub mod remote_files;
mod report;
pub mod restore;
pub mod retention;
mod sources;
mod state_dir;
pub mod storage;
mod unpacked;

pub use archive::{Archive, Checked, verify};
pub use create::{CREATE_STEPS, CreatePlan, CreateReport, Sources};
pub use data_dir::DataDir;
pub use database_format::DatabaseFormat;
pub use entry_path::{BadPath, EntryPath};
pub use error::{Error, ErrorKind, Result};
pub use examine::{DatabaseOpener, Depth, Examined, Room, UnpackedDatabase, examine};
pub use inventory::Inventory;
pub use key::BackupKey;
pub use progress::{NoProgress, NoSteps, Progress, Steps};
pub use proof::{Created, Proof};
pub use restore::{RESTORE_STEPS, ROLLBACK_STEPS};
pub use sources::{CheckFailure, DatabaseSnapshot};
pub use state_dir::StateDir;
pub use storage::bucket::{BucketStorage, Leftover, Note, Notes};
pub use storage::local::LocalStorage;
pub use storage::{ArchiveSource, BackupInfo, Identity, StagedUpload, Storage};
pub use unpacked::{unpack_database, unpack_file};
