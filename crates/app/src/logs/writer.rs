//! The queue between those who have something to say and the database.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bosbase_store::{LogEntry, Store, new_id, now};
use serde_json::{Map, Value, json};

use super::Level;

/// Lines that may wait; some megabytes at most.
const QUEUE: usize = 5_000;
/// Lines that are stored together.
const BATCH: usize = 200;
/// How long a line waits for others.
const PATIENCE: Duration = Duration::from_secs(3);

/// Stores lines in the background.
pub(crate) struct LogWriter {
    queue: Mutex<Option<SyncSender<LogEntry>>>,
    lost: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LogWriter {
    /// Starts the thread that stores lines in `store`.
    ///
    /// # Errors
    ///
    /// Where it can't be started.
    pub(crate) fn start(store: Store) -> std::io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        let thread = std::thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || store_lines(&store, &lines, &counted))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            lost,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a line. Never blocks: one that finds the queue full is counted and dropped, as is one that comes after the end.
    pub(crate) fn push(&self, level: Level, message: String, data: Map<String, Value>) {
        let entry = LogEntry {
            id: new_id(),
            created: now(),
            level: level as i64,
            message,
            data,
        };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.as_ref().is_none_or(|queue| queue.try_send(entry).is_err()) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Stores what is queued and ends. Later lines are dropped.
    pub(crate) fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It ended by itself or by a panic; both are an end.
            let _ = thread.join();
        }
    }
}

fn store_lines(store: &Store, lines: &Receiver<LogEntry>, lost: &AtomicU64) {
    while let Ok(first) = lines.recv() {
        let mut batch = vec![first];
        let until = Instant::now() + PATIENCE;
        let mut open = true;
        while batch.len() < BATCH {
            match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => batch.push(line),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    open = false;
                    break;
                }
            }
        }
        let dropped = lost.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            batch.push(LogEntry {
                id: new_id(),
                created: now(),
                level: Level::Warning as i64,
                message: format!("{dropped} lines of the log were lost: it could not be written fast enough"),
                data: Map::from_iter([("lost".to_owned(), json!(dropped))]),
            });
        }
        let size = batch.len() as u64;
        if let Err(error) = store.logs().insert_many(batch) {
            // The log of last resort: whoever runs the server sees it; the application goes on.
            tracing::error!(%error, lines = size, "the log could not be written");
            lost.fetch_add(size, Ordering::Relaxed);
        }
        if !open {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use bosbase_store::{ListLogs, StoreOptions};

    use super::*;

    #[test]
    fn what_was_said_is_stored_by_the_time_the_writer_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
        let writer = LogWriter::start(store.clone()).unwrap();
        for number in 0..450 {
            writer.push(Level::Info, format!("line {number}"), Map::new());
        }
        writer.close();
        writer.push(Level::Info, "too late".to_owned(), Map::new());
        let page = store.logs().list(&ListLogs::default()).unwrap();
        assert_eq!(page.total_items, 450);
        store.close().unwrap();
    }
}
