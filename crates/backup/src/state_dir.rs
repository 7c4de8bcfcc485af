//! The names in the folder `.bosbase` of a data directory, which is this program's alone.

use std::ops::Deref;
use std::path::{Path, PathBuf};

/// The old data while a restore may still be undone.
pub(crate) const UNDO_PREFIX: &str = "undo-";
/// The data that a restore is about to put in place.
pub(crate) const STAGING_PREFIX: &str = "staging-";

/// The folder of a data directory's own state: a path that knows which names it holds. Dereferences to the path.
///
/// Nothing in it is part of a backup, and no restore replaces it. No call touches the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The state at this path. That of a data directory is [`DataDir::state`](crate::DataDir::state).
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// `serve.lock`: held by the process that serves the data directory or restores into it.
    #[must_use]
    pub fn serve_lock(&self) -> PathBuf {
        self.join("serve.lock")
    }

    /// `job.lock`: held while a backup is made, taken in, verified or restored.
    #[must_use]
    pub fn job_lock(&self) -> PathBuf {
        self.join("job.lock")
    }

    /// `files.lock`: shared while an uploaded file is removed, exclusive while a backup reads them.
    #[must_use]
    pub fn files_lock(&self) -> PathBuf {
        self.join("files.lock")
    }

    /// `records.lock`: held for as long as the history of jobs or the proofs are changed.
    #[must_use]
    pub fn records_lock(&self) -> PathBuf {
        self.join("records.lock")
    }

    /// `proof.lock`: shared while a backup is proven without the lease.
    #[must_use]
    pub fn proof_lock(&self) -> PathBuf {
        self.join("proof.lock")
    }

    /// `pending-deletes`: folder of notes: files to remove once no backup needs them.
    #[must_use]
    pub fn pending_deletes(&self) -> PathBuf {
        self.join("pending-deletes")
    }

    /// `pending-objects`: folder of notes: the same of files in a bucket, once no undo needs them either.
    #[must_use]
    pub fn pending_objects(&self) -> PathBuf {
        self.join("pending-objects")
    }

    /// `undecided-files`: folder of notes: what to remove, or to keep, according to a commit whose outcome a crash hid.
    #[must_use]
    pub fn undecided_files(&self) -> PathBuf {
        self.join("undecided-files")
    }

    /// `file-uploads`: folder of notes: multipart uploads of files that are under way.
    #[must_use]
    pub fn file_uploads(&self) -> PathBuf {
        self.join("file-uploads")
    }

    /// `bucket-uploads`: folder of notes: multipart uploads of backups that are under way.
    #[must_use]
    pub fn bucket_uploads(&self) -> PathBuf {
        self.join("bucket-uploads")
    }

    /// `restored-objects`: folder of notes: what a restore that is being staged put in a bucket.
    #[must_use]
    pub fn restored_objects(&self) -> PathBuf {
        self.join("restored-objects")
    }

    /// `uploads`: folder of files on their way in, and of bodies and answers that are too large for memory.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.join("uploads")
    }

    /// `reserve`: room that is given up when what frees room meets a full disk.
    #[must_use]
    pub fn reserve(&self) -> PathBuf {
        self.join("reserve")
    }

    /// `certificates`: folder of the server's certificates, their keys, and its account at who issues them.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.join("certificates")
    }

    /// `damaged`: folder of logs that were set aside since they could not be read.
    #[must_use]
    pub fn damaged(&self) -> PathBuf {
        self.join("damaged")
    }

    /// `opened`: folder of databases of backups that are being verified; emptied at the start.
    #[must_use]
    pub fn opened(&self) -> PathBuf {
        self.join("opened")
    }

    /// `jobs.json`: the last jobs and how they ended.
    #[must_use]
    pub fn jobs(&self) -> PathBuf {
        self.join("jobs.json")
    }

    /// `proofs.json`: when each backup was last proven, and what the last proof failed of.
    #[must_use]
    pub fn proofs(&self) -> PathBuf {
        self.join("proofs.json")
    }

    /// `contents`: folder of what each proven backup holds, a file each.
    #[must_use]
    pub fn contents(&self) -> PathBuf {
        self.join("contents")
    }

    /// `figures.json`: how long the jobs took that ended, and how much they went through.
    #[must_use]
    pub fn figures(&self) -> PathBuf {
        self.join("figures.json")
    }

    /// `alarms.json`: what was told of failed jobs, what is not well, and what is still to be told.
    #[must_use]
    pub fn alarms(&self) -> PathBuf {
        self.join("alarms.json")
    }

    /// `instance.json`: the random name that this directory owns a bucket by.
    #[must_use]
    pub fn instance(&self) -> PathBuf {
        self.join("instance.json")
    }

    /// `restore.journal`: only there while a restore is under way.
    #[must_use]
    pub fn restore_journal(&self) -> PathBuf {
        self.join("restore.journal")
    }

    /// `last-restore.json`: how the last restore ended.
    #[must_use]
    pub fn last_restore(&self) -> PathBuf {
        self.join("last-restore.json")
    }

    /// `undo.json`: which data an undo brings back, and until when.
    #[must_use]
    pub fn undo_record(&self) -> PathBuf {
        self.join("undo.json")
    }

    /// `elapsed.json`: how much time has passed for certain, while data is kept for an undo.
    #[must_use]
    pub fn elapsed(&self) -> PathBuf {
        self.join("elapsed.json")
    }
}

impl Deref for StateDir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for StateDir {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}
