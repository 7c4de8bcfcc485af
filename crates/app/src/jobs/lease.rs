//! The right to be the one backup or restore, across threads and processes.

use std::io;
use std::path::Path;

use bosbase_backup::StateDir;
use bosbase_disk::{Disk, LockFile};

use crate::error::{Error, Result};

/// What everybody is told who comes second; clients search it for "another backup/restore".
pub const BUSY: &str = "Try again later - another backup/restore process has already been started.";

/// Held for as long as a job works on backups or on the data as a whole. It dies with its holder, however that ends.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "held for its lock")] LockFile);

impl Lease {
    /// Takes the lease of the data directory whose state lies in `state_dir`. Never waits.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with [`BUSY`] while somebody else holds it, in this process or another.
    pub fn take(disk: &dyn Disk, state_dir: &StateDir) -> Result<Self> {
        match exclusive(disk, &state_dir.job_lock()).map_err(Error::internal)? {
            Some(lock) => Ok(Self(lock)),
            None => Err(Error::invalid(BUSY)),
        }
    }
}

/// The right to serve a data directory or to replace what is in it.
#[derive(Debug)]
pub struct ServeLock(#[expect(dead_code, reason = "held for its lock")] LockFile);

impl ServeLock {
    /// Takes the data directory whose state lies in `state_dir`, `None` while another process has it. Never waits.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Internal`] where the lock can't be made.
    pub fn take(disk: &dyn Disk, state_dir: &StateDir) -> Result<Option<Self>> {
        Ok(exclusive(disk, &state_dir.serve_lock())
            .map_err(Error::internal)?
            .map(Self))
    }
}

fn exclusive(disk: &dyn Disk, path: &Path) -> io::Result<Option<LockFile>> {
    if let Some(dir) = path.parent() {
        disk.create_dir_all(dir)?;
    }
    LockFile::try_exclusive(path)
}
