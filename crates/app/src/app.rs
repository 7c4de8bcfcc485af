//! The application on one data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bosbase_bucket::BucketConfig;
use bosbase_disk::Disk;
use bosbase_store::{Store, StoreOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::alarms::Alarms;
use crate::crons;
use crate::error::Result;
use crate::files::{FileStore, FilesPlace};
use crate::jobs::{Backups, Board, InForce, Job, Places, StepHook};
use crate::logs::{self, LogWriter};
use crate::realtime::{BACKUPS_TOPIC, Hub};
use crate::records::{Patterns, RecordLocks, StoredReferences};
use crate::settings::{self, SettingsCell};

/// Where the application's data lies and how it is opened.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// The data directory; made where it is missing.
    pub data_dir: PathBuf,
    /// The 32 byte key that encrypts the stored settings (`--encryptionEnv`), if any.
    pub encryption_key: Option<String>,
    /// Print what is done, for a developer at a terminal (`--dev`).
    pub dev: bool,
    /// The bucket of the backups, whatever the settings say: for a machine that has none yet, or none that can be read.
    pub backups_bucket: Option<BucketConfig>,
    /// Where uploaded files are kept.
    pub files_place: FilesPlace,
    /// Told of every step of a backup and of a restore; a test kills the process there.
    pub steps: StepHook,
}

impl AppOptions {
    /// The data directory `data_dir` with nothing else asked for.
    #[must_use]
    pub fn at(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            encryption_key: None,
            dev: false,
            backups_bucket: None,
            files_place: FilesPlace::AsSet,
            steps: StepHook::default(),
        }
    }
}

/// An open application. Clones share it.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    options: AppOptions,
    store: Store,
    disk: Arc<dyn Disk>,
    files: FileStore,
    patterns: Patterns,
    record_locks: RecordLocks,
    settings: Arc<SettingsCell>,
    hub: Hub,
    backups: Arc<Backups>,
    logins: Arc<Semaphore>,
    log_writer: Arc<LogWriter>,
    running_crons: crons::Running,
    alarms: Arc<Alarms>,
}

impl App {
    /// Opens the data directory for a command, beside the server that serves it or without one, making or upgrading its
    /// databases. The one process that serves it uses [`crate::jobs::open_to_serve`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] while a server is in the middle of a restore, [`crate::ErrorKind::Internal`] where the
    /// databases can't be opened; the cause says why.
    pub fn open(options: AppOptions) -> Result<Self> {
        crate::jobs::open_beside(options)
    }

    /// Opens the databases of a data directory in which no restore waits to be finished.
    pub(crate) fn open_databases(options: AppOptions, disk: Arc<dyn Disk>) -> Result<Self> {
        let store = Store::open(&StoreOptions {
            dir: options.data_dir.clone(),
            readers: 8,
        })
        .map_err(|error| damaged(error, &options.data_dir))?;
        let settings = settings::load(&store, options.encryption_key.as_deref())?;
        let settings = Arc::new(SettingsCell::new(settings));
        let log_writer = Arc::new(LogWriter::start(store.clone()).map_err(crate::Error::internal)?);
        let files = FileStore::new(
            disk.clone(),
            &options.data_dir,
            Box::new(StoredReferences(store.clone())),
            Box::new(InForce::new(options.clone(), settings.clone(), disk.clone())),
        );
        let hub = Hub::default();
        let watchers = hub.clone();
        let (in_force, log) = (settings.clone(), log_writer.clone());
        let alarms = Arc::new(Alarms::default());
        let alarmed = alarms.clone();
        let tell = move |job: &Job| {
            watchers.publish(BACKUPS_TOPIC, &serde_json::json!(job));
            logs::note_job(&in_force.get().logs, &log, job);
            alarmed.note(job);
        };
        let places = Places::Application(options.clone(), settings.clone());
        let backups = Arc::new(Backups::new(options.clone(), disk.clone(), places, Arc::new(tell)));
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                store,
                disk,
                files,
                patterns: Patterns::default(),
                record_locks: RecordLocks::default(),
                settings,
                hub,
                backups,
                logins: Arc::new(Semaphore::new(cores)),
                log_writer,
                running_crons: crons::Running::default(),
                alarms,
            }),
        })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The open event streams.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    pub(crate) fn settings_cell(&self) -> &SettingsCell {
        &self.inner.settings
    }

    /// The disk that uploaded files and backups are kept on.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    /// The uploaded files.
    #[must_use]
    pub fn files(&self) -> &FileStore {
        &self.inner.files
    }

    pub(crate) fn record_locks(&self) -> &RecordLocks {
        &self.inner.record_locks
    }

    pub(crate) fn patterns(&self) -> &Patterns {
        &self.inner.patterns
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.inner.options.data_dir
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &AppOptions {
        &self.inner.options
    }

    /// Waits for a core to hash a password on. Asynchronous; the turn ends when what is returned is dropped.
    pub async fn login_turn(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed, so never refused.
        self.inner.logins.clone().acquire_owned().await.ok()
    }

    /// The backups and what can be done with them.
    #[must_use]
    pub fn backups(&self) -> &Arc<Backups> {
        &self.inner.backups
    }

    /// The backup or restore that runs, and those that ran.
    #[must_use]
    pub fn jobs(&self) -> &Board {
        self.inner.backups.jobs()
    }

    /// Whether a backup could be started now.
    #[must_use]
    pub fn can_backup(&self) -> bool {
        self.jobs().is_free()
    }

    /// The queue to the log.
    pub(crate) fn log_writer(&self) -> &LogWriter {
        &self.inner.log_writer
    }

    pub(crate) fn alarms(&self) -> &Alarms {
        &self.inner.alarms
    }

    /// The recurring jobs that run just now.
    pub(crate) fn running_crons(&self) -> &crons::Running {
        &self.inner.running_crons
    }

    /// Ends all work and closes the databases; what is called later fails as unavailable.
    ///
    /// # Errors
    ///
    /// What the database says to its last checkpoint. The data is whole all the same: the log is replayed at the next start.
    pub fn close(&self) -> Result<()> {
        self.inner.log_writer.close();
        Ok(self.inner.store.clone().close()?)
    }
}

/// Says of a database that can't be read what helps.
fn damaged(error: bosbase_store::Error, data_dir: &Path) -> crate::Error {
    if error.kind() != bosbase_store::ErrorKind::Corrupt {
        return error.into();
    }
    let dir = data_dir.display();
    let text = format!("A database in {dir} is damaged. Restore a backup: bosbase backup list --dir {dir}");
    crate::Error::new(crate::ErrorKind::Internal, text).caused_by(error)
}
