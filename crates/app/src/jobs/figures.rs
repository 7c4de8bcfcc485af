//! How long the jobs took that ended, and how much they went through: for charts of months, where the history of jobs
//! goes back some dozens.

use std::path::PathBuf;
use std::sync::Arc;

use bosbase_backup::StateDir;
use bosbase_disk::{Disk, read_all, write_atomically};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::status::{Job, JobKind, JobState};
use crate::error::{Error, Result};

/// How many jobs are remembered: three years of a backup a night, with what else happens.
const REMEMBERED: usize = 1_500;
/// More than so many can come to, in bytes.
const LONGEST: u64 = 4 << 20;

/// The figures of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The job's id.
    pub id: String,
    /// What it did.
    pub kind: JobKind,
    /// The backup that it was about; empty for a scrub.
    pub key: String,
    /// How it ended.
    pub state: JobState,
    /// Whether it failed since somebody wanted its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// When it began.
    pub started: String,
    /// When it ended.
    pub finished: String,
    /// How long it took, in milliseconds.
    pub duration: u64,
    /// Bytes that it went through; of a backup its data, and then the archive.
    pub bytes: u64,
    /// The length of the backup that it was about, in bytes; nothing where that is not known.
    pub size: Option<u64>,
}

impl Figures {
    /// Those of a job that ended; nothing of one that still runs.
    pub(super) fn of(job: &Job) -> Option<Self> {
        if job.state == JobState::Running {
            return None;
        }
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let took = at(&job.finished).zip(at(&job.started));
        let took = took.map(|(end, begin)| end.duration_since(begin).as_millis());
        Some(Self {
            id: job.id.clone(),
            kind: job.kind,
            key: job.key.clone(),
            state: job.state,
            stopped: job.stopped,
            started: job.started.clone(),
            finished: job.finished.clone(),
            duration: took.and_then(|took| u64::try_from(took).ok()).unwrap_or_default(),
            bytes: job.bytes_done,
            size: job.size,
        })
    }
}

/// The file of them. Its changes are made under the lock of the history of jobs.
#[derive(Clone)]
pub(super) struct FiguresFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl FiguresFile {
    pub(super) fn new(disk: Arc<dyn Disk>, state_dir: &StateDir) -> Self {
        Self {
            disk,
            path: state_dir.figures(),
        }
    }

    /// All that are remembered, those that ended last first. A file that can't be understood counts as empty: they are
    /// a record of the past.
    ///
    /// # Errors
    ///
    /// Where it is there and can't be read.
    pub(super) fn read(&self) -> Result<Vec<Figures>> {
        use std::io::ErrorKind::{FileTooLarge, NotFound};
        match read_all(self.disk.as_ref(), &self.path, LONGEST) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if matches!(error.kind(), NotFound | FileTooLarge) => Ok(Vec::new()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Adds those of `jobs` that ended.
    ///
    /// # Errors
    ///
    /// Where the file can't be read or written.
    pub(super) fn add(&self, jobs: &[Job]) -> Result<()> {
        let ended: Vec<Figures> = jobs.iter().filter_map(Figures::of).collect();
        if ended.is_empty() {
            return Ok(());
        }
        let all = with(self.read()?, ended);
        let bytes = serde_json::to_vec(&all).map_err(Error::internal)?;
        write_atomically(self.disk.as_ref(), &self.path, &bytes).map_err(Error::internal)
    }
}

/// `known` with `more`, each job once, those that ended last first, no more than are remembered.
pub(super) fn with(mut known: Vec<Figures>, more: Vec<Figures>) -> Vec<Figures> {
    known.retain(|one| more.iter().all(|new| new.id != one.id));
    known.extend(more);
    known.sort_by(|a, b| (&b.finished, &b.id).cmp(&(&a.finished, &a.id)));
    known.truncate(REMEMBERED);
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(n: usize) -> Figures {
        Figures {
            id: format!("{n:015}"),
            kind: JobKind::Create,
            key: format!("{}.zip", "x".repeat(255)),
            state: JobState::Failed,
            stopped: true,
            started: "2026-11-23T06:17:03.216Z".to_owned(),
            finished: format!("2026-11-23T06:17:03.{n:06}Z"),
            duration: u64::MAX,
            bytes: u64::MAX,
            size: Some(u64::MAX),
        }
    }

    #[test]
    fn as_many_as_are_remembered_can_be_read_again() {
        let all = with(Vec::new(), (0..REMEMBERED + 9).map(figures).collect());
        assert_eq!(all.len(), REMEMBERED);
        assert_eq!(all[0], figures(REMEMBERED + 8), "those that ended last come first");
        assert!((serde_json::to_vec(&all).unwrap().len() as u64) < LONGEST);
    }

    #[test]
    fn a_job_is_remembered_once_as_it_ended_last() {
        let mut later = figures(1);
        later.size = None;
        assert_eq!(
            with(vec![figures(1), figures(0)], vec![later.clone()]),
            [later, figures(0)]
        );
    }
}
