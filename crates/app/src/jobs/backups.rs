//! The backups of a data directory and the jobs on them: all that can be done without opening its databases, which may
//! be damaged or gone when it matters most.

use std::sync::Arc;

use parking_lot::Mutex;

use bosbase_backup::{BucketStorage, DataDir, LocalStorage, Notes, Storage};
use bosbase_bucket::BucketConfig;
use bosbase_disk::{Disk, RealDisk};

use super::contents::Contents;
use super::directory::require_directory;
use super::engine::refuse;
use super::foreign::Foreign;
use super::left_on_disk::LeftOnDisk;
use super::looked::Looks;
use super::places::Places;
use super::proofs::Proofs;
use super::proofs_elsewhere::ProofsElsewhere;
use super::registry::{JobRegistry, Observer};
use super::status::Job;
use crate::error::{Error, Result};
use crate::options::AppOptions;
use crate::options::BackupsPlace;

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
    jobs: JobRegistry,
    proofs: Proofs,
    proofs_elsewhere: ProofsElsewhere,
    contents: Contents,
    looks: Looks,
    /// What others were last seen to have made in the same place.
    foreign: Mutex<Option<Foreign>>,
    left: LeftOnDisk,
    deleted: Deleted,
}

/// Is told the name of each backup that is deleted here.
pub(crate) type Deleted = Box<dyn Fn(&str) + Send + Sync>;

impl Backups {
    /// The backups of the data directory of `options`, for a command beside a server or without one.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is no such directory. A machine that is told of a bucket needs none:
    /// its backups are there, and what has to be remembered of them makes the directory.
    pub fn open(options: AppOptions) -> Result<Self> {
        if !matches!(options.backups_place, BackupsPlace::Bucket(_)) {
            require_directory(&options.data_dir)?;
        }
        let places = Places::Directory(options.clone());
        let (observer, deleted) = (Arc::new(|_: &Job| {}), Box::new(|_: &str| {}));
        Ok(Self::new(options, Arc::new(RealDisk), places, observer, deleted))
    }

    pub(crate) fn new(
        options: AppOptions,
        disk: Arc<dyn Disk>,
        places: Places,
        observer: Observer,
        deleted: Deleted,
    ) -> Self {
        let local = Arc::new(LocalStorage::new(disk.clone(), options.data_dir.backups()));
        let proofs = Proofs::new(disk.clone(), &options.data_dir.state());
        let contents = Contents::new(disk.clone(), &options.data_dir.state());
        let jobs = JobRegistry::new(disk.clone(), options.data_dir.clone(), observer);
        Self {
            options,
            disk,
            places,
            local,
            bucket: Mutex::default(),
            jobs,
            proofs,
            proofs_elsewhere: ProofsElsewhere::default(),
            contents,
            looks: Looks::default(),
            foreign: Mutex::default(),
            left: LeftOnDisk::default(),
            deleted,
        }
    }

    pub(super) fn tell_deleted(&self, key: &str) {
        (self.deleted)(key);
    }

    /// The backup or restore that runs, and those that ran.
    #[must_use]
    pub fn jobs(&self) -> &JobRegistry {
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

    /// Where backups are kept now, for a job. It asks once and goes on with what it got, also if the settings change
    /// meanwhile.
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

    /// The bucket that backups are kept in now; `None` for the data directory.
    #[must_use]
    pub fn bucket_in_force(&self) -> Option<bosbase_bucket::BucketConfig> {
        self.places.backups()
    }

    /// Which place backups are kept in now.
    pub(super) fn place(&self) -> String {
        self.places
            .backups()
            .map_or_else(|| self.local.place(), |config| config.place())
    }

    /// Backups in the data directory, also while they are kept in a bucket.
    pub(super) fn local(&self) -> &LocalStorage {
        &self.local
    }

    pub(super) fn left(&self) -> &LeftOnDisk {
        &self.left
    }

    /// Whether the databases are open: a command that only lists backups may have no data directory.
    pub(super) fn is_of_application(&self) -> bool {
        self.places.are_of_application()
    }

    /// As [`Backups::place`], of the data directory itself.
    pub(super) fn local_place(&self) -> String {
        self.local.place()
    }

    /// Where backups are kept now, for people who may have named another directory: the folder itself, or the bucket.
    #[must_use]
    pub fn shown_folder(&self) -> String {
        let config = self.places.backups();
        config.map_or_else(
            || self.options.data_dir.backups().display().to_string(),
            |config| format!("the {}", config.shown()),
        )
    }

    /// Scheduled backups of other data directories in the same place, as far as is known; `None` where none were seen.
    #[must_use]
    pub fn foreign(&self) -> Option<Foreign> {
        self.foreign.lock().clone()
    }

    /// Remembers what was seen of others; answers what was before.
    pub(super) fn set_foreign(&self, seen: Option<Foreign>) -> Option<Foreign> {
        std::mem::replace(&mut *self.foreign.lock(), seen)
    }

    fn bucket(&self) -> Result<Option<Arc<BucketStorage>>> {
        let Some(config) = self.places.backups() else {
            return Ok(None);
        };
        let mut last = self.bucket.lock();
        if let Some((_, storage)) = last.as_ref().filter(|(known, _)| *known == config) {
            return Ok(Some(storage.clone()));
        }
        let storage = Arc::new(BucketStorage::new(&config, self.notes()).map_err(refuse)?);
        *last = Some((config, storage.clone()));
        Ok(Some(storage))
    }

    fn notes(&self) -> Notes {
        Notes::new(self.disk.clone(), self.options.data_dir.state().bucket_uploads())
    }

    pub(super) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    pub(super) fn proofs_elsewhere(&self) -> &ProofsElsewhere {
        &self.proofs_elsewhere
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(crate) fn data_dir(&self) -> &DataDir {
        &self.options.data_dir
    }

    pub(super) fn options(&self) -> &AppOptions {
        &self.options
    }

    /// Removes what killed processes left half made; for the holder of the lease.
    pub(crate) fn clean(&self) -> Result<()> {
        self.local.clean().map_err(Error::internal)?;
        self.clean_opened()?;
        if self.options.rehearsal {
            return Ok(());
        }
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
