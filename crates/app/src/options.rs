//! How an application is opened.

use std::time::Duration;

use bosbase_backup::DataDir;
use bosbase_bucket::BucketConfig;

use crate::files::FilesPlace;
use crate::steps::StepHook;

/// Where the application's data lies and how it is opened.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// The data directory; made where it is missing.
    pub data_dir: DataDir,
    /// The 32 byte key that encrypts the stored settings (`--encryptionEnv`), if any.
    pub encryption_key: Option<String>,
    /// Print what is done, for a developer at a terminal (`--dev`).
    pub dev: bool,
    /// How long one read of the database may compute (`--queryTimeout`).
    pub query_timeout: Duration,
    /// Where backups are kept.
    pub backups_place: BackupsPlace,
    /// Where uploaded files are kept.
    pub files_place: FilesPlace,
    /// Look into the data and leave the world alone (`serve --rehearsal`): no schedule, no alarms, no deletions in
    /// buckets.
    pub rehearsal: bool,
    /// Told of every step of a backup and of a restore; a test kills the process there.
    pub steps: StepHook,
}

impl AppOptions {
    /// How long a read may compute if nobody says otherwise; as in PocketBase.
    pub const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

    /// The data directory `data_dir` with nothing else asked for.
    #[must_use]
    pub fn at(data_dir: impl Into<DataDir>) -> Self {
        Self {
            data_dir: data_dir.into(),
            encryption_key: None,
            dev: false,
            query_timeout: Self::QUERY_TIMEOUT,
            backups_place: BackupsPlace::AsSet,
            files_place: FilesPlace::AsSet,
            rehearsal: false,
            steps: StepHook::default(),
        }
    }
}

/// Where backups are kept, as the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BackupsPlace {
    /// Where the settings say.
    #[default]
    AsSet,
    /// In the data directory, even where the settings say otherwise.
    Local,
    /// In this bucket, even where the settings say otherwise: for a machine that has none yet, or none that can be
    /// read.
    Bucket(BucketConfig),
}

impl BackupsPlace {
    /// The bucket that was named.
    pub(crate) fn bucket(&self) -> Option<BucketConfig> {
        match self {
            Self::AsSet | Self::Local => None,
            Self::Bucket(config) => Some(config.clone()),
        }
    }
}
