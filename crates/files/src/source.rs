//! The files of the bucket, for a backup.

use std::io;
use std::time::{Duration, Instant};

use bosbase_backup::remote_files::{Measured, Opened, Source, UploadedFile};
use bosbase_backup::{Error, ErrorKind, Result};
use bosbase_bucket::{Bucket, BucketConfig, ErrorKind as Cause, Interrupt, Object, Patience};

use super::attributes::Attributes;

/// To be measured, a bucket is listed for so long at most.
const MEASURING: Duration = Duration::from_secs(5);

/// Fetches what records name and what is not in the data directory.
pub struct BucketSource {
    bucket: Bucket,
    interrupt: Interrupt,
}

impl BucketSource {
    /// The files in the bucket that `config` names.
    ///
    /// # Errors
    ///
    /// Where that can't be.
    pub fn open(config: &BucketConfig) -> io::Result<Self> {
        let interrupt = Interrupt::default();
        Ok(Self {
            // Nobody watches a backup.
            bucket: Bucket::new(config, Patience::Work)?.interrupted_by(&interrupt),
            interrupt,
        })
    }

    /// What ends all that is asked for, as [`Source::interrupt`] does.
    pub fn interrupter(&self) -> Interrupt {
        self.interrupt.clone()
    }

    fn find(&self, file: &UploadedFile) -> Result<Option<Object>, bosbase_bucket::Error> {
        match self.bucket.head(file.key()) {
            Err(error) if error.kind() == Cause::NotFound => {}
            other => return other.map(Some),
        }
        // The answer is the same where it is the bucket that is not there; a list tells the two apart.
        let folder = file.key().rsplit_once('/').map_or("", |(folder, _)| folder);
        let listed = self.bucket.list(&format!("{folder}/"))?;
        if listed.iter().any(|object| object.key == file.key()) {
            self.bucket.head(file.key()).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl Source for BucketSource {
    fn measure(&self) -> Result<Option<Measured>> {
        enum Stop {
            Late,
            Failed(bosbase_bucket::Error),
        }
        impl From<bosbase_bucket::Error> for Stop {
            fn from(error: bosbase_bucket::Error) -> Self {
                Self::Failed(error)
            }
        }
        let (begun, mut measured) = (Instant::now(), Measured::default());
        let listed = self.bucket.each("", |object| {
            measured.files += 1;
            measured.bytes += object.size;
            if begun.elapsed() > MEASURING {
                Err(Stop::Late)
            } else {
                Ok(())
            }
        });
        match listed {
            Ok(()) => Ok(Some(measured)),
            Err(Stop::Late) => Ok(None),
            Err(Stop::Failed(error)) => Err(failed(error, "measuring the uploaded files in the bucket")),
        }
    }

    fn open(&self, file: &UploadedFile) -> Result<Option<Opened>> {
        let found = self
            .find(file)
            .map_err(|error| failed(error, &format!("fetching {file}")))?;
        Ok(found.map(|object| Opened {
            len: object.size,
            modified: Some(object.modified),
            note: Attributes::new(&object.content_type, &object.original_name).note(),
            contents: Box::new(self.bucket.reader(&object, 0..object.size)),
        }))
    }

    fn interrupt(&self) {
        self.interrupt.fire();
    }
}

/// A bucket's failure as the engine's.
pub(super) fn failed(error: bosbase_bucket::Error, attempted: &str) -> Error {
    let kind = match error.kind() {
        Cause::Config => ErrorKind::Unsupported,
        Cause::Interrupted => ErrorKind::Cancelled,
        _ => ErrorKind::Unreachable,
    };
    Error::with(kind, attempted, error.bare())
}
