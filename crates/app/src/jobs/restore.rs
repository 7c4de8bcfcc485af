//! Replaces the data by a backup's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bosbase_backup::elsewhere::Target;
use bosbase_backup::layout::PRIVATE_DIR;
use bosbase_backup::restore::{self, Site, StagedCheck};
use bosbase_backup::{ErrorKind as Engine, Progress};
use bosbase_bucket::{Bucket, BucketConfig, Interrupt, Patience};

use super::backups::Backups;
use super::board::{RunningJob, Ticket};
use super::boot;
use super::engine::{FilesHeld, refuse};
use super::lease::Tenancy;
use super::release::release_or_warn;
use super::restorable::Restorable;
use super::status::{JobKind, JobState};
use super::transfer::Watch;
use crate::app::{App, AppOptions};
use crate::error::{Error, Result};
use crate::files::{BucketTarget, FilesPlace, mark_if_empty};
use crate::settings::{self, Settings};
use bosbase_disk::{Disk, RealDisk};

impl App {
    /// Begins to restore the backup called `name` once its structure is checked and there is room for it. The data is
    /// served meanwhile; when everything is staged, proven and decided, [`super::Board::restart_wanted`] resolves, and the next
    /// process puts the new data in place.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a backup that is not there or can't be one, where there is no room, and while
    /// another job runs. Nothing has changed then.
    pub fn start_restore(&self, name: &str) -> Result<Ticket> {
        let lease = self.jobs().lease()?;
        let restorable = self.backups().restorable(name)?;
        let key = restorable.key.clone();
        let running = self.jobs().begin(lease, JobKind::Restore, key.as_str())?;
        running.interrupts(&restorable.storage.asked);
        let ticket = running.ticket();
        self.jobs().stop_proofs(Some(key.as_str()), "it is being restored");
        let app = self.clone();
        let work = move |running: RunningJob| match app.stage(&restorable, &running) {
            Ok(held) => {
                // Until this process ends: what the restored data names and was found in the bucket must be there then.
                std::mem::forget(held);
                app.jobs().stop_proofs(None, "the server restarts to finish a restore");
                app.jobs().keep(running.hand_over());
                app.jobs().want_restart();
            }
            Err(error) => super::conclude(running, Err(error)),
        };
        super::on_its_own("restore", move || work(running));
        Ok(ticket)
    }
}

impl App {
    /// Stages a backup and decides on it, while nobody removes a file that it may name.
    fn stage(&self, restorable: &Restorable, running: &RunningJob) -> Result<FilesHeld> {
        let held = FilesHeld::take(&self.files().lock_path(), running)?;
        let job = running.ticket().job().id;
        let given_up = Interrupt::default();
        let interrupt = given_up.clone();
        running.on_stop(move || interrupt.fire());
        let staged = self.backups().stage(restorable, &job, running, given_up);
        let staged = staged.and_then(|staged| decide_unless_stopped(running, staged));
        if let Err(error) = staged {
            drop(held);
            if let Err(error) = self.files().purge_pending() {
                tracing::warn!(%error, "files whose removal waited for the restore could not be removed yet");
            }
            return Err(error);
        }
        Ok(held)
    }
}

impl Backups {
    pub(crate) fn site(&self) -> Site<'_> {
        boot::site(self.disk().as_ref(), self.options())
    }

    fn stage<'a>(
        &'a self,
        restorable: &Restorable,
        job: &str,
        progress: &dyn Progress,
        given_up: Interrupt,
    ) -> Result<restore::Staged<'a>> {
        // What is kept makes way for this restore's, where there is no room for both at once.
        release_or_warn(&self.site(), self.options());
        let databases = Databases {
            options: self.options(),
            disk: self.disk(),
            given_up,
        };
        let Restorable { key, archive, .. } = restorable;
        restore::stage(self.site(), archive, key, &databases, progress).map_err(|error| {
            self.found_unfit(restorable, job, &error);
            refuse(error)
        })
    }
}

/// Restores the backup called `name` into a data directory that nobody serves, and says in a sentence how it ended.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] while a server uses the data directory, and as [`App::start_restore`]. The data is then as
/// it was.
pub fn restore_offline(options: &AppOptions, name: &str, watch: Watch<'_>) -> Result<String> {
    let backups = Backups::open(options.clone())?;
    let through = format!("Restore through it (POST /api/backups/{name}/restore)");
    let tenancy = alone(options, &through)?;
    let lease = backups.jobs().lease()?;
    let restorable = backups.restorable(name)?;
    let running = backups.jobs().begin(lease, JobKind::Restore, restorable.key.as_str())?;
    let job = running.ticket().job().id;
    let told = Told {
        running: &running,
        watch,
    };
    // As in a server: a backup's command that had opened the data before may still remove files, or read them.
    let held = FilesHeld::take(&crate::files::lock_path(&options.data_dir.join(PRIVATE_DIR)), &told)?;
    let staged = backups.stage(&restorable, &job, &told, Interrupt::default());
    if let Err(error) = staged.and_then(decide) {
        return running.end(Err(error));
    }
    see_through(&backups, &tenancy, running)?;
    drop(held);
    let (dir, key) = (options.data_dir.display(), &restorable.key);
    Ok(format!(
        "Restored {key}. The replaced data is kept for a week, in {dir}/{PRIVATE_DIR}/undo-…; to have it back: bosbase backup undo."
    ))
}

/// Takes a data directory that nobody serves, and ends a restore that was interrupted in it.
pub(super) fn alone(options: &AppOptions, through: &str) -> Result<Tenancy> {
    let tenancy = boot::take_alone(options)?.ok_or_else(|| {
        let dir = options.data_dir.display();
        Error::invalid(format!("A server is using {dir}. {through}, or stop it first."))
    })?;
    boot::end_interrupted(options, &tenancy)?;
    Ok(tenancy)
}

/// Does what was decided as the next start of a server would, and says how it ended.
pub(super) fn see_through(backups: &Backups, tenancy: &Tenancy, running: RunningJob) -> Result<()> {
    let options = backups.options();
    let id = running.ticket().job().id;
    let lease = running.hand_over();
    let opened = boot::open_recovered(options, tenancy).and_then(|app| {
        app.files().take_charge();
        boot::settle(&app, None)?;
        app.close()
    });
    // Where nothing could be opened, the old data was as damaged as the new; how the restore ended is known all the same.
    boot::settle_history(backups.disk().as_ref(), &options.data_dir, backups.jobs().history())?;
    let jobs = backups.jobs().history().read()?;
    drop(lease);
    match jobs.into_iter().find(|job| job.id == id) {
        Some(job) if job.state == JobState::Succeeded => opened,
        Some(job) => Err(Error::invalid(job.error)),
        None => Err(Error::invalid(
            "The outcome of the restore is not known; see: bosbase backup list.",
        )),
    }
}

/// Past this point the restore is done by whoever opens the data next.
fn decide(staged: restore::Staged<'_>) -> Result<()> {
    let _decided = staged.commit().map_err(refuse)?;
    Ok(())
}

/// As [`decide`], unless the job was asked to end before: then what was staged is removed.
fn decide_unless_stopped(running: &RunningJob, staged: restore::Staged<'_>) -> Result<()> {
    let mut staged = Some(staged);
    let outcome = running.decide(|| staged.take().map_or(Ok(()), decide));
    if let Some(Err(error)) = staged.map(restore::Staged::abandon) {
        tracing::warn!(%error, "what a restore had unpacked could not be removed; the next start does it");
    }
    outcome
}

/// The databases of a data directory; a backup may lack the second, which holds logs alone.
const DATABASES: [&str; 2] = ["data.db", "auxiliary.db"];

/// Checks staged databases and brings them up to date, so that the next start finds nothing to do.
struct Databases<'a> {
    options: &'a AppOptions,
    disk: &'a Arc<dyn Disk>,
    /// Ends what the bucket is asked for here; what is put there is interrupted by itself.
    given_up: Interrupt,
}

impl Databases<'_> {
    /// The bucket in which the staged data keeps its uploaded files.
    fn bucket(&self, staged_dir: &Path) -> bosbase_backup::Result<Option<BucketConfig>> {
        if self.options.files_place != FilesPlace::AsSet {
            return Ok(self.options.files_place.bucket(&Settings::default()));
        }
        match settings::peek(staged_dir, self.options.encryption_key.as_deref()) {
            Ok(settings) => Ok(settings.and_then(|settings| settings.s3.bucket())),
            // What is wrong with the database is for its check to say, without which nothing is restored.
            Err(error) if is_of_store(&error) => Ok(None),
            Err(error) => {
                let attempted = "where the restored data keeps its uploaded files can't be told";
                Err(bosbase_backup::Error::with(Engine::InvalidDatabase, attempted, error))
            }
        }
    }
}

fn is_of_store(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<bosbase_store::Error>)
}

impl StagedCheck for Databases<'_> {
    fn files_elsewhere(&self, staged_dir: &Path, id: &str) -> bosbase_backup::Result<Option<Box<dyn Target>>> {
        const ATTEMPTED: &str = "opening the bucket of the uploaded files";
        let Some(config) = self.bucket(staged_dir)? else {
            return Ok(None);
        };
        let bucket = Bucket::new(&config, Patience::Work)
            .map_err(|error| bosbase_backup::Error::with(Engine::Unsupported, ATTEMPTED, error))?;
        let state = self.options.data_dir.join(PRIVATE_DIR);
        // A new machine and a new bucket: what is put there is nobody else's.
        let marked = Bucket::new(&config, Patience::Answer)
            .map_err(Into::into)
            .and_then(|bucket| {
                let bucket = bucket.interrupted_by(&self.given_up);
                mark_if_empty(self.disk.as_ref(), &state, &bucket)
            });
        if let Err(error) = marked {
            tracing::warn!(%error, "whose the bucket of the uploaded files is could not be told");
        }
        let target = BucketTarget::begin(self.disk.clone(), &state, id, &bucket)
            .map_err(|error| bosbase_backup::Error::with(Engine::Io, ATTEMPTED, error))?;
        Ok(Some(Box::new(target)))
    }

    fn check_and_upgrade(
        &self,
        staged_dir: &Path,
        given_up: &Arc<AtomicBool>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for name in DATABASES {
            let path = staged_dir.join(name);
            if RealDisk.exists(&path)? {
                bosbase_store::check_database(&path, given_up)?;
            }
        }
        bosbase_store::upgrade_staged(staged_dir)?;
        Ok(())
    }
}

/// Tells the job's watchers and whoever sits at the terminal.
struct Told<'a> {
    running: &'a RunningJob,
    watch: Watch<'a>,
}

impl Progress for Told<'_> {
    fn total(&self, bytes: u64) {
        self.running.total(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.running.advance(bytes);
        let (done, total) = self.running.measured();
        (self.watch)(done, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::open_to_serve;

    /// Whoever wants the end of a restore has it, or the restore is decided: nothing in between, and nothing left that would keep the next
    /// from beginning.
    #[test]
    fn a_restore_that_was_cancelled_is_not_decided_and_one_that_is_decided_is_not_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let (app, _tenancy) = open_to_serve(&options, std::time::Duration::ZERO).unwrap();
        let ticket = app.start_backup("a.zip").unwrap();
        while ticket.job().state == JobState::Running {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let restorable = app.backups().restorable("a.zip").unwrap();
        let begin = || {
            let lease = app.jobs().lease().unwrap();
            app.jobs().begin(lease, JobKind::Restore, "a.zip").unwrap()
        };
        let is_pending = || restore::is_pending(app.disk().as_ref(), app.data_dir()).unwrap();

        let running = begin();
        let staged = app
            .backups()
            .stage(&restorable, "job", &running, Interrupt::default())
            .unwrap();
        app.jobs().cancel(None).unwrap();
        let refused = decide_unless_stopped(&running, staged);
        assert!(!is_pending());
        let told = running.end(refused).unwrap_err();
        assert_eq!(told.message(), "It was given up: somebody asked for its end.");
        assert!(app.jobs().all().unwrap()[0].stopped);

        let running = begin();
        let staged = app
            .backups()
            .stage(&restorable, "job", &running, Interrupt::default())
            .unwrap();
        decide_unless_stopped(&running, staged).unwrap();
        assert!(is_pending());
        app.jobs().keep(running.hand_over());
        let told = app.jobs().cancel(None).unwrap_err();
        assert!(told.message().starts_with("It can't be cancelled any more"), "{told}");
        assert!(is_pending());
        app.close().unwrap();
    }
}
