//! Backups and restores: what may run, who runs it, how it ended.
//!
//! One job runs at a time on a data directory, whoever asks ([`Lease`]). A [`Job`] is begun on the [`Board`], told of to
//! whoever watches, and its outcome is written down before anybody hears of it, so that it can be read after a restart.

mod backups;
mod board;
mod boot;
mod create;
mod drill;
mod engine;
mod lease;
mod manage;
mod metrics;
mod name;
mod newest;
mod opened;
mod places;
mod proofs;
mod records;
mod release;
mod restorable;
mod restore;
mod retention;
mod status;
mod steps;
mod stop;
mod transfer;
mod undo;
mod verify;

pub use backups::{Backups, make_directory, require_application};
pub use board::{Board, RestartWanted, RunningJob, Ticket};
pub use boot::{open_beside, open_to_serve};
pub use bosbase_backup::restore::{RESTORE_STEPS, ROLLBACK_STEPS};
pub use bosbase_backup::{CREATE_STEPS, Steps};
pub use bosbase_disk::keep_private;
pub use lease::{BUSY, Lease, Tenancy};
pub use metrics::is_metrics_token;
pub use newest::NewestProven;
pub(crate) use newest::SKEW;
pub(crate) use places::{InForce, Places};
pub use proofs::{Listed, Proof};
pub use restore::restore_offline;
pub use status::{History, Job, JobKind, JobPhase, JobState};
pub use steps::StepHook;
pub use undo::{Undoable, undo_offline};

use crate::error::{Error, Result};

/// Runs a job's work on a thread of its own and ends the job with what came of it.
fn spawn(name: &str, running: RunningJob, work: impl FnOnce(&RunningJob) -> Result<()> + Send + 'static) {
    on_its_own(name, move || {
        let outcome = work(&running);
        conclude(running, outcome);
    });
}

/// Ends a job that nobody waits for in person.
fn conclude(running: RunningJob, outcome: Result<()>) {
    if let Err(error) = &outcome {
        tracing::error!(error = error.with_causes(), "job failed");
    }
    // The outcome is what is to be told; where even that can't be written, the log is what is left.
    if let Err(error) = running.end(outcome) {
        tracing::debug!(%error, "job ended");
    }
}

/// Runs `work` on a thread called `name`. Where there can be no thread, `work` is dropped, and a job in it has failed.
fn on_its_own(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::error!(%error, "no thread for a job");
    }
}

/// PocketBase's answer to a restore of what is no backup.
const MISSING: &str = "Missing or invalid backup file.";

fn missing() -> Error {
    Error::invalid(MISSING)
}
