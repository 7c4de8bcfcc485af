//! Backups that are looked into without restoring them: the database unpacked and open, the files where they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::archive::ArchiveEntry;
use bosbase_backup::{
    Archive, BackupKey, DataDir, ErrorKind as Engine, Identity, NoProgress, unpack_database, unpack_file,
};
use bosbase_disk::{Disk, LockFile, become_owner};
use bosbase_store::{ErrorKind as Stored, Store, StoreOptions, new_id};
use parking_lot::Mutex;

use super::backups::Backups;
use super::engine::refuse;
use crate::error::{Error, ErrorKind, Result, sentence};

/// How long one stays open that nobody looks into.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// How long one waits while a backup is unpacked for somebody else.
const TURN: Duration = Duration::from_secs(10);
/// Connections that read one: few people look into a backup at a time.
const READERS: usize = 2;

/// A backup that is open. Dropped, it leaves nothing behind.
pub struct Looked {
    place: String,
    key: String,
    which: Identity,
    archive: Archive,
    store: Store,
    _unpacked: Unpacked,
}

impl Drop for Looked {
    fn drop(&mut self) {
        if let Err(error) = self.store.clone().close() {
            tracing::debug!(%error, "an unpacked database was not closed cleanly");
        }
    }
}

/// The folder of an unpacked database; removed when it is dropped. A lock beside it says that somebody has it.
struct Unpacked {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    _lock: LockFile,
}

impl Unpacked {
    fn new(disk: Arc<dyn Disk>, opened: &Path) -> std::io::Result<Self> {
        let dir = opened.join(format!("{LOOK}{}", new_id()));
        disk.create_dir_all(opened)?;
        let lock = LockFile::try_exclusive(&lock_of(&dir))?;
        let lock = lock.ok_or(std::io::ErrorKind::ResourceBusy)?;
        Ok(Self { disk, dir, _lock: lock })
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        if let Err(error) = remove(self.disk.as_ref(), &self.dir) {
            tracing::warn!(%error, dir = %self.dir.display(), "an unpacked database could not be removed yet");
        }
    }
}

/// What the names of these folders begin with.
const LOOK: &str = "look-";

fn lock_of(dir: &Path) -> PathBuf {
    dir.with_extension("lock")
}

fn remove(disk: &dyn Disk, dir: &Path) -> std::io::Result<()> {
    disk.remove_dir_all(dir)?;
    match disk.remove_file(&lock_of(dir)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what processes that were killed left unpacked in the folder `opened`.
fn remove_abandoned(disk: &dyn Disk, opened: &Path) -> std::io::Result<()> {
    let entries = match disk.list(opened) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.name.to_string_lossy();
        let Some(name) = name.strip_suffix(".lock").filter(|name| name.starts_with(LOOK)) else {
            continue;
        };
        // It dies with its holder.
        if let Some(_abandoned) = LockFile::try_exclusive(&opened.join(format!("{name}.lock")))? {
            remove(disk, &opened.join(name))?;
        }
    }
    Ok(())
}

impl Looked {
    /// Its database, which is as a restore would leave it.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its files whose paths `is_wanted`, as its directory tells them.
    ///
    /// # Errors
    ///
    /// Where the archive can't be read.
    pub(crate) fn files(&self, mut is_wanted: impl FnMut(&str) -> bool) -> Result<Vec<ArchiveEntry>> {
        let mut found = Vec::new();
        for entry in self.archive.entries() {
            let entry = entry.map_err(refuse)?;
            if is_wanted(entry.path.as_str()) {
                found.push(entry);
            }
        }
        Ok(found)
    }

    /// Writes the contents of one of its files to `to`; they are proven when it returns.
    ///
    /// # Errors
    ///
    /// Where the archive is damaged there or can't be read; where `to` can't be written.
    pub(crate) fn unpack(&self, entry: &ArchiveEntry, to: &mut dyn std::io::Write) -> Result<()> {
        unpack_file(&self.archive, entry, to).map_err(|error| match error.kind() {
            Engine::NoSpace => Error::new(ErrorKind::Unavailable, "The server's disk is full.").caused_by(error),
            _ => refuse(error),
        })
    }

    fn is(&self, place: &str, key: &BackupKey, which: &Identity) -> bool {
        self.place == place && self.key == key.as_str() && self.which.is(which)
    }
}

/// The one that was looked into last.
#[derive(Default)]
pub(super) struct Looks(Mutex<Option<Kept>>);

struct Kept {
    looked: Arc<Looked>,
    used: Instant,
}

impl Backups {
    /// Opens the backup called `name`, or takes the one that is open. The first look takes as long as unpacking its
    /// database, and as much disk.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none of this name; [`ErrorKind::Invalid`] where it is damaged, or of a
    /// version that can't be read; [`ErrorKind::Unavailable`] where there is no room, or another one is being unpacked.
    pub fn look(&self, name: &str) -> Result<Arc<Looked>> {
        let key = BackupKey::existing(name).map_err(|error| Error::not_found().caused_by(error))?;
        let storage = self.storage_for_job()?;
        let source = storage.asked.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => Error::not_found().caused_by(error),
            _ => refuse(error),
        })?;
        let (place, which) = (storage.asked.place(), Identity::of(source.as_ref()));
        let Some(mut kept) = self.looks().0.try_lock_for(TURN) else {
            let text = "A backup is being unpacked for somebody else. Try again in a moment.";
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        if let Some(kept) = kept.as_mut().filter(|kept| kept.looked.is(&place, &key, &which)) {
            kept.used = Instant::now();
            return Ok(kept.looked.clone());
        }
        // The room is needed.
        *kept = None;
        let archive = Archive::open(Arc::from(source)).map_err(refuse)?;
        let looked = Arc::new(self.open_archived(archive, (place, &key, which))?);
        *kept = Some(Kept {
            looked: looked.clone(),
            used: Instant::now(),
        });
        Ok(looked)
    }

    /// The same for a command that root runs and that writes elsewhere as root: what is unpacked in the data directory
    /// is its owner's, whose server has to write there as well.
    ///
    /// # Errors
    ///
    /// As [`Backups::look`]; [`ErrorKind::Invalid`] where the system does not let root become the owner.
    pub fn look_as_owner(&self, name: &str) -> Result<Arc<Looked>> {
        let look = || {
            let dir = self.data_dir();
            // Of this thread alone: the others stay what they are.
            become_owner(dir, DataDir::DATABASE).map_err(|error| {
                let text = "belongs to another user, and the system does not let root become that user";
                Error::invalid(format!("{} {text}. Run this as that user.", dir.display())).caused_by(error)
            })?;
            self.look(name)
        };
        match std::thread::scope(|scope| scope.spawn(look).join()) {
            Ok(looked) => looked,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn open_archived(&self, archive: Archive, (place, key, which): (String, &BackupKey, Identity)) -> Result<Looked> {
        let opened = self.data_dir().state().opened();
        let unpacked = Unpacked::new(self.disk().clone(), &opened).map_err(Error::internal)?;
        let store = unpack(&archive, &unpacked)?;
        Ok(Looked {
            place,
            key: key.as_str().to_owned(),
            which,
            archive,
            store,
            _unpacked: unpacked,
        })
    }

    /// Closes the backup that nobody has looked into for ten minutes, and removes what a killed command left of one.
    pub(crate) fn end_looks(&self) {
        if let Err(error) = remove_abandoned(self.disk().as_ref(), &self.data_dir().state().opened()) {
            tracing::warn!(%error, "an unpacked database could not be removed yet");
        }
        if let Some(mut kept) = self.looks().0.try_lock()
            && kept.as_ref().is_some_and(|kept| kept.used.elapsed() > KEPT)
        {
            *kept = None;
        }
    }

    /// Closes the backup that was looked into, for the end of the process.
    pub(crate) fn close_looks(&self) {
        if let Some(mut kept) = self.looks().0.try_lock() {
            *kept = None;
        }
    }
}

fn unpack(archive: &Archive, unpacked: &Unpacked) -> Result<Store> {
    let Unpacked { disk, dir, .. } = unpacked;
    let done = unpack_database(archive, DataDir::DATABASE, (disk.as_ref(), dir), &NoProgress);
    done.map_err(|error| match error.kind() {
        Engine::NoSpace => {
            let text = format!("There is no room to look into this backup: {error}.");
            Error::new(ErrorKind::Unavailable, text).caused_by(error)
        }
        _ => refuse(error),
    })?;
    open_database(dir)
}

/// Opens it as a start opens the database of a restored backup.
fn open_database(dir: &Path) -> Result<Store> {
    let refused = |error: bosbase_store::Error| match error.kind() {
        Stored::Corrupt | Stored::InvalidSchema => {
            let why = sentence(error.detail());
            Error::invalid(format!("The database in this backup can't be read. {why}")).caused_by(error)
        }
        _ => error.into(),
    };
    bosbase_store::check_application(dir).map_err(refused)?;
    let options = StoreOptions {
        readers: READERS,
        // An index takes as long as who wrote it wants, and nobody looks for one.
        mends: false,
        ..StoreOptions::new(dir)
    };
    Store::open(&options).map_err(refused)
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    /// A command that was killed beside a server left a whole database until that was started anew.
    #[test]
    fn what_a_killed_process_left_goes_and_what_another_has_stays() {
        let dir = tempfile::tempdir().unwrap();
        let opened = dir.path().join("opened");
        let held = Unpacked::new(Arc::new(RealDisk), &opened).unwrap();
        RealDisk.create_dir_all(&held.dir).unwrap();
        let left = opened.join("look-left");
        RealDisk.create_dir_all(&left).unwrap();
        drop(RealDisk.create_new(&lock_of(&left)).unwrap());
        // That of a proof.
        RealDisk.create_dir_all(&opened.join("job")).unwrap();
        remove_abandoned(&RealDisk, &opened).unwrap();
        let is_there = |path: &Path| RealDisk.exists(path).unwrap();
        assert!(!is_there(&left) && !is_there(&lock_of(&left)) && is_there(&held.dir) && is_there(&opened.join("job")));
        let kept = held.dir.clone();
        drop(held);
        assert!(!is_there(&kept) && !is_there(&lock_of(&kept)));
        remove_abandoned(&RealDisk, &dir.path().join("nothing")).unwrap();
    }
}
