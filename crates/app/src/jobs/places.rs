//! Where the settings say that backups and uploaded files are kept.

use std::io;
use std::sync::Arc;

use bosbase_backup::restore;
use bosbase_bucket::BucketConfig;
use bosbase_disk::Disk;

use super::boot::{is_interrupted, site};
use crate::app::AppOptions;
use crate::error::{Error, Result};
use crate::files::Elsewhere;
use crate::settings::{self, SettingsCell};

/// The settings as far as they name buckets.
pub(crate) enum Places {
    /// Those in force in an open application.
    Application(AppOptions, Arc<SettingsCell>),
    /// Those of a data directory that a command looks into without opening its databases for more than that.
    Directory(AppOptions),
}

impl Places {
    /// The bucket of the backups as it is set now; `None` for the data directory.
    pub(crate) fn backups(&self) -> Option<BucketConfig> {
        match self {
            Self::Application(options, _) | Self::Directory(options) if options.backups_bucket.is_some() => {
                options.backups_bucket.clone()
            }
            Self::Application(_, cell) => cell.get().backups.s3.bucket(),
            Self::Directory(options) => read(options).unwrap_or_else(|error| {
                // A damaged database is what backups are for.
                tracing::warn!(
                    error = error.with_causes(),
                    "the settings can't be read; taking the backups to be in the data directory"
                );
                None
            }),
        }
    }
}

fn read(options: &AppOptions) -> Result<Option<BucketConfig>> {
    // What lies there while a restore waits to be finished may be half of the old data and half of the new.
    if is_interrupted(options)? {
        return Err(Error::invalid("A restore waits to be finished."));
    }
    let settings = settings::peek(&options.data_dir, options.encryption_key.as_deref())?;
    Ok(settings.and_then(|settings| settings.backups.s3.bucket()))
}

/// What an open application tells its store of files.
pub(crate) struct InForce {
    options: AppOptions,
    settings: Arc<SettingsCell>,
    disk: Arc<dyn Disk>,
}

impl InForce {
    pub(crate) fn new(options: AppOptions, settings: Arc<SettingsCell>, disk: Arc<dyn Disk>) -> Self {
        Self {
            options,
            settings,
            disk,
        }
    }
}

impl Elsewhere for InForce {
    fn bucket(&self) -> Option<BucketConfig> {
        self.options.files_place.bucket(&self.settings.get())
    }

    fn is_shared(&self) -> io::Result<bool> {
        let disk = self.disk.as_ref();
        let kept = restore::available_undo(&site(disk, &self.options)).map_err(io::Error::other)?;
        Ok(kept.is_some() || restore::is_pending(disk, &self.options.data_dir).map_err(io::Error::other)?)
    }
}
