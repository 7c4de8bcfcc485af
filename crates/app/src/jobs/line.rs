//! How a job's end stands in the log.

use serde_json::{Map, Value, json};

use super::status::{Job, JobState};
use crate::logs::{Level, Logs};

/// Notes how a job ended; one that runs is not worth a line.
pub(crate) fn log(logs: &Logs, job: &Job) {
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
        // A scrub is about none in particular.
        "" => format!("Backup job {name} {outcome}"),
        key => format!("Backup job {name} of {key} {outcome}"),
    };
    data.insert("job".to_owned(), kind);
    data.insert("type".to_owned(), json!("backup"));
    logs.event(level, &message, data);
}
