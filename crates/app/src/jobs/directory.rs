//! Whether a data directory is there, and what is in it.

use std::io;
use std::path::Path;

use bosbase_backup::DataDir;
use bosbase_disk::{Disk as _, RealDisk};

use crate::error::{Error, Result};

/// Refuses a mistyped directory, which would be made otherwise.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is none.
pub fn require_directory(data_dir: &DataDir) -> Result<()> {
    if is_there(data_dir, data_dir)? {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "There is no data directory {dir}. Name another with --dir DIR."
    )))
}

/// Whether `path` in the data directory is there, as far as this user may tell.
fn is_there(data_dir: &DataDir, path: &Path) -> Result<bool> {
    RealDisk.exists(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => denied(data_dir).caused_by(error),
        _ => Error::internal(error),
    })
}

/// Says who may look into a data directory that this user may not look into.
pub(crate) fn denied(data_dir: &DataDir) -> Error {
    let dir = data_dir.display();
    Error::invalid(format!(
        "This user may not read {dir}. Run this as the owner of the data, or with sudo."
    ))
}

/// Makes a data directory where there is none, for a backup that comes from elsewhere.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where it can't be made.
pub fn make_directory(data_dir: &DataDir) -> Result<()> {
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
pub fn require_application(data_dir: &DataDir) -> Result<()> {
    require_directory(data_dir)?;
    if is_there(data_dir, &data_dir.database())? {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "There is no data.db in {dir}. Name another directory with --dir DIR, or restore a backup."
    )))
}
