//! The backups of a data directory and the jobs on them: all that can be done without opening its databases, which may be
//! damaged or gone when it matters most.

use std::path::Path;
use std::sync::Arc;

use bosbase_backup::layout::{BACKUPS_DIR, PRIVATE_DIR};
use bosbase_backup::{LocalStorage, Storage};
use bosbase_disk::{Disk, RealDisk};

use super::board::{Board, Observer};
use crate::app::AppOptions;
use crate::error::{Error, Result};

/// The backups of one data directory.
pub struct Backups {
    options: AppOptions,
    disk: Arc<dyn Disk>,
    storage: LocalStorage,
    jobs: Board,
}

impl Backups {
    /// The backups of the data directory of `options`, for a command beside a server or without one.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is no such directory.
    pub fn open(options: AppOptions) -> Result<Self> {
        require_directory(&options.data_dir)?;
        Ok(Self::new(options, Arc::new(RealDisk), Arc::new(|_| {})))
    }

    pub(crate) fn new(options: AppOptions, disk: Arc<dyn Disk>, observer: Observer) -> Self {
        let storage = LocalStorage::new(disk.clone(), options.data_dir.join(BACKUPS_DIR));
        let jobs = Board::new(disk.clone(), options.data_dir.join(PRIVATE_DIR), observer);
        Self {
            options,
            disk,
            storage,
            jobs,
        }
    }

    /// The backup or restore that runs, and those that ran.
    #[must_use]
    pub fn jobs(&self) -> &Board {
        &self.jobs
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &self.storage
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(super) fn options(&self) -> &AppOptions {
        &self.options
    }

    /// Removes what killed processes left half made; for whoever holds the lease.
    pub(super) fn clean(&self) -> Result<()> {
        self.storage.clean().map(drop).map_err(Error::internal)
    }
}

/// Sees to it that a mistyped directory is told of rather than made.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is none.
pub fn require_directory(data_dir: &Path) -> Result<()> {
    if RealDisk.exists(data_dir).map_err(Error::internal)? {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "There is no data directory {dir}. Name another with --dir DIR."
    )))
}

/// Makes a data directory where there is none, for a backup that comes from elsewhere.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where it can't be made.
pub fn make_directory(data_dir: &Path) -> Result<()> {
    let dir = data_dir.display();
    RealDisk
        .create_dir_all(data_dir)
        .map_err(|error| Error::invalid(format!("Can't make the data directory {dir}: {error}.")))
}

/// Sees to it that there is an application's database.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is none.
pub fn require_application(data_dir: &Path) -> Result<()> {
    require_directory(data_dir)?;
    if RealDisk.exists(&data_dir.join("data.db")).map_err(Error::internal)? {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "There is no data.db in {dir}. Name another directory with --dir DIR, or restore a backup."
    )))
}
