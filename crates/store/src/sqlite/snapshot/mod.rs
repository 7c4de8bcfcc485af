//! Both databases of a data directory at one point in time, to be read while writing goes on.
//!
//! A pin is a read transaction on a connection of its own: SQLite keeps the pages it sees until it ends, and nobody
//! waits for it. The bytes come out through the table `sqlite_dbpage`, never by opening the file: closing any other
//! descriptor of a live database file would drop SQLite's locks (<https://sqlite.org/howtocorrupt.html>, section 2.2).

mod file_references;
mod pinned;
mod record_counts;
mod still;

use std::path::Path;
use std::sync::Arc;

pub use file_references::{FileReference, FileReferences};
pub use pinned::PinnedDatabase;
pub use still::StillDatabase;

use crate::error::Result;
use crate::model::schema::Schema;
use crate::sqlite::store::DATA;

/// Both databases, pinned between the same two commits. Dropping a [`PinnedDatabase`] ends its pin; until then the
/// write-ahead log of that database grows with what is written.
pub struct Snapshot {
    /// `data.db`, then `auxiliary.db`.
    pub databases: Vec<PinnedDatabase>,
    /// The collections as the pinned `data.db` has them.
    pub schema: Arc<Schema>,
}

impl Snapshot {
    /// The value of `key` in the pinned `data.db`'s `_params`, as it is stored.
    ///
    /// # Errors
    /// When the database can't be read.
    ///
    /// # Panics
    /// Never, but when `databases` was emptied before.
    pub fn param(&self, key: &str) -> Result<Option<String>> {
        self.databases[0].param(key)
    }

    /// Every file that a record in the pinned `data.db` names; views name none of their own. Reads a thousand records
    /// at a time.
    ///
    /// # Panics
    /// Never, but when `databases` was emptied before.
    #[must_use]
    pub fn file_references(&self) -> FileReferences {
        FileReferences::new(&self.databases[0], &self.schema)
    }
}

/// Every file that a record names in the `data.db` of `dir`, a data directory that nobody has open; `None` where it has
/// none.
///
/// # Errors
/// When it is no database or can't be read.
pub fn file_references_in(dir: &Path) -> Result<Option<FileReferences>> {
    let path = dir.join(DATA);
    if !path.exists() {
        return Ok(None);
    }
    let mut data = PinnedDatabase::open(&path, DATA)?;
    data.pin()?;
    let schema = data.schema()?;
    Ok(Some(FileReferences::new(&data, &schema)))
}
