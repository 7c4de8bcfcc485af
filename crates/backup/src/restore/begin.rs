//! How a restore or an undo begins: alone, under a name of its own, with folders on every file system.

use std::time::SystemTime;

use super::Site;
use super::journal::Journal;
use super::places::Place;
use crate::error::{Context as _, Error, ErrorKind, Result};

/// Decided: the next start does it.
#[derive(Debug)]
#[must_use = "the process must start anew"]
pub struct Journaled {
    /// Tells this restore from others, also in its [`super::RestoreOutcome`].
    pub id: String,
}

/// Fails if a restore is under way.
pub(super) fn require_idle(site: &Site<'_>) -> Result<()> {
    match Journal::read(site)? {
        None => Ok(()),
        Some(journal) => Err(Error::new(
            ErrorKind::WrongState,
            format!("the restore of {} is under way and waits for a restart", journal.key),
        )),
    }
}

/// Unique among the restores of one data directory: the time to the nanosecond.
pub(super) fn new_id(site: &Site<'_>) -> String {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    format!("{:x}-{wall:x}", site.now.as_microsecond())
}

/// Makes the folders of a switch, durably, so that a missing one later means a missing file system.
pub(super) fn make_folders(site: &Site<'_>, places: &[Place]) -> Result<()> {
    for place in places {
        for folder in [&place.staging, &place.undo] {
            let path = site.path(folder);
            site.disk
                .create_dir_all(&path)
                .context(|| format!("making {}", path.display()))?;
        }
        let parent = if place.live.is_empty() {
            site.state().to_path_buf()
        } else {
            site.path(&place.live)
        };
        site.disk
            .sync_dir(&parent)
            .context(|| format!("syncing {}", parent.display()))?;
    }
    site.disk
        .sync_dir(site.data_dir)
        .context(|| format!("syncing {}", site.data_dir.display()))
}
