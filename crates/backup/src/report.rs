//! What came of making a backup.

use crate::storage::BackupInfo;

/// At most so many names are kept of what was left out or missing; the counts are exact.
const NAMES_KEPT: usize = 100;

/// Some names and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// How many.
    pub count: u64,
    /// The first hundred of them.
    pub first: Vec<String>,
}

impl Names {
    pub(crate) fn add(&mut self, name: String) {
        self.count += 1;
        if self.first.len() < NAMES_KEPT {
            self.first.push(name);
        }
    }
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateReport {
    /// The backup as it is listed.
    pub backup: BackupInfo,
    /// Things in the data directory that an archive cannot hold (links, unusual names), or that could not be read, with
    /// the reason.
    pub left_out: Names,
    /// Files that a record names and that were nowhere when the backup began.
    pub missing: Names,
    /// How many of what was left out are files that a record names.
    pub withheld: u64,
}
