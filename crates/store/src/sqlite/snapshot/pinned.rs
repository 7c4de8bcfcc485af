//! One pinned database.

use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::schema::Schema;
use crate::sqlite::sql::Attempting;
use crate::sqlite::tables::{collections, params};
use crate::sqlite::wal::Wal;
use crate::sqlite::{self, Access, Role};

/// Pages fetched at a time; with the usual 4 KiB a quarter of a MiB.
const PAGES: u32 = 64;

/// A database as it was at one moment, read in order from its first byte to its last.
pub struct PinnedDatabase {
    pin: Arc<Pin>,
    name: String,
    page_size: u32,
    page_count: u32,
    /// The next page to fetch, counted from 1.
    next_page: u32,
    /// Fetched bytes; those before `taken` were handed out.
    fetched: Vec<u8>,
    taken: usize,
}

impl PinnedDatabase {
    /// Opens a connection to `path`, which nobody writes to, for a pin called `name`. Nothing is pinned yet.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self> {
        Self::open_for(path, name, None)
    }

    /// As [`PinnedDatabase::open`], of a database that is written to; `wal` is its log.
    pub(crate) fn open_live(path: &Path, name: &str, wal: &Arc<Wal>) -> Result<Self> {
        Self::open_for(path, name, Some(Arc::clone(wal)))
    }

    fn open_for(path: &Path, name: &str, wal: Option<Arc<Wal>>) -> Result<Self> {
        let connection = Mutex::new(sqlite::open(path, Role::Pin, Access::Existing)?);
        if let Some(wal) = &wal {
            wal.pin();
        }
        Ok(Self {
            pin: Arc::new(Pin { connection, wal }),
            name: name.to_owned(),
            page_size: 0,
            page_count: 0,
            next_page: 1,
            fetched: Vec::new(),
            taken: 0,
        })
    }

    /// Pins the database as it is now; microseconds.
    pub(crate) fn pin(&mut self) -> Result<()> {
        const ATTEMPTED: &str = "pinning a database";
        self.pin.connection().execute_batch("BEGIN").attempting(ATTEMPTED)?;
        // The first read is what pins; it is this one.
        self.page_count = self.pragma("page_count")?;
        self.page_size = self.pragma("page_size")?;
        self.pin
            .connection()
            .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))
            .attempting(ATTEMPTED)
    }

    /// The collections in the pinned database.
    pub(crate) fn schema(&self) -> Result<Schema> {
        collections::load_if_present(&self.pin.connection())
    }

    /// A value of `_params` in the pinned database.
    pub(crate) fn param(&self, key: &str) -> Result<Option<String>> {
        params::get(&self.pin.connection(), key)
    }

    fn pragma(&self, name: &str) -> Result<u32> {
        self.pin
            .connection()
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .attempting("measuring a pinned database")
    }

    /// The pin itself, which all who share it keep up.
    pub(super) fn pin_shared(&self) -> Arc<Pin> {
        Arc::clone(&self.pin)
    }

    /// The file's name in the data directory: `data.db` or `auxiliary.db`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes in a page.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Pages in the database.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// Bytes in the database.
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::from(self.page_size) * u64::from(self.page_count)
    }

    /// Whether it has no bytes; a database that was opened always has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the next bytes of the database file as a checkpoint at the pinned moment would have left it, in
    /// WAL mode; returns how many, 0 at the end.
    ///
    /// # Errors
    /// When a page can't be read; [`ErrorKind::Corrupt`] when one is missing.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let page_size = self.page_size as usize;
        if self.taken == self.fetched.len() && page_size > 0 && buf.len() >= page_size {
            // Whole pages go where they are wanted.
            let pages = (buf.len() / page_size).min(PAGES as usize) as u32;
            return self.fetch_into(pages, buf);
        }
        if self.taken == self.fetched.len() && self.next_page <= self.page_count {
            self.fetch()?;
        }
        let left = &self.fetched[self.taken..];
        let count = left.len().min(buf.len());
        buf[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        Ok(count)
    }

    fn fetch(&mut self) -> Result<()> {
        let mut fetched = std::mem::take(&mut self.fetched);
        self.taken = 0;
        fetched.resize(PAGES as usize * self.page_size as usize, 0);
        let count = self.fetch_into(PAGES, &mut fetched)?;
        fetched.truncate(count);
        self.fetched = fetched;
        Ok(())
    }

    /// Fills `buf` with the next pages, at most so many, and answers how many bytes these are.
    fn fetch_into(&mut self, pages: u32, buf: &mut [u8]) -> Result<usize> {
        const ATTEMPTED: &str = "reading the pages of a pinned database";
        let end = self.page_count.min(self.next_page.saturating_add(pages) - 1) + 1;
        let connection = self.pin.connection();
        let mut statement = connection
            .prepare_cached("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1")
            .attempting(ATTEMPTED)?;
        let page_size = self.page_size as usize;
        let mut filled = 0;
        for (page, room) in (self.next_page..end).zip(buf.chunks_exact_mut(page_size)) {
            let is_whole = statement
                .query_row([page], |row| {
                    let data = row.get_ref(0)?.as_blob()?;
                    if data.len() == page_size {
                        room.copy_from_slice(data);
                    }
                    Ok(data.len() == page_size)
                })
                .attempting(ATTEMPTED)?;
            if !is_whole {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    ATTEMPTED,
                    format!("page {page} of {} is not whole", self.name),
                ));
            }
            filled += page_size;
        }
        self.next_page += (filled / page_size) as u32;
        Ok(filled)
    }

    /// What ends a check that another thread makes, with an error; at any other time it does nothing.
    pub fn interrupter(&self) -> impl Fn() + Send + Sync + 'static {
        let handle = self.pin.connection().get_interrupt_handle();
        move || handle.interrupt()
    }

    /// Every collection of the pinned database with the number of its records; nothing for a view, and for one without
    /// a table. Takes as long as reading an index of each table.
    ///
    /// # Errors
    /// When its collections can't be read, and when it is interrupted.
    pub fn record_counts(&self) -> Result<Vec<(Arc<Collection>, Option<u64>)>> {
        super::record_counts::count(self)
    }

    /// Lets SQLite check the pinned database; takes as long as reading all of it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] with what is wrong.
    pub fn integrity_check(&mut self) -> Result<()> {
        // It is ended by an interruption.
        crate::sqlite::check::integrity(&mut self.pin.connection(), &self.name, || false)
    }
}

/// A connection inside the read transaction that pins; the last of those who share it ends the pin.
pub(super) struct Pin {
    connection: Mutex<Connection>,
    /// The log that the pin keeps from being moved.
    wal: Option<Arc<Wal>>,
}

impl Pin {
    /// The connection, for as long as one reads from it.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock()
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let connection = self.connection();
        // It fails where nothing was pinned.
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            tracing::debug!(%error, "no pin to end");
        }
        if let Some(wal) = &self.wal {
            wal.unpin(&connection);
        }
    }
}
