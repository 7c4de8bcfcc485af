//! Where the store meets the backup engine, which know nothing of each other.

use std::io;
use std::sync::Arc;

use bosbase_backup::{CheckFailure, DataDir, DatabaseSnapshot, ErrorKind as Engine, Progress};
use bosbase_store::{ErrorKind as Stored, FileReference, PinnedDatabase};
use parking_lot::Mutex;

use super::content::Counts;
use crate::error::{Error, ErrorKind, Result, sentence};

/// An engine's failure as the caller's: they are to know faults of a backup or of the room for it.
pub fn refuse(error: bosbase_backup::Error) -> Error {
    let text = sentence(&error.to_string());
    match error.kind() {
        Engine::NotFound => Error::new(ErrorKind::NotFound, "Missing or invalid backup file."),
        // Why a bucket fails is for the person who set it up to know; its errors hold no secrets.
        Engine::Io | Engine::Unreachable if error.is_of_bucket() => Error::invalid(text).caused_by(error),
        Engine::Io => Error::internal(error),
        _ => Error::invalid(text).caused_by(error),
    }
}

/// Where a file that a record names lies in the data directory, and in a backup.
pub fn path_of(file: &FileReference) -> String {
    format!("storage/{}/{}/{}", file.collection_id, file.record_id, file.file_name)
}

/// A pinned database as a source of the archive.
pub struct Pinned {
    database: PinnedDatabase,
    counts: CountsSlot,
}

/// Where a database that was checked says what it holds.
pub type CountsSlot = Arc<Mutex<Option<Counts>>>;

impl Pinned {
    /// `database`, which says in `counts` what it holds once it was checked, if it is the application's.
    pub fn new(database: PinnedDatabase, counts: CountsSlot) -> Self {
        Self { database, counts }
    }
}

impl DatabaseSnapshot for Pinned {
    fn name(&self) -> &str {
        self.database.name()
    }

    fn len(&self) -> u64 {
        self.database.len()
    }

    fn page_count(&self) -> u32 {
        self.database.page_count()
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.database.read(buffer).map_err(io::Error::other)
    }

    fn integrity_check(&mut self) -> Result<(), CheckFailure> {
        let failure = |error: bosbase_store::Error| match error.kind() {
            Stored::Corrupt => CheckFailure::Damaged(error.into()),
            _ => CheckFailure::Unchecked(error.into()),
        };
        self.database.integrity_check().map_err(failure)?;
        if self.database.name() == DataDir::DATABASE {
            *self.counts.lock() = Some(self.database.record_counts().map_err(failure)?);
        }
        Ok(())
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(self.database.interrupter())
    }
}

/// The exclusive right to the uploaded files: while it is held, none of them is removed.
pub struct FilesHeld(#[expect(dead_code, reason = "held for its lock")] bosbase_disk::LockFile);

impl FilesHeld {
    /// How long removals that are under way may take: one in a bucket that does not answer, two minutes and its last
    /// try.
    const REMOVALS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(150);

    /// Waits for removals that are under way and keeps new ones from beginning, unless `progress` says that nobody
    /// wants it any more.
    ///
    /// # Errors
    ///
    /// Where they do not end in time, or the lock can't be made.
    pub fn take(lock: &std::path::Path, progress: &dyn Progress) -> Result<Self> {
        let begun = std::time::Instant::now();
        loop {
            if let Some(lock) = bosbase_disk::LockFile::try_exclusive(lock).map_err(Error::internal)? {
                return Ok(Self(lock));
            }
            if progress.cancelled() || begun.elapsed() > Self::REMOVALS_TIMEOUT {
                return Err(Error::invalid(
                    "The removal of uploaded files takes too long; try again later.",
                ));
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}
