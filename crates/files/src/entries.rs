//! What lies in a folder that need not be there.

use std::io;
use std::path::Path;

use bosbase_disk::{Disk, Entry};

/// Lists `dir`; a folder that is not there holds nothing.
///
/// # Errors
///
/// Any other error of the file system; each entry may fail by itself.
pub(super) fn entries(disk: &dyn Disk, dir: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    let listed = match disk.list(dir) {
        Ok(listed) => Some(listed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(listed.into_iter().flatten())
}
