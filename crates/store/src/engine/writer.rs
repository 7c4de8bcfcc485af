//! The one thread that writes, and how those who wait share a commit.
//!
//! With `synchronous=FULL` every commit costs an fsync. So the writer takes whatever requests wait, runs each in its own
//! savepoint within one transaction, commits once and only then answers all of them: durability costs a group one fsync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use bosbase_background::Urgent;
use rusqlite::Connection;

use super::watch::Watch;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::sql::Attempting;

/// Requests that share a commit at most.
const GROUP: usize = 128;

/// How long a group may run before it is committed, so that the first in it does not wait long for the others.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// What a commit and a pin of several databases must not do at the same time.
pub(crate) type Gate = Arc<Mutex<()>>;

/// The published schema. The writer holds it exclusively while it commits a change to it, a reader holds it shared while its
/// transaction begins; so no reader sees one state of the collections and another of their tables.
pub(crate) type Published = Arc<RwLock<Arc<Schema>>>;

/// What runs on the writer's thread: its connection and the schema as the open transaction has it.
pub(crate) struct Session {
    connection: Connection,
    watch: Arc<Watch>,
    schema: Arc<Schema>,
    data_version: i64,
    /// Why the transaction of the current group could not begin.
    refused: Option<Failure>,
}

/// How the outcome of a request's group is told to it. `None` means the group was committed.
type Finish = Box<dyn FnOnce(Option<&Failure>) + Send>;
type Job = Box<dyn FnOnce(&mut Session) -> Finish + Send>;

/// Why a group failed, told to each of its members.
struct Failure {
    kind: ErrorKind,
    detail: String,
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
    queue: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<Session>>>,
    thread_id: ThreadId,
    gate: Gate,
}

impl Writer {
    /// Starts the thread of `connection`, called `name`, whose schema changes are published to `published`.
    ///
    /// # Errors
    /// When the thread can't be started or the database can't be read.
    pub(crate) fn start(name: &str, mut connection: Connection, published: Published) -> Result<Self> {
        let (queue, jobs) = channel::<Job>();
        let gate = Gate::default();
        let data_version = data_version(&connection)?;
        let schema = Arc::clone(&published.read().unwrap_or_else(PoisonError::into_inner));
        let session = Session {
            watch: Watch::over(&mut connection)?,
            connection,
            schema,
            data_version,
            refused: None,
        };
        let held = Arc::clone(&gate);
        let thread = std::thread::Builder::new()
            .name(format!("writer {name}"))
            .spawn(move || run(session, &jobs, &held, &published))
            .map_err(|error| {
                Error::new(ErrorKind::Database, "starting the writer", error.to_string()).caused_by(error)
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread_id: thread.thread().id(),
            thread: Mutex::new(Some(thread)),
            gate,
        })
    }

    /// Held while a commit happens.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Runs `work` in a savepoint on the writer's thread and returns once its group is committed. An error of `work` undoes
    /// what it did and nothing else; a panic counts as one.
    pub(crate) fn run<T, E>(&self, work: impl FnOnce(&mut Session) -> Result<T, E> + Send + 'static) -> Result<T, E>
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
        let (answer, outcome) = sync_channel::<Result<T, E>>(1);
        let job: Job = Box::new(move |session| {
            let result = session.savepoint(work);
            Box::new(move |failure| {
                let result = match (result, failure) {
                    (Ok(_), Some(failure)) => Err(E::from(failure.error())),
                    (result, _) => result,
                };
                // The caller waits until it gets this; were it gone, nobody would be left to tell.
                let _ = answer.send(result);
            })
        });
        let sent = match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(queue) => queue.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(E::from(closed()));
        }
        outcome.recv().unwrap_or_else(|_| Err(E::from(closed())))
    }

    /// Lets the waiting requests finish, then ends the thread, checkpoints and closes the connection.
    ///
    /// # Errors
    /// When the checkpoint fails; the connection is closed anyway and nothing committed is lost.
    pub(crate) fn close(&self) -> Result<()> {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let session = thread.join().map_err(|_| {
            Error::new(
                ErrorKind::Database,
                "closing the store",
                "the writer's thread had panicked",
            )
        })?;
        session
            .connection
            // A backup that still reads would hold the checkpoint up; then the log stays, and the next to open goes on with it.
            .execute_batch("PRAGMA busy_timeout=500; PRAGMA wal_checkpoint(TRUNCATE);")
            .attempting("checkpointing at close")?;
        session
            .connection
            .close()
            .map_err(|(_, error)| error)
            .attempting("closing the database")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whoever lets the last handle go may move the files next (a restore that is taken back): the connection must not be
        // closed at some later moment. The writer's own thread, where that was in a request, ends by itself.
        if let Some(thread) = thread.filter(|_| std::thread::current().id() != self.thread_id) {
            let _ = thread.join();
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "writing", "the store is closed")
}

fn run(mut session: Session, jobs: &Receiver<Job>, gate: &Gate, published: &Published) -> Session {
    while let Ok(first) = jobs.recv() {
        let mut answers = Vec::new();
        let failure = match session.group(first, jobs, &mut answers) {
            Ok(()) => session.commit(gate, published).err(),
            Err(error) => Some(error),
        };
        if failure.is_some() {
            session.roll_back(published);
        }
        let failure = failure.as_ref().map(Failure::of);
        for finish in answers {
            finish(failure.as_ref());
        }
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

    /// The schema, with the changes made so far in this transaction.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Replaces the schema; published when the group is committed.
    pub(crate) fn set_schema(&mut self, schema: Arc<Schema>) {
        self.schema = schema;
    }

    /// Runs `first` and what else waits. An error is one of the whole group: the transaction could not begin or is gone.
    /// `first` is answered like the others also when it never ran.
    fn group(&mut self, first: Job, jobs: &Receiver<Job>, answers: &mut Vec<Finish>) -> Result<()> {
        if let Err(error) = self.begin() {
            // Outside of a transaction a request does nothing but report why.
            self.refused = Some(Failure::of(&error));
            answers.push(first(self));
            self.refused = None;
            return Err(error);
        }
        let started = Instant::now();
        let mut next = Some(first);
        while let Some(job) = next {
            answers.push(job(self));
            if self.connection.is_autocommit() {
                // A full disk or an I/O error makes SQLite roll the whole transaction back by itself.
                return Err(Error::new(
                    ErrorKind::NoSpace,
                    "writing",
                    "the database rolled the transaction back (disk full or I/O error)",
                ));
            }
            next = if answers.len() < GROUP && started.elapsed() < GROUP_TIME {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        Ok(())
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
            self.schema = Arc::new(crate::tables::collections::load_if_present(&self.connection)?);
        }
        Ok(())
    }

    fn commit(&mut self, gate: &Gate, published: &Published) -> Result<()> {
        let current = Arc::clone(&published.read().unwrap_or_else(PoisonError::into_inner));
        let changed = !Arc::ptr_eq(&current, &self.schema);
        let _gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
        if changed {
            let mut published = published.write().unwrap_or_else(PoisonError::into_inner);
            self.execute_commit()?;
            *published = Arc::clone(&self.schema);
            Ok(())
        } else {
            self.execute_commit()
        }
    }

    fn execute_commit(&self) -> Result<()> {
        // Threads of the system write and flush the log, and have no core while work in the background fills them all.
        let _urgent = Urgent::begin();
        self.connection
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]))
            .attempting("committing")
            .map(drop)
    }

    fn roll_back(&mut self, published: &Published) {
        self.schema = Arc::clone(&published.read().unwrap_or_else(PoisonError::into_inner));
        // Forces the next group to look at the collections again, whatever state this one ended in.
        self.data_version = -1;
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rolling back failed");
        }
    }

    fn savepoint<T, E: From<Error>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        if let Some(refused) = &self.refused {
            return Err(E::from(refused.error()));
        }
        let before = Arc::clone(&self.schema);
        self.statement("SAVEPOINT request")?;
        let result = catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            Err(E::from(Error::new(
                ErrorKind::Database,
                "writing",
                "the write panicked and was undone",
            )))
        });
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::engine::{Access, Role, open};

    /// A writer on a new table `t`, whose database may grow to `pages` pages.
    fn writer(dir: &tempfile::TempDir, pages: u32) -> Writer {
        let connection = open(&dir.path().join("t.db"), Role::Writer, Access::Create).unwrap();
        connection
            .execute_batch(&format!("CREATE TABLE t (v); PRAGMA max_page_count={pages}"))
            .unwrap();
        Writer::start("test", connection, Published::default()).unwrap()
    }

    fn insert(bytes: usize) -> impl FnOnce(&mut Session) -> Result<()> + Send + 'static {
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
            let held = writer.gate().lock().unwrap();
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

    /// The thread went on to close its connection, with a checkpoint and the removal of the log, while a restore that was taken
    /// back put the old database in place.
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
            let held = writer.gate().lock().unwrap();
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
