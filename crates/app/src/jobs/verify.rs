//! Reads a backup from end to end.

use std::sync::Arc;

use bosbase_backup::{Archive, BackupKey, ErrorKind as Engine};

use super::backups::Backups;
use super::board::{RunningJob, Ticket};
use super::engine::refuse;
use super::status::JobKind;
use crate::error::{Error, Result};

impl Backups {
    /// Begins to hold a backup against its own checksums, digests and list of contents, and returns meanwhile.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is none of this name, [`crate::ErrorKind::Invalid`] while another job
    /// runs.
    pub fn start_verify(&self, name: &str) -> Result<Ticket> {
        let key = BackupKey::existing(name).map_err(|error| Error::not_found().caused_by(error))?;
        let lease = self.jobs().lease()?;
        let source = self.storage()?.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => Error::not_found().caused_by(error),
            _ => refuse(error),
        })?;
        let running = self.jobs().begin(lease, JobKind::Verify, key.as_str())?;
        let ticket = running.ticket();
        let prove = move |running: &RunningJob| {
            let archive = Archive::open(Arc::from(source)).map_err(refuse)?;
            bosbase_backup::verify(&archive, running).map_err(refuse)?;
            Ok(())
        };
        super::spawn("verify", running, prove);
        Ok(ticket)
    }
}
