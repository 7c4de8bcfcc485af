//! What happens between the start of a process and the first request: who may have the data directory, and what an earlier
//! process left unfinished in it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::layout::PRIVATE_DIR;
use bosbase_backup::restore::{self, Recovered, RestoreKind, Site};
use bosbase_disk::{Disk, RealDisk};
use jiff::Timestamp;

use super::backups::make_directory;
use super::lease::{Lease, Tenancy};
use super::release::release_expired;
use super::status::{History, Job, JobKind, JobPhase, JobState};
use crate::app::{App, AppOptions};
use crate::error::{Error, ErrorKind, Result};

/// Opens the data directory for the one process that serves it, which holds the tenancy until it has closed the application.
/// Waits up to `patience` for whoever has it: a command has it for as long as it takes to open the databases, and must not
/// keep a server from starting, least of all one that restarts.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] while another process serves it; otherwise as [`App::open`].
pub fn open_to_serve(options: &AppOptions, patience: Duration) -> Result<(App, Tenancy)> {
    let dir = options.data_dir.display().to_string();
    let begun = Instant::now();
    let opened = loop {
        let opened = open_alone(options)?;
        if opened.is_some() || begun.elapsed() >= patience {
            break opened;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let (app, tenancy) = opened.ok_or_else(|| {
        Error::invalid(format!(
            "The data directory {dir} is already in use by another bosbase process."
        ))
    })?;
    app.files().take_charge();
    match app.jobs().lease() {
        Ok(lease) => settle(&app, Some(lease))?,
        // A command line is making a backup; what there is to settle is settled when somebody asks for it.
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
    if is_interrupted(&options)? {
        return Err(Error::invalid("A restore is under way; try again when it has ended."));
    }
    App::open_databases(options, Arc::new(RealDisk))
}

/// Opens the data directory for one who is to be alone in it; `None` while somebody else is.
pub(super) fn open_alone(options: &AppOptions) -> Result<Option<(App, Tenancy)>> {
    make_directory(&options.data_dir)?;
    let Some(tenancy) = take_alone(options)? else {
        return Ok(None);
    };
    let app = open_recovered(options, &tenancy)?;
    Ok(Some((app, tenancy)))
}

/// Takes the data directory for one who is to be alone in it; `None` while somebody else has it.
pub(super) fn take_alone(options: &AppOptions) -> Result<Option<Tenancy>> {
    Tenancy::take(&RealDisk, &options.data_dir.join(PRIVATE_DIR))
}

/// Finishes or takes back an interrupted restore, so that another can begin. Data that can't be opened is no hindrance: it is
/// what the next restore is for.
///
/// # Errors
///
/// Where the interrupted restore can't be ended.
pub(super) fn end_interrupted(options: &AppOptions, alone: &Tenancy) -> Result<()> {
    if !is_interrupted(options)? {
        return Ok(());
    }
    let opened = open_recovered(options, alone).and_then(|app| app.close());
    match opened {
        Err(error) if is_interrupted(options)? => Err(error),
        _ => Ok(()),
    }
}

/// Whether a restore waits to be finished.
pub(super) fn is_interrupted(options: &AppOptions) -> Result<bool> {
    restore::is_pending(&RealDisk, &options.data_dir).map_err(Error::internal)
}

/// Finishes or takes back an interrupted restore, then opens what is there. New data that can't be opened makes way for the
/// old.
pub(super) fn open_recovered(options: &AppOptions, _alone: &Tenancy) -> Result<App> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    // While a restore waits to be finished, what is kept may be what it goes back to.
    if !is_interrupted(options)? {
        release_expired(&site(disk.as_ref(), options), options);
    }
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
                let what = match outcome.kind {
                    RestoreKind::Restore => "restored",
                    RestoreKind::Undo => "what a restore had replaced is back",
                };
                tracing::info!(key = outcome.key, "{what}");
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
    for job in &settle_history(app.disk().as_ref(), app.data_dir(), app.jobs().history())? {
        app.log_job(job);
    }
    app.backups().clean()?;
    // Leftovers take room and harm nobody; a start that failed of them would.
    let files = app.files();
    let last = restore::last_outcome(app.disk().as_ref(), app.data_dir())
        .ok()
        .flatten();
    let succeeded = last.filter(|last| last.succeeded).map(|last| last.id);
    if let Err(error) = files.settle_restores(succeeded.as_deref()) {
        tracing::warn!(%error, "objects that a restore left in the bucket could not be seen to yet");
    }
    for cleaned in [files.clean_uploads(), files.purge_pending(), files.give_up_leftovers()] {
        if let Err(error) = cleaned {
            tracing::warn!(%error, "leftovers of uploaded files could not be removed yet");
        }
    }
    drop(lease);
    Ok(())
}

/// Says of the jobs that are remembered as running how they ended. For whoever holds the lease, so that none of them can still
/// run, while no restore waits to be finished. Returns them.
///
/// # Errors
///
/// Where the history can't be worked on.
pub(super) fn settle_history(disk: &dyn Disk, data_dir: &Path, history: &History) -> Result<Vec<Job>> {
    // A record that rotted on its disk is no reason not to serve the data.
    let last = restore::last_outcome(disk, data_dir).unwrap_or_else(|error| {
        tracing::warn!(%error, "how the last restore ended can't be read");
        None
    });
    let settled = history.settle(|job| {
        job.finished = crate::moment::wire_now();
        job.state = JobState::Failed;
        job.error = match job.phase {
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
        } else {
            let reason = last.error.as_deref().unwrap_or("for an unknown reason");
            job.error = super::engine::sentence(&format!("the old data was kept: {reason}"));
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
pub(super) fn site<'a>(disk: &'a dyn Disk, options: &'a AppOptions) -> Site<'a> {
    Site {
        disk,
        data_dir: &options.data_dir,
        steps: &*options.steps,
        now: Timestamp::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(dir: &tempfile::TempDir) -> AppOptions {
        AppOptions::at(dir.path().join("pb_data"))
    }

    /// A command that had just opened the data directory kept the server from starting again after a restore.
    #[test]
    fn a_server_waits_for_a_command_that_is_about_to_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let options = options(&dir);
        let private = options.data_dir.join(PRIVATE_DIR);
        let held = Tenancy::take(&RealDisk, &private).unwrap().unwrap();
        assert!(open_to_serve(&options, Duration::ZERO).is_err());
        let letting_go = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            drop(held);
        });
        let (app, _tenancy) = open_to_serve(&options, Duration::from_secs(20)).unwrap();
        letting_go.join().unwrap();
        app.close().unwrap();
    }

    /// A `backup create` that was killed beside a running server was shown as running until the server's next start.
    #[test]
    fn a_job_whose_process_was_killed_is_not_shown_as_running() {
        let dir = tempfile::tempdir().unwrap();
        let (app, _tenancy) = open_to_serve(&options(&dir), Duration::ZERO).unwrap();
        let mut killed = Job {
            id: "killed".to_owned(),
            kind: JobKind::Create,
            key: "a.zip".to_owned(),
            state: JobState::Running,
            phase: JobPhase::Working,
            bytes_done: 1,
            bytes_total: 2,
            error: String::new(),
            warning: String::new(),
            stopped: false,
            started: crate::moment::wire_now(),
            finished: String::new(),
        };
        app.jobs().history().put(&killed).unwrap();
        let lease = app.jobs().lease().unwrap();
        assert_eq!(
            app.jobs().all().unwrap()[0].state,
            JobState::Running,
            "somebody holds the lease"
        );
        drop(lease);
        assert_eq!(app.jobs().all().unwrap()[0].state, JobState::Failed);
        killed.kind = JobKind::Restore;
        app.jobs().history().put(&killed).unwrap();
        let journal = app.data_dir().join(PRIVATE_DIR).join("restore.journal");
        bosbase_disk::write_atomically(&RealDisk, &journal, b"{}").unwrap();
        assert_eq!(
            app.jobs().all().unwrap()[0].state,
            JobState::Running,
            "the next start ends it"
        );
        app.close().unwrap();
    }
}
