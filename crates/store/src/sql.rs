//! Small pieces of SQL that more than one table needs, and the driver's errors in this crate's words.

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind, Result};

/// `name` as an SQL identifier, whatever characters it holds. Backticks, as PocketBase writes them.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `text` as an SQL string literal; only for DDL, which takes no parameters.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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
    let (kind, columns) = match &error {
        rusqlite::Error::SqliteFailure(failure, message) => match failure.code {
            ErrorCode::ConstraintViolation if UNIQUE_CODES.contains(&failure.extended_code) => (
                ErrorKind::Unique,
                violated_columns(message.as_deref().unwrap_or_default()),
            ),
            ErrorCode::DiskFull => (ErrorKind::NoSpace, Vec::new()),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => (ErrorKind::Corrupt, Vec::new()),
            ErrorCode::OperationInterrupted => (ErrorKind::Closed, Vec::new()),
            _ => (ErrorKind::Database, Vec::new()),
        },
        rusqlite::Error::QueryReturnedNoRows => (ErrorKind::NotFound, Vec::new()),
        _ => (ErrorKind::Database, Vec::new()),
    };
    Error::new(kind, attempted, error.to_string())
        .with_columns(columns)
        .caused_by(error)
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
        assert_eq!(literal("it's"), "'it''s'");
    }
}
