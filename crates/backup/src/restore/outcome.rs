//! How the last restore ended, to be read after any number of restarts.

use bosbase_disk::Disk;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Site;
use super::journal::Journal;
use super::kind::RestoreKind;
use crate::data_dir::DataDir;
use crate::error::Result;
use crate::progress::NoSteps;

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
        site.write_json(&site.state().last_restore(), self)
    }
}

/// How the last restore ended that got as far as to write a journal; `None` if there was none.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if the record cannot be read.
pub fn last_outcome(disk: &dyn Disk, data_dir: &DataDir) -> Result<Option<RestoreOutcome>> {
    Site {
        disk,
        data_dir,
        steps: &NoSteps,
        now: Timestamp::UNIX_EPOCH,
    }
    .read_json(&data_dir.state().last_restore())
}
