//! The log: its lines, and what is asked for of them.

use serde_json::{Map, Value};

use crate::model::page::PageRequest;

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Its id, 15 characters.
    pub id: String,
    /// When, as stored: `2026-11-23 06:17:03.216Z`.
    pub created: String,
    /// How grave: -4 debug, 0 info, 4 warning, 8 error.
    pub level: i64,
    /// What happened.
    pub message: String,
    /// The circumstances.
    pub data: Map<String, Value>,
}

/// A line to be written: [`LogEntry`] with its `data` as the text of a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "those of LogEntry")]
pub struct LogLine {
    pub id: String,
    pub created: String,
    pub level: i64,
    pub message: String,
    pub data: String,
}

impl From<LogEntry> for LogLine {
    fn from(entry: LogEntry) -> Self {
        Self {
            id: entry.id,
            created: entry.created,
            level: entry.level,
            message: entry.message,
            data: Value::Object(entry.data).to_string(),
        }
    }
}

/// Which lines to list.
#[derive(Debug, Clone, Default)]
pub struct ListLogs {
    /// The page.
    pub page: PageRequest,
    /// A filter over `id`, `created`, `level`, `message` and `data.*`; empty for all.
    pub filter: String,
    /// A sort over the same; empty for the order of writing.
    pub sort: String,
}

/// How many lines one hour has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStat {
    /// The hour's begin, as stored: `2026-11-23 06:00:00.000Z`.
    pub date: String,
    /// The lines in it.
    pub total: i64,
}
