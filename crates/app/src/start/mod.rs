//! What happens between the start of a process and the first request: who may have the data directory, and what an
//! earlier process left unfinished in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::restore::{self, Recovered};
use bosbase_disk::{Disk, RealDisk};

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::files::{Arrival, Instance};
use crate::jobs::{
    self, Lease, ServeLock, is_interrupted, make_directory, release_expired, require_none, settle_history, site,
    take_alone,
};
use crate::options::AppOptions;

pub use offline::{restore_offline, undo_offline};
pub use probation::Probation;

mod offline;
mod probation;

impl App {
    /// Opens the data directory for a command, beside the server that serves it or without one, making or upgrading its
    /// databases. The one process that serves it uses [`open_to_serve`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] while a server is in the middle of a restore, [`crate::ErrorKind::Internal`] where
    /// the databases can't be opened; the cause says why.
    pub fn open(options: AppOptions) -> Result<Self> {
        open_beside(options)
    }
}

/// Opens the data directory for the one process that serves it, as [`open_on_probation`], and is content with restored
/// data that passes the checks of a start: for who does not serve requests.
///
/// # Errors
///
/// As [`open_on_probation`], and where restored data does not pass.
pub fn open_to_serve(options: &AppOptions, patience: Duration) -> Result<(App, ServeLock)> {
    let probation = Probation::new(options.clone());
    let app = open_on_probation(options, patience, &probation)?;
    let serve_lock = probation.pass(&app)?;
    Ok((app, serve_lock))
}

/// Opens the data directory for the one process that serves it, whose serve_lock `probation` holds until it is decided.
/// Waits up to `patience` for the process that has it: a command has it for as long as it takes to open the databases,
/// and must not keep a server from starting, least of all one that restarts.
///
/// Nothing may be served before [`Probation::pass`]: data that a restore has put in place may still have to make way.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] while another process serves it; otherwise as [`App::open`].
pub fn open_on_probation(options: &AppOptions, patience: Duration, probation: &Probation) -> Result<App> {
    let dir = options.data_dir.display().to_string();
    let begun = Instant::now();
    let opened = loop {
        make_directory(&options.data_dir)?;
        let opened = match take_alone(options)? {
            Some(serve_lock) => {
                probation.hold(serve_lock);
                require_none(&options.data_dir)?;
                Some(open_switched(options, || probation.begin())?)
            }
            None => None,
        };
        if opened.is_some() || begun.elapsed() >= patience {
            break opened;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let app = opened.ok_or_else(|| {
        Error::invalid(format!(
            "The data directory {dir} is already in use by another bosbase process."
        ))
    })?;
    options.steps.reached("start-opened");
    app.files().take_charge();
    Ok(app)
}

/// Opens the data directory for a command beside a server or without one. Where nobody serves it, an interrupted
/// restore is finished first.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] while a server is in the middle of a restore; otherwise what opening the databases says.
fn open_beside(options: AppOptions) -> Result<App> {
    if let Some((app, _tenancy)) = open_alone(&options)? {
        return Ok(app);
    }
    if is_interrupted(&options)? {
        return Err(Error::invalid("A restore is under way; try again when it has ended."));
    }
    App::open_databases_beside(options, Arc::new(RealDisk))
}

/// Opens the data directory for one who is to be alone in it; `None` while somebody else is.
fn open_alone(options: &AppOptions) -> Result<Option<(App, ServeLock)>> {
    make_directory(&options.data_dir)?;
    let Some(serve_lock) = take_alone(options)? else {
        return Ok(None);
    };
    let app = open_recovered(options, &serve_lock)?;
    Ok(Some((app, serve_lock)))
}

/// Finishes or takes back an interrupted restore, so that another can begin. Data that can't be opened is no hindrance:
/// it is what the next restore is for.
///
/// # Errors
///
/// Where the interrupted restore can't be ended.
fn end_interrupted(options: &AppOptions, alone: &ServeLock) -> Result<()> {
    if !is_interrupted(options)? {
        return Ok(());
    }
    let opened = open_recovered(options, alone).and_then(|app| app.close());
    match opened {
        Err(error) if is_interrupted(options)? => Err(error),
        _ => Ok(()),
    }
}

/// Finishes or takes back an interrupted restore, then opens what is there. New data with which a start can't do all
/// that it does makes way for the old.
fn open_recovered(options: &AppOptions, _alone: &ServeLock) -> Result<App> {
    let app = open_switched(options, || {})?;
    let Err(unfit) = probation::confirm(&app) else {
        return Ok(app);
    };
    // Nothing was served, so nothing is lost by it.
    if let Err(error) = app.close() {
        tracing::warn!(%error, "the restored databases could not be closed in order");
    }
    let site = site(&RealDisk, options);
    let Some(switched) = restore::on_probation(site).map_err(Error::internal)? else {
        return Err(unfit);
    };
    take_back(
        switched,
        &format!("the restored data can't be served: {}", unfit.with_causes()),
    )?;
    App::open_databases(options.clone(), Arc::new(RealDisk))
}

/// Puts the old data back, where nothing has the new data open.
fn take_back(switched: restore::Switched<'_>, reason: &str) -> Result<()> {
    tracing::error!(reason, "the restore is taken back");
    switched.roll_back(reason).map_err(Error::internal)?;
    Ok(())
}

/// As [`open_recovered`], with new data still on probation: [`probation::confirm`] decides on it. Calls `trying` when
/// that is in place and nothing but the data itself can speak against it.
fn open_switched(options: &AppOptions, trying: impl FnOnce()) -> Result<App> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    arrive(disk.as_ref(), options)?;
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
        Recovered::Switched(switched) => {
            trying();
            match App::open_databases(options.clone(), disk.clone()) {
                Ok(app) => Ok(app),
                Err(error) => {
                    let reason = format!("the restored data could not be opened: {}", error.with_causes());
                    take_back(switched, &reason)?;
                    App::open_databases(options.clone(), disk.clone())
                }
            }
        }
    }
}

/// Sees whether the data directory is a copy of another. The uploads to buckets that it has notes of are the other's
/// then, and may be under way there.
fn arrive(disk: &dyn Disk, options: &AppOptions) -> Result<()> {
    let state = options.data_dir.state();
    if Instance::arrive(disk, &state).map_err(Error::internal)? == Arrival::Known {
        return Ok(());
    }
    tracing::info!("this data directory is a copy of another: the uploads that were under way there are left to that");
    for notes in [state.bucket_uploads(), state.file_uploads()] {
        disk.remove_dir_all(&notes).map_err(Error::internal)?;
    }
    Ok(())
}

/// Clears up after jobs that died with their process: says how they ended, and removes what they left half made.
///
/// # Errors
///
/// Where the history or the folder of backups can't be worked on.
fn settle(app: &App, lease: Option<Lease>) -> Result<()> {
    // Told with the outcome of a restore: the superuser who asked for it may not be able to log in any more.
    let lockout = app.accounts().lockout().unwrap_or_else(|error| {
        tracing::warn!(
            error = error.with_causes(),
            "whether superusers can log in can't be told"
        );
        None
    });
    for job in &settle_history(
        app.disk().as_ref(),
        app.data_dir(),
        app.jobs().history(),
        lockout.as_deref(),
    )? {
        jobs::log(app.logs(), job);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{Job, JobKind, JobPhase, JobState};

    fn options(dir: &tempfile::TempDir) -> AppOptions {
        AppOptions::at(dir.path().join("pb_data"))
    }

    /// A command that had just opened the data directory kept the server from starting again after a restore.
    #[test]
    fn a_server_waits_for_a_command_that_is_about_to_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let options = options(&dir);
        let held = ServeLock::take(&RealDisk, &options.data_dir.state()).unwrap().unwrap();
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
            size: None,
            records: None,
            failed: Vec::new(),
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
        let journal = app.data_dir().state().restore_journal();
        bosbase_disk::write_atomically(&RealDisk, &journal, b"{}").unwrap();
        assert_eq!(
            app.jobs().all().unwrap()[0].state,
            JobState::Running,
            "the next start ends it"
        );
        app.close().unwrap();
    }
}
