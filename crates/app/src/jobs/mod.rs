//! Backups and restores: what may run, who runs it, how it ended.
//!
//! One job runs at a time on a data directory, for all who ask ([`Lease`]). A [`Job`] is begun on the [`JobRegistry`],
//! told of to its watchers, and its outcome is written down before anybody hears of it, so that it can be read after
//! a restart.

mod backup_jobs;
mod backups;
mod census;
mod comparison;
mod content;
mod contents;
mod create;
mod definition;
mod directory;
mod engine;
mod figures;
mod fitness;
mod foreign;
mod found;
mod kept;
mod lease;
mod left_on_disk;
mod left_unproven;
mod line;
mod listed;
mod looked;
mod manage;
mod metrics;
mod name;
mod neighbours;
mod newest;
mod opened;
mod origin;
mod places;
mod proofs;
mod proofs_elsewhere;
mod registry;
mod release;
mod restorable;
mod restore;
mod retention;
mod retention_preview;
mod scrub;
mod state_locks;
mod status;
mod stop;
mod transfer;
mod turn;
mod undo;
mod undo_outlook;
mod unfinished;
mod verify;

pub use backup_jobs::BackupJobs;
pub use backups::Backups;
pub use bosbase_backup::ArchiveSource;
pub use bosbase_backup::restore::{RESTORE_STEPS, ROLLBACK_STEPS};
pub use bosbase_backup::{CREATE_STEPS, Steps};
pub use bosbase_disk::{become_owner, keep_private, owner_beside_root};
pub use comparison::{CollectionCompared, Comparison, Described, Fate, Gone};
pub use content::{CollectionContent, Content, DatabaseSize, FileTotals};
pub use definition::{Definition, DefinitionChanges, PartChange, PartFate};
pub(crate) use directory::denied;
pub use directory::{make_directory, require_application};
pub(crate) use engine::{FilesHeld, path_of};
pub use figures::Figures;
pub(crate) use fitness::prove_storage;
pub use foreign::Foreign;
pub use lease::{BUSY, Lease, ServeLock};
pub(crate) use left_unproven::LeftUnproven;
pub(crate) use line::log;
pub use listed::Listed;
pub use looked::Looked;
pub use metrics::is_metrics_token;
pub use neighbours::{Neighbour, neighbours};
pub(crate) use neighbours::{require_none, watch_neighbours};
pub use newest::NewestProven;
pub(crate) use newest::SKEW;
pub use origin::{take_over_backups, take_over_files};
pub(crate) use places::{InForce, Places};
pub use places::{Needed, place_in_doubt};
pub use proofs::Proof;
pub use registry::{JobRegistry, RestartWanted, RunningJob, Ticket};
pub(crate) use release::release_expired;
pub use restore::Replaced;
pub(crate) use restore::{NextStart, restore_offline};
pub use retention_preview::{Foreseen, Foresight, Reason};
pub use status::{History, Job, JobKind, JobPhase, JobState};
pub use transfer::{Importing, Watch};
pub(crate) use undo::undo_offline;
pub use undo::{Undoable, Undoing};
pub use undo_outlook::UndoOutlook;
pub(crate) use unfinished::{is_interrupted, restore_is_pending, settle_history, site, take_alone};

use crate::error::{Error, Result};
pub use crate::options::BackupsPlace;
pub use crate::steps::StepHook;

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
pub(crate) fn on_its_own(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::error!(%error, "no thread for a job");
    }
}

/// PocketBase's answer to a restore of what is no backup.
const MISSING: &str = "Missing or invalid backup file.";

fn missing() -> Error {
    Error::invalid(MISSING)
}
