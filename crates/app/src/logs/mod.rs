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
use crate::jobs::{Job, JobState};
use crate::settings::LogSettings;

pub use line::RequestLine;
pub(crate) use writer::LogWriter;

/// The most data that one line keeps where the settings don't say, in bytes.
const MAX_DATA: usize = 64 << 10;
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
        let data = limited(data, settings.logs.max_data_size);
        self.log_writer().push(level, message, data);
    }

    /// Notes an event of the application itself. Returns at once.
    pub fn log_event(&self, level: Level, message: &str, data: Map<String, Value>) {
        note(&self.settings().logs, self.log_writer(), level, message, data);
    }

    /// Notes how a job ended that an earlier process began.
    pub(crate) fn log_job(&self, job: &Job) {
        note_job(&self.settings().logs, self.log_writer(), job);
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

/// Notes an event, as far as the settings want to know of it.
fn note(settings: &LogSettings, log: &LogWriter, level: Level, message: &str, data: Map<String, Value>) {
    if settings.max_days == 0 || i64::from(level as i8) < settings.min_level {
        return;
    }
    log.push(level, message.to_owned(), limited(data, settings.max_data_size));
}

/// Notes how a job ended; one that runs is not worth a line.
pub(crate) fn note_job(settings: &LogSettings, log: &LogWriter, job: &Job) {
    let (level, outcome) = match job.state {
        JobState::Running => return,
        JobState::Succeeded => (Level::Info, "succeeded"),
        JobState::Failed => (Level::Error, "failed"),
    };
    let mut data = match json!(job) {
        Value::Object(data) => data,
        _ => Map::new(),
    };
    let kind = data.remove("kind").unwrap_or_default();
    let name = kind.as_str().unwrap_or_default();
    let message = match job.key.as_str() {
        // A drill is about none in particular.
        "" => format!("Backup job {name} {outcome}"),
        key => format!("Backup job {name} of {key} {outcome}"),
    };
    data.insert("job".to_owned(), kind);
    data.insert("type".to_owned(), json!("backup"));
    note(settings, log, level, &message, data);
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

/// `data` with no more of its parts, in the order of their names, than go into `max` bytes (0: the default), and, where some
/// are missing, a part that says so.
fn limited(data: Map<String, Value>, max: i64) -> Map<String, Value> {
    let max = usize::try_from(max).ok().filter(|max| *max > 0).unwrap_or(MAX_DATA);
    let mut left = max;
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
