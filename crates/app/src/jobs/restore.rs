//! Replaces the data by a backup's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bosbase_backup::remote_files::Target;
use bosbase_backup::restore::{self, Site, StagedCheck};
use bosbase_backup::{DataDir, ErrorKind as Engine, Progress};
use bosbase_bucket::{Bucket, BucketConfig, Interrupt, Patience};
use bosbase_store::Agreement;

use super::backup_jobs::BackupJobs;
use super::backups::Backups;
use super::engine::{FilesHeld, refuse};
use super::lease::ServeLock;
use super::registry::{RunningJob, Ticket};
use super::release::release_or_warn;
use super::restorable::Restorable;
use super::status::{Job, JobKind, JobState};
use super::transfer::Watch;
use super::unfinished;
use crate::error::{Error, Result};
use crate::files::{BucketTarget, FilesPlace, mark_if_empty};
use crate::options::AppOptions;
use crate::settings::{self, Settings};
use bosbase_disk::{Disk, RealDisk};

impl BackupJobs {
    /// Begins to restore the backup called `name` once its structure is checked and there is room for it. The data is
    /// served meanwhile; when everything is staged, proven and decided, [`super::JobRegistry::restart_wanted`]
    /// resolves, and the next process puts the new data in place.
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
        running.is_about(restorable.size());
        self.backups().warn_of_what_makes_way(&running)?;
        let ticket = running.ticket();
        self.jobs().stop_proofs(Some(key.as_str()), "it is being restored");
        let this = self.clone();
        let work = move |running: RunningJob| match this.stage(&restorable, &running) {
            Ok(held) => {
                // Until this process ends: what the restored data names and was found in the bucket must be there then.
                std::mem::forget(held);
                this.jobs().stop_proofs(None, "the server restarts to finish a restore");
                this.jobs().keep(running.hand_over());
                this.jobs().want_restart();
            }
            Err(error) => super::conclude(running, Err(error)),
        };
        super::on_its_own("restore", move || work(running));
        Ok(ticket)
    }
}

impl BackupJobs {
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
        unfinished::site(self.disk().as_ref(), self.options())
    }

    /// How the last restore ended; nothing where there was none.
    ///
    /// # Errors
    ///
    /// Where that can't be read.
    pub(crate) fn last_restore(&self) -> Result<Option<restore::RestoreOutcome>> {
        restore::last_outcome(self.disk().as_ref(), &self.options().data_dir).map_err(Error::internal)
    }

    /// The settings of the data that the last restore, or undo, replaced; nothing where it is not kept any more.
    ///
    /// # Errors
    ///
    /// Where they can't be read.
    pub(crate) fn former_settings(&self) -> Result<Option<Settings>> {
        let kept = restore::available_undo(&self.site()).map_err(Error::internal)?;
        let Some(folder) = kept.as_ref().and_then(|record| record.folder()) else {
            return Ok(None);
        };
        let AppOptions {
            data_dir,
            encryption_key,
            ..
        } = self.options();
        settings::peek(&data_dir.join(folder), encryption_key.as_deref())
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

/// What the next start of a server would do with a data directory that its caller has alone.
#[derive(Clone, Copy)]
pub(crate) struct NextStart {
    /// Ends a restore that was interrupted.
    pub(crate) end_interrupted: fn(&AppOptions, &ServeLock) -> Result<()>,
    /// Puts in place what was decided, and clears up.
    pub(crate) finish: fn(&AppOptions, &ServeLock) -> Result<()>,
}

/// What may become of the data that an earlier restore or undo replaced. Only one such state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It has to stay: a restore that would end it is refused.
    Stays,
    /// It may make way.
    MayGo,
}

/// Restores the backup called `name` into a data directory that nobody serves, and says in a sentence how it ended.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] while a server uses the data directory, where data that is `replaced` would be lost and
/// has to stay, and as [`BackupJobs::start_restore`]. The data is then as it was.
pub(crate) fn restore_offline(
    options: &AppOptions,
    name: &str,
    replaced: Replaced,
    watch: Watch<'_>,
    next: NextStart,
) -> Result<String> {
    let backups = Backups::open(options.clone())?;
    let through = format!("Restore through it (POST /api/backups/{name}/restore)");
    let serve_lock = alone(options, &through, &backups.told_what_makes_way()?, next)?;
    let lease = backups.jobs().lease()?;
    let restorable = backups.restorable(name).map_err(|error| by_name(error, name))?;
    if replaced == Replaced::Stays {
        backups.require_nothing_makes_way(name)?;
    }
    let replaces = RealDisk.exists(&options.data_dir.database()).map_err(Error::internal)?;
    let running = backups.jobs().begin(lease, JobKind::Restore, restorable.key.as_str())?;
    backups.warn_of_what_makes_way(&running)?;
    let job = running.ticket().job().id;
    let told = Told {
        running: &running,
        watch,
    };
    // As in a server: a backup's command that had opened the data before may still remove files, or read them.
    let held = FilesHeld::take(&options.data_dir.state().files_lock(), &told)?;
    let staged = backups.stage(&restorable, &job, &told, Interrupt::default());
    if let Err(error) = staged.and_then(decide) {
        return running.end(Err(error));
    }
    let done = see_through(&backups, &serve_lock, running, next)?;
    drop(held);
    let (dir, key) = (options.data_dir.display(), &restorable.key);
    let state = options.data_dir.state();
    if !replaces {
        return Ok(done.told(format!("Restored {key} into {dir}, where there was no data.")));
    }
    Ok(done.told(format!(
        "Restored {key}. The replaced data is kept for a week, in {}/undo-…; to have it back: bosbase backup undo --dir {dir}.",
        state.display()
    )))
}

/// A refusal of the backup called `name` in words for a command line, where PocketBase's are for a form.
fn by_name(error: Error, name: &str) -> Error {
    if error.message() != super::MISSING {
        return error;
    }
    let told = error
        .data()
        .get("key")
        .and_then(|detail| detail.get("message")?.as_str());
    Error::invalid(match told {
        Some(why) => format!("{name} can't be restored: {why}"),
        None => format!("There is no backup {name}. See: bosbase backup list."),
    })
}

/// Takes a data directory that nobody serves, and ends a restore that was interrupted in it. Where a server has it, that
/// is refused with the way `through` it, and `more` to know.
pub(super) fn alone(options: &AppOptions, through: &str, more: &str, next: NextStart) -> Result<ServeLock> {
    let serve_lock = unfinished::take_alone(options)?.ok_or_else(|| {
        let dir = options.data_dir.display();
        Error::invalid(format!("A server is using {dir}. {through}, or stop it first.{more}"))
    })?;
    super::neighbours::require_none(&options.data_dir)?;
    (next.end_interrupted)(options, &serve_lock)?;
    Ok(serve_lock)
}

/// Does what was decided as the next start of a server would, and answers the job as it ended.
pub(super) fn see_through(
    backups: &Backups,
    serve_lock: &ServeLock,
    running: RunningJob,
    next: NextStart,
) -> Result<Job> {
    let options = backups.options();
    let id = running.ticket().job().id;
    let lease = running.hand_over();
    let opened = (next.finish)(options, serve_lock);
    // Where nothing could be opened, the old data was as damaged as the new; how the restore ended is known all the
    // same.
    unfinished::settle_history(
        backups.disk().as_ref(),
        &options.data_dir,
        backups.jobs().history(),
        None,
    )?;
    let jobs = backups.jobs().history().read()?;
    drop(lease);
    match jobs.into_iter().find(|job| job.id == id) {
        Some(job) if job.state == JobState::Succeeded => opened.map(|()| job),
        Some(job) => Err(Error::invalid(job.error)),
        None => Err(Error::invalid(
            "The outcome of the restore is not known; see: bosbase backup list.",
        )),
    }
}

/// Past this point the restore is done by the next process that opens the data.
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

/// Checks staged databases and brings them up to date, so that the next start finds nothing to do.
struct Databases<'a> {
    options: &'a AppOptions,
    disk: &'a Arc<dyn Disk>,
    /// Ends requests to the bucket from here; uploads are interrupted by themselves.
    given_up: Interrupt,
}

impl Databases<'_> {
    /// The bucket in which the staged data keeps its uploaded files.
    fn bucket(&self, staged_dir: &Path) -> bosbase_backup::Result<Option<BucketConfig>> {
        if self.options.files_place != FilesPlace::AsSet {
            return Ok(self.options.files_place.bucket(|| None));
        }
        match settings::peek(staged_dir, self.options.encryption_key.as_deref()) {
            Ok(settings) => Ok(settings.and_then(|settings| settings.s3.bucket())),
            // The check of the database says what is wrong with it, without which nothing is restored.
            Err(error) if is_of_store(&error) => Ok(None),
            Err(error) => {
                let attempted = "where the restored data keeps its uploaded files can't be told";
                Err(bosbase_backup::Error::with(
                    Engine::InvalidDatabase,
                    attempted,
                    Unfit(error),
                ))
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
        let state = self.options.data_dir.state();
        // A new machine and a new bucket: nobody else owns the files that are put there.
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
        // A backup may lack the second, which holds logs alone.
        for name in DataDir::DATABASES {
            let path = staged_dir.join(name);
            if !RealDisk.exists(&path)? {
                continue;
            }
            match bosbase_store::check_database(&path, given_up) {
                // A log keeps nobody from the data: the process that opens it sets a damaged one aside and says so.
                Err(error) if name == DataDir::LOG && error.kind() == bosbase_store::ErrorKind::Corrupt => {
                    tracing::warn!(%error, "the log in the backup is damaged; it is set aside when the data is opened");
                }
                checked => checked?,
            }
        }
        require_agreement(&bosbase_store::upgrade_staged(staged_dir, given_up)?).map_err(Unfit)?;
        super::fitness::prove_staged(&DataDir::at(staged_dir), self.options.encryption_key.as_deref())
            .map_err(Unfit)?;
        Ok(())
    }
}

/// Refuses data whose collections say what its database does not: requests to them would fail.
fn require_agreement(agreement: &Agreement) -> Result<()> {
    const SHOWN: usize = 3;
    let fatal: Vec<String> = agreement
        .disagreements
        .iter()
        .filter(|one| one.is_fatal())
        .map(ToString::to_string)
        .collect();
    if fatal.is_empty() {
        return Ok(());
    }
    let more = match fatal.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let some: Vec<&str> = fatal.iter().take(SHOWN).map(String::as_str).collect();
    Err(Error::invalid(format!(
        "The collections and the database do not agree: {}{more}",
        some.join(" ")
    )))
}

/// Why staged data could not be served, with all causes: the person who restores it has to know.
#[derive(Debug)]
struct Unfit(Error);

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.with_causes())
    }
}

impl std::error::Error for Unfit {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

/// Tells the job's watchers and the terminal.
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
    use crate::start::open_to_serve;

    /// A request for a restore's end succeeds, or the restore is decided: nothing in between, and nothing left that
    /// would keep the next from beginning.
    #[test]
    fn a_restore_that_was_cancelled_is_not_decided_and_one_that_is_decided_is_not_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let (app, _tenancy) = open_to_serve(&options, std::time::Duration::ZERO).unwrap();
        let ticket = app.backup_jobs().start_backup("a.zip").unwrap();
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
