//! Restores and undos in a data directory that nobody serves: what the next start would do is done at once.

use super::{end_interrupted, open_recovered, settle};
use crate::error::Result;
use crate::jobs::{self, NextStart, Replaced, ServeLock, Undoing, Watch};
use crate::options::AppOptions;

const NEXT: NextStart = NextStart {
    end_interrupted,
    finish,
};

/// Restores the backup called `name` into a data directory that nobody serves, and says in a sentence how it ended.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] while a server uses the data directory, where data that is `replaced` would be lost and
/// has to stay, and as [`BackupJobs::start_restore`](crate::jobs::BackupJobs::start_restore). The data is then as it
/// was.
pub fn restore_offline(options: &AppOptions, name: &str, replaced: Replaced, watch: Watch<'_>) -> Result<String> {
    jobs::restore_offline(options, name, replaced, watch, NEXT)
}

/// Brings back what the last restore replaced in a data directory that nobody serves, and says in a sentence how it
/// ended.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] while a server uses the data directory, where there was no data before the restore or
/// it is an undo that would be undone, and that is not what was `wanted`, and as
/// [`BackupJobs::start_undo`](crate::jobs::BackupJobs::start_undo). The data is then as it was.
pub fn undo_offline(options: &AppOptions, wanted: Undoing) -> Result<String> {
    jobs::undo_offline(options, wanted, NEXT)
}

fn finish(options: &AppOptions, serve_lock: &ServeLock) -> Result<()> {
    let app = open_recovered(options, serve_lock)?;
    app.files().take_charge();
    settle(&app, None)?;
    app.close()
}
