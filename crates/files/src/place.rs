//! Where uploaded files are kept: in the data directory, or in the bucket that `settings.s3` names.

use std::io;

use parking_lot::Mutex;

use bosbase_bucket::{Bucket, BucketConfig, Patience};

/// Where uploaded files are kept, as the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FilesPlace {
    /// Where the settings say.
    #[default]
    AsSet,
    /// In the data directory, even where the settings say otherwise.
    Local,
    /// In this bucket, even where the settings say otherwise: for restored settings whose keys are no longer good.
    Bucket(BucketConfig),
}

impl FilesPlace {
    /// The bucket, `None` for the data directory. `as_set` tells what the settings say.
    #[must_use]
    pub fn bucket(&self, as_set: impl FnOnce() -> Option<BucketConfig>) -> Option<BucketConfig> {
        match self {
            Self::AsSet => as_set(),
            Self::Local => None,
            Self::Bucket(config) => Some(config.clone()),
        }
    }
}

/// What a store of files has to know of the application's circumstances; asked anew each time.
pub trait RemoteFiles: Send + Sync {
    /// The bucket of new files, `None` for the data directory.
    fn bucket(&self) -> Option<BucketConfig>;

    /// Whether other data than what is served may name what lies in the bucket: data kept for an undo, or a restore's.
    ///
    /// # Errors
    ///
    /// Where it can't be told; then nothing is removed.
    fn is_shared(&self) -> io::Result<bool>;

    /// Whether nothing is to be deleted in any bucket.
    fn deletes_nothing(&self) -> bool {
        false
    }
}

/// For files that are kept in the data directory and nowhere else.
pub struct Nowhere;

impl RemoteFiles for Nowhere {
    fn bucket(&self) -> Option<BucketConfig> {
        None
    }

    fn is_shared(&self) -> io::Result<bool> {
        Ok(false)
    }
}

/// The bucket in force, opened once for as long as it stays the same.
#[derive(Default)]
struct OpenBucket(Mutex<Option<(BucketConfig, Bucket)>>);

impl OpenBucket {
    fn get(&self, config: BucketConfig) -> io::Result<Bucket> {
        let mut last = self.0.lock();
        if let Some((_, bucket)) = last.as_ref().filter(|(known, _)| *known == config) {
            return Ok(bucket.clone());
        }
        let bucket = Bucket::new(&config, Patience::Answer)?;
        *last = Some((config, bucket.clone()));
        Ok(bucket)
    }
}

/// The bucket of new files, as it is set at the time.
pub(super) struct BucketInForce {
    remote_files: Box<dyn RemoteFiles>,
    open: OpenBucket,
}

impl BucketInForce {
    pub(super) fn new(remote_files: Box<dyn RemoteFiles>) -> Self {
        Self {
            remote_files,
            open: OpenBucket::default(),
        }
    }

    /// Opens it; `None` for the data directory. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// Where the settings name none that can be.
    pub(super) fn open(&self) -> io::Result<Option<Bucket>> {
        self.config().map(|config| self.open.get(config)).transpose()
    }

    /// How it is reached; `None` for the data directory.
    pub(super) fn config(&self) -> Option<BucketConfig> {
        self.remote_files.bucket()
    }

    /// Which it is, without who asks there.
    pub(super) fn place(&self) -> Option<String> {
        self.config().map(|config| config.place())
    }

    /// See [`RemoteFiles::is_shared`].
    ///
    /// # Errors
    ///
    /// Where it can't be told.
    pub(super) fn is_shared(&self) -> io::Result<bool> {
        self.remote_files.is_shared()
    }

    /// See [`RemoteFiles::deletes_nothing`].
    pub(super) fn deletes_nothing(&self) -> bool {
        self.remote_files.deletes_nothing()
    }
}

/// Whether `error` is a bucket's.
#[must_use]
pub fn is_of_bucket(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<bosbase_bucket::Error>)
}

/// The key of a file's object, as PocketBase has it. The parts must be names of files ([`super::local::component`]).
pub(super) fn key(collection: &str, record: &str, name: &str) -> String {
    format!("{collection}/{record}/{name}")
}
