//! What lies in the bucket and is named no more: written down, and removed when nothing else can need it.
//!
//! An object is shared by all data that names it: what is served, what a running backup reads, what is kept for an
//! undo, what a restore is about to put in place. So a removal is first written down (`.bosbase/pending-objects`, a
//! file each), which is all that a request waits for; a thread works it off, holding each object against the database,
//! while no backup and no restore holds the files and no data is kept for an undo, and only in a bucket that is this
//! data directory's own ([`super::owner`]).

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bosbase_bucket::{Bucket, ErrorKind};
use bosbase_disk::LockFile;
use parking_lot::Mutex;

use super::announced::Announced;
use super::attributes::Attributes;
use super::local::{LocalFiles, component};
use super::owner::Owner;
use super::pending::{self, Removal};
use super::place::BucketInForce;
use super::place::key;
use super::references::References;

/// Between two removals the files are free for so long, so that a backup or restore that waits for them gets them.
const BREATH: Duration = Duration::from_millis(5);

/// So long a provider may take to carry out what it did not answer to ...
const UNCERTAIN: Duration = Duration::from_secs(120);
/// ... and so often it is asked for an answer.
const RETRY: Duration = Duration::from_secs(2);

/// Whether a thread works removals off.
#[derive(Default)]
struct Worker {
    running: bool,
    /// There may be more to do than it has seen.
    again: bool,
}

/// Why the removals end for now.
enum Stop {
    /// Somebody else needs the files, or the bucket is not ours any more.
    Later,
    Failed(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<bosbase_bucket::Error> for Stop {
    fn from(error: bosbase_bucket::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Removes files from the bucket in force. Clones share it.
#[derive(Clone)]
pub(super) struct ObjectRemoval {
    inner: Arc<Inner>,
}

struct Inner {
    local: Arc<LocalFiles>,
    bucket: Arc<BucketInForce>,
    owner: Arc<Owner>,
    references: Arc<dyn References>,
    announced: Arc<Announced>,
    /// Whether this process is the one that works off what waits to be removed.
    in_charge: AtomicBool,
    worker: Mutex<Worker>,
}

impl ObjectRemoval {
    pub(super) fn new(
        local: Arc<LocalFiles>,
        bucket: Arc<BucketInForce>,
        owner: Arc<Owner>,
        references: Arc<dyn References>,
        announced: Arc<Announced>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                local,
                bucket,
                owner,
                references,
                announced,
                in_charge: AtomicBool::default(),
                worker: Mutex::default(),
            }),
        }
    }

    /// See [`super::FileStore::take_charge`].
    pub(super) fn take_charge(&self) {
        self.inner.in_charge.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_in_charge(&self) -> bool {
        self.inner.in_charge.load(Ordering::Relaxed)
    }

    /// Writes a removal from the bucket `place` down; durable when it returns. It is carried out later.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn postpone(&self, place: &str, removal: &Removal) -> io::Result<()> {
        let removal = Removal::InBucket {
            place: place.to_owned(),
            removal: Box::new(removal.clone()),
        };
        pending::remember(self.inner.local.disk(), &self.pending_objects(), &removal)?;
        self.purge();
        Ok(())
    }

    /// Lets the removals from the bucket be worked off, in a thread of its own. Returns at once; what can't be removed
    /// now is tried again by the next call. Does nothing where this process is not in charge
    /// ([`super::FileStore::take_charge`]).
    pub(super) fn purge(&self) {
        if !self.is_in_charge() {
            return;
        }
        let mut worker = self.inner.worker.lock();
        worker.again = true;
        if worker.running {
            return;
        }
        let objects = self.clone();
        let thread = std::thread::Builder::new().name("objects".to_owned());
        match thread.spawn(move || objects.work_off()) {
            Ok(_) => worker.running = true,
            Err(error) => tracing::warn!(%error, "no thread to remove objects"),
        }
    }

    fn work_off(&self) {
        loop {
            {
                let mut worker = self.inner.worker.lock();
                if !std::mem::take(&mut worker.again) {
                    worker.running = false;
                    return;
                }
            }
            match self.carry_out_all() {
                Ok(()) | Err(Stop::Later) => {}
                Err(Stop::Failed(error)) => {
                    tracing::warn!(%error, "objects that nobody names any more are still to be removed");
                }
            }
        }
    }

    fn carry_out_all(&self) -> Result<(), Stop> {
        let Some(bucket) = self.inner.bucket.open()? else {
            return Ok(());
        };
        let place = bucket.place();
        // Whose it is, is said before there is anything to remove; and where it is not ours, nothing is looked for.
        let owned = match self.inner.owner.is_foreign() {
            Some(false) => Ok(true),
            _ => self.inner.owner.owns(&bucket),
        };
        if matches!(owned, Ok(false)) {
            return Ok(());
        }
        let mut waiting = pending::paths(self.inner.local.disk(), &self.pending_objects())?;
        // What waits for another bucket waits until that is in force again.
        waiting.retain(|path| !pending::is_of_another(path, &place));
        if waiting.is_empty() {
            if let Err(error) = owned {
                // Nothing waits for the answer, and the next minute asks again.
                tracing::debug!(%error, "whose the bucket of the uploaded files is can't be told yet");
            }
            return Ok(());
        }
        owned?;
        if self.inner.bucket.is_shared()? {
            return Ok(());
        }
        let mut failed = None;
        for path in waiting {
            match pending::read(self.inner.local.disk(), &path)? {
                Some(Removal::InBucket { place: of, removal }) if of == place => {
                    match self.carry_out_one(&bucket, &path, &removal) {
                        Ok(()) => {}
                        Err(Stop::Later) => return Err(Stop::Later),
                        // One that can't be carried out must not keep the others from being.
                        Err(Stop::Failed(error)) if !super::place::is_of_bucket(&error) => {
                            failed.get_or_insert(error);
                        }
                        Err(error) => return Err(error),
                    }
                }
                _ => {}
            }
        }
        failed.map_or(Ok(()), |error| Err(Stop::Failed(error)))
    }

    fn carry_out_one(&self, bucket: &Bucket, path: &Path, removal: &Removal) -> Result<(), Stop> {
        self.remove_objects(bucket, removal)?;
        Ok(self.inner.local.disk().remove_file(path)?)
    }

    fn remove_objects(&self, bucket: &Bucket, removal: &Removal) -> Result<(), Stop> {
        match removal {
            Removal::Files {
                collection,
                record,
                names,
            } => self.remove_objects_of(bucket, collection, record, names),
            Removal::Collection { collection } => self.remove_orphaned_objects(bucket, collection),
            Removal::All(removals) => removals.iter().try_for_each(|one| self.remove_objects(bucket, one)),
            Removal::InBucket { removal, .. } => self.remove_objects(bucket, removal),
        }
    }

    /// Removes files of one record, with the notes and thumbnails that PocketBase or a copy of its directory put beside
    /// them.
    fn remove_objects_of(&self, bucket: &Bucket, collection: &str, record: &str, names: &[String]) -> Result<(), Stop> {
        // Names come out of the database, and that may come from anywhere.
        if component(collection).is_err() || component(record).is_err() {
            return Ok(());
        }
        let named = self.named(collection, record)?.unwrap_or_default();
        let gone: HashSet<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| component(name).is_ok() && !named.contains(*name))
            .collect();
        for name in &gone {
            // Asked for by name: a list may lag.
            self.delete(bucket, collection, record, name, &key(collection, record, name))?;
        }
        if gone.is_empty() {
            return Ok(());
        }
        let prefix = format!("{collection}/{record}/");
        bucket.each(&prefix, |object| {
            let rest = object.key.strip_prefix(&prefix).unwrap_or_default();
            match file_of(rest) {
                Some(name) if gone.contains(name) => self.delete(bucket, collection, record, name, &object.key),
                _ => Ok(()),
            }
        })
    }

    /// Removes the files of all records of a collection that are no more.
    fn remove_orphaned_objects(&self, bucket: &Bucket, collection: &str) -> Result<(), Stop> {
        let Ok(collection) = component(collection) else {
            return Ok(());
        };
        let prefix = format!("{collection}/");
        bucket.each(&prefix, |object| {
            let rest = object.key.strip_prefix(&prefix).unwrap_or_default();
            let Some((record, file)) = rest.split_once('/') else {
                return Ok(());
            };
            // What is on its way was announced before it was put there, and is committed before it is no more on its
            // way.
            if self.inner.announced.hold().has(collection, record) || self.named(collection, record)?.is_some() {
                return Ok(());
            }
            self.delete(bucket, collection, record, file, &object.key)
        })
    }

    /// Deletes one object unless somebody may need it; what names it is looked up once more, with nobody between.
    fn delete(&self, bucket: &Bucket, collection: &str, record: &str, name: &str, key: &str) -> Result<(), Stop> {
        // Somebody may have taken the bucket over since the last.
        if !self.inner.owner.owns(bucket)? {
            return Err(Stop::Later);
        }
        let mut outcome = Ok(());
        {
            let Some(_shared) = LockFile::try_shared(&self.inner.local.state().files_lock())? else {
                return Err(Stop::Later);
            };
            let named = self.named(collection, record)?.unwrap_or_default();
            if self.inner.bucket.is_shared()? {
                return Err(Stop::Later);
            }
            if !named.contains(name)
                && let Err(error) = bucket.delete(key)
            {
                self.wait_until_certain(bucket, key);
                outcome = Err(error.into());
            }
        }
        std::thread::sleep(BREATH);
        outcome
    }

    /// Waits after a deletion that failed, with the files kept from backups and restores: the provider may still carry
    /// it out, after a restore found the object there. A provider that answers once more has done with what came
    /// before.
    fn wait_until_certain(&self, bucket: &Bucket, key: &str) {
        let begun = Instant::now();
        while begun.elapsed() < UNCERTAIN {
            match self.inner.owner.owns(bucket) {
                Ok(true) => match bucket.delete(key) {
                    Err(error) if error.kind() == ErrorKind::Failed => {}
                    _ => return,
                },
                // Somebody took the bucket over, which is an answer.
                Ok(false) => return,
                Err(_) => {}
            }
            std::thread::sleep(RETRY);
        }
    }

    fn named(&self, collection: &str, record: &str) -> io::Result<Option<HashSet<String>>> {
        self.inner.references.files_of(collection, record)
    }

    fn pending_objects(&self) -> PathBuf {
        self.inner.local.state().pending_objects()
    }
}

/// The file that an object below a record's folder belongs to: itself, the one it notes something of, or the one it
/// shows small.
fn file_of(rest: &str) -> Option<&str> {
    match rest.split_once('/') {
        Some((folder, _)) => folder.strip_prefix("thumbs_"),
        None => Some(rest.strip_suffix(Attributes::SUFFIX).unwrap_or(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_and_thumbnails_belong_to_their_file() {
        for (rest, file) in [
            ("a_b.png", Some("a_b.png")),
            ("a_b.png.attrs", Some("a_b.png")),
            ("thumbs_a_b.png/100x100_a_b.png", Some("a_b.png")),
            ("other/a_b.png", None),
        ] {
            assert_eq!(file_of(rest), file, "{rest}");
        }
    }
}
