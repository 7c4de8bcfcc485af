//! The store: both databases of a data directory, open.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::at_once::{self, Missed};
use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::console::ConsoleAnswer;
use crate::model::record::Record;
use crate::model::requester::{Meter, Requester};
use crate::model::schema::Schema;
use crate::sqlite::agreement::Agreement;
use crate::sqlite::auxiliary;
use crate::sqlite::console::{self, Reading};
use crate::sqlite::migrations;
use crate::sqlite::snapshot::{PinnedDatabase, Snapshot};
use crate::sqlite::sql::Attempting;
use crate::sqlite::tables::collections;
use crate::sqlite::tables::logs::Logs;
use crate::sqlite::totals::{KnownTotals, Totals};
use crate::sqlite::transaction::{ReadTx, WriteTx};
use crate::sqlite::wal::WalFollower;
use crate::sqlite::{self, Access, Lane, PromptReaders, Published, Readers, Role, Session, Writer};

/// The application's database.
pub(crate) const DATA: &str = "data.db";
/// The database of what may be lost: logs.
pub(crate) const AUXILIARY: &str = "auxiliary.db";

/// How long a write may take that changes many records, or the table of a collection.
pub const LONG_WRITE: Duration = Duration::from_secs(30 * 60);

/// Where a store is and how much it may use.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The data directory; it must exist.
    pub dir: PathBuf,
    /// Connections to `data.db` that read at the same time; at least one.
    pub readers: usize,
    /// Whether what the collections say and the database does not is mended: by the process that is alone with the
    /// data. It may take as long as making an index, and others could not write meanwhile.
    pub mends: bool,
    /// How long one read may compute, and wait for a reader, unless it says otherwise.
    pub query_timeout: Duration,
}

impl StoreOptions {
    /// The options for `dir` with eight readers, and half a minute for a read.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            readers: 8,
            mends: true,
            query_timeout: sqlite::PATIENCE,
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
    query_timeout: Duration,
    published: Published,
    data: Writer,
    readers: Readers,
    prompt: PromptReaders,
    totals: KnownTotals,
    logs: Logs,
    agreement: Agreement,
}

/// Which commits there were; see [`Store::version`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub(super) own: u64,
    pub(super) others: i64,
}

impl Store {
    /// How late [`Store::version`] may hear of other processes' commits.
    pub const HEARS_OF_OTHERS: Duration = super::prompt::KNOWN;

    /// Opens the databases in `options.dir`, makes them where they are missing and upgrades those of PocketBase 0.23
    /// and later to what 0.40.6 makes. Another process may have them open too.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when `data.db` is damaged or no database,
    /// [`ErrorKind::CorruptLog`](crate::ErrorKind::CorruptLog) when `auxiliary.db` is (nothing was changed then),
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) when it is not one of PocketBase 0.23 or later,
    /// otherwise when it can't be opened or written.
    pub fn open(options: &StoreOptions) -> Result<Self> {
        let (data_path, auxiliary_path) = (options.dir.join(DATA), options.dir.join(AUXILIARY));
        let auxiliary = auxiliary::open_existing(&auxiliary_path)?;
        if let Some(auxiliary) = &auxiliary {
            auxiliary::pack(auxiliary);
        }
        let data = sqlite::open(&data_path, Role::Writer, Access::Create)?;
        let agreement = migrations::migrate_data(&data, options.mends)?;
        let auxiliary = match auxiliary {
            Some(auxiliary) => auxiliary,
            None => sqlite::open(&auxiliary_path, Role::Writer, Access::Create)?,
        };
        migrations::migrate_auxiliary(&auxiliary)?;
        let schema = Arc::new(collections::load(&data)?);
        let published = Published::new(schema);
        Ok(Self {
            inner: Arc::new(Inner {
                dir: options.dir.clone(),
                query_timeout: options.query_timeout,
                logs: Logs::new(&auxiliary_path, auxiliary, options.query_timeout)?,
                agreement,
                data: Writer::start("data", data, published.clone())?,
                readers: Readers::new(&data_path, options.readers),
                prompt: PromptReaders::new(&data_path),
                totals: KnownTotals::default(),
                published,
            }),
        })
    }

    /// The collections as last committed. It waits for nothing, so that async threads can ask.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        self.inner.published.latest()
    }

    /// Whether the collections and their tables agreed when the store was opened, and what was made good then.
    #[must_use]
    pub fn agreement(&self) -> &Agreement {
        &self.inner.agreement
    }

    /// Runs `f` in one read transaction, which sees the data as it is now, and nothing that is written meanwhile. A
    /// statement that runs past [`StoreOptions::query_timeout`] from now is interrupted. Don't call it within itself:
    /// with every reader taken it would wait for itself.
    ///
    /// # Errors
    /// Those of `f`; [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Store::close`],
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when no reader becomes free within that time.
    pub fn read<T, E: From<Error>>(&self, f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.read_within(self.inner.query_timeout, f)
    }

    /// As [`Store::read`], for what clients decide the cost of (filters): all such reads together get half of the
    /// readers, in fair turns, and end when nobody waits for them any more. `meter` counts what they read.
    ///
    /// # Errors
    /// As [`Store::read`]; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) where the meter ends it.
    pub fn read_list<T, E: From<Error>>(
        &self,
        requester: &Requester,
        meter: &dyn Meter,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_in_lane(Lane::Long, requester, meter, f)
    }

    /// As [`Store::read_list`], for one record: such reads never wait for lists.
    ///
    /// # Errors
    /// As [`Store::read_list`].
    pub fn read_view<T, E: From<Error>>(
        &self,
        requester: &Requester,
        meter: &dyn Meter,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_in_lane(Lane::View, requester, meter, f)
    }

    fn read_in_lane<T, E: From<Error>>(
        &self,
        lane: Lane,
        requester: &Requester,
        meter: &dyn Meter,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if at_once::is_wanted() {
            return self.read_at_once(Some(meter), f);
        }
        let patience = self.inner.query_timeout;
        let connection = self.inner.readers.take_for(Some(requester), patience, lane)?;
        self.read_on(&connection, Some(meter), f)
    }

    /// As [`Store::read`], with `patience` in place of the usual time.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_within<T, E: From<Error>>(
        &self,
        patience: Duration,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if at_once::is_wanted() {
            return self.read_at_once(None, f);
        }
        let connection = self.inner.readers.take(patience, Lane::Short)?;
        self.read_on(&connection, None, f)
    }

    /// As [`Store::read_within`], what is read counted by `meter`.
    ///
    /// # Errors
    /// As [`Store::read_list`].
    pub fn read_counted<T, E: From<Error>>(
        &self,
        patience: Duration,
        meter: &dyn Meter,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if at_once::is_wanted() {
            return self.read_at_once(Some(meter), f);
        }
        let connection = self.inner.readers.take(patience, Lane::Short)?;
        self.read_on(&connection, Some(meter), f)
    }

    /// A read of a thread that must not wait.
    fn read_at_once<T, E: From<Error>>(
        &self,
        meter: Option<&dyn Meter>,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(connection) = self.inner.prompt.take() else {
            return Err(E::from(self.not_at_once()));
        };
        // As in `read_on`.
        let (revision, version) = self.before_a_view();
        let Some(published) = self.inner.published.hold_at_once() else {
            // The collections are just being changed.
            return Err(E::from(self.not_at_once()));
        };
        begin_reading(&connection)?;
        let schema = Arc::clone(&published);
        drop(published);
        self.read_in(ReadTx::new(&connection, schema, revision), version, meter, f)
    }

    fn not_at_once(&self) -> Error {
        at_once::miss(Missed::Waits);
        Error::new(ErrorKind::TimedOut, "reading at once", "it has to wait")
    }

    /// Is another after every commit to `data.db`: at once after one of this process, two milliseconds after one of
    /// another. `None` where it can't be told without waiting; nothing that is remembered can be relied on then.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        let own = self.inner.data.committed();
        let others = self.inner.prompt.version()?;
        Some(Version { own, others })
    }

    #[cfg(test)]
    pub(crate) fn hear_no_more(&self) {
        self.inner.prompt.hear_no_more();
    }

    fn read_on<T, E: From<Error>>(
        &self,
        connection: &Connection,
        meter: Option<&dyn Meter>,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.inner.prompt.open_if_wanted();
        let (revision, version) = self.before_a_view();
        let schema = {
            // See `Published`: the collections and their tables are of the same moment.
            let published = self.inner.published.hold();
            begin_reading(connection)?;
            Arc::clone(&published)
        };
        self.read_in(ReadTx::new(connection, schema, revision), version, meter, f)
    }

    /// How far the data has come, to be asked before a view is pinned: the view may hold more than that, never less.
    fn before_a_view(&self) -> (u64, Option<Version>) {
        let revision = self.inner.data.committed();
        let version = self.version().filter(|version| version.own == revision);
        (revision, version)
    }

    /// Runs `f` in a read transaction that was begun, and ends it.
    fn read_in<'a, T, E: From<Error>>(
        &self,
        transaction: ReadTx<'a>,
        began_at: Option<Version>,
        meter: Option<&'a dyn Meter>,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = transaction.connection();
        let version = || self.version();
        let transaction = match meter {
            Some(meter) => transaction.metered(meter),
            None => transaction,
        };
        let result = f(&transaction.knowing(Totals {
            known: &self.inner.totals,
            began_at,
            version: &version,
        }));
        connection
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]))
            .attempting("ending a read transaction")?;
        result
    }

    /// Runs `f` in a savepoint of its own on the writer's thread and returns once that is durable; requests that wait
    /// at the same time share one commit. An error of `f`, or a panic, undoes what it did and nothing else. Don't call
    /// it within itself. A statement that runs past thirty seconds after `f` began ends it.
    ///
    /// `f` may run more than once: where another request broke the transaction that they share, it is undone and runs
    /// again. So it touches the transaction and nothing else: no file, no mail, no other reader, no event.
    ///
    /// # Errors
    /// Those of `f`; [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut),
    /// [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace) and others when the commit fails, and then nothing of it
    /// happened; [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Store::close`].
    pub fn write<T, E>(&self, f: impl Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_within(sqlite::WRITE_PATIENCE, f)
    }

    /// As [`Store::write`], with `patience` in place of the thirty seconds: for what changes many records or a table at
    /// once ([`LONG_WRITE`]).
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_within<T, E>(
        &self,
        patience: Duration,
        f: impl Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if at_once::is_wanted() {
            return Err(E::from(self.not_at_once()));
        }
        self.inner.data.run_within(patience, move |session| {
            let schema = Arc::clone(session.schema());
            let mut transaction = WriteTx::new(session.connection(), schema, session.revision(), session.watch());
            let result = f(&mut transaction);
            let schema = transaction.into_schema();
            session.set_schema(schema);
            result
        })
    }

    /// Runs the statements of `sql`, which somebody wrote, as one transaction: where they only read as
    /// [`Store::read_list`] does, else as a [`Store::write`]. `meter` counts what is read; `keep` is asked in the
    /// transaction before it is committed, and its error undoes everything. What they may do is bounded: see
    /// `docs/design.md`, "SQL of others".
    ///
    /// # Errors
    /// Those of `keep`; [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery) with the reason as detail where
    /// the statements can't be run or may not be, [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) where the answer
    /// is too long, [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when no reader becomes free.
    pub fn run_sql<E>(
        &self,
        requester: &Requester,
        sql: &str,
        meter: &dyn Meter,
        keep: impl Fn(&ReadTx<'_>) -> Result<(), E> + Send + 'static,
    ) -> Result<ConsoleAnswer, E>
    where
        E: From<Error> + Send + 'static,
    {
        if at_once::is_wanted() {
            return Err(E::from(self.not_at_once()));
        }
        let mut reader = self
            .inner
            .readers
            .take_for(Some(requester), self.inner.query_timeout, Lane::Long)?;
        begin_reading(&reader)?;
        let (connection, watch) = reader.parts_mut();
        let read = console::read(connection, watch, sql, meter);
        // Going back, it ends the transaction.
        drop(reader);
        if let Reading::Done(answer) = read? {
            return Ok(answer);
        }
        let sql = sql.to_owned();
        self.inner.data.run(move |session| {
            let (connection, watch) = session.parts_mut();
            let answer = console::write(connection, watch, &sql)?;
            let schema = Arc::clone(session.schema());
            keep(&ReadTx::new(session.connection(), schema, session.revision()))?;
            Ok(answer)
        })
    }

    /// The fields that a view collection with the query of `view` would have, as a collection like `view`, and its
    /// first records, no more than `most`. Nothing is stored.
    ///
    /// # Errors
    /// As [`WriteTx::view_fields`], and as [`Store::read_list`].
    pub fn try_view(
        &self,
        requester: &Requester,
        view: &Collection,
        most: usize,
        meter: &dyn Meter,
    ) -> Result<(Arc<Collection>, Vec<Record>)> {
        if at_once::is_wanted() {
            return Err(self.not_at_once());
        }
        let mut reader = self
            .inner
            .readers
            .take_for(Some(requester), self.inner.query_timeout, Lane::Long)?;
        let schema = {
            let published = self.inner.published.hold();
            begin_reading(&reader)?;
            Arc::clone(&published)
        };
        let (connection, watch) = reader.parts_mut();
        let tried = console::try_view(connection, watch, &schema, view, most, meter);
        drop(reader);
        tried
    }

    /// Pins both databases as they are between the same two commits, after every write that was acknowledged. Waits for
    /// at most the commit in progress; afterwards nobody waits for anybody.
    ///
    /// # Errors
    /// When the databases can't be opened once more, and [`ErrorKind::Closed`](crate::ErrorKind::Closed) after
    /// [`Store::close`].
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.inner.readers.check_open()?;
        let mut data = PinnedDatabase::open_live(&self.inner.dir.join(DATA), DATA, self.inner.data.wal())?;
        let mut auxiliary =
            PinnedDatabase::open_live(&self.inner.dir.join(AUXILIARY), AUXILIARY, self.inner.logs.wal())?;
        {
            let _data = self.inner.data.gate().lock();
            let _auxiliary = self.inner.logs.gate().lock();
            data.pin()?;
            auxiliary.pin()?;
        }
        let schema = Arc::new(data.schema()?);
        Ok(Snapshot {
            databases: vec![data, auxiliary],
            schema,
        })
    }

    /// Somebody who copies the write-ahead log of `data.db` as it grows, and holds it up until it has grown to `limit`
    /// frames (pages). What was committed before is in any snapshot that is made after this.
    #[must_use]
    pub fn follow(&self, limit: u32) -> WalFollower {
        self.inner.data.wal().follow(limit)
    }

    /// What the last write to `data.db` failed of, if it was the database that refused it: a full disk, a file that
    /// can't be written.
    #[must_use]
    pub fn failing_writes(&self) -> Option<String> {
        self.inner.data.failing()
    }

    /// The log, kept in `auxiliary.db`.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.inner.logs
    }

    /// Lets SQLite look over its statistics, in both databases (<https://sqlite.org/pragma.html#pragma_optimize>).
    /// Blocks the writers for as long as it takes, commonly milliseconds.
    ///
    /// # Errors
    /// When a database can't be written.
    pub fn optimize(&self) -> Result<()> {
        self.inner.data.run(optimize)?;
        self.inner.logs.optimize()
    }

    /// Lets the waiting writes finish, for some seconds at most (what computes longer is interrupted and undone), waits
    /// for the reads in progress, checkpoints and closes both databases, for every clone; later calls answer
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    ///
    /// # Errors
    /// When the last checkpoint fails; nothing committed is lost by that.
    pub fn close(self) -> Result<()> {
        self.inner.prompt.close();
        self.inner.readers.close();
        let data = self.inner.data.close();
        self.inner.logs.close()?;
        data
    }
}

/// Begins a read transaction, and pins its moment.
fn begin_reading(connection: &Connection) -> Result<()> {
    const ATTEMPTED: &str = "beginning a read transaction";
    connection
        .prepare_cached("BEGIN")
        .and_then(|mut statement| statement.execute([]))
        .attempting(ATTEMPTED)?;
    // A deferred transaction pins its moment with its first read.
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")
        .and_then(|mut statement| statement.query_row([], |_| Ok(())))
        .attempting(ATTEMPTED)
}

/// One database's share of [`Store::optimize`].
pub(crate) fn optimize(session: &mut Session) -> Result<()> {
    session
        .connection()
        .execute_batch("PRAGMA optimize")
        .attempting("optimizing a database")
}
