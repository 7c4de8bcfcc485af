//! Ending statements that run for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::Result;
use crate::sql::Attempting;

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
}

impl Watch {
    /// Watches the statements of `connection`, without a deadline at first.
    pub(crate) fn over(connection: &mut Connection) -> Result<Arc<Self>> {
        let watch = Arc::new(Self {
            start: Instant::now(),
            deadline: AtomicU64::new(NEVER),
        });
        let watching = Arc::clone(&watch);
        connection
            .progress_handler(
                INSTRUCTIONS,
                Some(move || milliseconds(watching.start.elapsed()) > watching.deadline.load(Ordering::Relaxed)),
            )
            .attempting("limiting the time of statements")?;
        Ok(watch)
    }

    /// Ends statements that still run `patience` from now.
    pub(crate) fn limit(&self, patience: Duration) {
        let until = milliseconds(self.start.elapsed() + patience);
        self.deadline.store(until, Ordering::Relaxed);
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
        assert_eq!(run("LIMIT 1000000").unwrap(), 1_000_000);
    }
}
