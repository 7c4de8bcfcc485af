//! What multipart uploads are under way, written down so that a crash does not leave parts that nobody knows of.

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
    disk: Arc<dyn Disk>,
    path: PathBuf,
    line: Line,
}

/// The note of one upload. It is written when the upload becomes one of several parts.
#[derive(Debug, Clone)]
pub(super) struct Note {
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

    pub(super) fn note(&self, place: &str, key: &str) -> Note {
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

    /// The uploads noted down. For whoever holds the lease, so that none of them is under way; without it nothing tells one
    /// that a crash left from one that goes on.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`].
    pub fn leftovers(&self) -> Result<Vec<Leftover>> {
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
            match serde_json::from_slice(&read_all(self.disk.as_ref(), &path, LIMIT).context(attempted)?) {
                Ok(line) => found.push(Leftover {
                    disk: self.disk.clone(),
                    path,
                    line,
                }),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "the note of an upload can't be understood");
                }
            }
        }
        Ok(found)
    }
}

impl Leftover {
    /// Gives the upload up if `config` is of its bucket; tells whether it is. What can't be done now is left for the next start.
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
            // It may have been begun without our hearing of it. Nobody else of this data directory uploads that key: the
            // same lease that lets us clear up is what lets one upload.
            match bucket.unfinished(key) {
                Ok(uploads) => {
                    let earliest = self.line.begun - SKEW;
                    let ours = uploads
                        .iter()
                        .filter(|upload| upload.begun.is_some_and(|begun| begun >= earliest));
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
        remove(self.disk.as_ref(), &self.path);
        Ok(true)
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
    pub(super) fn remove(&self) {
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
