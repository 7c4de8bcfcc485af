//! The uploaded files of an application: what its rooms may ask for.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bosbase_backup::DataDir;
use bosbase_disk::Disk;

use super::in_flight::InFlight;
use super::intent::{Intent, Removals};
use super::journal;
use super::local::{LocalFiles, component};
use super::owner::Owner;
use super::pending::Removal;
use super::place::{BucketInForce, RemoteFiles, key};
use super::placing::Placing;
use super::references::References;
use super::removing::Removing;
use super::stored::{Sought, StoredFile};
use super::thumbnails::{Thumb, Thumbnails};
use super::upload::{Receiving, Upload};

/// The uploaded files of one data directory. Clones share it.
///
/// Each concern has a type of its own: [`LocalFiles`] the files in the data directory, [`Placing`] those that come,
/// [`Removing`] those that go, [`Owner`] whose the bucket is, [`Thumbnails`] what shows pictures small.
#[derive(Clone)]
pub struct FileStore {
    local: Arc<LocalFiles>,
    bucket: Arc<BucketInForce>,
    owner: Arc<Owner>,
    placing: Arc<Placing>,
    removing: Arc<Removing>,
    thumbnails: Thumbnails,
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").finish_non_exhaustive()
    }
}

impl FileStore {
    /// The files of `data_dir`, `references` telling which of them are in use, `remote_files` where else files are
    /// kept.
    #[must_use]
    pub fn new(
        disk: Arc<dyn Disk>,
        data_dir: &DataDir,
        references: Box<dyn References>,
        remote_files: Box<dyn RemoteFiles>,
    ) -> Self {
        let local = Arc::new(LocalFiles::new(disk, data_dir));
        let bucket = Arc::new(BucketInForce::new(remote_files));
        let owner = Arc::new(Owner::new(local.clone(), bucket.clone()));
        let removing = Removing::new(local.clone(), bucket.clone(), owner.clone(), references);
        let objects = removing.objects().clone();
        Self {
            thumbnails: Thumbnails::new(local.clone(), objects.clone()),
            placing: Arc::new(Placing::new(local.clone(), bucket.clone(), owner.clone(), objects)),
            removing: Arc::new(removing),
            local,
            bucket,
            owner,
        }
    }

    /// From now on what waits to be removed is worked off by this process. For the one that has the data directory to
    /// itself: another does not know which files are on their way there for commits that are still to come.
    pub fn take_charge(&self) {
        self.removing.objects().take_charge();
    }

    /// The file whose exclusive lock keeps every stored file in place (see [`bosbase_disk::LockFile`]). Who holds it
    /// calls [`FileStore::purge_pending`] when done.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.local.state().files_lock()
    }

    /// Begins to receive a file that its sender calls `original_name`.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn receive(&self, original_name: &str) -> io::Result<Receiving> {
        self.local.receive(original_name)
    }

    /// Removes what an earlier process left: uploads half received or in place for a record that was never committed,
    /// files of records whose deletion was. Only for the start of the one server of a data directory: it does not ask
    /// whether anybody else is still writing.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn clean_uploads(&self) -> io::Result<()> {
        self.removing.clean_uploads()
    }

    /// Opens a stored file that lies in the data directory.
    ///
    /// # Errors
    ///
    /// `NotFound`; any other error of the file system.
    pub fn open(&self, collection: &str, record: &str, name: &str) -> io::Result<StoredFile> {
        self.local.open(collection, record, name)
    }

    /// Opens a thumbnail that was made before and lies in the data directory.
    ///
    /// # Errors
    ///
    /// `NotFound`; whatever the file system says.
    pub fn open_thumbnail(&self, thumb: &Thumb) -> io::Result<StoredFile> {
        self.thumbnails.open(thumb)
    }

    /// The thumbnail of a stored picture, made and kept where it is not there yet. Waits for half a minute at the most,
    /// without a thread. At any time a few are made, from 256 MiB of memory in all.
    ///
    /// # Errors
    ///
    /// The file itself, where it is no picture, or none that can be made small within that.
    pub async fn thumbnail(&self, picture: StoredFile, thumb: &Thumb) -> Result<StoredFile, Box<StoredFile>> {
        self.thumbnails.of(picture, thumb).await.map_err(Box::new)
    }

    /// Where to look for a file that is not in the data directory; `None` where there is no bucket. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// Where the settings name a bucket that can't be.
    pub fn seek(&self, collection: &str, record: &str, name: &str) -> io::Result<Option<Sought>> {
        let key = key(component(collection)?, component(record)?, component(name)?);
        Ok(self.bucket.open()?.map(|bucket| Sought { bucket, key }))
    }

    /// Announces that files of this record are about to be put in place; to be kept until its commit is decided.
    #[must_use]
    pub fn begin(&self, collection: &str, record: &str) -> InFlight {
        InFlight::begin(self.removing.clone(), collection, record)
    }

    /// Puts uploads beside the record that `in_flight` stands for, in the data directory or in the bucket in force;
    /// durable when it returns. Those that are there already stay. Blocks for as long as a bucket takes.
    ///
    /// # Errors
    ///
    /// Any error of the file system or the bucket ([`super::is_of_bucket`]), `ResourceBusy` where too many wait for
    /// the bucket already; then none of them is left there.
    pub fn place(&self, in_flight: &mut InFlight, uploads: &[&Upload]) -> io::Result<()> {
        self.placing.place(in_flight, uploads)
    }

    /// Writes down that a commit will no longer name `removals`. Durable when it returns; should the process end before
    /// the outcome is known, the next start asks the database for it.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn intend(&self, removals: Removals) -> io::Result<Intent> {
        Intent::begin(self.removing.clone(), removals)
    }

    /// Removes files of a record whose commit no longer names them, now or, while a backup needs them, later.
    ///
    /// # Errors
    ///
    /// Any error of the file system. What could not be removed is written down where that is possible.
    pub fn remove_files(&self, collection: &str, record: &str, names: Vec<String>) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let removal = Removal::Files {
            collection: collection.to_owned(),
            record: record.to_owned(),
            names,
        };
        self.removing.remove(&removal)
    }

    /// Removes the folders of all records of a collection that are no more, after the collection was deleted or
    /// emptied; now or, while a backup needs them, later.
    ///
    /// # Errors
    ///
    /// Any error of the file system or the database. What could not be removed is written down where that is possible.
    pub fn remove_collection(&self, collection: &str) -> io::Result<()> {
        let removal = Removal::Collection {
            collection: collection.to_owned(),
        };
        self.removing.remove(&removal)
    }

    /// Carries out the removals that were put off, in the data directory at once and in the bucket by and by; does
    /// nothing while a backup is under way, or where this process is not in charge ([`FileStore::take_charge`]). What
    /// has come to be named again since then is kept.
    ///
    /// # Errors
    ///
    /// Any error of the file system or the database of the data directory; the next call tries the rest again.
    pub fn purge_pending(&self) -> io::Result<()> {
        self.removing.purge_pending()
    }

    /// Lets the removals from the bucket be worked off, in a thread of its own. Returns at once; what can't be removed
    /// now is tried again by the next call. Does nothing where this process is not in charge
    /// ([`FileStore::take_charge`]).
    pub fn purge_objects(&self) {
        self.removing.objects().purge();
    }

    /// Gives up what processes before this one left half sent, in a thread of its own. For a process that is alone in
    /// the data directory and sends nothing yet.
    ///
    /// # Errors
    ///
    /// Where the notes of it can't be read.
    pub fn give_up_leftovers(&self) -> io::Result<()> {
        self.placing.give_up_leftovers()
    }

    /// Whether files are put in a bucket now, so that it takes as long as that takes.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.bucket.place().is_some()
    }

    /// Remembers which bucket was named here last by somebody who may change the settings, if one was; it becomes this
    /// data directory's if it is nobody's and empty.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn claim(&self, place: Option<&str>) -> io::Result<()> {
        self.owner.claim(place)
    }

    /// Whether the bucket in force is another's or nobody's, so that nothing is deleted there, as far as is known;
    /// `None` where there is no bucket, or nothing is known of it yet.
    #[must_use]
    pub fn is_foreign(&self) -> Option<bool> {
        self.owner.is_foreign()
    }

    /// Sees to what restores of earlier processes put in a bucket: it stays if the one called `succeeded` put it there.
    /// For a process that is alone in the data directory, when no restore waits to be finished.
    ///
    /// # Errors
    ///
    /// Any error of the file system; the next start tries again.
    pub fn settle_restores(&self, succeeded: Option<&str>) -> io::Result<()> {
        journal::settle(self.local.disk(), self.local.state(), succeeded)
    }

    #[cfg(test)]
    pub(super) fn local(&self) -> &LocalFiles {
        &self.local
    }
}
