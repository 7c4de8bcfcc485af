//! How the last restore ended, to be read after any number of restarts.

use std::path::Path;

use bosbase_disk::Disk;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Site;
use super::journal::Journal;
use crate::error::Result;
use crate::progress::NoSteps;

const FILE: &str = "last-restore.json";

/// What was put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreKind {
    /// A backup.
    Restore,
    /// The data that an earlier restore had replaced.
    Undo,
}

/// How a restore ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreOutcome {
    /// Tells it from others.
    pub id: String,
    /// What was put in place.
    pub kind: RestoreKind,
    /// The backup's name.
    pub key: String,
    /// When it was asked for, UTC.
    pub started: Timestamp,
    /// When it ended, UTC.
    pub finished: Timestamp,
    /// `true`: the new data is served; `false`: the data from before is, unchanged.
    pub succeeded: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// Until when the replaced data is kept, UTC.
    pub undo_until: Option<Timestamp>,
}

impl RestoreOutcome {
    pub(super) fn of(journal: &Journal, now: Timestamp) -> Self {
        Self {
            id: journal.id.clone(),
            kind: journal.kind,
            key: journal.key.clone(),
            started: journal.started,
            finished: now,
            succeeded: journal.error.is_none(),
            error: journal.error.clone(),
            undo_until: None,
        }
    }

    pub(super) fn write(&self, site: &Site<'_>) -> Result<()> {
        site.write_json(FILE, self)
    }
}

/// How the last restore ended that got as far as to write a journal; `None` if there was none.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if the record cannot be read.
pub fn last_outcome(disk: &dyn Disk, data_dir: &Path) -> Result<Option<RestoreOutcome>> {
    Site {
        disk,
        data_dir,
        steps: &NoSteps,
        now: Timestamp::UNIX_EPOCH,
    }
    .read_json(FILE)
}
