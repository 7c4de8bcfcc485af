//! What happened: a line for each request and each event of the application, kept for as long as the settings say.
//!
//! Writing never blocks and never fails its caller: lines go through a bounded queue to a thread that stores them in
//! batches. What does not fit into the queue is counted, and the count is stored.

mod line;
mod writer;

pub use bosbase_store::{ListLogs, LogEntry, LogPage, LogStat};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::{Error, Result};

pub use line::RequestLine;
pub(crate) use writer::LogWriter;

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

impl App {
    /// Notes a request that was answered. Returns at once.
    pub fn log_request(&self, line: RequestLine) {
        let settings = self.settings();
        if settings.logs.max_days == 0 || (line.error.is_none() && line.is_about_logs()) {
            return;
        }
        let level = line.level();
        if i64::from(level as i8) < settings.logs.min_level {
            return;
        }
        let message = line.message();
        let data = line.into_data(settings.logs.log_ip, settings.logs.log_auth_id);
        self.log_writer().push(level, message, data);
    }

    /// Notes an event of the application itself. Returns at once.
    pub fn log_event(&self, level: Level, message: &str, data: Map<String, Value>) {
        let settings = self.settings();
        if settings.logs.max_days == 0 || i64::from(level as i8) < settings.logs.min_level {
            return;
        }
        self.log_writer().push(level, message.to_owned(), data);
    }

    /// The lines that pass the query's filter.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a filter or order that can't be used.
    pub fn list_logs(&self, query: &ListLogs) -> Result<LogPage> {
        Ok(self.store().logs().list(query)?)
    }

    /// One line.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`].
    pub fn log_entry(&self, id: &str) -> Result<LogEntry> {
        self.store().logs().get(id)?.ok_or_else(Error::not_found)
    }

    /// How many lines that pass `filter` each hour has.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a filter that can't be used.
    pub fn log_stats(&self, filter: &str) -> Result<Vec<LogStat>> {
        self.store().logs().stats(filter).map_err(|error| match error.kind() {
            bosbase_store::ErrorKind::InvalidQuery => Error::invalid("Invalid filter format.").caused_by(error),
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
