//! Which data directory this is, so that those that name the same bucket are told apart.

use std::collections::BTreeSet;
use std::io;

use parking_lot::Mutex;

use bosbase_backup::StateDir;
use bosbase_disk::{Disk, birthmark, read_all, write_atomically};
use bosbase_store::random_text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// What a tag begins with, so that it is not taken for a number.
pub const TAG_MARK: char = 'i';

/// One at a time, since who finds none makes one.
static ALONE: Mutex<()> = Mutex::new(());

/// Length of the part of the name that backups bear.
const TAG: usize = 7;

/// What a data directory is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// A random name.
    pub(super) id: String,
    /// Of the folder that this lies in: a copy of the data directory is another one.
    birthmark: String,
    /// The bucket that somebody named here by hand, until it turns out to hold something.
    #[serde(default)]
    claim: Option<String>,
    /// Scheduled backups that it made before their names bore its tag; nothing while nobody looked.
    #[serde(default)]
    made: Option<Vec<String>>,
    /// The tags of others whose scheduled backups count as its own, since somebody said so.
    #[serde(default)]
    adopted: BTreeSet<String>,
}

/// What a start finds of the data directory's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is the one that it was, or has got its first name.
    Known,
    /// It is a copy of another, and has got a name of its own.
    Copied,
}

impl Instance {
    /// The one whose state lies in `state`; made where there is none yet.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn of(disk: &dyn Disk, state: &StateDir) -> io::Result<Self> {
        let _alone = ALONE.lock();
        Self::read_or_make(disk, state)
    }

    /// As [`Instance::of`], for a start, which has to know whether this is a copy.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn arrive(disk: &dyn Disk, state: &StateDir) -> io::Result<Arrival> {
        let _alone = ALONE.lock();
        let before = Self::read(disk, state)?;
        let now = Self::read_or_make(disk, state)?;
        Ok(match before {
            Some(before) if before.id != now.id => Arrival::Copied,
            _ => Arrival::Known,
        })
    }

    /// What the names of its scheduled backups end in: a letter, and a part of its own name.
    pub fn tag(&self) -> String {
        let part: String = self.id.chars().take(TAG).collect();
        format!("{TAG_MARK}{part:0<TAG$}")
    }

    /// Whether it is known which backups it made before their names told.
    pub fn knows_what_it_made(&self) -> bool {
        self.made.is_some()
    }

    /// Whether it made the backup called `key` before names told.
    pub fn has_made(&self, key: &str) -> bool {
        self.made.iter().flatten().any(|made| made == key)
    }

    /// Whether the scheduled backups with `tag` count as its own.
    pub fn has_adopted(&self, tag: &str) -> bool {
        self.adopted.contains(tag)
    }

    /// When its folder was made; nothing where the file system does not tell.
    pub fn born(&self) -> Option<Timestamp> {
        let nanos: i128 = self.birthmark.rsplit_once('-')?.1.parse().ok()?;
        Timestamp::from_nanosecond(nanos)
            .ok()
            .filter(|at| *at > Timestamp::UNIX_EPOCH)
    }

    /// Remembers durably which backups it made before names told.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn made(disk: &dyn Disk, state: &StateDir, keys: Vec<String>) -> io::Result<Self> {
        let _alone = ALONE.lock();
        let mut instance = Self::read_or_make(disk, state)?;
        instance.made = Some(keys);
        instance.write(disk, state)?;
        Ok(instance)
    }

    /// Remembers durably that the scheduled backups with these tags count as its own.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn adopt(disk: &dyn Disk, state: &StateDir, tags: BTreeSet<String>) -> io::Result<()> {
        let _alone = ALONE.lock();
        let mut instance = Self::read_or_make(disk, state)?;
        instance.adopted.extend(tags);
        instance.write(disk, state)
    }

    /// Remembers durably which bucket was named here by hand last, if one was; no copy and no restored backup does
    /// that.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn claim(disk: &dyn Disk, state: &StateDir, place: Option<&str>) -> io::Result<()> {
        let _alone = ALONE.lock();
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
    /// Any error of the file system.
    pub(super) fn drop_claim(disk: &dyn Disk, state: &StateDir, place: &str) -> io::Result<()> {
        let _alone = ALONE.lock();
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

    fn read_or_make(disk: &dyn Disk, state: &StateDir) -> io::Result<Self> {
        disk.create_dir_all(state)?;
        let birthmark = birthmark(state)?;
        if let Some(known) = Self::read(disk, state)?.filter(|known| known.birthmark == birthmark) {
            return Ok(known);
        }
        let new = Self {
            id: random_text(20, b"abcdefghijklmnopqrstuvwxyz0123456789"),
            birthmark,
            claim: None,
            made: None,
            adopted: BTreeSet::new(),
        };
        new.write(disk, state)?;
        Ok(new)
    }

    fn read(disk: &dyn Disk, state: &StateDir) -> io::Result<Option<Self>> {
        match read_all(disk, &state.instance(), LIMIT) {
            // One that can't be understood is as good as none: who is new owns nothing.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, disk: &dyn Disk, state: &StateDir) -> io::Result<()> {
        write_atomically(disk, &state.instance(), &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    #[test]
    fn a_directory_stays_the_same_and_a_copy_of_it_is_another_that_claims_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (original, moved, copy) = ["a", "b", "c"].map(|name| StateDir::at(dir.path().join(name))).into();
        let first = Instance::of(&RealDisk, &original).unwrap();
        Instance::claim(&RealDisk, &original, Some("https://s3/files")).unwrap();
        RealDisk.rename(&original, &moved).unwrap();
        let known = Instance::of(&RealDisk, &moved).unwrap();
        assert_eq!(known.id, first.id);
        assert!(known.has_claimed("https://s3/files") && !known.has_claimed("https://s3/others"));
        RealDisk.create_dir(&copy).unwrap();
        let bytes = read_all(&RealDisk, &moved.instance(), LIMIT).unwrap();
        write_atomically(&RealDisk, &copy.instance(), &bytes).unwrap();
        let other = Instance::of(&RealDisk, &copy).unwrap();
        assert_ne!(other.id, first.id);
        assert!(!other.has_claimed("https://s3/files"));
        assert_eq!(Instance::of(&RealDisk, &copy).unwrap(), other);
        // Naming another gives up the one before.
        Instance::claim(&RealDisk, &moved, Some("https://s3/others")).unwrap();
        let claims = |place| Instance::of(&RealDisk, &moved).unwrap().has_claimed(place);
        assert!(!claims("https://s3/files") && claims("https://s3/others"));
        Instance::drop_claim(&RealDisk, &moved, "https://s3/files").unwrap();
        assert!(claims("https://s3/others"));
        Instance::drop_claim(&RealDisk, &moved, "https://s3/others").unwrap();
        assert!(!claims("https://s3/others"));
    }
}
