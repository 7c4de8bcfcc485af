//! A little room on the disk, set aside for what frees room: deletions, settings, the history of jobs, the cleaning of
//! the log.
//!
//! The log gives it up: it takes so much less than it would in PocketBase.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use bosbase_backup::StateDir;
use bosbase_disk::Disk;

use crate::error::{Error, Result};

/// How much is set aside, in bytes.
const SIZE: usize = 4 << 20;
/// Only where there is so much room, in bytes.
const ROOM: u64 = 32 << 20;

/// The reserve of one data directory: a file that is removed when it is needed.
#[derive(Debug, Clone)]
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl Reserve {
    /// The reserve in `state_dir`.
    pub(crate) fn in_state_dir(disk: Arc<dyn Disk>, state_dir: &StateDir) -> Self {
        Self {
            disk,
            path: state_dir.reserve(),
        }
    }

    /// Sets the room aside, where it is not yet and there is enough. Nothing depends on it.
    pub(crate) fn hold(&self) {
        let is_held = self.disk.exists(&self.path).unwrap_or(true);
        let dir = self.path.parent().unwrap_or(&self.path);
        if is_held || self.disk.space_left(dir).is_ok_and(|left| left < ROOM) {
            return;
        }
        let written = self.disk.create_new(&self.path).and_then(|mut file| {
            file.write_all(&vec![0; SIZE])?;
            file.sync()
        });
        if written.is_err() {
            // Half of one would be taken for all of it.
            let _ = self.disk.remove_file(&self.path);
        }
    }

    /// Does `work`, and does it again with the reserve given up where the disk is full.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub(crate) fn spend<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        match work() {
            Err(error) if is_full(&error) && self.give_up() => work(),
            done => done,
        }
    }

    fn give_up(&self) -> bool {
        let given_up = self.disk.remove_file(&self.path).is_ok();
        if given_up {
            tracing::warn!("the disk is full: the room that was set aside for what frees room is given up");
        }
        given_up
    }
}

/// Whether there was no room on a disk.
fn is_full(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let of_store = error.downcast_ref::<bosbase_store::Error>();
        let of_disk = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if of_store.is_some_and(|error| error.kind() == bosbase_store::ErrorKind::NoSpace)
            || matches!(of_disk, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve(dir: &tempfile::TempDir) -> Reserve {
        Reserve::in_state_dir(Arc::new(bosbase_disk::RealDisk), &StateDir::at(dir.path()))
    }

    #[test]
    fn a_full_disk_is_tried_once_more_without_the_reserve() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = reserve(&dir);
        reserve.hold();
        assert_eq!(reserve.path.metadata().unwrap().len(), SIZE as u64);
        let mut tries = 0;
        let full = || Err(Error::internal(io::Error::from(io::ErrorKind::StorageFull)));
        let done: Result<()> = reserve.spend(|| {
            tries += 1;
            if tries == 1 { full() } else { Ok(()) }
        });
        done.unwrap();
        assert!(!reserve.path.exists());
        let mut tries = 0;
        let refused: Result<()> = reserve.spend(|| {
            tries += 1;
            full()
        });
        assert!(refused.is_err());
        assert_eq!(tries, 1, "there is nothing left to give up");
    }

    #[test]
    fn what_fails_otherwise_is_not_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = reserve(&dir);
        reserve.hold();
        let mut tries = 0;
        let refused: Result<()> = reserve.spend(|| {
            tries += 1;
            Err(Error::not_found())
        });
        assert!(refused.is_err() && tries == 1 && reserve.path.exists());
    }
}
