//! Where the settings say that backups are kept.

use std::sync::Arc;

use bosbase_bucket::BucketConfig;

use super::boot::is_interrupted;
use crate::app::AppOptions;
use crate::error::{Error, Result};
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
