//! Reads a backup from end to end.

use std::sync::Arc;

use bosbase_backup::{Archive, BackupKey, ErrorKind as Engine, Identity};

use super::backups::Backups;
use super::board::{RunningJob, Ticket};
use super::engine::refuse;
use super::proofs::{Found, Proved, Verdict};
use super::status::JobKind;
use crate::error::{Error, Result};

impl Backups {
    /// Begins to hold a backup against its own checksums, digests and list of contents and, where there is room to unpack them, to
    /// open its databases; returns meanwhile.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is none of this name, [`crate::ErrorKind::Invalid`] while another job
    /// runs.
    pub fn start_verify(self: &Arc<Self>, name: &str) -> Result<Ticket> {
        let key = BackupKey::existing(name).map_err(|error| Error::not_found().caused_by(error))?;
        let lease = self.jobs().lease()?;
        let storage = self.storage()?;
        let source = storage.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => Error::not_found().caused_by(error),
            _ => refuse(error),
        })?;
        let running = self.jobs().begin(lease, JobKind::Verify, key.as_str())?;
        let ticket = running.ticket();
        let backups = self.clone();
        let prove = move |running: &RunningJob| {
            let proved = Proved {
                storage: storage.as_ref(),
                key: key.as_str(),
                which: Identity::of(source.as_ref()),
            };
            source.forget_cached();
            let job = running.ticket().job().id;
            let archive = Archive::open(Arc::from(source));
            let found = archive.and_then(|archive| backups.examine(&archive, &job, running));
            backups.conclude_proof(&proved, running, found.map(Found::from))
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
                return match record(Verdict::Proven(found.depth))? {
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
