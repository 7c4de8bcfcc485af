//! SQL that superusers write.

use std::time::Instant;

use bosbase_store::{Collection, ConsoleAnswer, ErrorKind as StoreErrorKind, ReadTx, Store};
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::{Error, FieldErrors, Result};
use crate::form::{VALIDATING, text};
use crate::lockout;
use crate::memory::Memory;
use crate::records::AnswerMeter;

/// The longest text of statements, in bytes, as in PocketBase.
const LONGEST: usize = 5_000;

/// Runs SQL for superusers. Clones share it.
#[derive(Clone)]
pub struct Console {
    store: Store,
    memory: Memory,
}

/// Why statements came to nothing.
enum Failure {
    Store(bosbase_store::Error),
    /// What they leave can't stand.
    Refused(Error),
}

impl From<bosbase_store::Error> for Failure {
    fn from(error: bosbase_store::Error) -> Self {
        Self::Store(error)
    }
}

impl Console {
    pub(crate) fn new(store: Store, memory: Memory) -> Self {
        Self { store, memory }
    }

    /// Runs the statements in the body's `query`, as one transaction, and shows what the last one yields.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for statements that can't be run or may not be, with the reason;
    /// [`crate::ErrorKind::Unavailable`] where the server is too busy.
    pub fn run(&self, body: &Map<String, Value>, caller: &Caller) -> Result<Value> {
        let query = query(body)?.trim();
        if query.is_empty() {
            return Err(failed("empty query"));
        }
        let started = Instant::now();
        let meter = AnswerMeter::new(&self.memory, &caller.held);
        let ran = self.store.run_sql(&caller.requester(), query, &meter, keeps_superusers);
        let ran = ran.map_err(|failure| match failure {
            Failure::Refused(error) => error,
            Failure::Store(error) => match error.kind() {
                StoreErrorKind::InvalidQuery | StoreErrorKind::TooLarge => failed(error.detail()),
                _ => error.into(),
            },
        });
        let answer = meter.finish(ran)?;
        Ok(shown(answer, started))
    }
}

/// The text of statements in a body.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is none, or it is too long.
pub(crate) fn query(body: &Map<String, Value>) -> Result<&str> {
    let query = text(body, "query")?;
    let mut errors = FieldErrors::new();
    if query.is_empty() {
        errors.add_required("query");
    } else if query.len() > LONGEST {
        errors.add_max_length("query", LONGEST);
    }
    errors.into_result(VALIDATING)?;
    Ok(query)
}

/// That a superuser is left: all others would be locked out.
fn keeps_superusers(tx: &ReadTx<'_>) -> Result<(), Failure> {
    let Some(superusers) = tx.schema().find(Collection::SUPERUSERS) else {
        return Ok(());
    };
    match lockout::count_superusers(tx, superusers)? {
        0 => Err(Failure::Refused(failed(
            "not authorized: the last superuser would be gone",
        ))),
        _ => Ok(()),
    }
}

fn failed(detail: &str) -> Error {
    Error::invalid(format!("Failed to execute query. Raw error:\n{}", closed(detail)))
}

/// `text` with a full stop, beginning as it begins.
pub(crate) fn closed(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        return text.to_owned();
    }
    format!("{text}.")
}

fn shown(answer: ConsoleAnswer, started: Instant) -> Value {
    let columns: Vec<Value> = answer
        .columns
        .into_iter()
        // Whether a column may be null SQLite does not tell; PocketBase says so of all.
        .map(|column| json!({"name": column.name, "type": column.kind, "nullable": true}))
        .collect();
    let row = |row: Vec<Option<String>>| row.into_iter().map(Value::from).collect::<Value>();
    let rows: Vec<Value> = answer.rows.into_iter().map(row).collect();
    let mut shown = Map::new();
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    shown.insert("execTime".to_owned(), milliseconds.into());
    shown.insert("affectedRows".to_owned(), answer.affected.into());
    shown.insert("columns".to_owned(), columns.into());
    shown.insert("rows".to_owned(), rows.into());
    Value::Object(shown)
}
