//! Ending statements that run for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use rusqlite::Connection;

use crate::error::Result;
use crate::model::requester::Gone;
use crate::sqlite::sql::Attempting;

/// Virtual machine instructions between two looks at the clock; some milliseconds.
const INSTRUCTIONS: i32 = 100_000;

/// No deadline.
const NEVER: u64 = u64::MAX;

/// The deadline of one connection's statements; past it they end with
/// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut).
pub(crate) struct Watch {
    start: Instant,
    /// Milliseconds after `start`.
    deadline: AtomicU64,
    /// The same, past which nothing runs any more, also with a later deadline of its own.
    end: AtomicU64,
    /// Set when nobody waits for the statement any more.
    gone: Mutex<Option<Gone>>,
}

impl Watch {
    /// Watches the statements of `connection`, without a deadline at first.
    pub(crate) fn over(connection: &mut Connection) -> Result<Arc<Self>> {
        let watch = Arc::new(Self {
            start: Instant::now(),
            deadline: AtomicU64::new(NEVER),
            end: AtomicU64::new(NEVER),
            gone: Mutex::default(),
        });
        watch.look(connection)?;
        Ok(watch)
    }

    /// Looks at the clock of `connection`, which is the one that this watches, as often as it commonly does.
    pub(crate) fn look(self: &Arc<Self>, connection: &mut Connection) -> Result<()> {
        self.look_each(connection, INSTRUCTIONS)
    }

    /// Looks at the clock each so many instructions from now on.
    pub(crate) fn look_each(self: &Arc<Self>, connection: &mut Connection, instructions: i32) -> Result<()> {
        let watching = Arc::clone(self);
        connection
            .progress_handler(
                instructions,
                Some(move || watching.is_over() || watching.lock_gone().as_ref().is_some_and(Gone::is_set)),
            )
            .attempting("limiting the time of statements")
    }

    fn lock_gone(&self) -> MutexGuard<'_, Option<Gone>> {
        self.gone.lock()
    }

    /// Ends statements once `gone` is set; `None` for those that somebody waits for in any case.
    pub(crate) fn follow(&self, gone: Option<Gone>) {
        *self.lock_gone() = gone;
    }

    /// Ends statements that still run `patience` from now.
    pub(crate) fn limit(&self, patience: Duration) {
        let until = milliseconds(self.start.elapsed() + patience);
        self.deadline.store(until, Ordering::Relaxed);
    }

    /// Ends every statement that still runs `patience` from now, for good.
    pub(crate) fn end_within(&self, patience: Duration) {
        let until = milliseconds(self.start.elapsed() + patience);
        self.end.store(until, Ordering::Relaxed);
    }

    /// Whether a deadline has passed.
    pub(crate) fn is_over(&self) -> bool {
        let now = milliseconds(self.start.elapsed());
        now > self.deadline.load(Ordering::Relaxed) || now > self.end.load(Ordering::Relaxed)
    }

    /// The present deadline, to be [put back](Watch::put_back).
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.load(Ordering::Relaxed)
    }

    /// Makes a deadline of before the present one again.
    pub(crate) fn put_back(&self, deadline: u64) {
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    /// Lets statements run as long as they need.
    pub(crate) fn lift(&self) {
        self.deadline.store(NEVER, Ordering::Relaxed);
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_query_without_end_ends() {
        let mut connection = Connection::open_in_memory().unwrap();
        let watch = Watch::over(&mut connection).unwrap();
        let run = |rows: &str| {
            let sql = format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n {rows}) SELECT COUNT(*) FROM n"
            );
            let counted = connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
            counted.attempting("counting")
        };
        watch.limit(Duration::from_millis(50));
        assert_eq!(run("").unwrap_err().kind(), ErrorKind::TimedOut);
        watch.lift();
        let gone = Gone::default();
        watch.follow(Some(gone.clone()));
        assert_eq!(run("LIMIT 1000000").unwrap(), 1_000_000);
        gone.set();
        assert_eq!(run("").unwrap_err().kind(), ErrorKind::TimedOut, "nobody waits for it");
        watch.follow(None);
        assert_eq!(run("LIMIT 1000000").unwrap(), 1_000_000);
    }
}
