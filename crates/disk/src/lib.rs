//! Durable file operations behind one trait, so that a test can make any single one of them fail.
//!
//! [`Disk`] is what the rest of the program may do to a file system; [`RealDisk`] does it. [`FaultDisk`] does it too,
//! until the n-th operation, which fails, or after which the power is gone. Above the trait stand the few compositions
//! that durability needs: [`write_atomically`], [`NewFile`] (a streamed file that appears whole or not at all) and
//! [`LockFile`].
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use bosbase_disk::{Disk, RealDisk, write_atomically};
//! # let dir = std::env::temp_dir().join(format!("bosbase-disk-doc-{}", std::process::id()));
//! let disk = RealDisk;
//! disk.create_dir_all(&dir)?;
//! write_atomically(&disk, &dir.join("note.json"), b"{}")?;
//! assert_eq!(bosbase_disk::read_all(&disk, &dir.join("note.json"), 1024)?, b"{}");
//! # disk.remove_dir_all(&dir)
//! # }
//! ```
//!
//! Everything here blocks. Paths are used as given; nothing is canonicalised.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod atomic;
mod beneath;
mod birthmark;
mod disk;
pub mod fault;
mod lock;
mod memory;
mod mounts;
mod private;
mod processes;
mod real;
mod streamed;
mod uptime;

pub use atomic::{NewFile, read_all, write_atomically};
pub use beneath::{Beneath, kind_behind, open_beneath};
pub use birthmark::birthmark;
pub use disk::{Disk, DiskFile, Entry, FileKind, Metadata, Whom};
pub use fault::FaultDisk;
pub use lock::LockFile;
pub use private::{become_owner, keep_private, owner_beside_root};
pub use processes::{Process, processes_at};
pub use real::RealDisk;
pub use uptime::Uptime;
