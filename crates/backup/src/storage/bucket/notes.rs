//! What multipart uploads are under way, written down so that a crash does not leave parts that nobody knows of.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bosbase_bucket::{Bucket, BucketConfig, ErrorKind as Cause, Ledger, Patience};
use bosbase_disk::{Disk, FileKind, read_all, write_atomically};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::failed;
use crate::error::{Context as _, Result};

/// Longest note that is read, in bytes.
const LIMIT: u64 = 64 << 10;
/// By so much a provider's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(15);

/// A folder of notes, one file for each upload.
#[derive(Debug, Clone)]
pub struct Notes {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// Which bucket, without who asks.
    place: String,
    key: String,
    begun: Timestamp,
    /// The provider's name for it; empty while it was not answered.
    upload_id: String,
}

/// An upload that a process before this one left; holding it does nothing.
#[derive(Debug, Clone)]
pub struct Leftover {
    notes: Notes,
    path: PathBuf,
    line: Line,
    /// All that were left: other notes were begun since.
    left: Arc<HashSet<PathBuf>>,
}

/// The note of one upload. It is written when the upload becomes one of several parts; told of it as its [`Ledger`].
#[derive(Debug, Clone)]
pub struct Note {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    line: Line,
}

impl Notes {
    /// Notes in `dir`, which is made when first needed.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir }
    }

    /// The note of an upload to `key` in the bucket `place`; written down when it is needed.
    #[must_use]
    pub fn note(&self, place: &str, key: &str) -> Note {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let begun = Timestamp::now();
        let unique = format!(
            "{}-{}-{}",
            begun.as_nanosecond(),
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        Note {
            disk: self.disk.clone(),
            path: self.dir.join(format!("{unique}.json")),
            line: Line {
                place: place.to_owned(),
                key: key.to_owned(),
                begun,
                upload_id: String::new(),
            },
        }
    }

    /// The uploads noted down. For a process that is alone with this folder (by the lease or the serve_lock of the data
    /// directory), so that none of them is under way; nothing tells one that a crash left from one that goes on.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn leftovers(&self) -> Result<Vec<Leftover>> {
        let lines = self.lines()?;
        let left: Arc<HashSet<_>> = Arc::new(lines.iter().map(|(path, _)| path.clone()).collect());
        let leftover = |(path, line)| Leftover {
            notes: self.clone(),
            path,
            line,
            left: left.clone(),
        };
        Ok(lines.into_iter().map(leftover).collect())
    }

    fn lines(&self) -> Result<Vec<(PathBuf, Line)>> {
        let attempted = || format!("reading the notes of uploads in {}", self.dir.display());
        let entries = match self.disk.list(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.context(attempted)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.context(attempted)?;
            let path = self.dir.join(&entry.name);
            if entry.kind != FileKind::File || path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = match read_all(self.disk.as_ref(), &path, LIMIT) {
                // Its upload has just ended.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.context(attempted)?,
            };
            match serde_json::from_slice(&bytes) {
                Ok(line) => found.push((path, line)),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "the note of an upload can't be understood");
                }
            }
        }
        Ok(found)
    }
}

impl Leftover {
    /// Gives the upload up if `config` is of its bucket; tells whether it is. What can't be done now is left for the
    /// next start.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] where the bucket can't be reached.
    pub fn give_up(&self, config: &BucketConfig) -> Result<bool> {
        if config.place() != self.line.place {
            return Ok(false);
        }
        let key = &self.line.key;
        let refused = |error| failed(error, &format!("removing the parts of {key}"));
        let bucket = Bucket::new(config, Patience::Work).map_err(refused)?;
        if self.line.upload_id.is_empty() {
            // It may have been begun without our hearing of it.
            match bucket.unfinished(key) {
                Ok(uploads) => {
                    // What was begun since is noted down before the provider hears of it: so those of the list that go
                    // on are among these notes.
                    let live = self.begun_since()?;
                    if live.iter().any(String::is_empty) {
                        // One of them is that one, and nobody knows yet which.
                        return Ok(true);
                    }
                    let earliest = self.line.begun - SKEW;
                    let ours = uploads
                        .iter()
                        .filter(|upload| upload.begun.is_some_and(|begun| begun >= earliest))
                        .filter(|upload| !live.contains(&upload.upload_id));
                    for upload in ours {
                        bucket.abort(key, &upload.upload_id).map_err(refused)?;
                    }
                }
                Err(error) if error.kind() == Cause::Unsupported => {
                    tracing::warn!(%error, key, "the provider can't list unfinished uploads; parts of one may be left");
                }
                Err(error) => return Err(refused(error)),
            }
        } else {
            bucket.abort(key, &self.line.upload_id).map_err(refused)?;
        }
        remove(self.notes.disk.as_ref(), &self.path);
        Ok(true)
    }

    /// The provider's names for the uploads of the same key that this process, or one beside it, began since.
    fn begun_since(&self) -> Result<Vec<String>> {
        let is_of_key = |line: &Line| line.key == self.line.key && line.place == self.line.place;
        let lines = self.notes.lines()?.into_iter();
        let since = lines.filter(|(path, line)| !self.left.contains(path) && is_of_key(line));
        Ok(since.map(|(_, line)| line.upload_id).collect())
    }
}

impl Note {
    fn write(&self) -> io::Result<()> {
        if let Some(dir) = self.path.parent() {
            self.disk.create_dir_all(dir)?;
        }
        write_atomically(self.disk.as_ref(), &self.path, &serde_json::to_vec(&self.line)?)
    }

    /// Forgets the upload, which is no more.
    pub fn remove(&self) {
        remove(self.disk.as_ref(), &self.path);
    }
}

impl Ledger for Note {
    fn starting(&mut self) -> io::Result<()> {
        self.write()
    }

    fn started(&mut self, upload_id: &str) -> io::Result<()> {
        upload_id.clone_into(&mut self.line.upload_id);
        self.write()
    }
}

fn remove(disk: &dyn Disk, path: &Path) {
    match disk.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "the note of an upload could not be removed");
        }
        _ => {}
    }
}
