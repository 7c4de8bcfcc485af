//! What backups have to know of a database's files. They are SQLite's; nothing else in this crate knows that.

use std::ffi::OsStr;

/// The files of a SQLite database (<https://sqlite.org/fileformat.html>, <https://sqlite.org/tempfiles.html>).
#[derive(Debug, Clone, Copy)]
pub struct DatabaseFormat;

/// What the name of the write-ahead log adds to the database's.
const LOG: &str = "-wal";
/// What that of the log's index adds. The index is only true for the processes that made it.
const INDEX: &str = "-shm";
/// What that of the rollback journal adds.
const JOURNAL: &str = "-journal";
/// How the names of databases end.
const EXTENSION: &str = ".db";

impl DatabaseFormat {
    /// What every database begins with.
    pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";

    /// The files of the open database called `name`: what else may hold commits or tell of them, and the database
    /// itself as the last.
    #[must_use]
    pub fn files(name: &str) -> [String; 3] {
        [format!("{name}{LOG}"), format!("{name}{INDEX}"), name.to_owned()]
    }

    /// Whether `file` is the database called `name`, or one of the files that may stand beside it.
    pub(crate) fn owns(name: &str, file: &OsStr) -> bool {
        let rest = file.to_str().and_then(|file| file.strip_prefix(name));
        matches!(rest, Some("" | LOG | INDEX | JOURNAL))
    }

    /// Whether `file` holds some of what is in the database called `name`, so that it has to go where that goes.
    pub(crate) fn holds_content(name: &str, file: &str) -> bool {
        matches!(file.strip_prefix(name), Some("" | LOG | JOURNAL))
    }

    /// Whether a file of the data directory is worth nothing to other processes than those that made it.
    pub(crate) fn is_of_one_process(file: &str) -> bool {
        let database = file.strip_suffix(INDEX);
        database.is_some_and(|database| database.ends_with(EXTENSION))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_told_from_what_only_begins_like_it() {
        for file in DatabaseFormat::files("data.db") {
            assert!(DatabaseFormat::owns("data.db", OsStr::new(&file)), "{file}");
        }
        assert!(!DatabaseFormat::owns("data.db", OsStr::new("data.db.old")));
        assert!(!DatabaseFormat::owns("data.db", OsStr::new("auxiliary.db")));
    }

    #[test]
    fn an_index_of_the_log_is_neither_content_nor_of_use_to_others() {
        assert!(DatabaseFormat::holds_content("data.db", "data.db-wal"));
        assert!(!DatabaseFormat::holds_content("data.db", "data.db-shm"));
        assert!(DatabaseFormat::is_of_one_process("data.db-shm"));
        assert!(!DatabaseFormat::is_of_one_process("data.db-wal") && !DatabaseFormat::is_of_one_process("notes-shm"));
    }
}
