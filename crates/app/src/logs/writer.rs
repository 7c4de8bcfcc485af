//! The queue between those who have something to say and the database.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use bosbase_disk::Disk;
use bosbase_store::{LogEntry, LogLine, Store, format_timestamp, new_log_id, now};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::line::RequestLine;
use super::{Level, most};
use crate::memory::weight;
use crate::reserve::Reserve;
use crate::settings::{LogSettings, SettingsCell};

/// Lines that may wait.
const QUEUE: usize = 5_000;
/// Bytes of them.
const QUEUED: usize = 8 << 20;
/// Lines that are stored together.
const BATCH: usize = 2_000;
/// What the log may take on disk where the settings don't say, in bytes.
const ON_DISK: u64 = 64 << 20;
/// How much of it may wait to be folded into the database, in bytes; somewhat more than SQLite folds in by itself.
const UNFOLDED: u64 = 8 << 20;
/// Where the file system has less room than this, nothing is logged: the room is the data's, in bytes.
const ROOM: u64 = 64 << 20;
/// How long a line waits for others.
const LOG_DELAY: Duration = Duration::from_secs(3);

/// Stores lines in the background.
pub(crate) struct LogWriter {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Lines that wait to be stored. The thread that stores them is woken for a batch, and not for each.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Lines that did not fit.
    lost: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<Line>,
    bytes: usize,
    ended: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }

    fn push(&self, line: Line) {
        let size = line.size();
        let mut waiting = self.lock();
        if waiting.ended || waiting.lines.len() >= QUEUE || waiting.bytes + size > QUEUED {
            drop(waiting);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += size;
        waiting.lines.push(line);
        let count = waiting.lines.len();
        drop(waiting);
        if count == 1 || count == BATCH {
            self.changed.notify_one();
        }
    }

    /// The next lines, once there are many or the first has waited long enough; `true` with the last ones.
    fn batch(&self) -> (Vec<Line>, bool) {
        let mut waiting = self.lock();
        while waiting.lines.is_empty() && !waiting.ended {
            self.changed.wait(&mut waiting);
        }
        let is_filling = |waiting: &mut Waiting| waiting.lines.len() < BATCH && !waiting.ended;
        self.changed.wait_while_for(&mut waiting, is_filling, LOG_DELAY);
        waiting.bytes = 0;
        (std::mem::take(&mut waiting.lines), waiting.ended)
    }
}

impl LogWriter {
    /// Starts the thread that stores lines in `store`, as far as `bounds` let it.
    ///
    /// # Errors
    ///
    /// Where it can't be started.
    pub(crate) fn start(store: Store, bounds: Bounds) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let lines = queue.clone();
        let thread = std::thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || store_lines(&store, &bounds, &lines))?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a line. Never blocks: one that finds the queue full is counted and dropped, as is one that comes after
    /// the end.
    pub(crate) fn push(&self, level: Level, message: String, data: Map<String, Value>) {
        self.queue.push(Line::Event(LogEntry {
            id: new_log_id(),
            created: now(),
            level: level as i64,
            message,
            data,
        }));
    }

    /// The same with the line of a request, as `settings` want it. It is made by the thread that stores it.
    pub(crate) fn push_request(&self, line: RequestLine, settings: &LogSettings) {
        self.queue.push(Line::Request(Box::new(Answered {
            at: Timestamp::now(),
            line,
            with_ip: settings.log_ip,
            with_auth_id: settings.log_auth_id,
            max: most(settings.max_data_size),
        })));
    }

    /// Stores what is queued and ends. Later lines are dropped.
    pub(crate) fn close(&self) {
        self.queue.lock().ended = true;
        self.queue.changed.notify_one();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // It ended by itself or by a panic; both are an end.
            let _ = thread.join();
        }
    }
}

/// What the log may take.
pub(crate) struct Bounds {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) data_dir: PathBuf,
    pub(crate) settings: Arc<SettingsCell>,
    pub(crate) reserve: Reserve,
}

impl Bounds {
    /// Bytes on disk.
    fn on_disk(&self) -> u64 {
        let set = u64::try_from(self.settings.get().logs.max_size).unwrap_or_default();
        if set > 0 { set } else { ON_DISK }
    }

    /// Why nothing may be written now, if so.
    fn refusal(&self, store: &Store) -> Option<&'static str> {
        // What can't be asked is no reason to lose a line.
        if self.disk.space_left(&self.data_dir).is_ok_and(|left| left < ROOM) {
            return Some("there is little room left on its disk");
        }
        // A reader may have kept the last commit from folding all of it in, and without a commit nobody tries again.
        if store.logs().unfolded_bytes() > UNFOLDED
            && let Err(error) = store.logs().fold_in()
        {
            tracing::debug!(%error, "the write-ahead log of the log could not be folded in");
        }
        // Somebody reads it for long, a backup perhaps, and nothing can be folded in meanwhile.
        (store.logs().unfolded_bytes() > UNFOLDED).then_some("it would take more room than it may")
    }
}

/// A line that waits.
enum Line {
    Event(LogEntry),
    Request(Box<Answered>),
}

/// A request that was answered, and how much the settings want to know of it.
struct Answered {
    at: Timestamp,
    line: RequestLine,
    with_ip: bool,
    with_auth_id: bool,
    max: usize,
}

impl Line {
    fn size(&self) -> usize {
        match self {
            Self::Event(entry) => size(entry),
            Self::Request(request) => request.line.size(),
        }
    }

    fn written(self) -> LogLine {
        match self {
            Self::Event(entry) => entry.into(),
            Self::Request(request) => LogLine {
                id: new_log_id(),
                created: format_timestamp(request.at),
                level: request.line.level() as i64,
                message: request.line.message(),
                data: request.line.data(request.with_ip, request.with_auth_id, request.max),
            },
        }
    }
}

/// About how much memory a line takes, in bytes.
fn size(entry: &LogEntry) -> usize {
    const LINE: usize = 256;
    let data: usize = entry.data.iter().map(|(name, value)| name.len() + weight(value)).sum();
    LINE + entry.message.len() + data
}

fn store_lines(store: &Store, bounds: &Bounds, queue: &Queue) {
    let (mut silent, mut is_last) = (false, false);
    let lost = &queue.lost;
    while !is_last {
        let lines;
        (lines, is_last) = queue.batch();
        if lines.is_empty() {
            return;
        }
        let mut batch: Vec<LogLine> = lines.into_iter().map(Line::written).collect();
        if let Some(why) = bounds.refusal(store) {
            if !silent {
                tracing::warn!("the log is not written: {why}");
            }
            silent = true;
            lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
            continue;
        }
        silent = false;
        bounds.reserve.hold();
        let dropped = lost.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            batch.push(LogLine {
                id: new_log_id(),
                created: now(),
                level: Level::Warning as i64,
                message: format!(
                    "{dropped} lines of the log were lost: it could not be written fast enough, or had no room"
                ),
                data: json!({ "lost": dropped }).to_string(),
            });
        }
        let size = batch.len() as u64;
        if let Err(error) = store.logs().insert_lines(batch) {
            // The log of last resort: the operator of the server sees it; the application goes on.
            tracing::error!(%error, lines = size, "the log could not be written");
            lost.fetch_add(size, Ordering::Relaxed);
        }
        // The rest is for what SQLite keeps beside it.
        if let Err(error) = store.logs().keep_within(bounds.on_disk() / 4 * 3) {
            tracing::error!(%error, "the log could not be kept within its bounds");
        }
    }
}

#[cfg(test)]
mod tests {
    use bosbase_backup::StateDir;
    use bosbase_store::{ListLogs, StoreOptions};

    use crate::settings::Settings;

    use super::*;

    fn bounds(dir: &std::path::Path, max_size: i64) -> Bounds {
        let mut settings = Settings::default();
        settings.logs.max_size = max_size;
        let disk: Arc<dyn Disk> = Arc::new(bosbase_disk::RealDisk);
        Bounds {
            reserve: Reserve::in_state_dir(disk.clone(), &StateDir::at(dir)),
            disk,
            data_dir: dir.to_owned(),
            settings: Arc::new(SettingsCell::new(settings)),
        }
    }

    /// A flood of requests wrote 481 MiB in twelve seconds.
    #[test]
    fn the_log_keeps_its_newest_lines_within_its_bounds() {
        const MOST: i64 = 8 << 20;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
        let writer = LogWriter::start(store.clone(), bounds(dir.path(), MOST)).unwrap();
        for number in 0..20_000 {
            let data = Map::from_iter([("text".to_owned(), json!("x".repeat(1000)))]);
            while writer.queue.lock().bytes > QUEUED / 2 {
                std::thread::sleep(Duration::from_millis(1));
            }
            writer.push(Level::Info, format!("line {number}"), data);
        }
        writer.close();
        assert!(
            store.logs().stored_bytes() <= MOST.unsigned_abs() + UNFOLDED,
            "{}",
            store.logs().stored_bytes()
        );
        let query = ListLogs {
            sort: "-created".to_owned(),
            filter: "message = 'line 19999'".to_owned(),
            ..ListLogs::default()
        };
        assert_eq!(store.logs().list(&query).unwrap().total_items, 1);
        store.close().unwrap();
    }

    #[test]
    fn what_was_said_is_stored_by_the_time_the_writer_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
        let writer = LogWriter::start(store.clone(), bounds(dir.path(), 0)).unwrap();
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
