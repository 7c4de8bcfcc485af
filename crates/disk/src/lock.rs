//! Locks between processes that die with their holder.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// A `flock` on a file, held until dropped or until its process ends, however it ends.
///
/// The file stays behind on purpose: removing it would let two holders lock two files of one name.
#[derive(Debug)]
pub struct LockFile(File);

impl LockFile {
    /// Takes the lock for itself alone; `None` if somebody holds it. Never waits.
    ///
    /// # Errors
    /// Any error of the file system; its directory must exist.
    pub fn try_exclusive(path: &Path) -> io::Result<Option<Self>> {
        Self::try_lock(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Takes the lock together with other sharers; `None` if somebody holds it alone. Never waits.
    ///
    /// # Errors
    /// Any error of the file system; its directory must exist.
    pub fn try_shared(path: &Path) -> io::Result<Option<Self>> {
        Self::try_lock(path, FlockOperation::NonBlockingLockShared)
    }

    /// Leaves a note in the file for processes that find it locked, such as the holder's process id; replaces an
    /// earlier one.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn write_note(&mut self, note: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.write_all_at(note.as_bytes(), 0)?;
        self.0.flush()
    }

    #[allow(clippy::disallowed_methods, reason = "locks are made here and nowhere else")]
    fn try_lock(path: &Path, operation: FlockOperation) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match flock(&file, operation) {
            Ok(()) => Ok(Some(Self(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = LockFile::try_exclusive(&path).unwrap().unwrap();
        assert!(LockFile::try_exclusive(&path).unwrap().is_none());
        assert!(LockFile::try_shared(&path).unwrap().is_none());
        drop(held);
        let first = LockFile::try_shared(&path).unwrap().unwrap();
        let second = LockFile::try_shared(&path).unwrap().unwrap();
        assert!(LockFile::try_exclusive(&path).unwrap().is_none());
        drop((first, second));
        assert!(LockFile::try_exclusive(&path).unwrap().is_some());
    }
}
