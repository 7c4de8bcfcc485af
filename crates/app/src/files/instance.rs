//! Which data directory this is, so that those that name the same bucket are told apart.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bosbase_disk::{Disk, birthmark, read_all, write_atomically};
use bosbase_store::random_text;
use serde::{Deserialize, Serialize};

/// Where it is kept, in the folder that is ours alone: no backup holds it, no restore replaces it.
const FILE: &str = "instance.json";
/// Longest file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// One at a time, since who finds none makes one.
static ALONE: Mutex<()> = Mutex::new(());

/// What a data directory is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instance {
    /// A random name.
    pub(super) id: String,
    /// Of the folder that this lies in: a copy of the data directory is another one.
    birthmark: String,
    /// The bucket that somebody named here by hand, until it turns out to hold something.
    #[serde(default)]
    claim: Option<String>,
}

impl Instance {
    /// The one whose state lies in `state`; made where there is none yet.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(super) fn of(disk: &dyn Disk, state: &Path) -> io::Result<Self> {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self::read_or_make(disk, state)
    }

    /// Remembers durably which bucket was named here by hand last, if one was; no copy and no restored backup does that.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(super) fn claim(disk: &dyn Disk, state: &Path, place: Option<&str>) -> io::Result<()> {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut instance = Self::read_or_make(disk, state)?;
        if instance.claim.as_deref() != place {
            instance.claim = place.map(str::to_owned);
            instance.write(disk, state)?;
        }
        Ok(())
    }

    /// Forgets that the bucket `place` was named here by hand, if it is the one.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(super) fn drop_claim(disk: &dyn Disk, state: &Path, place: &str) -> io::Result<()> {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut instance = Self::read_or_make(disk, state)?;
        if instance.has_claimed(place) {
            instance.claim = None;
            instance.write(disk, state)?;
        }
        Ok(())
    }

    /// Whether the bucket `place` is the one that was named here by hand.
    pub(super) fn has_claimed(&self, place: &str) -> bool {
        self.claim.as_deref() == Some(place)
    }

    fn read_or_make(disk: &dyn Disk, state: &Path) -> io::Result<Self> {
        disk.create_dir_all(state)?;
        let birthmark = birthmark(state)?;
        let known = match read_all(disk, &state.join(FILE), LIMIT) {
            // One that can't be understood is as good as none: who is new owns nothing.
            Ok(bytes) => serde_json::from_slice::<Self>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(known) = known.filter(|known| known.birthmark == birthmark) {
            return Ok(known);
        }
        let new = Self {
            id: random_text(20, b"abcdefghijklmnopqrstuvwxyz0123456789"),
            birthmark,
            claim: None,
        };
        new.write(disk, state)?;
        Ok(new)
    }

    fn write(&self, disk: &dyn Disk, state: &Path) -> io::Result<()> {
        write_atomically(disk, &state.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    #[test]
    fn a_directory_stays_the_same_and_a_copy_of_it_is_another_that_claims_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (original, moved, copy) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
        let first = Instance::of(&RealDisk, &original).unwrap();
        Instance::claim(&RealDisk, &original, Some("https://s3/files")).unwrap();
        RealDisk.rename(&original, &moved).unwrap();
        let known = Instance::of(&RealDisk, &moved).unwrap();
        assert_eq!(known.id, first.id);
        assert!(known.has_claimed("https://s3/files") && !known.has_claimed("https://s3/others"));
        RealDisk.create_dir(&copy).unwrap();
        let bytes = read_all(&RealDisk, &moved.join(FILE), LIMIT).unwrap();
        write_atomically(&RealDisk, &copy.join(FILE), &bytes).unwrap();
        let other = Instance::of(&RealDisk, &copy).unwrap();
        assert_ne!(other.id, first.id);
        assert!(!other.has_claimed("https://s3/files"));
        assert_eq!(Instance::of(&RealDisk, &copy).unwrap(), other);
        // Whoever names another has given up the one before.
        Instance::claim(&RealDisk, &moved, Some("https://s3/others")).unwrap();
        let claims = |place| Instance::of(&RealDisk, &moved).unwrap().has_claimed(place);
        assert!(!claims("https://s3/files") && claims("https://s3/others"));
        Instance::drop_claim(&RealDisk, &moved, "https://s3/files").unwrap();
        assert!(claims("https://s3/others"));
        Instance::drop_claim(&RealDisk, &moved, "https://s3/others").unwrap();
        assert!(!claims("https://s3/others"));
    }
}
