//! The store: both databases of a data directory, open.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::engine::{self, Access, Lane, Published, Readers, Role, Session, Writer};
use crate::error::{Error, Result};
use crate::migrations;
use crate::schema::Schema;
use crate::snapshot::{PinnedDatabase, Snapshot};
use crate::sql::Attempting;
use crate::tables::collections;
use crate::tables::logs::Logs;
use crate::transaction::{ReadTx, WriteTx};

/// The application's database.
pub(crate) const DATA: &str = "data.db";
/// The database of what may be lost: logs.
pub(crate) const AUXILIARY: &str = "auxiliary.db";

/// Where a store is and how much it may use.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The data directory; it must exist.
    pub dir: PathBuf,
    /// Connections to `data.db` that read at the same time; at least one.
    pub readers: usize,
}

impl StoreOptions {
    /// The options for `dir` with eight readers.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            readers: 8,
        }
    }
}

/// Both databases of a data directory, open. Clones share them.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    published: Published,
    data: Writer,
    readers: Readers,
    logs: Logs,
}

impl Store {
    /// Opens the databases in `options.dir`, makes them where they are missing and upgrades those of PocketBase 0.23 and later
    /// to what 0.40.6 makes. Another process may have them open too.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when a file is damaged or no database,
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) when it is not one of PocketBase 0.23 or later,
    /// otherwise when it can't be opened or written.
    pub fn open(options: &StoreOptions) -> Result<Self> {
        let data_path = options.dir.join(DATA);
        let data = engine::open(&data_path, Role::Writer, Access::Create)?;
        migrations::migrate_data(&data)?;
        let auxiliary = engine::open(&options.dir.join(AUXILIARY), Role::Writer, Access::Create)?;
        migrations::migrate_auxiliary(&auxiliary)?;
        let schema = Arc::new(collections::load(&data)?);
        let published: Published = Arc::new(RwLock::new(schema));
        Ok(Self {
            inner: Arc::new(Inner {
                dir: options.dir.clone(),
                logs: Logs::new(&options.dir.join(AUXILIARY), auxiliary)?,
                data: Writer::start("data", data, Arc::clone(&published))?,
                readers: Readers::new(&data_path, options.readers),
                published,
            }),
        })
    }

    /// The collections as last committed.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.inner.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `f` in one read transaction, which sees the data as it is now whatever is written meanwhile. A statement that
    /// runs past thirty seconds from now is interrupted. Don't call it within itself: with every reader taken it would wait
    /// for itself.
    ///
    /// # Errors
    /// Those of `f`; [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Store::close`],
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when no reader becomes free within thirty seconds.
    pub fn read<T, E: From<Error>>(&self, f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.read_in(Lane::Short, engine::PATIENCE, f)
    }

    /// As [`Store::read`], for what clients decide the cost of (filters): all such reads together get half of the readers.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_long<T, E: From<Error>>(&self, f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.read_in(Lane::Long, engine::PATIENCE, f)
    }

    /// As [`Store::read`], with `patience` in place of the thirty seconds.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_within<T, E: From<Error>>(
        &self,
        patience: Duration,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_in(Lane::Short, patience, f)
    }

    fn read_in<T, E: From<Error>>(
        &self,
        lane: Lane,
        patience: Duration,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        const ATTEMPTED: &str = "beginning a read transaction";
        let connection = self.inner.readers.take(patience, lane)?;
        let schema = {
            // See `Published`: the collections and their tables are of the same moment.
            let published = self.inner.published.read().unwrap_or_else(PoisonError::into_inner);
            connection
                .prepare_cached("BEGIN")
                .and_then(|mut statement| statement.execute([]))
                .attempting(ATTEMPTED)?;
            // A deferred transaction pins its moment with its first read.
            connection
                .prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")
                .and_then(|mut statement| statement.query_row([], |_| Ok(())))
                .attempting(ATTEMPTED)?;
            Arc::clone(&published)
        };
        let result = f(&ReadTx::new(&connection, schema));
        connection
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]))
            .attempting("ending a read transaction")?;
        result
    }

    /// Runs `f` in a savepoint of its own on the writer's thread and returns once that is durable; requests that wait at the
    /// same time share one commit. An error of `f`, or a panic, undoes what it did and nothing else. Don't call it within
    /// itself.
    ///
    /// # Errors
    /// Those of `f`; [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace) and others when the commit fails, and then nothing of
    /// it happened; [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Store::close`].
    pub fn write<T, E>(&self, f: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.inner.data.run(move |session| {
            let mut transaction = WriteTx::new(session.connection(), Arc::clone(session.schema()), session.watch());
            let result = f(&mut transaction);
            let schema = transaction.into_schema();
            session.set_schema(schema);
            result
        })
    }

    /// Pins both databases as they are between the same two commits, after every write that was acknowledged. Waits for at
    /// most the commit in progress; afterwards nobody waits for anybody.
    ///
    /// # Errors
    /// When the databases can't be opened once more, and [`ErrorKind::Closed`](crate::ErrorKind::Closed) after
    /// [`Store::close`].
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.inner.readers.check_open()?;
        let mut data = PinnedDatabase::open(&self.inner.dir.join(DATA), DATA)?;
        let mut auxiliary = PinnedDatabase::open(&self.inner.dir.join(AUXILIARY), AUXILIARY)?;
        {
            let _data = self.inner.data.gate().lock().unwrap_or_else(PoisonError::into_inner);
            let _auxiliary = self.inner.logs.gate().lock().unwrap_or_else(PoisonError::into_inner);
            data.pin()?;
            auxiliary.pin()?;
        }
        let schema = Arc::new(data.schema()?);
        Ok(Snapshot {
            databases: vec![data, auxiliary],
            schema,
        })
    }

    /// The log, kept in `auxiliary.db`.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.inner.logs
    }

    /// Lets SQLite look over its statistics, in both databases (<https://sqlite.org/pragma.html#pragma_optimize>). Blocks the
    /// writers for as long as it takes, commonly milliseconds.
    ///
    /// # Errors
    /// When a database can't be written.
    pub fn optimize(&self) -> Result<()> {
        self.inner.data.run(optimize)?;
        self.inner.logs.optimize()
    }

    /// Lets the waiting writes finish, waits for the reads in progress, checkpoints and closes both databases, for every
    /// clone; later calls answer [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    ///
    /// # Errors
    /// When the last checkpoint fails; nothing committed is lost by that.
    pub fn close(self) -> Result<()> {
        self.inner.readers.close();
        let data = self.inner.data.close();
        self.inner.logs.close()?;
        data
    }
}

/// One database's share of [`Store::optimize`].
pub(crate) fn optimize(session: &mut Session) -> Result<()> {
    session
        .connection()
        .execute_batch("PRAGMA optimize")
        .attempting("optimizing a database")
}
