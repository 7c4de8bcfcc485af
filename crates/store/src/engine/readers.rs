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
    /// [`ErrorKind::Closed`] when none became free or the pool is closed; otherwise when opening fails.
    pub(crate) fn take(&self, patience: Duration) -> Result<Loan<'_>> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let give_up = Instant::now() + patience;
        let reader = loop {
            if pool.closed {
                return Err(Error::new(ErrorKind::Closed, "reading", "the store is closed"));
            }
            if let Some(reader) = pool.idle.pop() {
                break reader;
            }
            if pool.open < self.limit {
                pool.open += 1;
                drop(pool);
                match self.open_reader() {
                    Ok(reader) => break reader,
                    Err(error) => {
                        self.pool.lock().unwrap_or_else(PoisonError::into_inner).open -= 1;
                        self.freed.notify_one();
                        return Err(error);
                    }
                }
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::new(
                    ErrorKind::Closed,
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
