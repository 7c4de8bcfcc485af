//! Reads a backup from end to end.

use std::sync::Arc;

use bosbase_backup::{Archive, BackupKey, ErrorKind as Engine, Identity};

use super::backups::Backups;
use super::engine::refuse;
use super::found::Found;
use super::listed::Proved;
use super::proofs::Verdict;
use super::registry::{RunningJob, Ticket};
use super::status::JobKind;
use crate::error::{Error, Result};

impl Backups {
    /// Begins to hold a backup against its own checksums, digests and list of contents and, where there is room to
    /// unpack them, to open its databases; returns meanwhile.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is none of this name, [`crate::ErrorKind::Invalid`] while another job
    /// runs.
    pub fn start_verify(self: &Arc<Self>, name: &str) -> Result<Ticket> {
        let key = BackupKey::existing(name).map_err(|error| Error::not_found().caused_by(error))?;
        let lease = self.jobs().lease()?;
        let storage = self.storage_for_job()?;
        let source = storage.asked.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => Error::not_found().caused_by(error),
            _ => refuse(error),
        })?;
        let storage = storage.patient;
        let running = self.jobs().begin(lease, JobKind::Verify, key.as_str())?;
        running.interrupts(&storage);
        running.is_about(source.len());
        let ticket = running.ticket();
        let backups = self.clone();
        let prove = move |running: &RunningJob| {
            let proved = Proved {
                storage: storage.as_ref(),
                key: key.as_str(),
                which: Identity::of(source.as_ref()),
            };
            source.read_from_medium();
            let job = running.ticket().job().id;
            let archive = Archive::open(Arc::from(source));
            let found = archive.and_then(|archive| backups.examine(&archive, &job, running));
            backups.conclude_proof(&proved, running, found)
        };
        super::spawn("verify", running, prove);
        Ok(ticket)
    }

    /// Writes down what the proof of a backup found, and says it as a job's outcome.
    pub(super) fn conclude_proof(
        &self,
        proved: &Proved<'_>,
        running: &RunningJob,
        found: bosbase_backup::Result<Found>,
    ) -> Result<()> {
        let key = proved.key;
        let job = running.ticket().job().id;
        let record = |verdict| self.record_proof(proved, &job, verdict);
        let error = match found {
            Ok(found) => {
                if let Some(warning) = found.warning(key) {
                    tracing::warn!(key, warning, "a backup was proven, with this to know of it");
                    running.warn(&warning);
                }
                let recorded = record(found.verdict())?;
                if recorded.is_some() {
                    self.keep_content(proved, running, found.content);
                }
                return match recorded {
                    Some(proof) if proof.is_good() => Ok(()),
                    Some(proof) => Err(Error::invalid(format!(
                        "{key} is what was written, but that is no backup to rely on: {}.",
                        proof.error
                    ))),
                    None => Err(Error::invalid(format!(
                        "{key} is not proven: it was deleted meanwhile."
                    ))),
                };
            }
            Err(error) => error,
        };
        if matches!(error.kind(), Engine::InvalidArchive | Engine::InvalidDatabase) {
            running.counts();
        }
        // Nothing is written down: that says nothing of the backup.
        if let Some(reason) = running.stopped() {
            return Err(Error::invalid(format!("{key} is not proven: {reason}.")).caused_by(error));
        }
        let (mut text, verdict) = match error.kind() {
            Engine::InvalidArchive => (format!("{key} is broken: {error}."), Verdict::Failed(error.to_string())),
            Engine::InvalidDatabase => (
                format!("{key} holds a damaged database: {error}. It is kept, and is no backup to rely on."),
                Verdict::Damaged(error.to_string()),
            ),
            _ => (
                format!("{key} could not be read back and is not proven: {error}."),
                Verdict::Unknown(format!("It could not be read back: {error}.")),
            ),
        };
        // A broken one that was just made is deleted by now; of others it is remembered.
        match record(verdict) {
            Ok(Some(_)) => {}
            Ok(None) => text.push_str(" It is not listed any more."),
            Err(unwritten) => {
                tracing::warn!(error = unwritten.with_causes(), %key, "the outcome of a proof could not be written down");
            }
        }
        Err(Error::invalid(text).caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::App;
    use crate::jobs::status::JobState;
    use crate::options::AppOptions;

    const TEST_TIMEOUT: Duration = Duration::from_secs(60);

    /// What stops a proof says nothing of the backup: a restore of it must not make it one that nobody should rely on.
    #[test]
    fn a_proof_that_was_stopped_or_died_leaves_a_good_backup_good() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let app = App::open(options.clone()).unwrap();
        let begin = |app: &App, kind, key: &BackupKey| {
            let lease = app.jobs().lease_within(TEST_TIMEOUT).unwrap();
            app.jobs().begin(lease, kind, key.as_str()).unwrap()
        };
        let (key, storage) = (BackupKey::existing("a.zip").unwrap(), app.backups().storage().unwrap());
        let made = begin(&app, JobKind::Create, &key);
        let outcome = app.backup_jobs().make_backup(storage.as_ref(), &key, &made);
        made.end(outcome).unwrap();
        let before = app.backups().listed().unwrap();
        assert!(before[0].proof.is_good());

        let running = begin(&app, JobKind::Verify, &key);
        running.published().unwrap();
        app.jobs().stop_proofs(Some(key.as_str()), "it is being restored");
        let source = storage.open(&key).unwrap();
        let proved = Proved {
            storage: storage.as_ref(),
            key: key.as_str(),
            which: Identity::of(source.as_ref()),
        };
        let archive = Archive::open(Arc::from(source)).unwrap();
        let found = app.backups().examine(&archive, "job", &running);
        assert_eq!(found.as_ref().unwrap_err().kind(), Engine::Cancelled);
        let outcome = app.backups().conclude_proof(&proved, &running, found);
        let told = running.end(outcome).unwrap_err();
        assert_eq!(told.message(), "a.zip is not proven: it is being restored.");
        assert_eq!(app.backups().listed().unwrap(), before);

        // The process ends in the middle of one.
        begin(&app, JobKind::Verify, &key).hand_over();
        drop((storage, app));
        let app = App::open(options).unwrap();
        assert!(
            app.backups()
                .jobs()
                .all()
                .unwrap()
                .iter()
                .all(|job| job.state != JobState::Running)
        );
        assert_eq!(app.backups().listed().unwrap(), before);

        // What was found before it was asked to end counts, and is a failure to be told of.
        let storage = app.backups().storage().unwrap();
        let running = begin(&app, JobKind::Verify, &key);
        let id = running.ticket().job().id;
        app.jobs().cancel(Some(&id)).unwrap();
        let proved = Proved {
            storage: storage.as_ref(),
            key: key.as_str(),
            which: Identity::of(storage.open(&key).unwrap().as_ref()),
        };
        let damaged = bosbase_backup::Error::new(Engine::InvalidDatabase, "page 7 is never used");
        let outcome = app.backups().conclude_proof(&proved, &running, Err(damaged));
        let told = running.end(outcome).unwrap_err();
        assert!(told.message().contains("page 7 is never used"), "{}", told.message());
        let job = app.jobs().all().unwrap().into_iter().find(|job| job.id == id).unwrap();
        assert!(!job.stopped && !app.backups().listed().unwrap()[0].proof.is_good());
    }
}
