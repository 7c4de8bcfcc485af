//! Connections for reads that happen at once, on the thread that asks, or not at all ([`crate::at_once`]).
//!
//! Nothing waits here: not for a connection, nor for another process's lock. What takes more than [`INSTRUCTIONS`] of
//! SQLite's virtual machine or more than [`TIME`], and values of more than [`VALUE`], are for the
//! [`Readers`](super::readers::Readers).

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use rusqlite::Connection;

use super::connection::{Access, Role, open};
use crate::at_once::{self, Missed};
use crate::error::Result;
use crate::sqlite::sql::Attempting;

/// Virtual machine instructions that the statements of one read may take, about a millisecond.
const INSTRUCTIONS: u32 = 100_000;
/// Instructions between two looks: an instruction may read a long text.
const BETWEEN: u32 = 200;
/// How long they may take: the disk may be slow.
const TIME: Duration = Duration::from_millis(4);
/// The longest value, in bytes; also of a row.
pub(super) const VALUE: i32 = 1 << 20;

/// How long what is known of other processes' commits holds: asking takes two locks of the file, and a hundred requests
/// come meanwhile.
pub(super) const KNOWN: Duration = Duration::from_millis(2);

/// Up to `limit` connections, one more than there are cores. They are opened by those who may wait.
pub(crate) struct PromptReaders {
    path: PathBuf,
    limit: usize,
    pool: Mutex<Pool>,
    returned: Condvar,
    /// Whether somebody found none.
    wanted: AtomicBool,
    witness: Witness,
}

/// A connection that never reads, but is asked whether others wrote.
struct Witness {
    connection: Mutex<Option<Connection>>,
    start: Instant,
    /// What it said, and until when that holds, in microseconds after `start`.
    told: AtomicI64,
    until: AtomicU64,
}

impl Witness {
    fn new() -> Self {
        Self {
            connection: Mutex::default(),
            start: Instant::now(),
            told: AtomicI64::new(0),
            until: AtomicU64::new(0),
        }
    }

    /// What it said, where that holds still.
    fn known(&self, now: Duration) -> Option<i64> {
        let is_known = microseconds(now) < self.until.load(Ordering::Acquire);
        is_known.then(|| self.told.load(Ordering::Relaxed))
    }

    fn asked(&self) -> Option<i64> {
        if let Some(version) = self.known(self.start.elapsed()) {
            return Some(version);
        }
        let connection = self.connection.lock();
        // Somebody else may have asked meanwhile.
        let now = self.start.elapsed();
        if let Some(version) = self.known(now) {
            return Some(version);
        }
        let mut statement = connection.as_ref()?.prepare_cached("PRAGMA data_version").ok()?;
        let version = statement.query_row([], |row| row.get(0)).ok()?;
        self.told.store(version, Ordering::Relaxed);
        self.until.store(microseconds(now + KNOWN), Ordering::Release);
        Some(version)
    }
}

#[derive(Default)]
struct Pool {
    idle: Vec<Reader>,
    open: usize,
    closed: bool,
}

struct Reader {
    connection: Connection,
    fuse: Arc<Fuse>,
}

/// Ends the statements of a read that takes too much.
struct Fuse {
    start: Instant,
    looks: AtomicU32,
    /// Microseconds after `start`.
    until: AtomicU64,
}

impl Fuse {
    fn renew(&self) {
        self.looks.store(0, Ordering::Relaxed);
        self.until
            .store(microseconds(self.start.elapsed() + TIME), Ordering::Relaxed);
    }

    /// Runs on the thread whose statement it is about.
    fn is_blown(&self) -> bool {
        if self.looks.fetch_add(1, Ordering::Relaxed) >= INSTRUCTIONS / BETWEEN {
            at_once::miss(Missed::TooMuch);
            return true;
        }
        // The disk was slow, or the thread had no core.
        let is_late = microseconds(self.start.elapsed()) > self.until.load(Ordering::Relaxed);
        if is_late {
            at_once::miss(Missed::Waits);
        }
        is_late
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A connection on loan; it goes back when dropped.
pub(crate) struct PromptLoan<'a> {
    readers: &'a PromptReaders,
    reader: Option<Reader>,
}

impl PromptReaders {
    pub(crate) fn new(path: &Path) -> Self {
        // Who does not wait for a disk works as long as it has a core.
        let limit = std::thread::available_parallelism().map_or(1, usize::from) + 1;
        Self {
            path: path.to_owned(),
            limit,
            pool: Mutex::default(),
            returned: Condvar::new(),
            wanted: AtomicBool::new(true),
            witness: Witness::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock()
    }

    /// A connection, if one is idle.
    pub(crate) fn take(&self) -> Option<PromptLoan<'_>> {
        let mut pool = self.lock();
        let Some(reader) = pool.idle.pop() else {
            if pool.open < self.limit {
                self.wanted.store(true, Ordering::Relaxed);
            }
            return None;
        };
        drop(pool);
        reader.fuse.renew();
        Some(PromptLoan {
            readers: self,
            reader: Some(reader),
        })
    }

    /// Opens a connection where one was missed; to be called by those who may wait. One that can't be opened is no
    /// fault of theirs.
    pub(crate) fn open_if_wanted(&self) {
        if !self.wanted.load(Ordering::Relaxed) || at_once::is_wanted() {
            return;
        }
        self.wanted.store(false, Ordering::Relaxed);
        {
            let mut pool = self.lock();
            if pool.closed || pool.open >= self.limit {
                return;
            }
            pool.open += 1;
        }
        let opened = self.open_reader().inspect_err(|error| {
            tracing::debug!(%error, "a connection for short reads could not be opened");
        });
        let mut pool = self.lock();
        match opened {
            Ok(reader) => pool.idle.push(reader),
            Err(_) => pool.open -= 1,
        }
        drop(pool);
        self.returned.notify_all();
        let is_missing = self.witness.connection.lock().is_none();
        // Opened before it is put there: that may wait, and those who ask must not.
        let opened = is_missing.then(|| open(&self.path, Role::Prompt, Access::Existing).ok());
        let mut witness = self.witness.connection.lock();
        if witness.is_none() && !self.lock().closed {
            *witness = opened.flatten();
        }
    }

    fn open_reader(&self) -> Result<Reader> {
        let mut connection = open(&self.path, Role::Prompt, Access::Existing)?;
        let fuse = Arc::new(Fuse {
            start: Instant::now(),
            looks: AtomicU32::new(0),
            until: AtomicU64::new(0),
        });
        let watching = Arc::clone(&fuse);
        connection
            .progress_handler(BETWEEN.cast_signed(), Some(move || watching.is_blown()))
            .attempting("limiting the time of statements")?;
        Ok(Reader { connection, fuse })
    }

    /// A number that is another after every commit to the database by any process, [`KNOWN`] later at the most; `None`
    /// where it can't be told. Who asks may wait for the answer to another.
    pub(crate) fn version(&self) -> Option<i64> {
        self.witness.asked()
    }

    /// Refuses further loans, waits for those out and closes every connection.
    pub(crate) fn close(&self) {
        let mut pool = self.lock();
        pool.closed = true;
        while pool.open > pool.idle.len() {
            self.returned.wait(&mut pool);
        }
        pool.open = 0;
        pool.idle.clear();
        drop(pool);
        self.witness.connection.lock().take();
    }
}

impl Deref for PromptLoan<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self
            .reader
            .as_ref()
            .expect("a loan holds its reader until it is dropped")
            .connection
    }
}

impl Drop for PromptLoan<'_> {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        // A transaction left open (a panic in the closure) must not leak into the next loan.
        let is_sound = reader.connection.is_autocommit() || reader.connection.execute_batch("ROLLBACK").is_ok();
        let mut pool = self.readers.lock();
        if is_sound {
            pool.idle.push(reader);
        } else {
            pool.open -= 1;
        }
        if pool.closed {
            self.readers.returned.notify_all();
        }
    }
}

#[cfg(test)]
impl PromptReaders {
    /// Asks no more what others wrote.
    pub(crate) fn hear_no_more(&self) {
        self.witness.asked();
        self.witness.until.store(u64::MAX, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, StoreOptions};

    #[test]
    fn a_short_read_ends_and_a_long_one_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.db");
        open(&path, Role::Writer, Access::Create).unwrap();
        let mut readers = PromptReaders::new(&path);
        readers.limit = 1;
        assert!(readers.take().is_none(), "nobody has opened one");
        readers.open_if_wanted();
        let try_count = |rows: u32| {
            let reader = readers.take().unwrap();
            let sql = format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows}) SELECT COUNT(*) FROM n"
            );
            let counted = at_once::at_once(|| {
                reader
                    .query_row(&sql, [], |row| row.get::<_, u32>(0))
                    .attempting("counting")
            });
            counted.map(Result::unwrap)
        };
        // A machine that gives the thread no core for a while ends it, too, and says so.
        let count = |rows| {
            let mut tries = (0..100).map(|_| try_count(rows));
            tries.find(|counted| *counted != Err(Missed::Waits)).unwrap()
        };
        assert_eq!(count(100), Ok(100));
        assert_eq!(count(1_000_000), Err(Missed::TooMuch));
        assert_eq!(count(100), Ok(100), "the fuse is a new one");
        let taken = readers.take();
        assert!(taken.is_some() && readers.take().is_none());
        drop(taken);
        readers.close();
        assert!(readers.take().is_none());
    }

    #[test]
    fn the_version_is_another_after_a_write_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.db");
        let writer = open(&path, Role::Writer, Access::Create).unwrap();
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        let readers = PromptReaders::new(&path);
        assert_eq!(readers.version(), None);
        readers.open_if_wanted();
        let before = readers.version().unwrap();
        assert_eq!(readers.version(), Some(before));
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        std::thread::sleep(KNOWN);
        assert_ne!(readers.version(), Some(before));
    }

    #[test]
    fn what_this_process_commits_is_another_version_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
        let read: crate::Result<()> = store.read(|_| Ok(()));
        read.unwrap();
        store.hear_no_more();
        let before = store.version().unwrap();
        assert_eq!(store.version(), Some(before));
        let written: crate::Result<()> = store.write(|tx| tx.set_param("a", "b"));
        written.unwrap();
        assert_ne!(store.version(), Some(before));
        store.close().unwrap();
    }
}
