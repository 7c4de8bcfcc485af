//! What the database says of uploaded files.

use std::collections::HashSet;
use std::io;

/// Which files the database names; asked before anything is removed that might have come back (a restored backup, a
/// record made anew under its old id).
pub trait References: Send + Sync {
    /// The names of all files of a record; `None` where there is no such record.
    ///
    /// # Errors
    ///
    /// Where the database can't tell; then nothing is removed.
    fn files_of(&self, collection: &str, record: &str) -> io::Result<Option<HashSet<String>>>;
}
