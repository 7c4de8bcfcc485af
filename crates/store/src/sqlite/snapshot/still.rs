//! A database file that nobody uses, opened to be looked at as a whole.

use std::path::Path;
use std::sync::Arc;

use super::{FileReferences, PinnedDatabase};
use crate::error::Result;
use crate::model::collection::Collection;
use crate::sqlite::migrations;
use crate::sqlite::tables::collections;

/// A database in a file of its own. SQLite may leave files beside it.
pub struct StillDatabase(PinnedDatabase);

impl StillDatabase {
    /// Opens the database at `path`, which is called `name` in messages.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] when it is no database; when the file can't be opened.
    pub fn open(path: &Path, name: &str) -> Result<Self> {
        let mut database = PinnedDatabase::open(path, name)?;
        database.pin()?;
        Ok(Self(database))
    }

    /// Lets SQLite check it; takes as long as reading all of it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] with what is wrong.
    pub fn integrity_check(&mut self) -> Result<()> {
        self.0.integrity_check()
    }

    /// What ends a check that another thread makes, as [`PinnedDatabase::interrupter`].
    pub fn interrupter(&self) -> impl Fn() + Send + Sync + 'static {
        self.0.interrupter()
    }

    /// Makes sure that it is an application's, as [`crate::check_application`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidSchema`] with what is missing.
    pub fn check_application(&self) -> Result<()> {
        let pin = self.0.pin_shared();
        let connection = pin.connection();
        migrations::check_origin(&connection).and_then(|()| collections::load(&connection).map(drop))
    }

    /// Every collection with the number of its records, as [`PinnedDatabase::record_counts`].
    ///
    /// # Errors
    /// As [`PinnedDatabase::record_counts`].
    pub fn record_counts(&self) -> Result<Vec<(Arc<Collection>, Option<u64>)>> {
        self.0.record_counts()
    }

    /// Every collection, in no order.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn collections(&self) -> Result<Vec<Arc<Collection>>> {
        Ok(self.0.schema()?.all().to_vec())
    }

    /// The value of `key` in its `_params`, as it is stored.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn param(&self, key: &str) -> Result<Option<String>> {
        self.0.param(key)
    }

    /// Every file that a record names, as [`super::Snapshot::file_references`].
    ///
    /// # Errors
    /// When its collections can't be read.
    pub fn file_references(&self) -> Result<FileReferences> {
        Ok(FileReferences::new(&self.0, &self.0.schema()?))
    }
}
