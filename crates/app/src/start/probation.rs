//! Restored data is on probation until a start has done everything with it that a start does. What fails before that
//! brings the old data back.

use bosbase_backup::restore::{self, RestoreKind};
use bosbase_disk::RealDisk;
use parking_lot::{Mutex, MutexGuard};

use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::{self, ServeLock};
use crate::lockout;
use crate::options::AppOptions;

/// Decides once between the new data and the old. For the one process that has the data directory: until it is decided,
/// the serve_lock lies here, so that nobody else can open the data, serve it, and have it taken away.
pub struct Probation {
    options: AppOptions,
    state: Mutex<State>,
}

/// How far a start has come; locked while it is decided.
#[derive(Default)]
struct State {
    serve_lock: Option<ServeLock>,
    /// Whether a restore's new data is in place, so that what fails now speaks against that data. What fails before (a
    /// file system that is not mounted) says nothing of it.
    is_tried: bool,
    is_decided: bool,
}

impl Probation {
    /// The probation of what is in the data directory of `options`.
    #[must_use]
    pub fn new(options: AppOptions) -> Self {
        Self {
            options,
            state: Mutex::default(),
        }
    }

    /// Whether a restore is to be finished, or its data is on probation.
    ///
    /// # Errors
    ///
    /// Where that can't be told.
    pub fn is_wanted(&self) -> Result<bool> {
        jobs::is_interrupted(&self.options)
    }

    /// Keeps the data directory until it is decided.
    pub(super) fn hold(&self, serve_lock: ServeLock) {
        self.state().serve_lock = Some(serve_lock);
    }

    /// Says that the new data is in place and tried from now on.
    pub(super) fn begin(&self) {
        self.state().is_tried = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Says that a start did everything with `app`, which now may be served, and clears up after the jobs of earlier
    /// processes. Gives the data directory back to its caller.
    ///
    /// # Errors
    ///
    /// Where it is not fit to be served, the decision can't be written, or the old data was decided on meanwhile.
    pub fn pass(&self, app: &App) -> Result<ServeLock> {
        let serve_lock = {
            let mut state = self.state();
            if state.is_decided {
                return Err(Error::internal("the old data was decided on meanwhile"));
            }
            confirm(app)?;
            state.is_decided = true;
            let unheld = || Error::internal("the data directory was not held while its data was tried");
            state.serve_lock.take().ok_or_else(unheld)?
        };
        match app.jobs().lease() {
            Ok(lease) => super::settle(app, Some(lease))?,
            // A command line is making a backup; what there is to settle is settled when somebody asks for it.
            Err(error) => tracing::info!(%error, "the jobs of earlier processes are settled later"),
        }
        let backups = app.backups().clone();
        jobs::on_its_own("origins", move || backups.look_around());
        Ok(serve_lock)
    }

    /// Decides on the old data, which the next start puts back, if this start is trying the new data; whether it is.
    /// The process must end then: the new data may still be open, and the data directory stays held until that end.
    ///
    /// # Errors
    ///
    /// Where that can't be written down.
    pub fn fail(&self, reason: &str) -> Result<bool> {
        let mut state = self.state();
        if state.is_decided || !state.is_tried || state.serve_lock.is_none() {
            return Ok(false);
        }
        let site = jobs::site(&RealDisk, &self.options);
        let Some(switched) = restore::on_probation(site).map_err(Error::internal)? else {
            return Ok(false);
        };
        switched.condemn(reason).map_err(Error::internal)?;
        state.is_decided = true;
        tracing::error!(reason, "the restored data can't be served: the old data is put back");
        Ok(true)
    }
}

/// Proves `app` as a start does, and confirms the restore that put its data in place, if one did.
pub(super) fn confirm(app: &App) -> Result<()> {
    let disk = app.disk().as_ref();
    let Some(switched) = restore::on_probation(jobs::site(disk, app.options())).map_err(Error::internal)? else {
        if jobs::is_interrupted(app.options())? {
            return Err(Error::internal("another process decided on the old data meanwhile"));
        }
        return Ok(());
    };
    prove(app)?;
    let outcome = switched.confirm().map_err(Error::internal)?;
    let what = match outcome.kind {
        RestoreKind::Restore => "restored",
        RestoreKind::Undo => "what a restore had replaced is back",
    };
    tracing::info!(key = outcome.key, "{what}");
    Ok(())
}

/// Does with an open application what a start does before it serves.
fn prove(app: &App) -> Result<()> {
    lockout::prove(app.store())?;
    lockout::prove_writes(app.store())?;
    jobs::prove_storage(app.data_dir(), app.store())
}
