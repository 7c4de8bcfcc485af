//! The backups of a data directory and the jobs on them: all that can be done without opening its databases, which may be
//! damaged or gone when it matters most.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bosbase_backup::layout::{BACKUPS_DIR, PRIVATE_DIR};
use bosbase_backup::{BucketStorage, LocalStorage, Notes, Storage};
use bosbase_bucket::BucketConfig;
use bosbase_disk::{Disk, RealDisk};

use super::board::{Board, Observer};
use super::engine::refuse;
use super::places::Places;
use super::proofs::Proofs;
use crate::app::AppOptions;
use crate::error::{Error, Result};

/// Where multipart uploads are noted down, in the folder that is ours alone.
const UPLOADS_DIR: &str = "bucket-uploads";

/// One storage, as a job needs it.
pub(super) struct JobStorage {
    /// For as long as somebody waits to hear that the job has begun.
    pub(super) asked: Arc<dyn Storage>,
    /// For the job itself, which is tried for minutes. Both are interrupted at once.
    pub(super) patient: Arc<dyn Storage>,
    /// For what follows the job.
    pub(super) after: Arc<dyn Storage>,
}

/// The backups of one data directory.
pub struct Backups {
    options: AppOptions,
    disk: Arc<dyn Disk>,
    places: Places,
    local: Arc<LocalStorage>,
    /// The bucket used last, which remembers what was done there.
    bucket: Mutex<Option<(BucketConfig, Arc<BucketStorage>)>>,
    jobs: Board,
    proofs: Proofs,
}

impl Backups {
    /// The backups of the data directory of `options`, for a command beside a server or without one.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is no such directory. A machine that is told of a bucket needs none: its backups are there,
    /// and what has to be remembered of them makes the directory.
    pub fn open(options: AppOptions) -> Result<Self> {
        if options.backups_bucket.is_none() {
            require_directory(&options.data_dir)?;
        }
        let places = Places::Directory(options.clone());
        Ok(Self::new(options, Arc::new(RealDisk), places, Arc::new(|_| {})))
    }

    pub(crate) fn new(options: AppOptions, disk: Arc<dyn Disk>, places: Places, observer: Observer) -> Self {
        let local = Arc::new(LocalStorage::new(disk.clone(), options.data_dir.join(BACKUPS_DIR)));
        let private = options.data_dir.join(PRIVATE_DIR);
        let proofs = Proofs::new(disk.clone(), &private);
        let jobs = Board::new(disk.clone(), private, observer);
        Self {
            options,
            disk,
            places,
            local,
            bucket: Mutex::default(),
            jobs,
            proofs,
        }
    }

    /// The backup or restore that runs, and those that ran.
    #[must_use]
    pub fn jobs(&self) -> &Board {
        &self.jobs
    }

    /// Where backups are kept now, for who waits for the answer.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where the settings name a bucket in a way that can't be used.
    pub(crate) fn storage(&self) -> Result<Arc<dyn Storage>> {
        match self.bucket()? {
            Some(bucket) => Ok(bucket),
            None => Ok(self.local.clone()),
        }
    }

    /// Where backups are kept now, for a job. It asks once and goes on with what it got, whatever is set meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Backups::storage`].
    pub(super) fn storage_for_job(&self) -> Result<JobStorage> {
        let Some(bucket) = self.bucket()? else {
            let local = || -> Arc<dyn Storage> { self.local.clone() };
            return Ok(JobStorage {
                asked: local(),
                patient: local(),
                after: local(),
            });
        };
        let own = bucket.for_job();
        Ok(JobStorage {
            patient: Arc::new(own.patient()),
            asked: Arc::new(own),
            after: bucket,
        })
    }

    /// Where backups are kept now, for people.
    #[must_use]
    pub fn shown_place(&self) -> String {
        let bucket = self.places.backups();
        bucket.map_or_else(|| "the data directory".to_owned(), |config| config.shown())
    }

    /// Which place backups are kept in now.
    pub(super) fn place(&self) -> String {
        self.places
            .backups()
            .map_or_else(|| self.local.place(), |config| config.place())
    }

    fn bucket(&self) -> Result<Option<Arc<BucketStorage>>> {
        let Some(config) = self.places.backups() else {
            return Ok(None);
        };
        let mut last = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, storage)) = last.as_ref().filter(|(known, _)| *known == config) {
            return Ok(Some(storage.clone()));
        }
        let storage = Arc::new(BucketStorage::new(&config, self.notes()).map_err(refuse)?);
        *last = Some((config, storage.clone()));
        Ok(Some(storage))
    }

    fn notes(&self) -> Notes {
        let dir = self.options.data_dir.join(PRIVATE_DIR).join(UPLOADS_DIR);
        Notes::new(self.disk.clone(), dir)
    }

    pub(super) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(super) fn options(&self) -> &AppOptions {
        &self.options
    }

    /// Removes what killed processes left half made; for whoever holds the lease.
    pub(super) fn clean(&self) -> Result<()> {
        self.local.clean().map_err(Error::internal)?;
        self.clean_opened()?;
        let leftovers = self.notes().leftovers().map_err(Error::internal)?;
        let Some(config) = self.places.backups().filter(|_| !leftovers.is_empty()) else {
            return Ok(());
        };
        // A bucket may take its time, or be out of reach; what it is to remove was begun by processes that are no more.
        super::on_its_own("bucket-clean", move || {
            for leftover in leftovers {
                if let Err(error) = leftover.give_up(&config) {
                    tracing::warn!(%error, "parts of an upload that was killed could not be removed yet");
                }
            }
        });
        Ok(())
    }
}

/// Sees to it that a mistyped directory is told of rather than made.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is none.
pub fn require_directory(data_dir: &Path) -> Result<()> {
    if RealDisk.exists(data_dir).map_err(Error::internal)? {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "There is no data directory {dir}. Name another with --dir DIR."
    )))
}

/// Makes a data directory where there is none, for a backup that comes from elsewhere.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where it can't be made.
pub fn make_directory(data_dir: &Path) -> Result<()> {
    let dir = data_dir.display();
    RealDisk
        .create_dir_all(data_dir)
        .map_err(|error| Error::invalid(format!("Can't make the data directory {dir}: {error}.")))
}

/// Sees to it that there is an application's database.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is none.
pub fn require_application(data_dir: &Path) -> Result<()> {
    require_directory(data_dir)?;
    if RealDisk.exists(&data_dir.join("data.db")).map_err(Error::internal)? {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "There is no data.db in {dir}. Name another directory with --dir DIR, or restore a backup."
    )))
}
