//! Small pieces of SQL that more than one table needs, and the driver's errors in this crate's words.

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind, Result};

/// `name` as an SQL identifier, whatever characters it holds. Backticks, as PocketBase writes them.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
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

/// SQLite's extended result codes of a violated unique index, primary key or rowid
/// (<https://sqlite.org/rescode.html>).
const UNIQUE_CODES: [i32; 3] = [2067, 1555, 2579];

fn translate(error: rusqlite::Error, attempted: &str) -> Error {
    let mut columns = Vec::new();
    let kind = match error.sqlite_error() {
        Some(failure) => match failure.code {
            ErrorCode::ConstraintViolation if UNIQUE_CODES.contains(&failure.extended_code) => {
                columns = violated_columns(&error.to_string());
                ErrorKind::Unique
            }
            ErrorCode::DiskFull => ErrorKind::NoSpace,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ErrorKind::Corrupt,
            ErrorCode::OperationInterrupted => ErrorKind::TimedOut,
            _ => ErrorKind::Database,
        },
        None if matches!(error, rusqlite::Error::QueryReturnedNoRows) => ErrorKind::NotFound,
        None => ErrorKind::Database,
    };
    Error::new(kind, attempted, error.to_string())
        .with_columns(columns)
        .caused_by(error)
}

/// A refusal of DDL: the definition's fault ([`ErrorKind::InvalidSchema`], explained by `detail`) unless it is the disk's.
pub(crate) fn schema_fault(
    error: rusqlite::Error,
    attempted: &str,
    detail: impl FnOnce(&rusqlite::Error) -> String,
) -> Error {
    let detail = detail(&error);
    let error = translate(error, attempted);
    match error.kind() {
        ErrorKind::NoSpace | ErrorKind::Corrupt | ErrorKind::Closed | ErrorKind::TimedOut => error,
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

/// The columns out of `UNIQUE constraint failed: posts.title, posts.author`; for an index on expressions SQLite names the
/// index instead (``index 'name'``), which is returned as it stands.
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
