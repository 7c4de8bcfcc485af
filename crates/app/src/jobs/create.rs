//! Makes backups: on request and on schedule.

use bosbase_backup::create::{self, CreateReport, Sources};
use bosbase_backup::remote_files::Source;
use bosbase_backup::{BackupKey, DatabaseSnapshot, ErrorKind as Engine, Storage};
use jiff::Timestamp;
use std::time::Duration;

use super::backup_jobs::BackupJobs;
use super::content::Inside;
use super::engine::{CountsSlot, FilesHeld, Pinned, path_of, refuse};
use super::found::{Found, some};
use super::listed::Proved;
use super::name::{MANUAL, SCHEDULED, generate};
use super::registry::{RunningJob, Ticket};
use super::status::JobKind;
use crate::error::{Error, FieldErrors, Result, sentence};
use crate::files::BucketSource;
use crate::settings::{self, SettingsPrints};

/// How long a scheduled backup waits for other work on backups to end: a day without a backup would be the worse
/// choice.
const SCHEDULE_PATIENCE: Duration = Duration::from_secs(3600);

impl BackupJobs {
    /// Begins a backup called `name`, or by a name made up from the application's and the time where that is empty, and
    /// returns while it is being made.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] while another backup or restore runs, for a name that breaks the rule
    /// (`^[a-z0-9_-]+\.zip$`, at most 150 characters) or is taken. Where the storage can't be asked, too, but that is
    /// remembered as a backup that failed: its users hear of it, even if the client that asked for it does not.
    pub fn start_backup(&self, name: &str) -> Result<Ticket> {
        let lease = self.jobs().lease()?;
        let key = if name.is_empty() {
            self.generated_key(MANUAL, None)?
        } else {
            validated(name)?
        };
        let looked = self.backups().storage_for_job().and_then(|storage| {
            let is_taken = storage.asked.contains(&key).map_err(refuse)?;
            Ok((storage.patient, is_taken))
        });
        if matches!(looked, Ok((_, true))) {
            return Err(taken());
        }
        let running = self.jobs().begin(lease, JobKind::Create, key.as_str())?;
        let storage = match looked {
            Ok((storage, _)) => storage,
            Err(error) => return running.end(Err(error)),
        };
        running.interrupts(&storage);
        let ticket = running.ticket();
        let this = self.clone();
        super::spawn("backup", running, move |running| {
            this.make_backup(storage.as_ref(), &key, running)
        });
        Ok(ticket)
    }

    /// Makes the backup that `settings.backups.cron` asks for and proves it, then deletes those scheduled ones that
    /// neither `settings.backups.cronMaxKeep` nor a `keep…` beside it keeps. Returns when it is done. A backup that
    /// fails deletes nothing.
    ///
    /// # Errors
    ///
    /// As [`BackupJobs::start_backup`], and what the backup itself fails of.
    pub fn run_scheduled_backup(&self) -> Result<()> {
        let lease = self.jobs().lease_within(SCHEDULE_PATIENCE)?;
        let key = self.generated_key(SCHEDULED, Some(&self.backups().tag()?))?;
        let running = self.jobs().begin(lease, JobKind::Create, key.as_str())?;
        // Also if the settings change meanwhile: what has had its day is deleted where its successor was made.
        let storage = match self.backups().storage_for_job() {
            Ok(storage) => storage,
            Err(error) => return running.end(Err(error)),
        };
        running.interrupts(&storage.patient);
        // A bucket that is out of reach is waited for before anything is pinned or kept from being removed.
        let outcome = match storage.patient.contains(&key) {
            Ok(false) => self.make_backup(storage.patient.as_ref(), &key, &running),
            Ok(true) => Err(taken()),
            Err(error) => Err(refuse(error)),
        };
        running.end(outcome)?;
        self.delete_outlived(storage.after.as_ref(), &key)
    }

    fn generated_key(&self, prefix: &str, tag: Option<&str>) -> Result<BackupKey> {
        let app_name = self.settings().meta.app_name.clone();
        // What was begun of late is asked rather than the storage, which may be far away: nobody else makes up names of
        // this second.
        let jobs = self.jobs().history().read()?;
        let is_taken = |name: &str| jobs.iter().any(|job| job.key == name);
        BackupKey::existing(&generate(prefix, &app_name, Timestamp::now(), tag, is_taken)).map_err(Error::internal)
    }

    pub(super) fn make_backup(&self, storage: &dyn Storage, key: &BackupKey, running: &RunningJob) -> Result<()> {
        // Before the snapshot: what it names must not go away between the two.
        let held = FilesHeld::take(&self.files().lock_path(), running)?;
        let snapshot = self.store().snapshot()?;
        let references = snapshot.file_references();
        let required_files = references.map(|reference| Ok(path_of(&reference?)));
        // Those of the snapshot: another process may have changed them since this one read its own.
        let settings = settings::of_snapshot(&snapshot, self.options().encryption_key.as_deref())?;
        let bucket = self.options().files_place.bucket(|| settings.s3.bucket());
        let remote_files = bucket
            .map(|config| BucketSource::open(&config))
            .transpose()
            .map_err(|error| Error::invalid(sentence(&error.to_string())))?;
        if let Some(source) = &remote_files {
            let interrupt = source.interrupter();
            running.on_stop(move || interrupt.fire());
        }
        let counts = CountsSlot::default();
        let sources = Sources {
            data_dir: self.data_dir().to_owned(),
            databases: snapshot
                .databases
                .into_iter()
                .map(|database| Box::new(Pinned::new(database, counts.clone())) as Box<dyn DatabaseSnapshot>)
                .collect(),
            required_files: Box::new(required_files),
            remote_files: remote_files.as_ref().map(|source| source as &dyn Source),
        };
        let plan = create::plan(self.disk().as_ref(), key, Timestamp::now(), &sources).map_err(refuse)?;
        tracing::info!(%plan, "backup begins");
        let steps = self.options().steps.clone();
        let made = create::perform(self.disk().as_ref(), &plan, sources, storage, running, &*steps);
        drop(held);
        if let Err(error) = self.files().purge_pending() {
            tracing::warn!(%error, "files whose removal waited for the backup could not be removed yet");
        }
        let created = made.map_err(|error| {
            if error.kind() == Engine::AlreadyExists {
                taken()
            } else {
                refuse(error)
            }
        })?;
        Self::report(created.report(), running);
        running.is_about(created.report().backup.size);
        running.published()?;
        let proved = Proved {
            storage,
            key: key.as_str(),
            which: created.identity(),
        };
        let mut missing = created.report().missing.clone();
        // What could not be read is not in the backup either.
        missing.count += created.report().withheld;
        let proof = created.prove(storage, running, &*steps);
        if let Ok(proof) = &proof {
            tracing::info!(%key, entries = proof.checked.entries, "backup proven");
        }
        // The databases were checked where they were pinned, and the digests say that these very bytes are in the
        // backup.
        let found = proof.map(|proof| {
            let settings = Some(SettingsPrints::of(&settings, self.options().encryption_key.as_deref()));
            let inside = counts.lock().take().map(|counts| Inside { counts, settings });
            Found::made(missing, &proof.inventory, inside)
        });
        self.backups().conclude_proof(&proved, running, found)
    }

    fn report(report: &CreateReport, running: &RunningJob) {
        for (names, one, more) in [
            (
                &report.missing,
                "file that records name was missing before the backup began",
                "files that records name were missing before the backup began",
            ),
            (
                &report.left_out,
                "file can't be read, or be held by a backup",
                "files can't be read, or be held by a backup",
            ),
        ] {
            if names.count == 0 {
                continue;
            }
            let what = if names.count == 1 { one } else { more };
            let warning = format!("{} {what}: {}.", names.count, some(names));
            tracing::warn!(key = %report.backup.key, warning, "the backup is not all there could be");
            running.warn(&warning);
        }
        tracing::info!(key = %report.backup.key, bytes = report.backup.size, "backup made");
    }
}

fn validated(name: &str) -> Result<BackupKey> {
    let length = name.chars().count();
    if length > BackupKey::MAX_NEW_LEN {
        return Err(invalid(
            "validation_length_out_of_range",
            "The length must be between 1 and 150.",
        ));
    }
    BackupKey::for_new(name)
        .map_err(|error| invalid("validation_match_invalid", "Must be in a valid format.").caused_by(error))
}

fn taken() -> Error {
    invalid(
        "validation_backup_name_exists",
        "The backup file name is invalid or already exists.",
    )
}

fn invalid(code: &str, message: &str) -> Error {
    Error::validation(
        "An error occurred while validating the submitted data.",
        FieldErrors::one("name", code, message),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;
    use crate::app::App;
    use crate::jobs::JobState;
    use crate::options::AppOptions;
    use crate::start::open_to_serve;

    /// `bosbase backup create` beside a server worked off the server's removals when it was done, and took a file away
    /// that the server had just put in place for a record still to be committed.
    #[test]
    fn a_backup_beside_the_server_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let (server, _tenancy) = open_to_serve(&options, Duration::ZERO).unwrap();
        let files = server.files();
        let mut receiving = files.receive("a.txt").unwrap();
        receiving.write_all(b"precious").unwrap();
        let upload = receiving.finish().unwrap();
        let beside = App::open(options).unwrap();
        let held = FilesHeld::take(&files.lock_path(), &bosbase_backup::NoProgress).unwrap();
        files.remove_collection("pbc_1").unwrap();
        drop(held);
        let mut in_flight = files.begin("pbc_1", "r");
        files.place(&mut in_flight, &[&upload]).unwrap();
        let ticket = beside.backup_jobs().start_backup("a.zip").unwrap();
        while ticket.job().state == JobState::Running {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(ticket.job().state, JobState::Succeeded);
        files.open("pbc_1", "r", upload.name()).unwrap();
        drop(in_flight);
        // Nobody came to name it, and the server knows that.
        files.purge_pending().unwrap();
        files.open("pbc_1", "r", upload.name()).unwrap_err();
        beside.close().unwrap();
        server.close().unwrap();
    }
}
