//! A backup that is about to be restored, and what is remembered of one that turns out to be none.

use std::error::Error as _;
use std::sync::Arc;

use bosbase_backup::restore;
use bosbase_backup::{Archive, BackupKey, ErrorKind as Engine, Identity, Storage};
use bosbase_store::ErrorKind as Stored;

use super::backups::{Backups, JobStorage};
use super::engine::refuse;
use super::listed::Proved;
use super::proofs::Verdict;
use crate::error::{Error, FieldErrors, Result, sentence};

/// A backup whose structure was checked, and for which there is room.
pub(super) struct Restorable {
    pub key: BackupKey,
    pub archive: Archive,
    pub storage: JobStorage,
    which: Identity,
}

impl Restorable {
    /// The backup's length in bytes.
    pub(super) fn size(&self) -> u64 {
        self.which.size
    }
}

impl Backups {
    /// Opens the backup called `name` to restore it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for one that is not there or is broken, and where there is no room for it.
    pub(super) fn restorable(&self, name: &str) -> Result<Restorable> {
        let key = BackupKey::existing(name).map_err(|error| super::missing().caused_by(error))?;
        let storage = self.storage_for_job()?;
        let source = storage.asked.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => super::missing().caused_by(error),
            _ => refuse(error),
        })?;
        let which = Identity::of(source.as_ref());
        let archive = Archive::open(Arc::from(source)).map_err(|error| match error.kind() {
            Engine::InvalidArchive => {
                self.remember(storage.asked.as_ref(), &key, &which, "", &error);
                let text = sentence(&error.to_string());
                let fields = FieldErrors::one("key", "validation_invalid_backup", &text);
                Error::validation(super::MISSING, fields).caused_by(error)
            }
            _ => refuse(error),
        })?;
        restore::check_room(&self.site(), &archive).map_err(refuse)?;
        Ok(Restorable {
            key,
            archive,
            storage,
            which,
        })
    }

    /// Remembers of a backup that the restore `job` failed of, where `error` says so, that it is none to rely on.
    pub(super) fn found_unfit(&self, restorable: &Restorable, job: &str, error: &bosbase_backup::Error) {
        let Restorable {
            key, storage, which, ..
        } = restorable;
        self.remember(storage.after.as_ref(), key, which, job, error);
    }

    fn remember(
        &self,
        storage: &dyn Storage,
        key: &BackupKey,
        which: &Identity,
        job: &str,
        error: &bosbase_backup::Error,
    ) {
        let Some(verdict) = verdict(error) else { return };
        let proved = Proved {
            storage,
            key: key.as_str(),
            which: which.clone(),
        };
        if let Err(unwritten) = self.record_proof(&proved, job, verdict) {
            tracing::warn!(error = unwritten.with_causes(), %key, "that a backup is broken could not be written down");
        }
    }
}

/// What a failed restore proves of its backup. Most failures prove nothing: the disk was full, the bucket away, the job
/// stopped.
fn verdict(error: &bosbase_backup::Error) -> Option<Verdict> {
    match error.kind() {
        Engine::InvalidArchive => Some(Verdict::Failed(error.to_string())),
        // Data of another version, or encrypted by another key, is as whole as ever.
        Engine::InvalidDatabase if is_corrupt(error) => Some(Verdict::Damaged(error.to_string())),
        _ => None,
    }
}

fn is_corrupt(error: &bosbase_backup::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<bosbase_store::Error>() {
            return error.kind() == Stored::Corrupt;
        }
        cause = error.source();
    }
    false
}
