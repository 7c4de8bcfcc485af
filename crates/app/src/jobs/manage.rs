//! Listing, opening and deleting backups, and taking in those made elsewhere.

use std::io::Read;

use std::sync::Arc;

use bosbase_backup::{Archive, ArchiveSource, BackupInfo, BackupKey, ErrorKind as Engine, StagedUpload, Storage};

use super::backups::Backups;
use super::engine::refuse;
use super::registry::RunningJob;
use super::status::{Job, JobKind, JobPhase, JobState};
use crate::error::{Error, ErrorKind, FieldErrors, Result};

/// What every failed validation of a body says.
const INVALID: &str = "An error occurred while validating the submitted data.";
/// Bytes copied at a time.
const PIECE: usize = 256 << 10;

impl Backups {
    /// All backups, newest first; none that is still being made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] where the storage fails.
    pub fn list(&self) -> Result<Vec<BackupInfo>> {
        self.list_in(self.storage()?.as_ref())
    }

    /// As [`Backups::list`], of one storage.
    pub(super) fn list_in(&self, storage: &dyn Storage) -> Result<Vec<BackupInfo>> {
        let mut list = storage.list().map_err(refuse)?;
        if self.is_of_application() {
            self.note_foreign(storage, &list);
        }
        // Published a moment ago, and its job still keeps everybody from using it.
        let in_the_making = |job: &Job| matches!(job.kind, JobKind::Create | JobKind::Upload);
        if let Some(job) = self.jobs().running().filter(in_the_making) {
            list.retain(|backup| backup.key.as_str() != job.key);
        }
        Ok(list)
    }

    /// Opens a backup for reading.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none of this name.
    pub fn open_archive(&self, name: &str) -> Result<Box<dyn ArchiveSource>> {
        let key = BackupKey::existing(name).map_err(|error| Error::not_found().caused_by(error))?;
        self.storage()?.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => Error::not_found().caused_by(error),
            _ => refuse(error),
        })
    }

    /// Deletes a backup for good.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none of this name, [`ErrorKind::Invalid`] while it is being made,
    /// verified or restored.
    pub fn delete(&self, name: &str) -> Result<()> {
        let missing = || Error::new(ErrorKind::NotFound, "Invalid or already deleted backup file.");
        let key = BackupKey::existing(name).map_err(|error| missing().caused_by(error))?;
        if self.is_used(key.as_str())? {
            return Err(Error::invalid(
                "The backup is currently being used and cannot be deleted.",
            ));
        }
        let storage = self.storage()?;
        if self.options().rehearsal && storage.place() != self.local_place() {
            return Err(Error::invalid(
                "This server was started with --rehearsal: it deletes nothing in a bucket.",
            ));
        }
        self.jobs().stop_proofs(Some(key.as_str()), "it was deleted meanwhile");
        storage.delete(&key).map_err(|error| match error.kind() {
            Engine::NotFound => missing().caused_by(error),
            _ => refuse(error),
        })?;
        self.forget_deleted(storage.as_ref(), key.as_str());
        Ok(())
    }

    fn is_used(&self, key: &str) -> Result<bool> {
        let jobs = self.jobs().all()?;
        let uses = |job: &Job| job.state == JobState::Running && job.phase == JobPhase::Working && job.key == key;
        let named = jobs.iter().any(uses);
        // A job that an ended process left as running holds no lease any more.
        Ok(named && !self.jobs().is_free())
    }

    /// Takes in a backup made elsewhere under `name`, reading it from `content` to its end; `longest` bounds its
    /// length, in bytes, where that is known. It is listed once it is durable and its structure, names and `data.db`
    /// are such that it could be restored. One in a bucket that can't be looked at any more when it is there stays, and
    /// the job warns of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a name that is taken or unsafe, an archive that could never be restored, a busy lease
    /// or an upload cut short; [`ErrorKind::Unavailable`] for a full disk. Nothing of it stays.
    pub fn upload(&self, name: &str, longest: Option<u64>, content: impl Read) -> Result<BackupInfo> {
        let key = BackupKey::existing(name).map_err(|error| {
            let text = "The file name must be a single safe name that ends in .zip.";
            Error::validation(
                INVALID,
                FieldErrors::one("file", "validation_invalid_backup_name", text),
            )
            .caused_by(error)
        })?;
        let lease = self.jobs().lease()?;
        let storage = self.storage_for_job()?;
        if storage.asked.contains(&key).map_err(refuse)? {
            return Err(taken(bosbase_backup::Error::new(
                Engine::AlreadyExists,
                "the name is taken",
            )));
        }
        let (storage, after) = (storage.patient, storage.after);
        let running = self.jobs().begin(lease, JobKind::Upload, key.as_str())?;
        running.interrupts(&storage);
        let outcome = receive(storage.as_ref(), after.as_ref(), &key, longest, content, &running);
        if let Ok(backup) = &outcome {
            running.is_about(backup.size);
        }
        running.end(outcome)
    }
}

/// `after` is for what is to be done even if the job is asked to end.
fn receive(
    storage: &dyn Storage,
    after: &dyn Storage,
    key: &BackupKey,
    longest: Option<u64>,
    content: impl Read,
    running: &RunningJob,
) -> Result<BackupInfo> {
    let mut upload = storage.create(key, longest).map_err(taken)?;
    copy(content, upload.as_mut(), running)?;
    if let Some(archive) = upload.preview().map_err(refuse)? {
        look_at(archive).map_err(|unfit| unfit.refuse(key))?;
        return upload.publish().map_err(taken);
    }
    // Where it can't be seen before it is published it is looked at right after.
    let backup = upload.publish().map_err(taken)?;
    let looked = storage.open(key).map_err(Unfit::Unseen).and_then(look_at);
    match looked {
        Ok(()) => {}
        // Nobody knows what it is: it may be the only copy that there is.
        Err(Unfit::Unseen(error)) => {
            let error = refuse(error);
            tracing::warn!(error = error.with_causes(), %key, "an uploaded backup could not be looked at");
            running.warn(&format!(
                "{key} is there, but could not be looked at: {} Verify it before you rely on it.",
                error.message()
            ));
        }
        Err(unfit) => {
            after.delete(key).map_err(refuse)?;
            return Err(unfit.refuse(key));
        }
    }
    Ok(backup)
}

/// Why something is not taken for a backup.
enum Unfit {
    /// It is no ZIP.
    NoArchive,
    /// It could never be restored.
    NoBackup(bosbase_backup::Error),
    /// It can't be told.
    Unseen(bosbase_backup::Error),
}

impl Unfit {
    /// Says it to the client that sent it.
    fn refuse(self, key: &BackupKey) -> Error {
        let (code, text, cause) = match self {
            Self::NoArchive => {
                let text = format!("\"{key}\" mime type must be one of: application/zip.");
                ("validation_invalid_mime_type", text, None)
            }
            Self::NoBackup(error) => {
                let text = format!("The file is not a backup that could be restored: {error}.");
                ("validation_invalid_backup", text, Some(error))
            }
            Self::Unseen(error) => return refuse(error),
        };
        let refused = Error::validation(INVALID, FieldErrors::one("file", code, &text));
        match cause {
            Some(error) => refused.caused_by(error),
            None => refused,
        }
    }
}

/// Finds out what could never be restored.
fn look_at(archive: Box<dyn ArchiveSource>) -> std::result::Result<(), Unfit> {
    let is_zip = starts_as_zip(archive.as_ref())
        .map_err(|error| Unfit::Unseen(bosbase_backup::Error::with(Engine::Io, "reading the archive", error)))?;
    if !is_zip {
        return Err(Unfit::NoArchive);
    }
    match Archive::open(Arc::from(archive)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == Engine::InvalidArchive => Err(Unfit::NoBackup(error)),
        Err(error) => Err(Unfit::Unseen(error)),
    }
}

/// Whether it begins as a ZIP does: with an entry, or with the end of an empty one.
fn starts_as_zip(archive: &dyn ArchiveSource) -> std::io::Result<bool> {
    let mut start = [0; 4];
    let mut filled = 0;
    while filled < start.len() {
        match archive.read_at(filled as u64, &mut start[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(matches!(&start, b"PK\x03\x04" | b"PK\x05\x06"))
}

fn copy(mut content: impl Read, upload: &mut dyn StagedUpload, running: &RunningJob) -> Result<()> {
    use bosbase_backup::Progress as _;
    let mut buffer = vec![0; PIECE];
    loop {
        let read = match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::invalid("The upload ended before it was complete.").caused_by(error)),
        };
        upload.write_all(&buffer[..read]).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::new(
                ErrorKind::Unavailable,
                "There is no room for the upload on the server's disk.",
            )
            .caused_by(error),
            _ => refuse(bosbase_backup::Error::with(Engine::Io, "storing the upload", error)),
        })?;
        running.advance(read as u64);
        if running.cancelled() {
            return Err(Error::invalid("The upload was given up."));
        }
    }
}

fn taken(error: bosbase_backup::Error) -> Error {
    match error.kind() {
        Engine::AlreadyExists => {
            let text = "Backup file with the specified name already exists.";
            Error::validation(INVALID, FieldErrors::one("file", "validation_backup_name_exists", text)).caused_by(error)
        }
        _ => refuse(error),
    }
}
