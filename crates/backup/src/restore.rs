//! Puts a backup in place of the data: all of it or nothing, also if it fails or crashes on the way.
//!
//! 1. [`stage`] unpacks and proves the archive beside the data, on the same file systems; [`Staged::commit`] writes the
//!    journal: from here on the restore will be done, also if this process dies.
//! 2. The process closes its databases and starts anew. [`recover`], before any database is opened, switches by
//!    renames.
//! 3. The new process opens the data, does all that a start does before it serves, and says [`Switched::confirm`], or
//!    [`Switched::roll_back`] or [`Switched::condemn`] if it cannot. One that dies while it tries is rolled back by the
//!    start after the next.
//!
//! The write order, and what a crash leaves after each step, is the table in `docs/design.md`, "Restore". All functions
//! want to be alone with the data directory: their caller holds its lock.

use std::path::{Path, PathBuf};

use bosbase_disk::Disk;
use jiff::{SignedDuration, Timestamp};

use crate::data_dir::DataDir;
use crate::error::Result;
use crate::progress::Steps;
use crate::state_dir::StateDir;

mod begin;
mod elapsed;
mod journal;
mod kind;
mod links;
mod outcome;
mod places;
mod recover;
mod rollback;
mod stage;
mod switch;
mod undo;
mod uploads;
mod write_back;

pub use begin::Journaled;
pub use journal::is_pending;
pub use kind::RestoreKind;
pub use outcome::{RestoreOutcome, last_outcome};
pub use recover::{Recovered, Recovery, Switched, clean, on_probation, recover};
pub use stage::{Staged, StagedCheck, check_room, stage};
pub use undo::{UndoRecord, available_undo, expire_undo, expiry, has_expired, undo};

/// The steps of a restore that goes well, in order, at each of which a test may kill the process. Some are reached more
/// than once. Those from `switch-started` on are taken by the next process.
pub const RESTORE_STEPS: &[&str] = &[
    "restore-begun",
    "restore-extracted",
    "restore-checked",
    "restore-synced",
    "restore-journaled",
    "switch-started",
    "switch-moving-out",
    "switch-moved-out",
    "switch-moving-in",
    "switch-moved-in",
    "switch-done",
    "confirm-begun",
    "confirm-recorded",
    "confirm-done",
];

/// The steps of taking a switch back, in order.
pub const ROLLBACK_STEPS: &[&str] = &[
    "rollback-started",
    "rollback-removing-new",
    "rollback-removed-new",
    "rollback-restoring-old",
    "rollback-restored-old",
    "rollback-done",
];

/// How long the replaced data is kept for an undo.
pub const UNDO_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So many starts may try to open the new data before the old data is put back.
pub const MAX_BOOTS: u32 = 2;

/// A data directory, and what works on it.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The disk it lies on.
    pub disk: &'a dyn Disk,
    /// Its path.
    pub data_dir: &'a DataDir,
    /// Where a test may stop the work.
    pub steps: &'a dyn Steps,
    /// The time of day that goes into records.
    pub now: Timestamp,
}

impl Site<'_> {
    fn state(&self) -> StateDir {
        self.data_dir.state()
    }

    /// A path below the data directory; empty for itself.
    fn path(&self, relative: &str) -> PathBuf {
        self.data_dir.below(relative)
    }

    /// Reads a small JSON file of ours, `None` if it is not there.
    fn read_json<T: serde::de::DeserializeOwned>(&self, path: &Path) -> Result<Option<T>> {
        use crate::error::{Context as _, Error, ErrorKind};
        match bosbase_disk::read_all(self.disk, path, 16 << 20) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            other => {
                let bytes = other.context(|| format!("reading {}", path.display()))?;
                serde_json::from_slice(&bytes)
                    .map(Some)
                    .map_err(|e| Error::with(ErrorKind::Io, format!("{} cannot be understood", path.display()), e))
            }
        }
    }

    /// Writes a small JSON file of ours, whole and durable.
    fn write_json(&self, path: &Path, value: &impl serde::Serialize) -> Result<()> {
        use crate::error::Context as _;
        serde_json::to_vec_pretty(value)
            .map_err(std::io::Error::other)
            .and_then(|bytes| bosbase_disk::write_atomically(self.disk, path, &bytes))
            .context(|| format!("writing {}", path.display()))
    }

    /// Removes a file of ours, durably; a missing one is fine.
    fn remove(&self, path: &Path) -> Result<()> {
        use crate::error::Context as _;
        match self.disk.remove_file(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| self.disk.sync_dir(&self.state())),
        }
        .context(|| format!("removing {}", path.display()))
    }
}
