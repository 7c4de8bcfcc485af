//! What happens between the start of a process and the first request: who may have the data directory, and what an earlier
//! process left unfinished in it.

use std::sync::Arc;

use bosbase_backup::layout::PRIVATE_DIR;
use bosbase_backup::restore::{self, Recovered, Site};
use bosbase_disk::{Disk, RealDisk};
use jiff::Timestamp;

use super::lease::{Lease, Tenancy};
use super::status::{Job, JobKind, JobState};
use crate::app::{App, AppOptions};
use crate::error::{Error, ErrorKind, Result};

/// Opens the data directory for the one process that serves it, which holds the tenancy until it has closed the application.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] while another process serves it; otherwise as [`App::open`].
pub fn open_to_serve(options: &AppOptions) -> Result<(App, Tenancy)> {
    let dir = options.data_dir.display().to_string();
    let (app, tenancy) = open_alone(options)?.ok_or_else(|| {
        Error::invalid(format!(
            "The data directory {dir} is already in use by another bosbase process."
        ))
    })?;
    match app.jobs().lease() {
        Ok(lease) => settle(&app, Some(lease))?,
        // A command line is making a backup; what there is to settle is settled at the next start.
        Err(error) => tracing::info!(%error, "the jobs of earlier processes are settled later"),
    }
    Ok((app, tenancy))
}

/// Opens the data directory for a command beside a server or without one. Where nobody serves it, an interrupted restore is
/// finished first.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] while a server is in the middle of a restore; otherwise what opening the databases says.
pub fn open_beside(options: AppOptions) -> Result<App> {
    if let Some((app, _tenancy)) = open_alone(&options)? {
        return Ok(app);
    }
    let journal = options.data_dir.join(PRIVATE_DIR).join("restore.journal");
    if RealDisk.exists(&journal).map_err(Error::internal)? {
        return Err(Error::invalid("A restore is under way; try again when it has ended."));
    }
    App::open_databases(options, Arc::new(RealDisk))
}

/// Opens the data directory for one who is to be alone in it; `None` while somebody else is.
pub(super) fn open_alone(options: &AppOptions) -> Result<Option<(App, Tenancy)>> {
    let disk = RealDisk;
    disk.create_dir_all(&options.data_dir).map_err(|error| {
        Error::invalid(format!(
            "Can't make the data directory {}: {error}.",
            options.data_dir.display()
        ))
    })?;
    let Some(tenancy) = Tenancy::take(&disk, &options.data_dir.join(PRIVATE_DIR))? else {
        return Ok(None);
    };
    let app = open_recovered(options, &tenancy)?;
    Ok(Some((app, tenancy)))
}

/// Finishes or takes back an interrupted restore, then opens what is there. New data that can't be opened makes way for the
/// old.
pub(super) fn open_recovered(options: &AppOptions, _alone: &Tenancy) -> Result<App> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let recovery = restore::recover(site(disk.as_ref(), options)).map_err(|error| {
        Error::new(ErrorKind::Internal, "An interrupted restore could not be finished.").caused_by(error)
    })?;
    if let Some(error) = &recovery.uncleaned {
        tracing::warn!(%error, "leftovers of an earlier restore could not be removed yet");
    }
    match recovery.state {
        Recovered::Clean => App::open_databases(options.clone(), disk.clone()),
        Recovered::RolledBack(outcome) => {
            tracing::error!(
                key = outcome.key,
                error = outcome.error,
                "the restore was given up; the old data is served"
            );
            App::open_databases(options.clone(), disk.clone())
        }
        Recovered::Switched(switched) => match App::open_databases(options.clone(), disk.clone()) {
            Ok(app) => {
                let outcome = switched.confirm().map_err(Error::internal)?;
                tracing::info!(key = outcome.key, "restored");
                Ok(app)
            }
            Err(error) => {
                let reason = format!("the restored data could not be opened: {}", error.with_causes());
                tracing::error!(reason, "the restore is taken back");
                switched.roll_back(&reason).map_err(Error::internal)?;
                App::open_databases(options.clone(), disk.clone())
            }
        },
    }
}

/// Clears up after jobs that died with their process: says how they ended, and removes what they left half made.
///
/// # Errors
///
/// Where the history or the folder of backups can't be worked on.
pub(super) fn settle(app: &App, lease: Option<Lease>) -> Result<()> {
    // A record that rotted on its disk is no reason not to serve the data.
    let last = restore::last_outcome(app.disk().as_ref(), app.data_dir()).unwrap_or_else(|error| {
        tracing::warn!(%error, "how the last restore ended can't be read");
        None
    });
    let settled = app.jobs().history().settle(|job| {
        job.finished = crate::moment::wire_now();
        job.state = JobState::Failed;
        job.error = "The process ended before the job did; nothing of it was kept.".to_owned();
        let Some(last) = last.as_ref().filter(|last| describes(last, job)) else {
            return;
        };
        job.finished = crate::moment::wire(last.finished);
        if last.succeeded {
            job.state = JobState::Succeeded;
            job.bytes_done = job.bytes_total;
            job.error = String::new();
        } else {
            let reason = last.error.as_deref().unwrap_or("for an unknown reason");
            job.error = super::engine::sentence(&format!("the old data was kept: {reason}"));
        }
    })?;
    for job in &settled {
        tracing::info!(key = job.key, state = ?job.state, error = job.error, "job of an earlier process");
        app.log_job(job);
    }
    app.clean_backups()?;
    // Leftovers take room and harm nobody; a start that failed of them would.
    for cleaned in [app.files().clean_uploads(), app.files().purge_pending()] {
        if let Err(error) = cleaned {
            tracing::warn!(%error, "leftovers of uploaded files could not be removed yet");
        }
    }
    drop(lease);
    Ok(())
}

fn describes(outcome: &restore::RestoreOutcome, job: &Job) -> bool {
    job.kind == JobKind::Restore && job.key == outcome.key && crate::moment::wire(outcome.started) >= job.started
}

/// The data directory of `options`, as the engine sees it.
pub(super) fn site<'a>(disk: &'a dyn Disk, options: &'a AppOptions) -> Site<'a> {
    Site {
        disk,
        data_dir: &options.data_dir,
        steps: &*options.steps,
        now: Timestamp::now(),
    }
}
