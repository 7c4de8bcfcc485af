//! Removals that follow a commit, written down before it so that a crash right behind it does not forget them.

use std::io;
use std::path::PathBuf;

use super::pending::{self, Removal};
use super::store::FileStore;

/// Files that a commit, if it happens, no longer names. Dropped, it changes nothing: the commit did not happen.
pub struct Intent {
    files: FileStore,
    removals: Vec<Removal>,
    written: Option<PathBuf>,
}

impl FileStore {
    /// Writes down that a commit will no longer name `files` (collection id, record id, names) and the records of
    /// `collections` (ids). Durable when it returns; should the process end before the outcome is known, the next start
    /// asks the database for it.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn intend(&self, files: Vec<(String, String, Vec<String>)>, collections: Vec<String>) -> io::Result<Intent> {
        let files = files
            .into_iter()
            .filter(|(.., names)| !names.is_empty())
            .map(|(collection, record, names)| Removal::Files {
                collection,
                record,
                names,
            });
        let collections = collections
            .into_iter()
            .map(|collection| Removal::Collection { collection });
        let removals: Vec<Removal> = files.chain(collections).collect();
        let written = if removals.is_empty() {
            None
        } else {
            let removal = Removal::All(removals.clone());
            Some(pending::remember(self.disk(), &self.undecided(), &removal)?)
        };
        Ok(Intent {
            files: self.clone(),
            removals,
            written,
        })
    }
}

impl Intent {
    /// Removes the files now that the commit is durable; while a backup needs them, later.
    ///
    /// # Errors
    ///
    /// Whatever the file system or the database says; what is left is removed at the next start.
    pub fn carry_out(mut self) -> io::Result<()> {
        let removed = self.removals.iter().try_for_each(|removal| self.files.remove(removal));
        if removed.is_err() {
            // Not to be forgotten when this is dropped.
            self.written = None;
        }
        removed
    }
}

impl Drop for Intent {
    fn drop(&mut self) {
        if let Some(written) = self.written.take() {
            // One that stays is held against the database at the next start, and then finds its files named or gone.
            let _ = self.files.disk().remove_file(&written);
        }
    }
}
