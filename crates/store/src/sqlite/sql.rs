//! Small pieces of SQL that more than one table needs, and the driver's errors in this crate's words.

use rusqlite::ErrorCode;

use crate::at_once::{self, Missed};
use crate::error::{Error, ErrorKind, Result, Subject};

pub(crate) use crate::model::index::quote;

/// That a statement which stores one row has done so. SQLite calls it a success as well when it stored none: a table
/// may be declared so, and what was made in other programs' data is not known.
///
/// # Errors
/// [`ErrorKind::Database`] when it stored none.
pub(crate) fn one_row(stored: usize, attempted: &str) -> Result<()> {
    match stored {
        0 => Err(Error::new(
            ErrorKind::Database,
            attempted,
            "the database stored nothing",
        )),
        _ => Ok(()),
    }
}

/// Gives a driver's error the words of what was being done.
pub(crate) trait Attempting<T> {
    /// The same result, its error telling what was `attempted` (a gerund).
    fn attempting(self, attempted: &str) -> Result<T>;
}

impl<T> Attempting<T> for rusqlite::Result<T> {
    fn attempting(self, attempted: &str) -> Result<T> {
        self.map_err(|error| translate(error, attempted))
    }
}

/// Why a meter ended a statement.
#[derive(Debug, thiserror::Error)]
#[error("the records come to more bytes than may be read at once")]
pub(crate) struct TooMuch;

/// SQLite's extended result codes of a violated unique index, primary key or rowid
/// (<https://sqlite.org/rescode.html>).
const UNIQUE_CODES: [i32; 3] = [2067, 1555, 2579];

fn translate(error: rusqlite::Error, attempted: &str) -> Error {
    // What ends a read that must not wait; elsewhere it may come to its end.
    match error.sqlite_error_code() {
        Some(ErrorCode::TooBig | ErrorCode::OutOfMemory) => at_once::miss(Missed::TooMuch),
        Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            at_once::miss(Missed::Waits);
        }
        _ => {}
    }
    let mut columns = None;
    let kind = match error.sqlite_error() {
        Some(failure) => match failure.code {
            ErrorCode::ConstraintViolation if UNIQUE_CODES.contains(&failure.extended_code) => {
                columns = Some(Subject::Columns(violated_columns(&error.to_string())));
                ErrorKind::Unique
            }
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => ErrorKind::Refused,
            ErrorCode::DiskFull => ErrorKind::NoSpace,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ErrorKind::Corrupt,
            ErrorCode::OperationInterrupted => ErrorKind::TimedOut,
            // See `connection::open` for the limits.
            ErrorCode::TooBig | ErrorCode::OutOfMemory => ErrorKind::TooLarge,
            _ => ErrorKind::Database,
        },
        None if matches!(error, rusqlite::Error::QueryReturnedNoRows) => ErrorKind::NotFound,
        None if matches!(&error, rusqlite::Error::ToSqlConversionFailure(cause) if cause.is::<TooMuch>()) => {
            ErrorKind::TooLarge
        }
        None => ErrorKind::Database,
    };
    let told = Error::new(kind, attempted, error.to_string());
    let told = match columns {
        Some(columns) => told.about(columns),
        None => told,
    };
    told.caused_by(error)
}

/// An error of a statement that stores a record. What fails without a code of its own is an expression of the table: a
/// computed column, or an index on one.
pub(crate) fn storing_fault(error: rusqlite::Error, attempted: &str) -> Error {
    let is_expression = error.sqlite_error_code() == Some(ErrorCode::Unknown);
    let translated = translate(error, attempted);
    if is_expression {
        translated.of_kind(ErrorKind::Refused)
    } else {
        translated
    }
}

/// A refusal of DDL: the definition's fault ([`ErrorKind::InvalidSchema`], explained by `detail`) unless it is the
/// disk's.
pub(crate) fn schema_fault(
    error: rusqlite::Error,
    attempted: &str,
    detail: impl FnOnce(&rusqlite::Error) -> String,
) -> Error {
    let detail = detail(&error);
    let error = translate(error, attempted);
    match error.kind() {
        ErrorKind::NoSpace | ErrorKind::Corrupt | ErrorKind::CorruptLog | ErrorKind::Closed | ErrorKind::TimedOut => {
            error
        }
        _ => Error::new(ErrorKind::InvalidSchema, attempted, detail).caused_by(error),
    }
}

/// The driver's message as PocketBase words it: `SQL logic error: no such column: nope (1)`.
pub(crate) fn driver_message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(message)) => message_with_code(failure.extended_code, message),
        rusqlite::Error::SqlInputError { error, msg, .. } => message_with_code(error.extended_code, msg),
        other => other.to_string(),
    }
}

fn message_with_code(code: i32, message: &str) -> String {
    let kind = match code & 0xff {
        1 => "SQL logic error",
        19 => "constraint failed",
        _ => return format!("{message} ({code})"),
    };
    format!("{kind}: {message} ({code})")
}

/// The columns out of `UNIQUE constraint failed: posts.title, posts.author`; for an index on expressions SQLite names
/// the index instead (``index 'name'``), which is returned as it stands.
fn violated_columns(message: &str) -> Vec<String> {
    let Some((_, list)) = message.split_once("constraint failed: ") else {
        return Vec::new();
    };
    if list.starts_with("index '") {
        return vec![list.to_owned()];
    }
    list.split(", ")
        .map(|column| column.rsplit_once('.').map_or(column, |(_, name)| name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_violated_index_are_read_from_the_message() {
        assert_eq!(
            violated_columns("UNIQUE constraint failed: posts.title, posts.author"),
            ["title", "author"]
        );
        assert_eq!(violated_columns("UNIQUE constraint failed: index 'i'"), ["index 'i'"]);
        assert!(violated_columns("disk I/O error").is_empty());
    }

    #[test]
    fn any_name_becomes_one_identifier() {
        assert_eq!(quote("a`b\"c'"), "`a``b\"c'`");
    }
}
