//! Where backups are kept: one trait, and what every implementation of it must do ([`conformance`]).

use std::io::{self, Write};

use jiff::Timestamp;

use crate::error::Result;
use crate::key::BackupKey;

pub mod bucket;
#[cfg(any(test, feature = "fixtures"))]
pub mod conformance;
pub mod local;
#[cfg(any(test, feature = "fixtures"))]
pub mod memory;

/// One backup in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Its name.
    pub key: BackupKey,
    /// Its length in bytes.
    pub size: u64,
    /// When it was published, UTC.
    pub modified: Timestamp,
    /// As [`ArchiveSource::etag`]; empty where a list does not tell.
    pub etag: String,
}

/// Which of all the backups that ever had a name it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its length in bytes.
    pub size: u64,
    /// When it was published, UTC, in whole seconds.
    pub modified: i64,
    /// As [`ArchiveSource::etag`]; empty where it is not known.
    pub etag: String,
}

impl Identity {
    /// What `source` reads.
    #[must_use]
    pub fn of(source: &dyn ArchiveSource) -> Self {
        Self {
            size: source.len(),
            modified: source.modified().as_second(),
            etag: source.etag(),
        }
    }

    /// Whether the two are one; told by their times where one of them has no `etag`.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let told_by_etag = !self.etag.is_empty() && !other.etag.is_empty();
        let same = if told_by_etag {
            self.etag == other.etag
        } else {
            self.modified == other.modified
        };
        same && self.size == other.size
    }
}

impl From<&BackupInfo> for Identity {
    fn from(backup: &BackupInfo) -> Self {
        Self {
            size: backup.size,
            modified: backup.modified.as_second(),
            etag: backup.etag.clone(),
        }
    }
}

/// A place for backups. All methods but [`Storage::interrupt`] block; one value serves all threads.
pub trait Storage: Send + Sync {
    /// Which place it is, without who asks: a backup in a storage of the same place is in this one.
    fn place(&self) -> String;

    /// All whole backups, newest first (by name where times are equal). Never one in the making.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn list(&self) -> Result<Vec<BackupInfo>>;

    /// Starts a backup that is invisible until published. `expected` bounds its length, in bytes, where that is known;
    /// a storage that sends it in parts chooses their length by it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::AlreadyExists`] if the key is taken now; [`crate::ErrorKind::Io`],
    /// [`crate::ErrorKind::NoSpace`].
    fn create(&self, key: &BackupKey, expected: Option<u64>) -> Result<Box<dyn StagedUpload>>;

    /// Opens a backup for reading; what was opened stays readable when it is deleted or replaced meanwhile, or fails,
    /// but never yields another's bytes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Io`].
    fn open(&self, key: &BackupKey) -> Result<Box<dyn ArchiveSource>>;

    /// Deletes a backup; durable when it returns.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Io`].
    fn delete(&self, key: &BackupKey) -> Result<()>;

    /// Tells whether there is such a backup.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn contains(&self, key: &BackupKey) -> Result<bool>;

    /// Keeps `bytes` beside the backups under `name`, which is in a folder, in place of what was kept there before. A
    /// storage of this machine's own keeps nothing: nobody else would read it.
    ///
    /// # Errors
    /// As [`Storage::list`].
    fn note(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let _ = (name, bytes);
        Ok(())
    }

    /// What was kept beside the backups in the folder `prefix`, which ends in `/`: a hundred notes of up to 1 MiB,
    /// those first whose names `goes_first`, then the newest.
    ///
    /// # Errors
    /// As [`Storage::list`].
    fn notes(&self, prefix: &str, goes_first: &dyn Fn(&str) -> bool) -> Result<Vec<Vec<u8>>> {
        let _ = (prefix, goes_first);
        Ok(Vec::new())
    }

    /// The job that has this value is to end: what is asked for, and what was opened or begun here, fails soon where it
    /// waits for somebody else. May be called more than once.
    fn interrupt(&self) {}
}

/// A backup in the making. Dropping it without publishing leaves nothing behind.
pub trait StagedUpload: Write + Send {
    /// Opens what was written so far for a look at it, before anybody else sees it. `None` where the storage cannot
    /// read before it publishes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    fn preview(&mut self) -> Result<Option<Box<dyn ArchiveSource>>> {
        Ok(None)
    }

    /// Makes it durable, then lists it under its key: atomic, and never in place of another.
    ///
    /// # Errors
    /// [`crate::ErrorKind::AlreadyExists`] if the key was taken meanwhile; [`crate::ErrorKind::Io`].
    fn publish(self: Box<Self>) -> Result<BackupInfo>;
}

/// A backup that can be read in any order, by several threads.
pub trait ArchiveSource: Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> u64;
    /// `true` if it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// A value that changes with its contents, without quotation marks.
    fn etag(&self) -> String;
    /// When it was published, UTC.
    fn modified(&self) -> Timestamp;
    /// Reads at a byte offset; fewer bytes than asked for are possible, 0 only at the end.
    ///
    /// # Errors
    /// Any error of the storage.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// The same where a cache of the system has it, `None` elsewhere: it waits for no data.
    ///
    /// # Errors
    /// Any error of the storage.
    fn read_cached_at(&self, _offset: u64, _buf: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }
    /// Asks for the next reads to come from the medium rather than a cache, where there is one, and for no reading
    /// ahead; a hint, no more.
    fn read_from_medium(&self) {}
    /// Asks for the next reads to read nothing ahead, as far as there is something to read from; a hint, no more. For a
    /// backup that was just made: what a cache holds of it was read back from the medium.
    fn read_in_portions(&self) {}
}

/// Fills the whole buffer from an offset.
pub(crate) fn read_exact_at(source: &dyn ArchiveSource, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
    while !buf.is_empty() {
        match source.read_at(offset, buf) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                offset += n as u64;
                buf = &mut buf[n..];
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Newest first, by name where times are equal.
pub(crate) fn sort(list: &mut [BackupInfo]) {
    list.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.key.cmp(&b.key)));
}
