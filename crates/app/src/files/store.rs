//! Where uploaded files lie, and the only code that puts them there or takes them away.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bosbase_disk::{Disk, DiskFile, FileKind, LockFile, NewFile, read_all, write_atomically};
use bosbase_store::random_text;

use super::attributes::Attributes;
use super::pending::{self, Removal};
use super::sniff;
use super::upload::{Receiving, Upload};

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
    storage: PathBuf,
    state: PathBuf,
    /// Records (collection and record id) whose files are put in place for a commit that is still to come, with how many
    /// such commits there are.
    in_flight: Mutex<HashMap<(String, String), usize>>,
}

/// A record whose files are being written. While it lives, nobody takes its folder for a leftover.
pub struct InFlight {
    files: FileStore,
    key: (String, String),
    /// Where it is written down what to remove should this process not get to decide about the commit.
    intent: Option<PathBuf>,
    counted: bool,
}

impl InFlight {
    /// Takes back the files called `names` after the commit did not happen.
    ///
    /// # Errors
    ///
    /// As [`FileStore::remove_files`].
    pub fn abandon(mut self, names: Vec<String>) -> io::Result<()> {
        self.release();
        self.files.remove_files(&self.key.0, &self.key.1, names)
    }

    fn release(&mut self) {
        if !std::mem::take(&mut self.counted) {
            return;
        }
        let mut in_flight = self.files.in_flight();
        if let Some(count) = in_flight.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                in_flight.remove(&self.key);
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.release();
        if let Some(intent) = self.intent.take() {
            // One that stays is held against the database at the next start, and then finds its files named or gone.
            let _ = self.files.inner.disk.remove_file(&intent);
        }
    }
}

/// A stored file, open for reading.
#[derive(Debug)]
pub struct StoredFile {
    /// The open file.
    pub file: Box<dyn DiskFile>,
    /// Its length in bytes.
    pub len: u64,
    /// When it was stored.
    pub modified: SystemTime,
    /// Its MIME type.
    pub content_type: String,
}

impl FileStore {
    /// The files of `data_dir`, `references` telling which of them are in use.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, data_dir: &Path, references: Box<dyn References>) -> Self {
        Self {
            inner: Arc::new(Inner {
                disk,
                references,
                storage: data_dir.join("storage"),
                state: data_dir.join(".bosbase"),
                in_flight: Mutex::default(),
            }),
        }
    }

    /// The file whose exclusive lock keeps every stored file in place (see [`bosbase_disk::LockFile`]). Who holds it calls
    /// [`FileStore::purge_pending`] when done.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.inner.state.join("files.lock")
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
        for (path, removal) in pending::all(disk, &self.undecided())? {
            if let Removal::Files { collection, record, .. } = &removal {
                pending::remove_temporaries(disk, &self.record_dir(collection, record)?)?;
            }
            self.remove(&removal)?;
            disk.remove_file(&path)?;
        }
        pending::remove_temporaries(disk, &self.undecided())?;
        self.inner.disk.remove_dir_all(&self.uploads())
    }

    /// Announces that files of this record are about to be put in place; to be kept until its commit is decided.
    #[must_use]
    pub fn begin(&self, collection: &str, record: &str) -> InFlight {
        let key = (collection.to_owned(), record.to_owned());
        *self.in_flight().entry(key.clone()).or_default() += 1;
        InFlight {
            files: self.clone(),
            key,
            intent: None,
            counted: true,
        }
    }

    /// Puts uploads beside the record that `in_flight` stands for; durable when it returns.
    ///
    /// # Errors
    ///
    /// Whatever the file system says; then none of them is left there.
    pub fn place(&self, in_flight: &mut InFlight, uploads: &[&Upload]) -> io::Result<()> {
        if uploads.is_empty() {
            return Ok(());
        }
        let removal = Removal::Files {
            collection: in_flight.key.0.clone(),
            record: in_flight.key.1.clone(),
            names: uploads.iter().map(|upload| upload.name().to_owned()).collect(),
        };
        in_flight.intent = Some(pending::remember(
            self.inner.disk.as_ref(),
            &self.undecided(),
            &removal,
        )?);
        let (collection, record) = &in_flight.key;
        let dir = self.record_dir(collection, record)?;
        self.make_dir(&dir)?;
        for (done, upload) in uploads.iter().enumerate() {
            if let Err(error) = self.place_one(&dir, upload) {
                for placed in &uploads[..=done] {
                    self.remove_one(&dir, placed.name())?;
                }
                return Err(error);
            }
        }
        self.inner.disk.sync_dir(&dir)
    }

    fn place_one(&self, dir: &Path, upload: &Upload) -> io::Result<()> {
        let disk = self.inner.disk.as_ref();
        let attributes = Attributes::new(upload.content_type(), upload.original_name());
        write_atomically(
            disk,
            &dir.join(format!("{}{}", upload.name(), Attributes::SUFFIX)),
            &serde_json::to_vec(&attributes)?,
        )?;
        let target = dir.join(upload.name());
        match disk.rename_new(upload.path(), &target) {
            // `storage` may be a mount of its own.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let mut copy = NewFile::create(disk, &target)?;
                io::copy(&mut disk.open(upload.path())?, &mut copy)?;
                copy.publish()
            }
            other => other,
        }
    }

    /// Makes the folder of a record, durable up to the data directory.
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let disk = self.inner.disk.as_ref();
        if disk.exists(dir)? {
            return Ok(());
        }
        disk.create_dir_all(dir)?;
        let data_dir = self.inner.storage.parent();
        for parent in dir.ancestors().skip(1) {
            disk.sync_dir(parent)?;
            if Some(parent) == data_dir {
                break;
            }
        }
        Ok(())
    }

    /// Opens a stored file.
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
        Ok(StoredFile {
            len: metadata.len,
            modified: metadata.modified,
            content_type,
            file,
        })
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

    pub(super) fn remove(&self, removal: &Removal) -> io::Result<()> {
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

    /// Carries out the removals that were put off; does nothing while a backup is under way. What has come to be named
    /// again since then is kept.
    ///
    /// # Errors
    ///
    /// Whatever the file system or the database says; what is left is tried again by the next call.
    pub fn purge_pending(&self) -> io::Result<()> {
        let disk = self.inner.disk.as_ref();
        for (path, removal) in pending::all(disk, &self.pending())? {
            let Some(_shared) = LockFile::try_shared(&self.lock_path())? else {
                return Ok(());
            };
            self.perform(&removal)?;
            disk.remove_file(&path)?;
        }
        Ok(())
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
        }
    }

    /// Removes a file with its note and thumbnails. One that is not there is fine.
    fn remove_one(&self, dir: &Path, name: &str) -> io::Result<()> {
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

    fn in_flight(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), usize>> {
        self.inner.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_dir(&self, collection: &str, record: &str) -> io::Result<PathBuf> {
        Ok(self.inner.storage.join(component(collection)?).join(component(record)?))
    }

    fn uploads(&self) -> PathBuf {
        self.inner.state.join("uploads")
    }

    pub(super) fn undecided(&self) -> PathBuf {
        self.inner.state.join("undecided-files")
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.inner.disk.as_ref()
    }

    fn pending(&self) -> PathBuf {
        self.inner.state.join("pending-deletes")
    }
}

/// `name` where it is one name in a folder and nothing else.
fn component(name: &str) -> io::Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "not the name of a file"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bosbase_disk::RealDisk;

    use super::*;

    /// Record id and file name of what the database names.
    #[derive(Clone, Default)]
    struct Known(Arc<Mutex<Vec<(String, String)>>>);

    impl Known {
        fn add(&self, record: &str, name: &str) {
            self.0.lock().unwrap().push((record.to_owned(), name.to_owned()));
        }
    }

    impl References for Known {
        fn files_of(&self, _: &str, record: &str) -> io::Result<Option<HashSet<String>>> {
            let known = self.0.lock().unwrap();
            let names: HashSet<_> = known
                .iter()
                .filter(|(r, _)| r == record)
                .map(|(_, n)| n.clone())
                .collect();
            Ok((!names.is_empty()).then_some(names))
        }
    }

    fn known_store(dir: &tempfile::TempDir) -> (FileStore, Known) {
        let known = Known::default();
        let store = FileStore::new(Arc::new(RealDisk), dir.path(), Box::new(known.clone()));
        (store, known)
    }

    fn store(dir: &tempfile::TempDir) -> FileStore {
        known_store(dir).0
    }

    fn stored(files: &FileStore, collection: &str, record: &str) -> String {
        let mut receiving = files.receive("note.txt").unwrap();
        receiving.write_all(b"hello").unwrap();
        let upload = receiving.finish().unwrap();
        let name = upload.name().to_owned();
        files.place(&mut files.begin(collection, record), &[&upload]).unwrap();
        name
    }

    #[test]
    fn a_placed_file_is_read_back_with_its_type() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        let name = stored(&files, "c", "r");
        let file = files.open("c", "r", &name).unwrap();
        assert_eq!((file.len, file.content_type.as_str()), (5, "text/plain; charset=utf-8"));
        assert_eq!(
            files.inner.disk.list(&files.uploads()).unwrap().count(),
            0,
            "no temporary file is left"
        );
    }

    #[test]
    fn a_dropped_upload_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        drop(files.receive("a").unwrap());
        drop(files.receive("b").unwrap().finish().unwrap());
        assert_eq!(files.inner.disk.list(&files.uploads()).unwrap().count(), 0);
    }

    #[test]
    fn removing_takes_the_note_and_the_empty_folder_along() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        let name = stored(&files, "c", "r");
        files.remove_files("c", "r", vec![name]).unwrap();
        assert!(!dir.path().join("storage/c/r").exists());
    }

    #[test]
    fn while_a_backup_runs_files_stay_and_are_removed_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        let name = stored(&files, "c", "r");
        let backup = LockFile::try_exclusive(&files.lock_path()).unwrap().unwrap();
        files.remove_files("c", "r", vec![name.clone()]).unwrap();
        files.purge_pending().unwrap();
        assert!(files.open("c", "r", &name).is_ok());
        drop(backup);
        files.purge_pending().unwrap();
        assert!(files.open("c", "r", &name).is_err());
        assert_eq!(files.inner.disk.list(&files.pending()).unwrap().count(), 0);
    }

    /// A record deleted during a backup, that backup restored: what was to be removed is named again.
    #[test]
    fn a_pending_removal_spares_what_is_named_again() {
        let dir = tempfile::tempdir().unwrap();
        let (files, known) = known_store(&dir);
        let name = stored(&files, "c", "r");
        let backup = LockFile::try_exclusive(&files.lock_path()).unwrap().unwrap();
        files.remove_files("c", "r", vec![name.clone()]).unwrap();
        drop(backup);
        known.add("r", &name);
        files.purge_pending().unwrap();
        assert!(files.open("c", "r", &name).is_ok());
    }

    #[test]
    fn emptying_a_collection_spares_records_that_live_or_are_being_made() {
        let dir = tempfile::tempdir().unwrap();
        let (files, known) = known_store(&dir);
        let gone = stored(&files, "c", "gone");
        let lives = stored(&files, "c", "lives");
        let made = stored(&files, "c", "made");
        let _in_flight = files.begin("c", "made");
        known.add("lives", &lives);
        files.remove_collection("c").unwrap();
        assert!(files.open("c", "gone", &gone).is_err());
        assert!(files.open("c", "lives", &lives).is_ok());
        assert!(files.open("c", "made", &made).is_ok());
    }

    #[test]
    fn files_of_a_commit_that_a_crash_prevented_are_removed_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let (files, known) = known_store(&dir);
        let place = |record| {
            let upload = files.receive("note.txt").unwrap().finish().unwrap();
            let mut in_flight = files.begin("c", record);
            files.place(&mut in_flight, &[&upload]).unwrap();
            // As a crash would: nothing is tidied up.
            std::mem::forget(in_flight);
            upload.name().to_owned()
        };
        let (lost, committed) = (place("lost"), place("committed"));
        known.add("committed", &committed);
        let next = FileStore::new(Arc::new(RealDisk), dir.path(), Box::new(known.clone()));
        next.clean_uploads().unwrap();
        assert!(next.open("c", "lost", &lost).is_err());
        assert!(next.open("c", "committed", &committed).is_ok());
        assert_eq!(next.inner.disk.list(&next.undecided()).unwrap().count(), 0);
    }

    #[test]
    fn a_removal_that_a_crash_prevented_is_caught_up_on_if_its_commit_happened() {
        let dir = tempfile::tempdir().unwrap();
        let (files, known) = known_store(&dir);
        let (gone, kept) = (stored(&files, "c", "gone"), stored(&files, "c", "kept"));
        for (record, name) in [("gone", &gone), ("kept", &kept)] {
            let names = vec![name.clone()];
            let removal = files.intend(vec![("c".to_owned(), record.to_owned(), names)], Vec::new());
            std::mem::forget(removal.unwrap());
        }
        known.add("kept", &kept);
        let next = FileStore::new(Arc::new(RealDisk), dir.path(), Box::new(known.clone()));
        next.clean_uploads().unwrap();
        assert!(next.open("c", "gone", &gone).is_err());
        assert!(next.open("c", "kept", &kept).is_ok());
    }

    #[test]
    fn an_intent_without_its_commit_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        let name = stored(&files, "c", "r");
        drop(
            files
                .intend(vec![("c".to_owned(), "r".to_owned(), vec![name.clone()])], Vec::new())
                .unwrap(),
        );
        files.clean_uploads().unwrap();
        assert!(files.open("c", "r", &name).is_ok());
    }

    #[test]
    fn a_decided_commit_leaves_no_intent_behind() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        stored(&files, "c", "r");
        assert_eq!(files.inner.disk.list(&files.undecided()).unwrap().count(), 0);
    }

    #[test]
    fn no_name_leads_out_of_the_storage() {
        let dir = tempfile::tempdir().unwrap();
        let files = store(&dir);
        write_atomically(&RealDisk, &dir.path().join("data.db"), b"x").unwrap();
        for (collection, record, name) in [
            ("..", ".", "data.db"),
            ("c", "..", "../data.db"),
            ("c", "r", "../../data.db"),
        ] {
            assert!(files.open(collection, record, name).is_err());
            files.remove_files(collection, record, vec![name.to_owned()]).ok();
        }
        assert!(dir.path().join("data.db").exists());
    }
}
