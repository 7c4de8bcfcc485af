//! Backups that are looked into without restoring them: the database unpacked and open, the files where they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::archive::ArchiveEntry;
use bosbase_backup::{
    Archive, BackupKey, DataDir, ErrorKind as Engine, Identity, NoProgress, unpack_database, unpack_file,
};
use bosbase_disk::Disk;
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

/// The folder of an unpacked database; removed when it is dropped.
struct Unpacked {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        if let Err(error) = self.disk.remove_dir_all(&self.dir) {
            tracing::warn!(%error, dir = %self.dir.display(), "an unpacked database could not be removed yet");
        }
    }
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

    fn open_archived(&self, archive: Archive, (place, key, which): (String, &BackupKey, Identity)) -> Result<Looked> {
        let state = self.data_dir().state();
        let unpacked = Unpacked {
            disk: self.disk().clone(),
            dir: state.opened().join(format!("look-{}", new_id())),
        };
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

    /// Closes the backup that nobody has looked into for ten minutes.
    pub(crate) fn end_looks(&self) {
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
    let Unpacked { disk, dir } = unpacked;
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
        ..StoreOptions::new(dir)
    };
    Store::open(&options).map_err(refused)
}
