//! What earlier processes left unfinished in a data directory.

use bosbase_backup::DataDir;
use bosbase_backup::restore::{self, RestoreKind, Site};
use bosbase_disk::{Disk, RealDisk};
use jiff::Timestamp;

use super::lease::ServeLock;
use super::status::{History, Job, JobKind, JobPhase, JobState};
use crate::error::{Error, Result, sentence};
use crate::options::AppOptions;

/// Takes the data directory for one who is to be alone in it; `None` while somebody else has it.
pub(crate) fn take_alone(options: &AppOptions) -> Result<Option<ServeLock>> {
    ServeLock::take(&RealDisk, &options.data_dir.state())
}

/// Whether a restore waits to be finished.
pub(crate) fn is_interrupted(options: &AppOptions) -> Result<bool> {
    restore_is_pending(&options.data_dir)
}

/// The same of the data directory `dir`.
pub(crate) fn restore_is_pending(dir: &DataDir) -> Result<bool> {
    restore::is_pending(&RealDisk, dir).map_err(Error::internal)
}

/// Says of the jobs that are remembered as running how they ended. For the holder of the lease, so that none of them
/// can still run, while no restore waits to be finished. `lockout` goes with a restore that succeeded. Returns them.
///
/// # Errors
///
/// Where the history can't be worked on.
pub(crate) fn settle_history(
    disk: &dyn Disk,
    data_dir: &DataDir,
    history: &History,
    lockout: Option<&str>,
) -> Result<Vec<Job>> {
    // A record that rotted on its disk is no reason not to serve the data.
    let last = restore::last_outcome(disk, data_dir).unwrap_or_else(|error| {
        tracing::warn!(%error, "how the last restore ended can't be read");
        None
    });
    let settled = history.settle(|job| {
        job.finished = crate::moment::wire_now();
        job.state = JobState::Failed;
        job.error = match job.phase {
            _ if job.kind == JobKind::Recover => {
                "The process ended before the job did. Either all of its records came back, or none: look at one of them."
            }
            JobPhase::Working => "The process ended before the job did; what is not listed was not kept.",
            JobPhase::Proving => "The process ended before the backup was proven; it is listed, and not proven.",
        }
        .to_owned();
        let Some(last) = last.as_ref().filter(|last| describes(last, job)) else {
            return;
        };
        job.finished = crate::moment::wire(last.finished);
        if last.succeeded {
            job.state = JobState::Succeeded;
            job.bytes_done = job.bytes_total;
            job.error = String::new();
            if let Some(lockout) = lockout {
                job.add_warning(lockout);
            }
        } else {
            let reason = last.error.as_deref().unwrap_or("for an unknown reason");
            job.error = sentence(&format!("the old data was kept: {reason}"));
        }
    })?;
    for job in &settled {
        tracing::info!(key = job.key, state = ?job.state, error = job.error, "job of an earlier process");
    }
    Ok(settled)
}

fn describes(outcome: &restore::RestoreOutcome, job: &Job) -> bool {
    let kind = match outcome.kind {
        RestoreKind::Restore => JobKind::Restore,
        RestoreKind::Undo => JobKind::Undo,
    };
    job.kind == kind && job.key == outcome.key && crate::moment::wire(outcome.started) >= job.started
}

/// The data directory of `options`, as the engine sees it.
pub(crate) fn site<'a>(disk: &'a dyn Disk, options: &'a AppOptions) -> Site<'a> {
    Site {
        disk,
        data_dir: &options.data_dir,
        steps: &*options.steps,
        now: Timestamp::now(),
    }
}
