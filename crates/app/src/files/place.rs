//! Where uploaded files are kept: in the data directory, or in the bucket that `settings.s3` names.

use std::io;
use std::sync::{Mutex, PoisonError};

use bosbase_bucket::{Bucket, BucketConfig, Patience};

use super::store::FileStore;
use crate::settings::Settings;

/// Where uploaded files are kept, as whoever starts the program says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FilesPlace {
    /// Where the settings say.
    #[default]
    AsSet,
    /// In the data directory, whatever the settings say.
    Local,
    /// In this bucket, whatever the settings say: for restored settings whose keys are no longer good.
    Bucket(BucketConfig),
}

impl FilesPlace {
    /// The bucket, `None` for the data directory.
    #[must_use]
    pub fn bucket(&self, settings: &Settings) -> Option<BucketConfig> {
        match self {
            Self::AsSet => settings.s3.bucket(),
            Self::Local => None,
            Self::Bucket(config) => Some(config.clone()),
        }
    }
}

/// What a store of files has to know of the application's circumstances; asked anew each time.
pub trait Elsewhere: Send + Sync {
    /// The bucket of new files, `None` for the data directory.
    fn bucket(&self) -> Option<BucketConfig>;

    /// Whether other data than what is served may name what lies in the bucket: data kept for an undo, or a restore's.
    ///
    /// # Errors
    ///
    /// Where it can't be told; then nothing is removed.
    fn is_shared(&self) -> io::Result<bool>;
}

/// For files that are kept in the data directory and nowhere else.
pub struct Nowhere;

impl Elsewhere for Nowhere {
    fn bucket(&self) -> Option<BucketConfig> {
        None
    }

    fn is_shared(&self) -> io::Result<bool> {
        Ok(false)
    }
}

/// The bucket in force, opened once for as long as it stays the same.
#[derive(Default)]
pub(super) struct OpenBucket(Mutex<Option<(BucketConfig, Bucket)>>);

impl OpenBucket {
    fn get(&self, config: BucketConfig) -> io::Result<Bucket> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bucket)) = last.as_ref().filter(|(known, _)| *known == config) {
            return Ok(bucket.clone());
        }
        let bucket = Bucket::new(&config, Patience::Answer)?;
        *last = Some((config, bucket.clone()));
        Ok(bucket)
    }
}

impl FileStore {
    /// The bucket in force, `None` for the data directory.
    ///
    /// # Errors
    ///
    /// Where the settings name none that can be.
    pub(super) fn bucket(&self) -> io::Result<Option<Bucket>> {
        match self.elsewhere().bucket() {
            Some(config) => self.open_bucket().get(config).map(Some),
            None => Ok(None),
        }
    }

    /// Which bucket is in force, without who asks there.
    pub(super) fn place_in_force(&self) -> Option<String> {
        self.elsewhere().bucket().map(|config| config.place())
    }
}

/// Whether `error` is a bucket's.
#[must_use]
pub fn is_of_bucket(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<bosbase_bucket::Error>)
}

/// The key of a file's object, as PocketBase has it. The parts must be names of files ([`super::store::component`]).
pub(super) fn key(collection: &str, record: &str, name: &str) -> String {
    format!("{collection}/{record}/{name}")
}
