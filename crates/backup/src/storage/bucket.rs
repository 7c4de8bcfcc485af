//! Backups as objects in a bucket: its `.zip` objects that lie in no folder.
//!
//! An object appears whole, when its upload is completed, or never. What a killed process leaves is a multipart upload
//! that nobody sees and that is paid for: so each is noted down ([`Notes`]) before it is begun, and given up at the
//! next start.

mod notes;
mod source;

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use bosbase_bucket::{Bucket, BucketConfig, ErrorKind as Cause, Interrupt, Label, Object, Patience, Upload};

pub use notes::{Leftover, Note, Notes};
use source::BucketSource;

use super::{ArchiveSource, BackupInfo, StagedUpload, Storage, sort};
use crate::error::{Error, ErrorKind, Result};
use crate::key::BackupKey;

/// For so long a list that lags behind what was done here is set right.
const LAG: Duration = Duration::from_secs(120);

/// The longest note beside the backups that is read, in bytes, and how many are.
const LONGEST_NOTE: u64 = 1 << 20;
const MOST_NOTES: usize = 100;

/// Backups in a bucket of an S3-compatible object storage.
#[derive(Debug, Clone)]
pub struct BucketStorage {
    /// For work that nobody watches.
    bucket: Bucket,
    /// For lookups, lists and deletions.
    asking: Bucket,
    interrupt: Interrupt,
    notes: Notes,
    /// What was published (`Some`) and deleted (`None`) here lately.
    recent: Recent,
}

type Recent = std::sync::Arc<Mutex<HashMap<BackupKey, (Instant, Option<BackupInfo>)>>>;

impl BucketStorage {
    /// The backups in the bucket that `config` names; asks nobody yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the settings name no bucket.
    pub fn new(config: &BucketConfig, notes: Notes) -> Result<Self> {
        let open = |patience| Bucket::new(config, patience).map_err(|error| failed(error, "opening the bucket"));
        Ok(Self {
            bucket: open(Patience::Work)?,
            asking: open(Patience::Answer)?,
            interrupt: Interrupt::default(),
            notes,
            recent: Recent::default(),
        })
    }

    /// The same storage for one job, whose [`Storage::interrupt`] ends what it asks for, and what its
    /// [`BucketStorage::patient`] does.
    #[must_use]
    pub fn for_job(&self) -> Self {
        let interrupt = Interrupt::default();
        Self {
            bucket: self.bucket.interrupted_by(&interrupt),
            asking: self.asking.interrupted_by(&interrupt),
            interrupt,
            ..self.clone()
        }
    }

    /// The same storage for work that nobody watches: lookups, lists and deletions, too, are tried for minutes.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self {
            asking: self.bucket.clone(),
            ..self.clone()
        }
    }

    fn find(&self, key: &BackupKey) -> Result<Option<Object>> {
        match self.asking.head(key.as_str()) {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind() == Cause::NotFound => Ok(None),
            Err(error) => Err(failed(error, &format!("looking for the backup {key}"))),
        }
    }

    /// Sets right what a list that lags says of what was published and deleted here.
    fn catch_up(&self, list: &mut Vec<BackupInfo>) -> Result<()> {
        let recent: Vec<_> = {
            let mut recent = lock(&self.recent);
            recent.retain(|_, (when, _)| when.elapsed() < LAG);
            recent
                .iter()
                .map(|(key, (_, info))| (key.clone(), info.is_some()))
                .collect()
        };
        for (key, published) in recent {
            let listed = list.iter().position(|backup| backup.key == key);
            if listed.is_some() == published {
                continue;
            }
            // Somebody else may have deleted the one and made the other anew.
            match (self.find(&key)?, listed) {
                (Some(object), None) => list.push(info(key, &object)),
                (None, Some(index)) => drop(list.swap_remove(index)),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Storage for BucketStorage {
    fn place(&self) -> String {
        self.bucket.place()
    }

    fn list(&self) -> Result<Vec<BackupInfo>> {
        let objects = self
            .asking
            .list("")
            .map_err(|error| failed(error, "listing the backups"))?;
        let mut list: Vec<_> = objects
            .into_iter()
            .filter_map(|object| {
                let key = BackupKey::existing(&object.key).ok()?;
                Some(info(key, &object))
            })
            .collect();
        self.catch_up(&mut list)?;
        sort(&mut list);
        Ok(list)
    }

    fn create(&self, key: &BackupKey, expected: Option<u64>) -> Result<Box<dyn StagedUpload>> {
        if self.contains(key)? {
            return Err(taken(key));
        }
        let label = Label {
            content_type: "application/zip".to_owned(),
            ..Label::default()
        };
        let mut upload = self.bucket.upload(key.as_str(), expected, &label);
        let note = self.notes.note(&self.bucket.place(), key.as_str());
        upload.keep_in(Box::new(note.clone()));
        Ok(Box::new(BucketUpload {
            recent: self.recent.clone(),
            key: key.clone(),
            upload: Some(upload),
            note,
        }))
    }

    fn open(&self, key: &BackupKey) -> Result<Box<dyn ArchiveSource>> {
        match self.find(key)? {
            Some(object) => Ok(Box::new(BucketSource::new(self.bucket.clone(), object))),
            None => Err(missing(key)),
        }
    }

    fn delete(&self, key: &BackupKey) -> Result<()> {
        if self.find(key)?.is_none() {
            return Err(missing(key));
        }
        self.asking
            .delete(key.as_str())
            .map_err(|error| failed(error, &format!("deleting the backup {key}")))?;
        lock(&self.recent).insert(key.clone(), (Instant::now(), None));
        Ok(())
    }

    fn contains(&self, key: &BackupKey) -> Result<bool> {
        Ok(self.find(key)?.is_some())
    }

    fn note(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let label = Label {
            content_type: "application/json".to_owned(),
            ..Label::default()
        };
        let put = self.asking.put(name, bytes.to_vec().into(), &label);
        put.map_err(|error| failed(error, &format!("writing {name}")))
    }

    fn notes(&self, prefix: &str, goes_first: &dyn Fn(&str) -> bool) -> Result<Vec<Vec<u8>>> {
        let listed = self.asking.list(prefix);
        let mut objects = listed.map_err(|error| failed(error, "looking for notes beside the backups"))?;
        objects.retain(|object| object.size > 0 && object.size <= LONGEST_NOTE);
        let name = |object: &Object| object.key.strip_prefix(prefix).unwrap_or_default().to_owned();
        objects.sort_by_key(|object| (!goes_first(&name(object)), std::cmp::Reverse(object.modified)));
        objects.truncate(MOST_NOTES);
        let read = |object: &Object| self.asking.get(&object.key, 0..object.size, &object.etag);
        let notes = objects.iter().map(|object| read(object).map(|bytes| bytes.to_vec()));
        // One that is replaced just now is read the next time.
        Ok(notes.flatten().collect())
    }

    fn interrupt(&self) {
        self.interrupt.fire();
    }
}

/// A backup on its way into the bucket.
struct BucketUpload {
    recent: Recent,
    key: BackupKey,
    upload: Option<Upload>,
    note: Note,
}

impl Write for BucketUpload {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.upload.as_mut().ok_or_else(ended)?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StagedUpload for BucketUpload {
    fn publish(mut self: Box<Self>) -> Result<BackupInfo> {
        let attempted = format!("publishing the backup {}", self.key);
        let Some(upload) = self.upload.as_mut() else {
            return Err(Error::with(ErrorKind::Io, attempted, ended()));
        };
        match upload.finish(true) {
            Ok(object) => {
                self.upload = None;
                self.note.remove();
                let info = info(self.key.clone(), &object);
                lock(&self.recent).insert(self.key.clone(), (Instant::now(), Some(info.clone())));
                Ok(info)
            }
            Err(error) if error.kind() == Cause::AlreadyExists => Err(taken(&self.key)),
            Err(error) => Err(failed(error, &attempted)),
        }
    }
}

impl Drop for BucketUpload {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        match upload.give_up() {
            Ok(()) => self.note.remove(),
            // The note stays, and the next start tries again.
            Err(error) => tracing::warn!(%error, "parts of an upload could not be removed yet"),
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock()
}

fn ended() -> io::Error {
    io::Error::other("the upload has ended")
}

fn info(key: BackupKey, object: &Object) -> BackupInfo {
    BackupInfo {
        key,
        size: object.size,
        modified: object.modified,
        etag: bare(&object.etag),
    }
}

/// An ETag without its quotation marks; empty for none.
fn bare(etag: &str) -> String {
    etag.trim_start_matches("W/").trim_matches('"').replace('"', "")
}

fn taken(key: &BackupKey) -> Error {
    Error::new(ErrorKind::AlreadyExists, format!("the backup {key} already exists"))
}

fn missing(key: &BackupKey) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no backup {key}"))
}

fn failed(error: bosbase_bucket::Error, attempted: &str) -> Error {
    let kind = match error.kind() {
        Cause::NotFound => ErrorKind::NotFound,
        Cause::AlreadyExists => ErrorKind::AlreadyExists,
        Cause::Config => ErrorKind::Unsupported,
        Cause::Interrupted => ErrorKind::Cancelled,
        _ => ErrorKind::Unreachable,
    };
    Error::with(kind, attempted, error.bare())
}
