//! The one thread that writes, and how those who wait share a commit.
//!
//! With `synchronous=FULL` every commit costs an fsync. So the writer takes the requests that wait, runs each in its
//! own savepoint within one transaction, commits once and only then answers all of them: durability costs a group one
//! fsync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use bosbase_background::Urgent;
use rusqlite::Connection;

use super::published::Published;
use super::wal::Wal;
use super::watch::Watch;
use crate::error::{Error, ErrorKind, Result};
use crate::model::schema::Schema;
use crate::sqlite::sql::Attempting;

/// Requests that share a commit at most.
const GROUP: usize = 128;

/// How long a group may run before it is committed, so that the first in it does not wait long for the others.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// How long one request may compute in SQLite, where it does not say.
pub(crate) const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long the requests under way may compute on when the writer is closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// What a commit and a pin of several databases must not do at the same time.
pub(crate) type Gate = Arc<Mutex<()>>;

/// What runs on the writer's thread: its connection and the schema as the open transaction has it.
pub(crate) struct Session {
    connection: Connection,
    watch: Arc<Watch>,
    schema: Arc<Schema>,
    data_version: i64,
    /// How often somebody wrote or tried to, other processes included as far as they were noticed.
    revision: u64,
    committed: Arc<AtomicU64>,
    /// Whether the last request ran past its deadline.
    overran: bool,
}

/// A request's work, which may run more than once, and its answer.
trait Job: Send {
    /// Does the work in a savepoint. What an earlier run came to is forgotten: it was rolled back.
    fn run(&mut self, session: &mut Session);

    /// Tells the one who waits. `failure` is that of the group; without one it was committed.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

struct Request<T, E, W> {
    work: W,
    patience: Duration,
    result: Option<Result<T, E>>,
    waiting: SyncSender<Result<T, E>>,
}

impl<T, E, W> Job for Request<T, E, W>
where
    T: Send,
    E: From<Error> + Send,
    W: Fn(&mut Session) -> Result<T, E> + Send,
{
    fn run(&mut self, session: &mut Session) {
        self.result = None;
        self.result = Some(session.savepoint(self.patience, &self.work));
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let result = match (self.result, failure) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(E::from(failure.error())),
            (Some(done), None) => done,
            (None, None) => Err(E::from(closed())),
        };
        // The caller waits until it gets this; were it gone, nobody would be left to tell.
        let _ = self.waiting.send(result);
    }
}

/// Why a group failed, told to each of its members.
struct Failure {
    kind: ErrorKind,
    detail: String,
}

/// A transaction that can't be committed.
struct Broken {
    /// Which request broke it, by its place in the group; `None` where it was none of them.
    by: Option<usize>,
    error: Error,
}

impl Broken {
    fn by_all(error: Error) -> Self {
        Self { by: None, error }
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            detail: error.to_string(),
        }
    }

    fn error(&self) -> Error {
        Error::new(self.kind, "writing together with others", self.detail.clone())
    }
}

/// Handle of the writer's thread.
pub(crate) struct Writer {
    queue: Mutex<Option<Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<Session>>>,
    thread_id: ThreadId,
    gate: Gate,
    wal: Arc<Wal>,
    watch: Arc<Watch>,
    failing: Failing,
    committed: Arc<AtomicU64>,
}

/// What the last group failed of; nothing where it was committed.
type Failing = Arc<Mutex<Option<String>>>;

impl Writer {
    /// Starts the thread of `connection`, called `name`, whose schema changes are published to `published`.
    ///
    /// # Errors
    /// When the thread can't be started or the database can't be read.
    pub(crate) fn start(name: &str, mut connection: Connection, published: Published) -> Result<Self> {
        let (queue, jobs) = channel::<Box<dyn Job>>();
        let gate = Gate::default();
        let data_version = data_version(&connection)?;
        let schema = published.latest();
        let watch = Watch::over(&mut connection)?;
        let committed = Arc::new(AtomicU64::new(0));
        let wal = Wal::of_writer(&mut connection)?;
        let moves = Arc::clone(&wal);
        let session = Session {
            watch: Arc::clone(&watch),
            connection,
            schema,
            data_version,
            revision: 0,
            committed: Arc::clone(&committed),
            overran: false,
        };
        let held = Arc::clone(&gate);
        let failing = Failing::default();
        let fails = Arc::clone(&failing);
        let thread = std::thread::Builder::new()
            .name(format!("writer {name}"))
            .spawn(move || run(session, &jobs, &held, &moves, &published, &fails))
            .map_err(|error| {
                Error::new(ErrorKind::Database, "starting the writer", error.to_string()).caused_by(error)
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread_id: thread.thread().id(),
            thread: Mutex::new(Some(thread)),
            gate,
            wal,
            watch,
            failing,
            committed,
        })
    }

    /// What the last write failed of, if it did: a full disk, a file that can't be written. What a request itself is
    /// refused for is none.
    pub(crate) fn failing(&self) -> Option<String> {
        self.failing.lock().clone()
    }

    /// The revision of what was committed last. A view that is opened after this was asked holds at least that.
    pub(crate) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// The write-ahead log of the database.
    pub(crate) fn wal(&self) -> &Arc<Wal> {
        &self.wal
    }

    /// Held while a commit happens.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Runs `work` in a savepoint on the writer's thread and returns once its group is committed. An error of `work`
    /// undoes what it did and nothing else; a panic counts as one. Statements of it that run past thirty seconds after
    /// it began end. SQLite then undoes the whole transaction, and the others of the group run again: `work` may run
    /// more than once, and what it did before is undone then.
    pub(crate) fn run<T, E>(&self, work: impl Fn(&mut Session) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run_within(WRITE_PATIENCE, work)
    }

    /// As [`Writer::run`], with `patience` in place of the thirty seconds.
    pub(crate) fn run_within<T, E>(
        &self,
        patience: Duration,
        work: impl Fn(&mut Session) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if std::thread::current().id() == self.thread_id {
            return Err(E::from(Error::new(
                ErrorKind::Database,
                "writing",
                "a write inside of a write would wait for itself; use the transaction at hand",
            )));
        }
        let (waiting, outcome) = sync_channel::<Result<T, E>>(1);
        let job: Box<dyn Job> = Box::new(Request {
            work,
            patience,
            result: None,
            waiting,
        });
        let sent = match &*self.queue.lock() {
            Some(queue) => queue.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(E::from(closed()));
        }
        outcome.recv().unwrap_or_else(|_| Err(E::from(closed())))
    }

    /// Lets the waiting requests finish, then ends the thread, checkpoints and closes the connection. What computes for
    /// five more seconds is interrupted.
    ///
    /// # Errors
    /// When the checkpoint fails; the connection is closed anyway and nothing committed is lost.
    pub(crate) fn close(&self) -> Result<()> {
        drop(self.queue.lock().take());
        let thread = self.thread.lock().take();
        let Some(thread) = thread else { return Ok(()) };
        self.watch.end_within(CLOSE_PATIENCE);
        let session = thread.join().map_err(|_| {
            Error::new(
                ErrorKind::Database,
                "closing the store",
                "the writer's thread had panicked",
            )
        })?;
        self.wal.close(session.connection)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.lock().take());
        let thread = self.thread.lock().take();
        self.watch.end_within(CLOSE_PATIENCE);
        // The owner of the last handle may move the files next (a restore that is taken back): the connection must
        // not be closed at some later moment. The writer's own thread, where that was in a request, ends by itself.
        if let Some(thread) = thread.filter(|_| std::thread::current().id() != self.thread_id) {
            let _ = thread.join();
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "writing", "the store is closed")
}

fn run(
    mut session: Session,
    jobs: &Receiver<Box<dyn Job>>,
    gate: &Gate,
    wal: &Wal,
    published: &Published,
    failing: &Mutex<Option<String>>,
) -> Session {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        // Those that run again wait for nobody who comes: else one that overruns after the other would hold them up for
        // ever.
        let mut joining = Some(jobs);
        while !group.is_empty() {
            let outcome = match session.group(&mut group, joining.take()) {
                Ok(()) => session.commit(gate, published).map_err(Broken::by_all),
                broken => broken,
            };
            if outcome.is_err() {
                session.roll_back(published);
            }
            let error = outcome.as_ref().err().map(|broken| &broken.error);
            *failing.lock() = error.map(ToString::to_string);
            let failure = error.map(Failure::of);
            // Where one of them broke the transaction of all, the others run again without it.
            let answered = match outcome {
                Err(Broken { by: Some(one), .. }) => vec![group.remove(one)],
                _ => std::mem::take(&mut group),
            };
            for job in answered {
                job.answer(failure.as_ref());
            }
        }
        wal.after_commit(&session.connection);
    }
    session
}

fn data_version(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("PRAGMA data_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .attempting("looking for writes of other processes")
}

impl Session {
    /// The connection, within the transaction of the group.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The watch over the connection's statements.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The connection and its watch, for one who changes what bounds its statements.
    pub(crate) fn parts_mut(&mut self) -> (&mut Connection, &Arc<Watch>) {
        (&mut self.connection, &self.watch)
    }

    /// The schema, with the changes made so far in this transaction.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The revision of the data as the request that runs now found it.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Replaces the schema; published when the group is committed.
    pub(crate) fn set_schema(&mut self, schema: Arc<Schema>) {
        self.schema = schema;
    }

    /// Runs those in `group` and what else waits, which joins them. The last one that ran may have broken the
    /// transaction of all.
    fn group(&mut self, group: &mut Vec<Box<dyn Job>>, jobs: Option<&Receiver<Box<dyn Job>>>) -> Result<(), Broken> {
        self.begin().map_err(Broken::by_all)?;
        let started = Instant::now();
        let mut ran = 0;
        loop {
            if let Some(job) = group.get_mut(ran) {
                job.run(self);
            }
            if self.connection.is_autocommit() {
                let (kind, detail) = if self.overran {
                    let detail = "a write took too long, and the database rolled it back";
                    (ErrorKind::TimedOut, detail)
                } else {
                    // A full disk or an I/O error makes SQLite roll the whole transaction back by itself.
                    let detail = "the database rolled the transaction back (disk full or I/O error)";
                    (ErrorKind::NoSpace, detail)
                };
                return Err(Broken {
                    by: Some(ran),
                    error: Error::new(kind, "writing", detail),
                });
            }
            ran += 1;
            if ran == group.len() {
                let has_room = ran < GROUP && started.elapsed() < GROUP_TIME;
                match jobs.filter(|_| has_room).map(Receiver::try_recv) {
                    Some(Ok(job)) => group.push(job),
                    _ => return Ok(()),
                }
            }
        }
    }

    fn begin(&mut self) -> Result<()> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut statement| statement.execute([]))
            .attempting("beginning a write transaction")?;
        let seen = data_version(&self.connection)?;
        if seen != self.data_version {
            // Another process wrote: the collections may be others now.
            self.data_version = seen;
            self.revision += 1;
            self.schema = Arc::new(crate::sqlite::tables::collections::load_if_present(&self.connection)?);
        }
        Ok(())
    }

    fn commit(&mut self, gate: &Gate, published: &Published) -> Result<()> {
        let changed = !Arc::ptr_eq(&published.latest(), &self.schema);
        let _gate = gate.lock();
        if changed {
            published.change(&self.schema, |publish| self.execute_commit(publish))
        } else {
            self.execute_commit(&mut || ())
        }
    }

    /// Calls `then` as soon as the data is durable, and before anybody is told so.
    fn execute_commit(&self, then: &mut dyn FnMut()) -> Result<()> {
        // Threads of the system write and flush the log, and have no core while work in the background fills them all.
        let _urgent = Urgent::begin();
        self.connection
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]))
            .attempting("committing")?;
        then();
        self.committed.store(self.revision, Ordering::Release);
        Ok(())
    }

    fn roll_back(&mut self, published: &Published) {
        self.schema = published.latest();
        // Forces the next group to look at the collections again, however this one ended.
        self.data_version = -1;
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rolling back failed");
        }
    }

    fn savepoint<T, E: From<Error>>(
        &mut self,
        patience: Duration,
        work: &impl Fn(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = Arc::clone(&self.schema);
        self.statement("SAVEPOINT request")?;
        self.watch.limit(patience);
        let result = catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            Err(E::from(Error::new(
                ErrorKind::Database,
                "writing",
                "the write panicked and was undone",
            )))
        });
        self.revision += 1;
        self.overran = self.watch.is_over();
        self.watch.lift();
        if self.connection.is_autocommit() {
            return result;
        }
        if result.is_err() {
            self.schema = before;
            self.statement("ROLLBACK TO request")?;
        }
        self.statement("RELEASE request")?;
        result
    }

    fn statement(&self, sql: &str) -> Result<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .attempting("keeping the savepoint of a request")
            .map(drop)
            .inspect_err(|_| {
                // What the request did can no longer be told from what the others did: none of it may be committed.
                if let Err(error) = self.connection.execute_batch("ROLLBACK") {
                    tracing::error!(%error, "rolling back failed");
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::sqlite::{Access, Role, open};

    /// A statement that never ends.
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                           INSERT INTO t SELECT i FROM n WHERE i < 0";

    /// A writer on a new table `t`, whose database may grow to `pages` pages.
    fn writer(dir: &tempfile::TempDir, pages: u32) -> Writer {
        let connection = open(&dir.path().join("t.db"), Role::Writer, Access::Create).unwrap();
        connection
            .execute_batch(&format!("CREATE TABLE t (v); PRAGMA max_page_count={pages}"))
            .unwrap();
        Writer::start("test", connection, Published::default()).unwrap()
    }

    fn insert(bytes: usize) -> impl Fn(&mut Session) -> Result<()> + Send + 'static {
        move |session| {
            session
                .connection()
                .execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes as i64])
                .attempting("inserting")
                .map(drop)
        }
    }

    fn sizes(dir: &tempfile::TempDir) -> Vec<usize> {
        let connection = open(&dir.path().join("t.db"), Role::Reader, Access::Existing).unwrap();
        let mut statement = connection.prepare("SELECT length(v) FROM t ORDER BY 1").unwrap();
        let sizes = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        sizes.map(|size| usize::try_from(size.unwrap()).unwrap()).collect()
    }

    #[test]
    fn requests_that_wait_share_a_commit() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = open(&dir.path().join("t.db"), Role::Writer, Access::Create).unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        let commits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&commits);
        connection
            .commit_hook(Some(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                false
            }))
            .unwrap();
        let writer = Writer::start("test", connection, Published::default()).unwrap();
        std::thread::scope(|scope| {
            let held = writer.gate().lock();
            for _ in 0..8 {
                scope.spawn(|| writer.run(insert(1)).unwrap());
            }
            // Those that come while the first group waits for the gate are the second.
            std::thread::sleep(Duration::from_millis(200));
            drop(held);
        });
        assert_eq!(sizes(&dir).len(), 8);
        let commits = commits.load(Ordering::SeqCst);
        assert!((1..8).contains(&commits), "{commits} commits");
        writer.close().unwrap();
    }

    #[test]
    fn a_commit_is_urgent() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = open(&dir.path().join("t.db"), Role::Writer, Access::Create).unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        let (told, urgent) = channel();
        let tell = move || told.send(Urgent::any()).is_err();
        connection.commit_hook(Some(tell)).unwrap();
        let writer = Writer::start("test", connection, Published::default()).unwrap();
        writer.run(insert(1)).unwrap();
        assert!(urgent.recv().unwrap());
        writer.close().unwrap();
    }

    /// One write that never ended held all others, the undo of a restore, and the end of the process.
    #[test]
    fn a_write_without_end_ends_and_takes_only_its_group_along() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir, 1 << 20);
        let endless = |session: &mut Session| session.connection().execute_batch(ENDLESS).attempting("writing");
        let over = writer.run_within(Duration::from_millis(50), endless).unwrap_err();
        assert_eq!(over.kind(), ErrorKind::TimedOut);
        writer.run(insert(1)).unwrap();
        assert_eq!(sizes(&dir), [1]);
        // It would go on for half an hour; closing gives it some seconds.
        std::thread::scope(|scope| {
            let (begun, running) = channel();
            let long = scope.spawn(|| {
                writer.run_within(Duration::from_secs(1800), move |session| {
                    let _ = begun.send(());
                    endless(session)
                })
            });
            running.recv().unwrap();
            writer.close().unwrap();
            assert_eq!(long.join().unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
        });
    }

    /// Those that shared a transaction with a write that took too long were refused with it and told to try again.
    #[test]
    fn those_who_shared_a_transaction_that_another_broke_run_again() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir, 1 << 20);
        let runs = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let held = writer.gate().lock();
            // The first waits for the gate; those that come meanwhile are one group.
            scope.spawn(|| writer.run(insert(1)).unwrap());
            std::thread::sleep(Duration::from_millis(100));
            let counted = Arc::clone(&runs);
            let writer = &writer;
            let innocent = scope.spawn(move || {
                writer.run(move |session| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    insert(2)(session)
                })
            });
            std::thread::sleep(Duration::from_millis(100));
            let guilty = scope.spawn(|| {
                writer.run_within(Duration::from_millis(50), |session| {
                    session.connection().execute_batch(ENDLESS).attempting("writing")
                })
            });
            std::thread::sleep(Duration::from_millis(100));
            drop(held);
            innocent.join().unwrap().unwrap();
            assert_eq!(guilty.join().unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
        });
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert_eq!(sizes(&dir), [1, 2]);
        writer.close().unwrap();
    }

    /// The thread went on to close its connection, with a checkpoint and the removal of the log, while a restore that
    /// was taken back put the old database in place.
    #[test]
    fn a_writer_that_is_dropped_has_closed_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir, 1 << 20);
        writer.run(insert(1 << 20)).unwrap();
        assert!(dir.path().join("t.db-wal").exists());
        drop(writer);
        assert!(!dir.path().join("t.db-wal").exists());
    }

    #[test]
    fn what_was_acknowledged_is_there_when_the_disk_is_full_and_the_rest_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir, 64);
        let wanted = [10, 900_000, 20, 30, 800_000, 40];
        let answers: Vec<Result<()>> = std::thread::scope(|scope| {
            let held = writer.gate().lock();
            let threads: Vec<_> = wanted
                .iter()
                .map(|size| scope.spawn(|| writer.run(insert(*size))))
                .collect();
            std::thread::sleep(Duration::from_millis(50));
            drop(held);
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let acknowledged: Vec<usize> = wanted
            .iter()
            .zip(&answers)
            .filter(|(_, a)| a.is_ok())
            .map(|(s, _)| *s)
            .collect();
        for (size, answer) in wanted.iter().zip(&answers) {
            if *size > 1_000 {
                assert_eq!(answer.as_ref().unwrap_err().kind(), ErrorKind::NoSpace);
            }
        }
        assert_eq!(sizes(&dir), acknowledged);
        writer.run(insert(50)).unwrap();
        assert!(sizes(&dir).contains(&50));
    }
}
