//! The locks of what is remembered about jobs and backups, which several processes change.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bosbase_backup::StateDir;
use bosbase_disk::LockFile;

use crate::error::{Error, Result};

/// How long another change may take; each is one small file.
const STATE_LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked whether it is over.
const LOOK: Duration = Duration::from_millis(2);

/// The locks of one data directory's records.
#[derive(Debug, Clone)]
pub struct Records {
    change: PathBuf,
    prove: PathBuf,
}

impl Records {
    /// The locks in `state_dir`.
    pub fn new(state_dir: &StateDir) -> Self {
        Self {
            change: state_dir.records_lock(),
            prove: state_dir.proof_lock(),
        }
    }

    /// Waits for the right to read a record, change it and write it back.
    ///
    /// # Errors
    ///
    /// Where the lock can't be made, or somebody holds it too long.
    pub fn change(&self) -> Result<LockFile> {
        wait_for(|| LockFile::try_exclusive(&self.change))
    }

    /// Says that a backup is being proven; held meanwhile. Others may hold it too.
    ///
    /// # Errors
    ///
    /// As [`Records::change`].
    pub fn prove(&self) -> Result<LockFile> {
        wait_for(|| LockFile::try_shared(&self.prove))
    }

    /// Something while no process proves a backup. To be held briefly: a proof that wants to begin waits.
    pub fn nobody_proves(&self) -> Option<LockFile> {
        // What can't be found out counts as no.
        LockFile::try_exclusive(&self.prove).ok().flatten()
    }
}

fn wait_for(take: impl Fn() -> std::io::Result<Option<LockFile>>) -> Result<LockFile> {
    let begun = Instant::now();
    loop {
        if let Some(lock) = take().map_err(Error::internal)? {
            return Ok(lock);
        }
        if begun.elapsed() > STATE_LOCK_TIMEOUT {
            return Err(Error::internal("a record of jobs stayed locked"));
        }
        std::thread::sleep(LOOK);
    }
}
