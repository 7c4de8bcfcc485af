//! What became of backups and restores: kept in a file, so that it can be read after a restart and after a kill.

use std::path::PathBuf;
use std::sync::Arc;

use bosbase_backup::StateDir;
use bosbase_disk::{Disk, LockFile, read_all, write_atomically};
use serde::{Deserialize, Serialize};

use super::figures::{self, Figures, FiguresFile};
use super::state_locks::Records;
use crate::error::{Error, Result};
use crate::reserve::Reserve;

/// How many finished jobs are remembered.
const REMEMBERED: usize = 50;
/// More than so many jobs can come to, in bytes.
const LONGEST: u64 = 1 << 20;
/// How much of an error, or of a warning, is kept, in characters: it may quote what a hostile archive says of itself.
const LONGEST_ERROR: usize = 2_000;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Makes a backup.
    Create,
    /// Takes in a backup that was made elsewhere.
    Upload,
    /// Reads a backup from end to end and holds it against its manifest.
    Verify,
    /// Reads all backups back, as a scrub.
    #[serde(alias = "drill")]
    Scrub,
    /// Replaces the data by a backup's.
    Restore,
    /// Brings back the data that a restore, or an undo, replaced.
    Undo,
    /// Brings chosen records of a backup back.
    Recover,
}

impl JobKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Upload,
        Self::Verify,
        Self::Scrub,
        Self::Restore,
        Self::Undo,
        Self::Recover,
    ];

    /// Its name as it is written everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Upload => "upload",
            Self::Verify => "verify",
            Self::Scrub => "scrub",
            Self::Restore => "restore",
            Self::Undo => "undo",
            Self::Recover => "recover",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Under way.
    Running,
    /// Done, and what it was to bring about is durable.
    Succeeded,
    /// Not done; `error` says why, and nothing of it is left behind.
    Failed,
}

/// What a job that runs keeps others from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobPhase {
    /// Everything: it holds the lease.
    #[default]
    Working,
    /// Nothing: the backup is listed, and is being read back.
    Proving,
}

/// One job, as the status endpoint, the realtime topic `@backups` and the command line show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Random identifier.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// The backup it is about.
    pub key: String,
    /// How far it is.
    pub state: JobState,
    /// What it keeps others from while it runs; where it failed, what it was at.
    #[serde(default)]
    pub phase: JobPhase,
    /// Bytes worked through so far.
    pub bytes_done: u64,
    /// Bytes to work through; 0 while that is not known.
    pub bytes_total: u64,
    /// Why it failed; empty where it did not.
    #[serde(default)]
    pub error: String,
    /// What its users should know although it succeeded; empty mostly.
    #[serde(default)]
    pub warning: String,
    /// Whether it failed since somebody wanted its end: the backup it proved was deleted, say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// When it began, `2023-05-19T16:25:57.542Z`.
    pub started: String,
    /// When it ended; empty while it runs.
    #[serde(default)]
    pub finished: String,
    /// The length of the backup that it is about, in bytes, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// How many records came back, or became as they were; of a job that brought some back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<usize>,
    /// The backups that did not pass, of a scrub that failed of them and of nothing else; empty where there are more
    /// than twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
}

impl Job {
    /// Adds a sentence to what its users should know.
    pub(super) fn add_warning(&mut self, warning: &str) {
        if !self.warning.is_empty() {
            self.warning.push(' ');
        }
        self.warning.push_str(warning);
    }

    /// `text` with what its users should know.
    pub(super) fn told(&self, text: String) -> String {
        if self.warning.is_empty() {
            return text;
        }
        format!("{text}\nWarning: {}", self.warning)
    }
}

/// The file of jobs. A change holds [`super::state_locks::Records`] meanwhile.
#[derive(Clone)]
pub struct History {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    records: Records,
    reserve: Reserve,
    figures: FiguresFile,
}

impl History {
    /// The history kept in `state_dir`.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, state_dir: &StateDir) -> Self {
        Self {
            path: state_dir.jobs(),
            records: Records::new(state_dir),
            reserve: Reserve::in_state_dir(disk.clone(), state_dir),
            figures: FiguresFile::new(disk.clone(), state_dir),
            disk,
        }
    }

    /// Every remembered job, newest first. A file that can't be understood counts as empty: it is a record of the past,
    /// and must not keep anybody from the present.
    ///
    /// # Errors
    ///
    /// Where the file is there and can't be read.
    pub fn read(&self) -> Result<Vec<Job>> {
        use std::io::ErrorKind::{FileTooLarge, NotFound};
        match read_all(self.disk.as_ref(), &self.path, LONGEST) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if matches!(error.kind(), NotFound | FileTooLarge) => Ok(Vec::new()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Puts `job` first, or in the place of its earlier state, durably.
    ///
    /// # Errors
    ///
    /// Where the file can't be written.
    pub fn put(&self, job: &Job) -> Result<()> {
        let _alone = self.records.change()?;
        let mut jobs = self.read()?;
        let mut job = job.clone();
        let id = job.id.clone();
        for text in [&mut job.error, &mut job.warning] {
            if let Some((end, _)) = text.char_indices().nth(LONGEST_ERROR) {
                text.truncate(end);
                text.push('…');
            }
        }
        match jobs.iter_mut().find(|known| known.id == job.id) {
            Some(known) => *known = job,
            None => jobs.insert(0, job),
        }
        let ended = jobs.iter().find(|known| known.id == id).cloned();
        jobs.truncate(REMEMBERED);
        self.write(&jobs)?;
        self.count(ended.as_slice());
        Ok(())
    }

    /// How long the jobs took that ended, and how much they went through, those that ended last first; some 1,500 of
    /// them.
    ///
    /// # Errors
    ///
    /// Where that can't be read.
    pub fn figures(&self) -> Result<Vec<Figures>> {
        // Those that ended before this was written down, or when it could not be.
        let ended = self.read()?.iter().filter_map(Figures::of).collect();
        Ok(figures::with(self.figures.read()?, ended))
    }

    /// Remembers the figures of `jobs` that ended, under the lock of changes. They are still in the history where that
    /// fails, and are told from there.
    fn count(&self, jobs: &[Job]) {
        if let Err(error) = self.figures.add(jobs) {
            tracing::warn!(
                error = error.with_causes(),
                "the figures of a job could not be written down"
            );
        }
    }

    /// Says that this process proves a backup, for as long as what is returned lives.
    ///
    /// # Errors
    ///
    /// Where the lock can't be made.
    pub fn prove(&self) -> Result<LockFile> {
        self.records.prove()
    }

    /// Whether `job`, which runs without the lease, may still do so.
    #[must_use]
    pub fn may_be_proving(&self, job: &Job) -> bool {
        job.phase == JobPhase::Proving && self.records.nobody_proves().is_none()
    }

    /// Ends what an earlier process left running, `settle` saying how each ended. Returns those that changed. For
    /// the holder of the lease.
    ///
    /// # Errors
    ///
    /// Where the file can't be read or written.
    pub fn settle(&self, settle: impl Fn(&mut Job)) -> Result<Vec<Job>> {
        let _alone = self.records.change()?;
        let nobody_proves = self.records.nobody_proves();
        let mut jobs = self.read()?;
        let mut settled = Vec::new();
        let ended = |job: &&mut Job| {
            job.state == JobState::Running && (job.phase == JobPhase::Working || nobody_proves.is_some())
        };
        for job in jobs.iter_mut().filter(ended) {
            settle(job);
            settled.push(job.clone());
        }
        if !settled.is_empty() {
            self.write(&jobs)?;
            self.count(&settled);
        }
        Ok(settled)
    }

    fn write(&self, jobs: &[Job]) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(jobs).map_err(Error::internal)?;
        // What a job failed of is to be known when it was a full disk.
        self.reserve
            .spend(|| write_atomically(self.disk.as_ref(), &self.path, &bytes).map_err(Error::internal))
    }
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    fn failed(error: &str) -> Job {
        Job {
            id: bosbase_store::new_id(),
            kind: JobKind::Upload,
            key: "a.zip".to_owned(),
            state: JobState::Failed,
            phase: JobPhase::Working,
            bytes_done: 0,
            bytes_total: 0,
            error: error.to_owned(),
            warning: String::new(),
            stopped: false,
            started: String::new(),
            finished: String::new(),
            size: None,
            records: None,
            failed: Vec::new(),
        }
    }

    /// A few uploads whose entries had names of 64 KiB, quoted in why they failed, made the file longer than it is
    /// read: no backup could begin any more, and no server start.
    #[test]
    fn errors_of_any_length_leave_the_history_readable() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
        for _ in 0..60 {
            history.put(&failed(&"\u{1}".repeat(64 << 10))).unwrap();
        }
        let jobs = history.read().unwrap();
        assert_eq!(jobs.len(), REMEMBERED);
        assert_eq!(jobs[0].error.chars().count(), LONGEST_ERROR + 1);
    }

    #[test]
    fn a_history_that_is_too_long_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
        write_atomically(&RealDisk, &history.path, &vec![b' '; 2 << 20]).unwrap();
        history.put(&failed("no")).unwrap();
        assert_eq!(history.read().unwrap().len(), 1);
    }
}
