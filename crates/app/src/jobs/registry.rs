//! The one job that runs, watched by those who care, and the memory of those that ran.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use bosbase_backup::{DataDir, Progress, StateDir, Storage};
use bosbase_disk::{Disk, LockFile};
use tokio::sync::watch;

use super::lease::Lease;
use super::status::{History, Job, JobKind, JobPhase, JobState};
use super::stop::Stop;
use crate::error::{Error, Result};

/// Why a job ended that a superuser cancelled.
const CANCELLED: &str = "somebody asked for its end";

/// How often watchers are told of progress.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// So many backups that did not pass are named.
const NAMED: usize = 20;

/// Called with a job at its start, as it goes on, and at its end.
pub type Observer = Arc<dyn Fn(&Job) + Send + Sync>;

/// How many jobs ended, by what they were and how.
type Ended = Arc<Mutex<HashMap<(JobKind, JobState), u64>>>;

/// A job of this process.
struct Active {
    job: watch::Receiver<Job>,
    stop: Arc<Stop>,
}

/// Where jobs are begun and looked up; one per open application.
pub struct JobRegistry {
    disk: Arc<dyn Disk>,
    data_dir: DataDir,
    history: History,
    running: Mutex<Vec<Active>>,
    ended: Ended,
    restart: watch::Sender<bool>,
    kept: Mutex<Option<Lease>>,
    observer: Observer,
}

impl JobRegistry {
    /// The registry of a data directory.
    pub fn new(disk: Arc<dyn Disk>, data_dir: DataDir, observer: Observer) -> Self {
        let history = History::new(disk.clone(), &data_dir.state());
        Self {
            disk,
            data_dir,
            history,
            running: Mutex::default(),
            ended: Ended::default(),
            restart: watch::Sender::new(false),
            kept: Mutex::new(None),
            observer,
        }
    }

    /// Where the state lies.
    pub fn state_dir(&self) -> StateDir {
        self.data_dir.state()
    }

    /// The memory of jobs.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Takes the right to begin a job.
    ///
    /// # Errors
    ///
    /// [`super::BUSY`] while another job runs here or in another process.
    pub fn lease(&self) -> Result<Lease> {
        Lease::take(self.disk.as_ref(), &self.state_dir())
    }

    /// Takes the right to begin a job as soon as it can be had, at the most after `patience`.
    ///
    /// # Errors
    ///
    /// [`super::BUSY`] while another job runs all that time.
    pub fn lease_within(&self, patience: Duration) -> Result<Lease> {
        let begun = Instant::now();
        loop {
            match self.lease() {
                Err(error) if error.message() == super::BUSY && begun.elapsed() < patience => {
                    std::thread::sleep(TELL_EVERY);
                }
                outcome => return outcome,
            }
        }
    }

    /// Begins a job: remembers durably that it runs, and keeps `lease` until it ends, or only proves what it made.
    ///
    /// # Errors
    ///
    /// Where the history can't be written.
    pub fn begin(&self, lease: Lease, kind: JobKind, key: &str) -> Result<RunningJob> {
        let job = Job {
            id: bosbase_store::new_id(),
            kind,
            key: key.to_owned(),
            state: JobState::Running,
            phase: JobPhase::Working,
            bytes_done: 0,
            bytes_total: 0,
            error: String::new(),
            warning: String::new(),
            stopped: false,
            started: crate::moment::wire_now(),
            finished: String::new(),
            size: None,
            records: None,
            failed: Vec::new(),
        };
        self.history.put(&job)?;
        let (sender, receiver) = watch::channel(job.clone());
        let stop = Arc::new(Stop::default());
        {
            let mut running = self.running.lock();
            running.retain(|active| active.job.borrow().state == JobState::Running);
            running.push(Active {
                job: receiver,
                stop: stop.clone(),
            });
        }
        (self.observer)(&job);
        Ok(RunningJob {
            lease: Mutex::new(Some(lease)),
            proving: Mutex::new(None),
            ended: false,
            stop,
            counts: AtomicBool::new(false),
            history: self.history.clone(),
            counted: self.ended.clone(),
            observer: self.observer.clone(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            told: Mutex::new(Instant::now()),
            sender,
        })
    }

    /// The job of this process that holds the lease, as it is now.
    pub fn running(&self) -> Option<Job> {
        self.active().into_iter().find(|job| job.phase == JobPhase::Working)
    }

    /// How many jobs of a kind this process has seen succeed, and fail.
    pub fn ended(&self, kind: JobKind) -> (u64, u64) {
        let ended = self.ended.lock();
        let count = |state| ended.get(&(kind, state)).copied().unwrap_or_default();
        (count(JobState::Succeeded), count(JobState::Failed))
    }

    /// All jobs that run in this process, also those that only prove a backup.
    fn active(&self) -> Vec<Job> {
        let running = self.running.lock();
        let jobs = running.iter().map(|active| active.job.borrow().clone());
        jobs.filter(|job| job.state == JobState::Running).collect()
    }

    /// Ends the proofs of `key`, or all, which this process is at; the jobs end as failed, with `reason`. Does not
    /// wait.
    pub fn stop_proofs(&self, key: Option<&str>, reason: &str) {
        let running = self.running.lock();
        for active in running.iter() {
            let job = active.job.borrow();
            if job.phase == JobPhase::Proving && key.is_none_or(|key| key == job.key) {
                active.stop.ask(reason);
            }
        }
    }

    /// Asks the jobs of this process to end, or the one that is called `id`; they end as failed. Does not wait for
    /// that.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is none, or none that can be taken back any more.
    pub fn cancel(&self, id: Option<&str>) -> Result<()> {
        let is_meant = |job: &Job| job.state == JobState::Running && id.is_none_or(|id| id == job.id);
        let stops: Vec<_> = {
            let running = self.running.lock();
            let meant = running.iter().filter(|active| is_meant(&active.job.borrow()));
            meant.map(|active| active.stop.clone()).collect()
        };
        // Each of them, also if the one before failed.
        let asked = stops.iter().filter(|stop| stop.ask(CANCELLED)).count();
        if asked > 0 && asked == stops.len() {
            return Ok(());
        }
        if !stops.is_empty() {
            return Err(Error::invalid(
                "It can't be cancelled any more: the data is being switched. Undo it when that is done.",
            ));
        }
        // Not of this process.
        if self.all()?.iter().any(is_meant) {
            return Err(Error::invalid(
                "It runs in a process of its own (bosbase backup …): end that.",
            ));
        }
        Err(Error::invalid("There is nothing to cancel: no such job runs."))
    }

    /// Every remembered job, newest first, the running one as it is now. One whose process was killed is remembered as
    /// failed from here on.
    ///
    /// # Errors
    ///
    /// Where the history can't be read.
    pub fn all(&self) -> Result<Vec<Job>> {
        let mut jobs = self.history.read()?;
        let active = self.active();
        let may_be_dead = |job: &Job| {
            job.state == JobState::Running
                && active.iter().all(|active| active.id != job.id)
                && !self.history.may_be_proving(job)
        };
        if jobs.iter().any(may_be_dead) && self.settle_killed()? {
            jobs = self.history.read()?;
        }
        for active in active {
            if let Some(known) = jobs
                .iter_mut()
                .find(|job| job.id == active.id && job.state == JobState::Running)
            {
                *known = active;
            }
        }
        Ok(jobs)
    }

    /// Ends what is remembered as running if the lease shows that nothing runs; whether it did.
    fn settle_killed(&self) -> Result<bool> {
        let Ok(_lease) = self.lease() else { return Ok(false) };
        // A restore that is decided ends with the next start, which others may wait for.
        if bosbase_backup::restore::is_pending(self.disk.as_ref(), &self.data_dir).map_err(Error::internal)? {
            return Ok(false);
        }
        super::unfinished::settle_history(self.disk.as_ref(), &self.data_dir, &self.history, None)?;
        Ok(true)
    }

    /// Keeps the lease of a restore that the next process finishes, so that nothing else begins before.
    pub fn keep(&self, lease: Option<Lease>) {
        *self.kept.lock() = lease;
    }

    /// Asks for the process to be replaced by a fresh one of itself.
    pub fn want_restart(&self) {
        self.restart.send_replace(true);
    }

    /// Lets one wait until a restart is asked for.
    pub fn restart_wanted(&self) -> RestartWanted {
        RestartWanted(self.restart.subscribe())
    }

    /// Whether no job runs, here or in another process.
    pub fn is_free(&self) -> bool {
        if self.running().is_some() {
            return false;
        }
        let working = |job: &Job| job.state == JobState::Running && job.phase == JobPhase::Working;
        let running_elsewhere = |jobs: Vec<Job>| jobs.iter().any(working);
        match self.history.read().map(running_elsewhere) {
            // Probed only where it is in doubt: a process that takes the lease just to look keeps it from somebody who
            // needs it.
            Ok(true) => self.lease().is_ok(),
            Ok(false) => true,
            Err(_) => false,
        }
    }
}

/// Waits for the demand to restart.
#[derive(Debug)]
pub struct RestartWanted(watch::Receiver<bool>);

impl RestartWanted {
    /// Resolves once a restart is asked for; never, where the application is closed before.
    pub async fn wanted(&mut self) {
        if self.0.wait_for(|wanted| *wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A job under way; it holds the lease, until it only proves what it made. Dropped without an end it has failed.
pub struct RunningJob {
    lease: Mutex<Option<Lease>>,
    proving: Mutex<Option<LockFile>>,
    ended: bool,
    stop: Arc<Stop>,
    /// Whether how it ends counts although it was asked to end.
    counts: AtomicBool,
    history: History,
    counted: Ended,
    observer: Observer,
    done: AtomicU64,
    total: AtomicU64,
    told: Mutex<Instant>,
    sender: watch::Sender<Job>,
}

/// Lets one wait for a job's end.
#[derive(Debug, Clone)]
pub struct Ticket(watch::Receiver<Job>);

impl Ticket {
    /// The job as it is now.
    #[must_use]
    pub fn job(&self) -> Job {
        self.0.borrow().clone()
    }

    /// Waits until the job no longer runs. Not blocking: for async callers.
    pub async fn ended(&mut self) -> Job {
        // A sender that is gone has told the last state before.
        let _ = self.0.wait_for(|job| job.state != JobState::Running).await;
        self.job()
    }
}

impl RunningJob {
    /// A ticket to wait with.
    pub fn ticket(&self) -> Ticket {
        Ticket(self.sender.subscribe())
    }

    /// Ends the job with its outcome: remembered durably first, told then, and the lease given back last.
    ///
    /// # Errors
    ///
    /// The outcome's own error, or that of writing the history.
    pub fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        let outcome = outcome.map_err(|error| match self.stopped() {
            // Of being interrupted comes any error.
            Some(reason) if !error.message().contains(&reason) => {
                Error::invalid(format!("It was given up: {reason}.")).caused_by(error)
            }
            _ => error,
        });
        let error = outcome.as_ref().err().map(crate::error::Error::reason);
        self.conclude(error)?;
        outcome
    }

    /// Notes what the users of the job's outcome should know, to be told with it.
    pub fn warn(&self, warning: &str) {
        self.sender.send_modify(|job| job.add_warning(warning));
    }

    /// Notes how long the backup is that it is about, in bytes.
    pub(super) fn is_about(&self, size: u64) {
        self.sender.send_modify(|job| job.size = Some(size));
    }

    /// Notes how many records it brought back.
    pub fn brought(&self, records: usize) {
        self.sender.send_modify(|job| job.records = Some(records));
    }

    /// Notes which backups did not pass, which is all that it fails of. Of many none is noted: the history has no room
    /// for their names.
    pub(super) fn failed_of(&self, keys: Vec<String>) {
        if keys.len() <= NAMED {
            self.sender.send_modify(|job| job.failed = keys);
        }
    }

    /// Says that what it made is listed, and gives the lease back: from here on it keeps nobody from anything.
    ///
    /// # Errors
    ///
    /// Where that can't be remembered; the job still holds the lease then.
    pub fn published(&self) -> Result<()> {
        let proving = self.history.prove()?;
        let mut job = self.sender.borrow().clone();
        job.phase = JobPhase::Proving;
        (job.bytes_done, job.bytes_total) = self.measured();
        self.history.put(&job)?;
        *self.proving.lock() = Some(proving);
        // A client that sees the backup may begin the next job at once.
        drop(self.lease.lock().take());
        self.sender.send_replace(job.clone());
        (self.observer)(&job);
        Ok(())
    }

    /// Why it was asked to end, if it was, unless what it found [counts](Self::counts).
    pub fn stopped(&self) -> Option<String> {
        let reason = self.stop.reason();
        reason.filter(|_| !self.counts.load(Ordering::Relaxed))
    }

    /// Its outcome is what it found, also where it was asked to end meanwhile: that is to be told.
    pub(super) fn counts(&self) {
        self.counts.store(true, Ordering::Relaxed);
    }

    /// Has `interrupt` called when it is asked to end: what it does may be waiting for somebody else.
    pub fn on_stop(&self, interrupt: impl Fn() + Send + Sync + 'static) {
        self.stop.also(Box::new(interrupt));
    }

    /// Interrupts what it asks `storage` for when it is asked to end.
    pub(super) fn interrupts(&self, storage: &Arc<dyn Storage>) {
        let storage = storage.clone();
        self.on_stop(move || storage.interrupt());
    }

    /// Does what can't be taken back, unless it was asked to end before; afterwards it is asked in vain.
    ///
    /// # Errors
    ///
    /// What `work` says, and that it was asked to end.
    pub fn decide<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.stop.decide(work)
    }

    /// Leaves the job to the next process, which ends it; gives out the lease, to be held as long as this process
    /// lives.
    pub fn hand_over(mut self) -> Option<Lease> {
        let mut job = self.sender.borrow().clone();
        (job.bytes_done, job.bytes_total) = self.measured();
        // How far it came is nice to know, no more: the job's state was written when it began.
        if let Err(error) = self.history.put(&job) {
            tracing::debug!(%error, "the progress of a job could not be written");
        }
        self.ended = true;
        self.lease.lock().take()
    }

    /// Bytes done, and those to do.
    pub fn measured(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    fn conclude(&mut self, error: Option<String>) -> Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        let mut job = self.sender.borrow().clone();
        job.bytes_done = self.done.load(Ordering::Relaxed);
        job.bytes_total = self.total.load(Ordering::Relaxed);
        job.finished = crate::moment::wire_now();
        job.state = if error.is_some() {
            JobState::Failed
        } else {
            JobState::Succeeded
        };
        job.stopped = error.is_some() && self.stopped().is_some();
        job.error = error.unwrap_or_default();
        let mut counted = self.counted.lock();
        *counted.entry((job.kind, job.state)).or_default() += 1;
        drop(counted);
        let remembered = self.history.put(&job);
        // A client that was told of the end may begin the next job at once.
        drop(self.lease.lock().take());
        drop(self.proving.lock().take());
        self.sender.send_replace(job.clone());
        (self.observer)(&job);
        remembered
    }

    fn tell(&self) {
        {
            let mut told = self.told.lock();
            if told.elapsed() < TELL_EVERY {
                return;
            }
            *told = Instant::now();
        }
        self.sender.send_modify(|job| {
            job.bytes_done = self.done.load(Ordering::Relaxed);
            job.bytes_total = self.total.load(Ordering::Relaxed);
        });
        let job = self.sender.borrow().clone();
        (self.observer)(&job);
    }
}

impl Progress for RunningJob {
    fn total(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn cancelled(&self) -> bool {
        self.stop.is_wanted()
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        if let Err(error) = self.conclude(Some("The job ended without an outcome; the log says why.".to_owned())) {
            tracing::error!(%error, "the outcome of a job could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use bosbase_backup::ErrorKind as Engine;
    use bosbase_disk::RealDisk;

    use super::*;
    use crate::jobs::engine::refuse;

    /// The status said "Something went wrong while processing your request." of all that the system had refused.
    #[test]
    fn a_failed_job_names_its_cause() {
        let dir = tempfile::tempdir().unwrap();
        let registry = JobRegistry::new(Arc::new(RealDisk), DataDir::at(dir.path()), Arc::new(|_| {}));
        for kind in JobKind::ALL {
            for (code, cause) in [
                (24, "too few file descriptors"),
                (23, "too few file descriptors"),
                (28, "The disk is full."),
                (122, "The disk is full."),
                (13, "has no right"),
                (30, "read-only"),
                (5, "Input/output error"),
            ] {
                let system = || io::Error::from_raw_os_error(code);
                let of_engine = bosbase_backup::Error::with(Engine::Io, "opening storage/c/r/paper.txt", system());
                let wrapped = io::Error::other(bosbase_backup::Error::with(Engine::Io, "reading", system()));
                let errors = [
                    Error::internal(system()),
                    refuse(of_engine),
                    Error::internal(wrapped),
                    Error::invalid("The list can't be read.").caused_by(system()),
                ];
                for error in errors {
                    let running = registry.begin(registry.lease().unwrap(), kind, "a.zip").unwrap();
                    running.end(Err::<(), _>(error)).unwrap_err();
                    let told = registry.all().unwrap().remove(0);
                    assert_eq!((told.state, told.kind), (JobState::Failed, kind));
                    let is_named = told.error.contains(cause) || (code == 5 && told.error == "The list can't be read.");
                    assert!(
                        is_named && !told.error.contains("Something went wrong"),
                        "{}",
                        told.error
                    );
                }
            }
        }
    }
}
