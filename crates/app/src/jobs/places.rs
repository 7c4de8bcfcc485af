//! Where the settings say that backups and uploaded files are kept.

use std::io;
use std::sync::Arc;

use bosbase_backup::restore;
use bosbase_bucket::BucketConfig;
use bosbase_disk::Disk;

use super::unfinished::{is_interrupted, site};
use crate::error::{Error, Result};
use crate::files::RemoteFiles;
use crate::options::{AppOptions, BackupsPlace};
use crate::settings::{self, SettingsCell};

/// The settings as far as they name buckets.
pub(crate) enum Places {
    /// Those in force in an open application.
    Application(AppOptions, Arc<SettingsCell>),
    /// Those of a data directory that a command looks into without opening its databases for more than that.
    Directory(AppOptions),
}

impl Places {
    /// Whether these are of an open application.
    pub(super) fn are_of_application(&self) -> bool {
        matches!(self, Self::Application(..))
    }

    /// The bucket of the backups as it is set now; `None` for the data directory.
    pub(crate) fn backups(&self) -> Option<BucketConfig> {
        match self {
            Self::Application(options, cell) => match &options.backups_place {
                BackupsPlace::AsSet => cell.get().backups.s3.bucket(),
                place => place.bucket(),
            },
            Self::Directory(options) if options.backups_place != BackupsPlace::AsSet => options.backups_place.bucket(),
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

/// What a command needs of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// The place of the backups, which the environment may name as well.
    Place,
    /// All of them.
    All,
}

/// Says where a command looks for backups where the settings can't tell: nothing where they can.
///
/// # Errors
///
/// Where they are encrypted and their key is missing. A bucket that they name would be passed over, and what lies in
/// the data directory be taken for all there is.
pub fn place_in_doubt(options: &AppOptions, needed: Needed) -> Result<Option<String>> {
    if options.backups_place != BackupsPlace::AsSet {
        return Ok(None);
    }
    settings::require_key(&options.data_dir, options.encryption_key.as_deref()).map_err(|error| {
        let rest = match needed {
            Needed::All => "This command needs the key.",
            Needed::Place => {
                "So it is not known where the backups are. Give the key. To go on without it, name the place: \
                 BOSBASE_BACKUPS_S3_ENABLED=false for the data directory, BOSBASE_BACKUPS_S3_BUCKET=… for a bucket."
            }
        };
        Error::invalid(format!(
            "The settings are encrypted, and --encryptionEnv names no key or a wrong one. {rest}"
        ))
        .caused_by(error)
    })?;
    let folder = options.data_dir.backups();
    Ok(read(options).err().map(|error| {
        tracing::debug!(error = error.with_causes(), "the settings can't be read");
        let folder = folder.display();
        let why = match is_interrupted(options) {
            Ok(true) => "A restore is not finished yet.",
            _ => "The settings can't be read.",
        };
        format!("{why} So the backups are taken to be in {folder}.")
    }))
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

impl RemoteFiles for InForce {
    fn bucket(&self) -> Option<BucketConfig> {
        self.options.files_place.bucket(|| self.settings.get().s3.bucket())
    }

    fn is_shared(&self) -> io::Result<bool> {
        let disk = self.disk.as_ref();
        let kept = restore::available_undo(&site(disk, &self.options)).map_err(io::Error::other)?;
        Ok(kept.is_some() || restore::is_pending(disk, &self.options.data_dir).map_err(io::Error::other)?)
    }

    fn deletes_nothing(&self) -> bool {
        self.options.rehearsal
    }
}
