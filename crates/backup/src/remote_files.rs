//! Uploaded files that do not lie in the data directory, and how this crate gets at them.
//!
//! Where they lie, in a bucket or wherever, is the caller's: backups fetch from a [`Source`], restores put into a
//! [`Target`]. Of their names this crate knows what [`UploadedFile`] says, and that what is noted of a file lies beside
//! it (`<name>.attrs`).
//!
//! - A backup holds each file that a record names and its note, as if both had lain in the data directory: any restore
//!   of it, onto a disk or elsewhere, is one.
//! - A restore only adds. An object that is there stays as it is, since the data that is served until the switch, or
//!   comes back by an undo, may name it.

use std::fmt;
use std::io::{self, Read};
use std::thread::{self, Scope};

use jiff::Timestamp;

use crate::data_dir::{NOTE_SUFFIX, STORAGE_DIR};
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Result};
use crate::progress::Progress;

mod fetch;
mod pool;
mod put;

pub(crate) use fetch::{Fetched, ahead};
pub(crate) use put::{Putters, putting};

/// Files up to this length are fetched and put from memory, many at a time.
const WHOLE: u64 = 1 << 20;
/// Bytes of such files that may be in memory at a time.
const IN_MEMORY: u64 = 8 << 20;
/// What a file costs there however short it is: its name and what is known of it.
const LEAST: u64 = 1 << 10;
/// So many requests are under way at a time: what they wait for is the network.
const AT_A_TIME: usize = 32;

/// The name of an uploaded file: `storage/<collection>/<record>/<file>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadedFile(EntryPath);

impl UploadedFile {
    /// The file of this path, if it is one of an uploaded file. What lies deeper (thumbnails) is none.
    #[must_use]
    pub fn of(path: &EntryPath) -> Option<Self> {
        let mut parts = path.parts();
        (parts.next() == Some(STORAGE_DIR) && parts.count() == 3).then(|| Self(path.clone()))
    }

    /// Its path below a data directory.
    #[must_use]
    pub fn path(&self) -> &EntryPath {
        &self.0
    }

    /// Its path without the folder of all uploaded files: `<collection>/<record>/<file>`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.as_str()[STORAGE_DIR.len() + 1..]
    }

    /// The collection, the record and its own name.
    #[must_use]
    pub fn parts(&self) -> [&str; 3] {
        let mut parts = self.key().splitn(3, '/');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }

    /// Where its note lies, if that is a name a file can have.
    pub(crate) fn note_path(&self) -> Option<EntryPath> {
        EntryPath::new(format!("{}{NOTE_SUFFIX}", self.0)).ok()
    }
}

impl fmt::Display for UploadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a backup finds the files that records name and that are not on the disk. Its caller lets none of them be
/// removed while the backup runs. All methods block; one value serves all threads.
pub trait Source: Send + Sync {
    /// How much there is, or somewhat more: the length of the archive is estimated by it, and the job's progress.
    /// `None` (as by default) where that is not to be had within seconds.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unreachable`]; the backup fails.
    fn measure(&self) -> Result<Option<Measured>> {
        Ok(None)
    }

    /// Opens a file; `None` only if it is certain that it is not there. A bucket that is missing, denies or does not
    /// answer is an error: else a backup without the files would pass for one.
    ///
    /// Called by up to 32 threads at a time. What is opened may hold some 256 KiB of its contents before it is read,
    /// and a few MiB while it is.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unreachable`], [`crate::ErrorKind::Io`]; the backup fails.
    fn open(&self, file: &UploadedFile) -> Result<Option<Opened>>;

    /// The backup is given up: what is under way should end soon, with any error. May be called more than once.
    fn interrupt(&self) {}
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// How many files.
    pub files: u64,
    /// All their bytes.
    pub bytes: u64,
}

/// A file that lies elsewhere, open for reading.
pub struct Opened {
    /// Its length in bytes; the contents must have exactly so many.
    pub len: u64,
    /// When it was stored, UTC.
    pub modified: Option<Timestamp>,
    /// What is noted of it, as it would stand in the note beside it; at most 64 KiB.
    pub note: Option<Vec<u8>>,
    /// Its contents, front to back. What is read must be one object's bytes, never a mix.
    pub contents: Box<dyn Read + Send>,
}

/// Where a restore puts uploaded files, if the restored data does not keep them on the disk.
///
/// From when it was made until the process starts anew, or [`Target::abandon`], its caller lets no file be removed
/// there: one that was found to be there already must be there after the switch.
///
/// Before it puts something the implementation makes a durable note of it, under the restore's id: after a crash nobody
/// else knows what was put. The next start looks how that restore ended ([`super::restore::last_outcome`]): if it
/// succeeded, all stays; if not, it removes what was put and the data in use does not name.
pub trait Target: Send + Sync {
    /// Begins to put a file. Called by up to 34 threads at a time; at most two of their files are longer than 1 MiB.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unreachable`], [`crate::ErrorKind::Io`]; the restore fails.
    fn begin(&self, file: &UploadedFile, about: &About) -> Result<Box<dyn Putting + '_>>;

    /// Everything was put, and is about to be committed: what the implementation has noted must be durable.
    ///
    /// # Errors
    /// As [`Target::begin`].
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// The restore failed or is given up, before it was committed: removes what was put (not what was there). Nothing
    /// is put any more.
    ///
    /// # Errors
    /// As [`Target::begin`]; the next start tries again.
    fn abandon(&self) -> Result<()>;

    /// The restore is given up: what is under way should end soon, with any error. May be called more than once.
    /// [`Target::abandon`] follows, in which requests are made again.
    fn interrupt(&self) {}
}

/// What is known of a file that is put elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its length in bytes.
    pub len: u64,
    /// When it was stored, UTC.
    pub modified: Option<Timestamp>,
    /// What stood in the note beside it, at most 64 KiB. Its checksum was compared; it may be anything.
    pub note: Option<Vec<u8>>,
}

/// A file on its way. Nobody sees anything of it before [`Putting::finish`]; dropped before, it never is there.
pub trait Putting: io::Write + Send {
    /// Publishes it, now that every check of what was written is passed: durable and whole when it returns, and never
    /// in place of another.
    ///
    /// # Errors
    /// As [`Target::begin`].
    fn finish(self: Box<Self>) -> Result<Put>;
}

/// How putting a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there now.
    New,
    /// It was there already, with the same contents.
    Same,
    /// There is one of its name with other contents, which stays; the restore fails.
    Different,
}

/// Lets work that waits for the network be interrupted when it is cancelled, until the pool is closed.
fn watch<'scope>(
    scope: &'scope Scope<'scope, '_>,
    pool: &'scope pool::Pool,
    progress: &'scope dyn Progress,
    interrupt: impl FnOnce() + Send + 'scope,
) -> Result<()> {
    thread::Builder::new()
        .name("backup-watch".to_owned())
        .spawn_scoped(scope, move || pool.watch(progress, interrupt))
        .map(drop)
        .context(|| "starting the thread that notices a cancellation".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_record_is_told_from_what_else_lies_in_the_folder() {
        let of = |path: &str| UploadedFile::of(&EntryPath::new(path).unwrap());
        let file = of("storage/c/r/a.png").unwrap();
        assert_eq!(
            (file.key(), file.parts(), file.to_string().as_str()),
            ("c/r/a.png", ["c", "r", "a.png"], "storage/c/r/a.png")
        );
        assert_eq!(file.note_path().unwrap().as_str(), "storage/c/r/a.png.attrs");
        for other in [
            "data.db",
            "storage",
            "storage/c/r",
            "storage/c/r/thumbs_a.png/10x10_a.png",
            "other/c/r/a.png",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(
            of(&format!("storage/c/r/{}", "x".repeat(255))).unwrap().note_path(),
            None
        );
    }
}
