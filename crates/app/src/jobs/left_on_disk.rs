//! Backups that lie in the data directory and are not listed, since backups are kept in a bucket now.

use std::io;
use std::time::{Duration, SystemTime};

use bosbase_backup::Storage as _;
use bosbase_disk::{FileKind, Metadata};
use parking_lot::Mutex;

use super::backups::Backups;
use super::engine::refuse;
use crate::error::{Error, Result};

/// A folder's time tells two changes apart that lie so far from each other. Some file systems tell two seconds.
const TOLD_APART: Duration = Duration::from_secs(3);

/// How many there were when the folder was last listed, and the time of its last change until then.
#[derive(Default)]
pub(super) struct LeftOnDisk(Mutex<Option<(SystemTime, usize)>>);

impl LeftOnDisk {
    /// How many `list` finds in the `folder`. It is asked while the folder changes, and once afterwards: the dashboard
    /// wants to know it every few seconds.
    fn count(&self, folder: io::Result<Metadata>, list: impl FnOnce() -> Result<usize>) -> Result<usize> {
        let folder = match folder {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(Error::internal(error)),
        };
        let changed = folder.modified;
        let mut known = self.0.lock();
        if let Some((when, count)) = *known
            && when == changed
        {
            return Ok(count);
        }
        let count = list()?;
        // A change right after the last one may bear its time. A link's time says nothing of the folder behind it.
        let age = SystemTime::now().duration_since(changed);
        let is_told = folder.kind == FileKind::Directory && age.is_ok_and(|age| age > TOLD_APART);
        *known = is_told.then_some((changed, count));
        Ok(count)
    }
}

impl Backups {
    /// How many backups lie in the data directory and are not listed, since backups are kept in a bucket now.
    ///
    /// # Errors
    ///
    /// Where the folder can't be read.
    pub fn left_on_disk(&self) -> Result<usize> {
        if self.place() == self.local_place() {
            return Ok(0);
        }
        let list = || Ok(self.local().list().map_err(refuse)?.len());
        self.left()
            .count(self.disk().metadata(&self.data_dir().backups()), list)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make the files that they look at")]
mod tests {
    use std::path::Path;

    use bosbase_disk::{Disk as _, RealDisk};

    use super::*;

    /// Counts the entries of `dir`, and how often that was done.
    fn count(left: &LeftOnDisk, dir: &Path, listed: &mut usize) -> usize {
        let list = || {
            *listed += 1;
            Ok(std::fs::read_dir(dir).unwrap().count())
        };
        left.count(RealDisk.metadata(dir), list).unwrap()
    }

    fn set_age(dir: &Path, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        std::fs::File::open(dir).unwrap().set_modified(time).unwrap();
    }

    /// The dashboard's poll listed the folder each time, with a question for each file in it.
    #[test]
    fn a_folder_is_listed_again_when_it_changed_and_not_before() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("backups");
        let (left, mut listed) = (LeftOnDisk::default(), 0);
        assert_eq!((count(&left, &dir, &mut listed), listed), (0, 0), "there is no folder");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("a.zip"), b"").unwrap();
        // As if the machine's clock had been put back: what came right after the last change would not show.
        std::fs::File::open(&dir)
            .unwrap()
            .set_modified(SystemTime::now() + Duration::from_secs(3600))
            .unwrap();
        assert_eq!((count(&left, &dir, &mut listed), listed), (1, 1));
        assert_eq!((count(&left, &dir, &mut listed), listed), (1, 2));
        set_age(&dir, 60);
        for _ in 0..3 {
            assert_eq!((count(&left, &dir, &mut listed), listed), (1, 3));
        }
        std::fs::write(dir.join("b.zip"), b"").unwrap();
        assert_eq!((count(&left, &dir, &mut listed), listed), (2, 4));
        set_age(&dir, 30);
        assert_eq!((count(&left, &dir, &mut listed), listed), (2, 5));
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!((count(&left, &dir, &mut listed), listed), (0, 5));
    }

    #[test]
    fn the_folder_behind_a_link_is_listed_each_time() {
        let left = LeftOnDisk::default();
        let dir = tempfile::tempdir().unwrap();
        let link = Metadata {
            kind: FileKind::Symlink,
            modified: SystemTime::now() - Duration::from_secs(60),
            ..RealDisk.metadata(dir.path()).unwrap()
        };
        for there in [0, 1, 2] {
            assert_eq!(left.count(Ok(link.clone()), || Ok(there)).unwrap(), there);
        }
    }
}
