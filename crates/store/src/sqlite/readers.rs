//! The pool of connections that only read.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use rusqlite::Connection;

use super::connection::{Access, Role, open};
use super::watch::Watch;
use crate::error::{Error, ErrorKind, Result};
use crate::model::requester::Requester;

/// How long one read transaction may compute, and how long a caller waits for a free connection.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a connection is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A read whose cost is known to be small: a token's record, a setting.
    Short,
    /// One record under its rule, for a client. These together leave a connection to [`Lane::Short`], and never wait
    /// for [`Lane::Long`].
    View,
    /// A read that clients decide the cost of. All of these together get half of the connections, so that no number of
    /// costly filters keeps everybody else waiting; one client gets all but one of that half.
    Long,
}

/// How long somebody who waits for a connection goes without looking whether anybody still waits for the answer.
const LOOK: Duration = Duration::from_millis(250);

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
    /// How many are on loan to [`Lane::View`].
    viewing: usize,
    /// Those on loan to [`Lane::Long`], by client.
    listing: HashMap<String, usize>,
    /// Who waits for [`Lane::Long`], in the order in which they came.
    waiting: BTreeMap<u64, String>,
    next: u64,
    closed: bool,
}

impl Pool {
    /// Whether a read may begin, as far as its lane is concerned; `ticket` is its place among those that wait.
    fn admits(&self, lane: Lane, ticket: Option<u64>, limit: usize) -> bool {
        let half = limit.div_ceil(2);
        match lane {
            Lane::Short => true,
            Lane::View => self.viewing < limit.saturating_sub(half + 1).max(1),
            Lane::Long => {
                let most = half.saturating_sub(1).max(1);
                let running = |client: &String| self.listing.get(client).copied().unwrap_or_default();
                // Of those that may, the one whose client has the fewest, then the one that came first.
                let mut candidates: Vec<_> = self.waiting.iter().collect();
                candidates.retain(|(_, client)| running(client) < most);
                let next = candidates
                    .into_iter()
                    .min_by_key(|(ticket, client)| (running(client), **ticket));
                self.listing.values().sum::<usize>() < half && next.map(|(ticket, _)| *ticket) == ticket
            }
        }
    }

    fn enter(&mut self, lane: Lane, client: &str) {
        match lane {
            Lane::Short => {}
            Lane::View => self.viewing += 1,
            Lane::Long => *self.listing.entry(client.to_owned()).or_default() += 1,
        }
    }

    fn leave(&mut self, lane: Lane, client: &str) {
        match lane {
            Lane::Short => {}
            Lane::View => self.viewing -= 1,
            Lane::Long => {
                if let Some(count) = self.listing.get_mut(client) {
                    *count -= 1;
                    if *count == 0 {
                        self.listing.remove(client);
                    }
                }
            }
        }
    }
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
    client: String,
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

    /// A connection for nobody in particular, see [`Readers::take_for`].
    ///
    /// # Errors
    /// As [`Readers::take_for`].
    pub(crate) fn take(&self, patience: Duration, lane: Lane) -> Result<Loan<'_>> {
        self.take_for(None, patience, lane)
    }

    /// A connection, whose statements end `patience` from now, or when nobody waits for `requester`'s answer any more.
    /// Blocks as long while all are taken.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when none became free, or nobody waits any more, [`ErrorKind::Closed`] when the pool is
    /// closed; otherwise when opening fails.
    pub(crate) fn take_for(&self, requester: Option<&Requester>, patience: Duration, lane: Lane) -> Result<Loan<'_>> {
        let client = requester.map(|requester| requester.client.clone()).unwrap_or_default();
        let mut pool = self.pool.lock();
        let ticket = (lane == Lane::Long).then(|| {
            pool.next += 1;
            let ticket = pool.next;
            pool.waiting.insert(ticket, client.clone());
            ticket
        });
        let (mut pool, taken) = self.wait(pool, requester, ticket, patience, lane);
        if let Some(ticket) = ticket {
            pool.waiting.remove(&ticket);
            // Another may be the next one now.
            self.freed.notify_all();
        }
        let idle = taken?;
        pool.enter(lane, &client);
        drop(pool);
        let mut loan = Loan {
            readers: self,
            reader: None,
            lane,
            client,
        };
        // Dropped without a reader, the loan gives its place back.
        let reader = match idle {
            Some(reader) => reader,
            None => self.open_reader()?,
        };
        reader.watch.limit(patience);
        reader.watch.follow(requester.map(|requester| requester.gone.clone()));
        loan.reader = Some(reader);
        Ok(loan)
    }

    /// Waits until a read may begin: with an idle connection, or with the right to open one.
    fn wait<'a>(
        &'a self,
        mut pool: MutexGuard<'a, Pool>,
        requester: Option<&Requester>,
        ticket: Option<u64>,
        patience: Duration,
        lane: Lane,
    ) -> (MutexGuard<'a, Pool>, Result<Option<Reader>>) {
        let give_up = Instant::now() + patience;
        loop {
            if pool.closed {
                return (
                    pool,
                    Err(Error::new(ErrorKind::Closed, "reading", "the store is closed")),
                );
            }
            if pool.admits(lane, ticket, self.limit) {
                if let Some(reader) = pool.idle.pop() {
                    return (pool, Ok(Some(reader)));
                }
                if pool.open < self.limit {
                    pool.open += 1;
                    return (pool, Ok(None));
                }
            }
            let left = give_up.saturating_duration_since(Instant::now());
            let why = match requester {
                _ if left.is_zero() => format!("no database connection became free within {} ms", patience.as_millis()),
                Some(requester) if requester.gone.is_set() => "nobody waits for the answer any more".to_owned(),
                _ => {
                    self.freed.wait_for(&mut pool, left.min(LOOK));
                    continue;
                }
            };
            return (pool, Err(Error::new(ErrorKind::TimedOut, "reading", why)));
        }
    }

    /// # Errors
    /// [`ErrorKind::Closed`] after [`Readers::close`].
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.pool.lock().closed {
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
        let mut pool = self.pool.lock();
        pool.closed = true;
        self.freed.notify_all();
        while pool.open > pool.idle.len() {
            self.freed.wait(&mut pool);
        }
        pool.open = 0;
        pool.idle.clear();
    }
}

impl Loan<'_> {
    /// The connection and the watch over its statements, for one who changes what bounds them.
    pub(crate) fn parts_mut(&mut self) -> (&mut Connection, &Arc<Watch>) {
        let reader = self
            .reader
            .as_mut()
            .expect("a loan holds its reader until it is dropped");
        (&mut reader.connection, &reader.watch)
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
        let mut pool = self.readers.pool.lock();
        pool.leave(self.lane, &self.client);
        match self.reader.take() {
            Some(reader) => {
                reader.watch.follow(None);
                // A transaction left open (a panic in the closure) must not leak into the next loan.
                if reader.connection.is_autocommit() || reader.connection.execute_batch("ROLLBACK").is_ok() {
                    pool.idle.push(reader);
                } else {
                    pool.open -= 1;
                }
            }
            // It could not be opened.
            None => pool.open -= 1,
        }
        self.readers.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(dir: &tempfile::TempDir, limit: usize) -> Readers {
        let path = dir.path().join("data.db");
        open(&path, Role::Writer, Access::Create).unwrap();
        Readers::new(&path, limit)
    }

    fn client(name: &str) -> Requester {
        Requester {
            client: name.to_owned(),
            ..Requester::default()
        }
    }

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn costly_reads_leave_half_of_the_readers_to_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let readers = readers(&dir, 4);
        let (a, b) = (client("a"), client("b"));
        let _first = readers.take_for(Some(&a), SOON, Lane::Long).unwrap();
        let second = readers.take_for(Some(&b), SOON, Lane::Long).unwrap();
        let refused = readers.take(SOON, Lane::Long).map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        let _short = [
            readers.take(SOON, Lane::Short).unwrap(),
            readers.take(SOON, Lane::Short).unwrap(),
        ];
        assert!(readers.take(SOON, Lane::Short).is_err(), "four are four");
        drop(second);
        readers.take(SOON, Lane::Long).map(drop).unwrap();
    }

    #[test]
    fn views_wait_for_no_lists_and_leave_one_reader() {
        let dir = tempfile::tempdir().unwrap();
        let readers = readers(&dir, 8);
        let clients = ["a", "b", "c", "d"].map(client);
        let _lists = clients
            .each_ref()
            .map(|client| readers.take_for(Some(client), SOON, Lane::Long).unwrap());
        let _views = [(); 3].map(|()| readers.take(SOON, Lane::View).unwrap());
        assert!(readers.take(SOON, Lane::View).is_err());
        readers.take(SOON, Lane::Short).map(drop).unwrap();
    }

    /// One client's slow filters held all readers that lists have.
    #[test]
    fn one_client_leaves_a_turn_to_the_others_and_who_has_least_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let readers = readers(&dir, 8);
        let (greedy, modest) = (client("greedy"), client("modest"));
        let mut lists: Vec<_> = (0..3)
            .map(|_| readers.take_for(Some(&greedy), SOON, Lane::Long).unwrap())
            .collect();
        assert!(readers.take_for(Some(&greedy), SOON, Lane::Long).is_err());
        let theirs = readers.take_for(Some(&modest), SOON, Lane::Long).unwrap();
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let wait = |who: &'static str| {
                let loan = readers
                    .take_for(Some(&client(who)), Duration::from_secs(20), Lane::Long)
                    .unwrap();
                order.lock().push(who);
                drop(loan);
            };
            scope.spawn(move || wait("greedy"));
            while readers.pool.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            scope.spawn(move || wait("new"));
            while readers.pool.lock().waiting.len() < 2 {
                std::thread::yield_now();
            }
            lists.pop();
        });
        drop(theirs);
        assert_eq!(*order.lock(), ["new", "greedy"]);
    }

    #[test]
    fn who_is_gone_waits_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let readers = readers(&dir, 1);
        let _only = readers.take(SOON, Lane::Short).unwrap();
        let requester = client("a");
        requester.gone.set();
        let refused = readers
            .take_for(Some(&requester), Duration::from_secs(600), Lane::Long)
            .map(drop);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(readers.pool.lock().waiting.is_empty());
    }
}
