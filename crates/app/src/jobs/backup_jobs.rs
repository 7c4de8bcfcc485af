//! The jobs on backups that need the open databases: made, restored, undone.

use std::sync::Arc;

use bosbase_backup::DataDir;
use bosbase_disk::Disk;
use bosbase_store::Store;

use super::backups::Backups;
use super::census::Census;
use super::registry::JobRegistry;
use super::turn::Turn;
use crate::files::FileStore;
use crate::logs::Logs;
use crate::options::AppOptions;
use crate::settings::{Settings, SettingsCell};

/// Makes and restores the backups of an open application. Clones share it.
#[derive(Clone)]
pub struct BackupJobs {
    inner: Arc<Inner>,
}

struct Inner {
    backups: Arc<Backups>,
    store: Store,
    files: FileStore,
    settings: Arc<SettingsCell>,
    logs: Logs,
    census: Census,
    looking_at_kept: Turn<()>,
}

impl BackupJobs {
    pub(crate) fn new(
        backups: Arc<Backups>,
        store: Store,
        files: FileStore,
        settings: Arc<SettingsCell>,
        logs: Logs,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                backups,
                store,
                files,
                settings,
                logs,
                census: Census::default(),
                looking_at_kept: Turn::default(),
            }),
        }
    }

    /// The job that runs, and those that ran.
    pub(crate) fn jobs(&self) -> &JobRegistry {
        self.inner.backups.jobs()
    }

    pub(crate) fn backups(&self) -> &Arc<Backups> {
        &self.inner.backups
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(super) fn files(&self) -> &FileStore {
        &self.inner.files
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.inner.settings.get()
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.inner.logs
    }

    pub(super) fn census(&self) -> &Census {
        &self.inner.census
    }

    /// Taken by one who reads the data that is kept for an undo, whose files nobody else has in memory.
    pub(super) fn looking_at_kept(&self) -> &Turn<()> {
        &self.inner.looking_at_kept
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        self.inner.backups.disk()
    }

    pub(super) fn options(&self) -> &AppOptions {
        self.inner.backups.options()
    }

    pub(super) fn data_dir(&self) -> &DataDir {
        &self.options().data_dir
    }
}
