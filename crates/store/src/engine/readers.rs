//! The pool of connections that only read.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{Access, Role, open};
use super::watch::Watch;
use crate::error::{Error, ErrorKind, Result};

/// How long one read transaction may compute, and how long a caller waits for a free connection.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a connection is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A read whose cost is known to be small: a token's record, a setting.
    Short,
    /// A read that clients decide the cost of. All of these together get half of the connections, so that no number of
    /// costly filters keeps everybody else waiting.
    Long,
}

/// Up to `limit` connections, opened when first needed.
pub(crate) struct Readers {
    path: PathBuf,
    limit: usize,
    pool: Mutex<Pool>,
    freed: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Reader>,
    open: usize,
    /// How many are on loan to [`Lane::Long`].
    long: usize,
    closed: bool,
}

struct Reader {
    connection: Connection,
    watch: Arc<Watch>,
}

/// A connection on loan; it goes back when dropped.
pub(crate) struct Loan<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
    lane: Lane,
}

impl Readers {
    pub(crate) fn new(path: &Path, limit: usize) -> Self {
        Self {
            path: path.to_owned(),
            limit: limit.max(1),
            pool: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// A connection, whose statements end `patience` from now. Blocks as long while all are taken.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when none became free, [`ErrorKind::Closed`] when the pool is closed; otherwise when opening
    /// fails.
    pub(crate) fn take(&self, patience: Duration, lane: Lane) -> Result<Loan<'_>> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let give_up = Instant::now() + patience;
        let reader = loop {
            if pool.closed {
                return Err(Error::new(ErrorKind::Closed, "reading", "the store is closed"));
            }
            let admitted = lane == Lane::Short || pool.long < self.limit.div_ceil(2);
            if admitted && let Some(reader) = pool.idle.pop() {
                pool.long += usize::from(lane == Lane::Long);
                break reader;
            }
            if admitted && pool.open < self.limit {
                pool.open += 1;
                pool.long += usize::from(lane == Lane::Long);
                drop(pool);
                match self.open_reader() {
                    Ok(reader) => break reader,
                    Err(error) => {
                        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
                        pool.open -= 1;
                        pool.long -= usize::from(lane == Lane::Long);
                        self.freed.notify_all();
                        return Err(error);
                    }
                }
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::new(
                    ErrorKind::TimedOut,
                    "reading",
                    format!("no database connection became free within {} ms", patience.as_millis()),
                ));
            }
            pool = self
                .freed
                .wait_timeout(pool, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        };
        reader.watch.limit(patience);
        Ok(Loan {
            readers: self,
            reader: Some(reader),
            lane,
        })
    }

    /// # Errors
    /// [`ErrorKind::Closed`] after [`Readers::close`].
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.pool.lock().unwrap_or_else(PoisonError::into_inner).closed {
            return Err(Error::new(ErrorKind::Closed, "reading", "the store is closed"));
        }
        Ok(())
    }

    fn open_reader(&self) -> Result<Reader> {
        let mut connection = open(&self.path, Role::Reader, Access::Existing)?;
        let watch = Watch::over(&mut connection)?;
        Ok(Reader { connection, watch })
    }

    /// Refuses further loans, waits for those out and closes every connection.
    pub(crate) fn close(&self) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.closed = true;
        self.freed.notify_all();
        while pool.open > pool.idle.len() {
            pool = self.freed.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        pool.open = 0;
        pool.idle.clear();
    }
}

impl Deref for Loan<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self
            .reader
            .as_ref()
            .expect("a loan holds its reader until it is dropped")
            .connection
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            let mut pool = self.readers.pool.lock().unwrap_or_else(PoisonError::into_inner);
            pool.long -= usize::from(self.lane == Lane::Long);
            // A transaction left open (a panic in the closure) must not leak into the next loan.
            if reader.connection.is_autocommit() || reader.connection.execute_batch("ROLLBACK").is_ok() {
                pool.idle.push(reader);
            } else {
                pool.open -= 1;
            }
            self.readers.freed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costly_reads_leave_half_of_the_readers_to_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.db");
        open(&path, Role::Writer, Access::Create).unwrap();
        let readers = Readers::new(&path, 4);
        let soon = Duration::from_millis(50);
        let _first = readers.take(soon, Lane::Long).unwrap();
        let second = readers.take(soon, Lane::Long).unwrap();
        let refused = readers.take(soon, Lane::Long).map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        let _short = [
            readers.take(soon, Lane::Short).unwrap(),
            readers.take(soon, Lane::Short).unwrap(),
        ];
        assert!(readers.take(soon, Lane::Short).is_err(), "four are four");
        drop(second);
        readers.take(soon, Lane::Long).map(drop).unwrap();
    }
}
