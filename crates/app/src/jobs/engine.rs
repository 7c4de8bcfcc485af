//! Where the store meets the backup engine, which know nothing of each other.

use std::io;

use bosbase_backup::{DatabaseSnapshot, ErrorKind as Engine};
use bosbase_store::PinnedDatabase;

use crate::error::{Error, ErrorKind, Result};

/// An engine's failure as the caller's: what is wrong with a backup or the room for it is theirs to know.
pub fn refuse(error: bosbase_backup::Error) -> Error {
    let text = sentence(&error.to_string());
    match error.kind() {
        Engine::NotFound => Error::new(ErrorKind::NotFound, "Missing or invalid backup file."),
        Engine::Io => Error::internal(error),
        _ => Error::invalid(text).caused_by(error),
    }
}

/// `text` as a sentence: capitalised, with a full stop.
pub fn sentence(text: &str) -> String {
    let mut characters = text.trim().chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// A pinned database as a source of the archive. The pin is released as soon as its last byte is read, so that the
/// write-ahead log can shrink again while the files are still being packed.
pub struct Pinned {
    name: String,
    len: u64,
    pages: u32,
    database: Option<PinnedDatabase>,
}

impl Pinned {
    /// A source of `database`.
    pub fn new(database: PinnedDatabase) -> Self {
        Self {
            name: database.name().to_owned(),
            len: database.len(),
            pages: database.page_count(),
            database: Some(database),
        }
    }
}

impl DatabaseSnapshot for Pinned {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn page_count(&self) -> u32 {
        self.pages
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(database) = &mut self.database else {
            return Ok(0);
        };
        let read = database.read(buffer).map_err(io::Error::other)?;
        if read == 0 && !buffer.is_empty() {
            self.database = None;
        }
        Ok(read)
    }
}

/// The exclusive right to the uploaded files: while it is held, none of them is removed.
pub struct FilesHeld(#[expect(dead_code, reason = "held for its lock")] bosbase_disk::LockFile);

impl FilesHeld {
    /// How long removals that are under way may take.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

    /// Waits for removals that are under way and keeps new ones from beginning.
    ///
    /// # Errors
    ///
    /// Where they do not end in time, or the lock can't be made.
    pub fn take(lock: &std::path::Path) -> Result<Self> {
        let begun = std::time::Instant::now();
        loop {
            if let Some(lock) = bosbase_disk::LockFile::try_exclusive(lock).map_err(Error::internal)? {
                return Ok(Self(lock));
            }
            if begun.elapsed() > Self::PATIENCE {
                return Err(Error::invalid(
                    "The removal of uploaded files takes too long; try the backup again later.",
                ));
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}
