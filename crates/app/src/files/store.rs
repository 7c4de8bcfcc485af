//! Where uploaded files lie, how they are opened, and how they are taken away.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bosbase_backup::Notes;
use bosbase_disk::{Disk, FileKind, LockFile, read_all};
use bosbase_store::random_text;

use super::attributes::Attributes;
use super::journal;
use super::objects::Worker;
use super::owner::Known;
use super::pending::{self, Removal};
use super::place::{Elsewhere, OpenBucket, key};
use super::slots::Slots;
use super::sniff;
use super::stored::{Content, Sought, StoredFile};
use super::upload::Receiving;

/// Which files the database names; asked before anything is removed that might have come back (a restored backup, a record
/// made anew under its old id).
pub trait References: Send + Sync {
    /// The names of all files of a record; `None` where there is no such record.
    ///
    /// # Errors
    ///
    /// Where the database can't tell; then nothing is removed.
    fn files_of(&self, collection: &str, record: &str) -> io::Result<Option<HashSet<String>>>;
}

/// The uploaded files of one data directory. Clones share it.
#[derive(Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    disk: Arc<dyn Disk>,
    references: Box<dyn References>,
    elsewhere: Box<dyn Elsewhere>,
    bucket: OpenBucket,
    slots: Slots,
    worker: Mutex<Worker>,
    /// Whose the bucket in force was found to be.
    owner: Mutex<Option<Known>>,
    /// Whether this process is the one that works off what waits to be removed.
    in_charge: AtomicBool,
    storage: PathBuf,
    state: PathBuf,
    /// Records (collection and record id) whose files are put in place for a commit that is still to come, with how many
    /// such commits there are.
    in_flight: Mutex<HashMap<(String, String), usize>>,
}

impl FileStore {
    /// The files of `data_dir`, `references` telling which of them are in use, `elsewhere` where else files are kept.
    #[must_use]
    pub fn new(
        disk: Arc<dyn Disk>,
        data_dir: &Path,
        references: Box<dyn References>,
        elsewhere: Box<dyn Elsewhere>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                disk,
                references,
                elsewhere,
                bucket: OpenBucket::default(),
                slots: Slots::default(),
                worker: Mutex::default(),
                owner: Mutex::default(),
                in_charge: AtomicBool::default(),
                storage: data_dir.join("storage"),
                state: data_dir.join(".bosbase"),
                in_flight: Mutex::default(),
            }),
        }
    }

    /// From now on what waits to be removed is worked off by this process. For the one that has the data directory to itself:
    /// another does not know which files are on their way there for commits that are still to come.
    pub fn take_charge(&self) {
        self.inner.in_charge.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_in_charge(&self) -> bool {
        self.inner.in_charge.load(Ordering::Relaxed)
    }

    /// The file whose exclusive lock keeps every stored file in place (see [`bosbase_disk::LockFile`]). Who holds it calls
    /// [`FileStore::purge_pending`] when done.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        lock_path(&self.inner.state)
    }

    /// Begins to receive a file that its sender calls `original_name`.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn receive(&self, original_name: &str) -> io::Result<Receiving> {
        let dir = self.uploads();
        self.inner.disk.create_dir_all(&dir)?;
        let path = dir.join(random_text(30, b"abcdefghijklmnopqrstuvwxyz0123456789"));
        Receiving::start(self.inner.disk.clone(), path, original_name)
    }

    /// Removes what an earlier process left: uploads half received or in place for a record that was never committed, files
    /// of records whose deletion was.
    /// Only for the start of the one server of a data directory: it does not ask whether anybody else is still writing.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn clean_uploads(&self) -> io::Result<()> {
        let disk = self.disk();
        for noted in pending::all(disk, &self.undecided())? {
            let (path, removal) = noted?;
            if let Removal::Files { collection, record, .. } = &removal {
                pending::remove_temporaries(disk, &self.record_dir(collection, record)?)?;
            }
            self.remove(&removal)?;
            disk.remove_file(&path)?;
        }
        pending::remove_temporaries(disk, &self.undecided())?;
        self.inner.disk.remove_dir_all(&self.uploads())
    }

    /// Opens a stored file that lies in the data directory.
    ///
    /// # Errors
    ///
    /// `NotFound`; whatever the file system says.
    pub fn open(&self, collection: &str, record: &str, name: &str) -> io::Result<StoredFile> {
        let disk = self.inner.disk.as_ref();
        let path = self.record_dir(collection, record)?.join(component(name)?);
        let file = disk.open(&path)?;
        let metadata = file.metadata()?;
        let content_type = match self.attributes(&path) {
            Some(attributes) if !attributes.content_type.is_empty() => attributes.content_type,
            // Stored by something that leaves no notes.
            _ => {
                let mut head = vec![0; sniff::HEAD];
                let read = file.read_at(0, &mut head)?;
                head.truncate(read);
                sniff::detect(&head, metadata.len <= read as u64).mime
            }
        };
        let nanos = metadata
            .modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        Ok(StoredFile {
            len: metadata.len,
            modified: metadata.modified,
            etag: format!("{:x}-{nanos:x}", metadata.len),
            content_type,
            content: Content::Disk(file),
        })
    }

    /// Where to look for a file that is not in the data directory; `None` where there is no bucket. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// Where the settings name a bucket that can't be.
    pub fn seek(&self, collection: &str, record: &str, name: &str) -> io::Result<Option<Sought>> {
        let key = key(component(collection)?, component(record)?, component(name)?);
        Ok(self.bucket()?.map(|bucket| Sought { bucket, key }))
    }

    /// What is noted beside the file at `path`. A note is a convenience: without a readable one the file speaks for itself.
    fn attributes(&self, path: &Path) -> Option<Attributes> {
        let mut note = path.as_os_str().to_owned();
        note.push(Attributes::SUFFIX);
        let bytes = read_all(self.inner.disk.as_ref(), Path::new(&note), Attributes::LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Removes files of a record whose commit no longer names them, now or, while a backup needs them, later.
    ///
    /// # Errors
    ///
    /// Whatever the file system says. What could not be removed is written down where that is possible.
    pub fn remove_files(&self, collection: &str, record: &str, names: Vec<String>) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let removal = Removal::Files {
            collection: collection.to_owned(),
            record: record.to_owned(),
            names,
        };
        self.remove(&removal)
    }

    /// Removes the folders of all records of a collection that are no more, after the collection was deleted or emptied; now
    /// or, while a backup needs them, later.
    ///
    /// # Errors
    ///
    /// Whatever the file system or the database says. What could not be removed is written down where that is possible.
    pub fn remove_collection(&self, collection: &str) -> io::Result<()> {
        let removal = Removal::Collection {
            collection: collection.to_owned(),
        };
        self.remove(&removal)
    }

    /// Removes from the data directory and from the bucket in force; from the latter it is enough that it is written down.
    pub(super) fn remove(&self, removal: &Removal) -> io::Result<()> {
        if let Removal::InBucket { place, removal } = removal {
            return self.postpone(place, removal);
        }
        let elsewhere = match self.place_in_force() {
            Some(place) => self.postpone(&place, removal),
            None => Ok(()),
        };
        self.remove_here(removal).and(elsewhere)
    }

    fn remove_here(&self, removal: &Removal) -> io::Result<()> {
        self.inner.disk.create_dir_all(&self.inner.state)?;
        let removed = match LockFile::try_shared(&self.lock_path())? {
            Some(_shared) => self.perform(removal),
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        match removed {
            Ok(()) => Ok(()),
            Err(error) => {
                pending::remember(self.inner.disk.as_ref(), &self.pending(), removal).map(drop)?;
                if error.kind() == io::ErrorKind::WouldBlock {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Carries out the removals that were put off, in the data directory at once and in the bucket by and by; does nothing while a
    /// backup is under way, or where this process is not in charge ([`FileStore::take_charge`]). What has come to be named again
    /// since then is kept.
    ///
    /// # Errors
    ///
    /// Whatever the file system or the database says of the data directory; what is left is tried again by the next call.
    pub fn purge_pending(&self) -> io::Result<()> {
        if !self.is_in_charge() {
            return Ok(());
        }
        let disk = self.inner.disk.as_ref();
        let mut failed = None;
        for noted in pending::all(disk, &self.pending())? {
            let (path, removal) = noted?;
            let Some(_shared) = LockFile::try_shared(&self.lock_path())? else {
                break;
            };
            // One that can't be carried out must not keep the others from being.
            if let Err(error) = self.perform(&removal).and_then(|()| disk.remove_file(&path)) {
                failed.get_or_insert(error);
            }
        }
        self.purge_objects();
        failed.map_or(Ok(()), Err)
    }

    fn perform(&self, removal: &Removal) -> io::Result<()> {
        match removal {
            Removal::Files {
                collection,
                record,
                names,
            } => {
                let named = self.inner.references.files_of(collection, record)?.unwrap_or_default();
                let dir = self.record_dir(collection, record)?;
                for name in names.iter().filter(|name| !named.contains(*name)) {
                    self.remove_one(&dir, name)?;
                }
                // A record whose next files are on their way needs its folder.
                let in_flight = self.in_flight();
                if in_flight.contains_key(&(collection.clone(), record.clone())) {
                    return Ok(());
                }
                self.remove_empty(&dir)
            }
            Removal::Collection { collection } => self.remove_orphans(collection),
            Removal::All(removals) => removals.iter().try_for_each(|removal| self.perform(removal)),
            // Not here.
            Removal::InBucket { .. } => Ok(()),
        }
    }

    /// Removes a file with its note and thumbnails. One that is not there is fine.
    pub(super) fn remove_one(&self, dir: &Path, name: &str) -> io::Result<()> {
        let disk = self.inner.disk.as_ref();
        // Names come out of the database, and that may come from anywhere.
        let Ok(name) = component(name) else {
            return Ok(());
        };
        for name in [name.to_owned(), format!("{name}{}", Attributes::SUFFIX)] {
            match disk.remove_file(&dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        disk.remove_dir_all(&dir.join(format!("thumbs_{name}")))
    }

    /// Removes the folder of a record that has no files left.
    fn remove_empty(&self, dir: &Path) -> io::Result<()> {
        match self.inner.disk.remove_dir(dir) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    fn remove_orphans(&self, collection: &str) -> io::Result<()> {
        let disk = self.inner.disk.as_ref();
        let dir = self.inner.storage.join(component(collection)?);
        let entries = match disk.list(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Some(record) = entry.name.to_str().filter(|_| entry.kind == FileKind::Directory) else {
                continue;
            };
            // Held until the folder is gone: a record of this id that is just being made has to wait with its files.
            let in_flight = self.in_flight();
            let key = (collection.to_owned(), record.to_owned());
            if !in_flight.contains_key(&key) && self.inner.references.files_of(collection, record)?.is_none() {
                disk.remove_dir_all(&dir.join(record))?;
            }
        }
        self.remove_empty(&dir)
    }

    pub(super) fn in_flight(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), usize>> {
        self.inner.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record_dir(&self, collection: &str, record: &str) -> io::Result<PathBuf> {
        Ok(self.inner.storage.join(component(collection)?).join(component(record)?))
    }

    pub(super) fn uploads(&self) -> PathBuf {
        self.inner.state.join("uploads")
    }

    pub(super) fn undecided(&self) -> PathBuf {
        self.inner.state.join("undecided-files")
    }

    /// Where all uploaded files lie.
    pub(super) fn storage(&self) -> &Path {
        &self.inner.storage
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.inner.disk.as_ref()
    }

    pub(super) fn pending(&self) -> PathBuf {
        self.inner.state.join("pending-deletes")
    }

    /// The folder of what is ours alone.
    pub(super) fn state(&self) -> &Path {
        &self.inner.state
    }

    pub(super) fn references(&self) -> &dyn References {
        self.inner.references.as_ref()
    }

    pub(super) fn elsewhere(&self) -> &dyn Elsewhere {
        self.inner.elsewhere.as_ref()
    }

    pub(super) fn open_bucket(&self) -> &OpenBucket {
        &self.inner.bucket
    }

    /// Whether files are put in a bucket now, so that it takes as long as that takes.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.place_in_force().is_some()
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.inner.slots
    }

    pub(super) fn known_owner(&self) -> &Mutex<Option<Known>> {
        &self.inner.owner
    }

    pub(super) fn worker(&self) -> &Mutex<Worker> {
        &self.inner.worker
    }

    /// The notes of files that go to the bucket in parts.
    pub(super) fn notes(&self) -> Notes {
        uploads_in(self.inner.disk.clone(), &self.inner.state)
    }

    /// Sees to what restores of earlier processes put in a bucket: it stays if the one called `succeeded` put it there. For
    /// whoever is alone in the data directory, when no restore waits to be finished.
    ///
    /// # Errors
    ///
    /// Whatever the file system says; the next start tries again.
    pub fn settle_restores(&self, succeeded: Option<&str>) -> io::Result<()> {
        journal::settle(self.disk(), &self.inner.state, succeeded)
    }
}

/// See [`FileStore::lock_path`]; `state` is the folder that is ours alone.
pub(crate) fn lock_path(state: &Path) -> PathBuf {
    state.join("files.lock")
}

/// The notes of files that go to a bucket in parts; `state` is the folder that is ours alone.
pub(super) fn uploads_in(disk: Arc<dyn Disk>, state: &Path) -> Notes {
    Notes::new(disk, state.join("file-uploads"))
}

/// `name` where it is one name in a folder and nothing else.
pub(super) fn component(name: &str) -> io::Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "not the name of a file"));
    }
    Ok(name)
}
