//! What happened: a line for each request and each event of the application, kept for as long as the settings say.
//!
//! Writing never blocks and never fails its caller: lines go through a bounded queue to a thread that stores them in
//! batches. What does not fit into the queue is counted, and the count is stored.

mod line;
mod writer;

use std::sync::Arc;

pub use bosbase_store::{ListLogs, LogEntry, LogStat, Page};
use bosbase_store::{Record, Store};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::reserve::Reserve;
use crate::settings::SettingsCell;

pub use line::RequestLine;
pub(crate) use writer::{Bounds, LogWriter};

/// The most data that one line keeps where the settings don't say, in bytes.
const MAX_DATA: usize = 16 << 10;
/// Says that a line's data was more.
const TRUNCATED: &str = "__pb_truncated__";

/// How much a line matters, as PocketBase (and Go's `slog`) count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Detail for a developer.
    Debug = -4,
    /// The usual.
    Info = 0,
    /// Something to look at.
    Warning = 4,
    /// Something that failed.
    Error = 8,
}

/// The log of an open application. Clones share it.
#[derive(Clone)]
pub struct Logs {
    store: Store,
    settings: Arc<SettingsCell>,
    writer: Arc<LogWriter>,
    reserve: Reserve,
}

impl Logs {
    /// The log that `writer` writes to `store`, as far as `settings` want it.
    pub(crate) fn new(store: Store, settings: Arc<SettingsCell>, writer: Arc<LogWriter>, reserve: Reserve) -> Self {
        Self {
            store,
            settings,
            writer,
            reserve,
        }
    }

    /// Notes a request that was answered. Returns at once.
    pub fn request(&self, line: RequestLine) {
        let settings = self.settings.get();
        if settings.logs.max_days == 0 || (line.error.is_none() && line.is_about_logs()) {
            return;
        }
        let level = line.level();
        if i64::from(level as i8) < settings.logs.min_level {
            return;
        }
        self.writer.push_request(line, &settings.logs);
    }

    /// Notes an event of the application itself. Returns at once.
    pub fn event(&self, level: Level, message: &str, data: Map<String, Value>) {
        let settings = self.settings.get();
        let settings = &settings.logs;
        if settings.max_days == 0 || i64::from(level as i8) < settings.min_level {
            return;
        }
        let data = limited(data, settings.max_data_size);
        self.writer.push(level, message.to_owned(), data);
    }

    /// Notes a failure of which nothing else tells.
    pub(crate) fn failure(&self, message: &str, error: &Error) {
        self.failed(message, error, Map::new());
    }

    /// As [`Logs::failure`], of what was to be done for `account`.
    pub(crate) fn failure_for(&self, account: &Record, message: &str, error: &Error) {
        let mut data = Map::new();
        data.insert("collection".to_owned(), account.collection.name.as_str().into());
        data.insert("record".to_owned(), account.id().into());
        self.failed(message, error, data);
    }

    fn failed(&self, message: &str, error: &Error, mut data: Map<String, Value>) {
        let reason = error.with_causes();
        tracing::error!(error = reason, ?data, "{message}");
        data.insert("error".to_owned(), Value::String(reason));
        self.event(Level::Error, message, data);
    }

    /// The lines that pass the query's filter.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a filter or order that can't be used.
    pub fn list(&self, query: &ListLogs) -> Result<Page<LogEntry>> {
        let found = self.store.logs().list(query);
        found.map_err(|error| Error::from(error).explaining_query())
    }

    /// One line.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`].
    pub fn entry(&self, id: &str) -> Result<LogEntry> {
        self.store.logs().get(id)?.ok_or_else(Error::not_found)
    }

    /// Deletes all lines that are stored; those that wait to be written are stored after it.
    ///
    /// # Errors
    ///
    /// Where the database can't be written.
    pub fn clear(&self) -> Result<()> {
        self.reserve.spend(|| Ok(self.store.logs().delete_all()?))
    }

    /// How many lines that pass `filter` each hour has.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a filter that can't be used.
    pub fn stats(&self, filter: &str) -> Result<Vec<LogStat>> {
        self.store.logs().stats(filter).map_err(|error| match error.kind() {
            bosbase_store::ErrorKind::InvalidQuery => Error::invalid("Invalid filter format.")
                .caused_by(error)
                .explaining_query(),
            _ => error.into(),
        })
    }
}

/// A line as it is shown.
#[must_use]
pub fn present(entry: &LogEntry) -> Value {
    json!({
        "id": entry.id,
        "created": entry.created,
        "level": entry.level,
        "message": entry.message,
        "data": entry.data,
    })
}

/// How many bytes of data a line keeps where the settings say `max` (0: the default).
fn most(max: i64) -> usize {
    usize::try_from(max).ok().filter(|max| *max > 0).unwrap_or(MAX_DATA)
}

/// `data` with no more of its parts, in the order of their names, than go into `max` bytes (0: the default), and, where
/// some are missing, a part that says so.
fn limited(data: Map<String, Value>, max: i64) -> Map<String, Value> {
    let mut left = most(max);
    let mut kept = Map::new();
    for (name, value) in data {
        let size = name.len() + value.to_string().len();
        if size > left {
            kept.insert(TRUNCATED.to_owned(), Value::Bool(true));
            return kept;
        }
        left -= size;
        kept.insert(name, value);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_what_fits() {
        let data = json!({"a": "1234", "b": "x".repeat(100), "c": 1});
        let Value::Object(data) = data else {
            panic!("an object was written");
        };
        assert_eq!(limited(data.clone(), 0), data);
        let kept = Value::Object(limited(data, 20));
        assert_eq!(kept, json!({"a": "1234", "__pb_truncated__": true}));
    }
}
