//! Reads all backups back from time to time and opens their databases: what was good once may have rotted since.

use std::sync::Arc;
use std::time::Duration;

use bosbase_backup::{Archive, ErrorKind as Engine, Identity};

use super::backup_jobs::BackupJobs;
use super::backups::Backups;
use super::listed::{Listed, Proved};
use super::registry::RunningJob;
use super::status::{JobKind, JobState};
use crate::error::{Error, Result};

/// How long a scrub waits for other work on backups to end.
const SCRUB_WAIT: Duration = Duration::from_secs(3600);

impl BackupJobs {
    /// Reads every backup back and opens its databases, where there is room, those first that were never proven and
    /// then the one that was not for the longest time. Returns when it is done. It keeps nobody from anything: it holds
    /// no lease, and a restore or a deletion goes before it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with the names of those that are broken or could not be read.
    pub fn run_scrub(&self) -> Result<()> {
        let lease = self.jobs().lease_within(SCRUB_WAIT)?;
        let running = self.jobs().begin(lease, JobKind::Scrub, "")?;
        let outcome = running.published().and_then(|()| scrub(self.backups(), &running));
        running.end(outcome)
    }
}

fn scrub(backups: &Backups, running: &RunningJob) -> Result<()> {
    use bosbase_backup::Progress as _;
    // The same from the beginning to the end, also if the settings change meanwhile.
    let storage = backups.storage_for_job()?.patient;
    running.interrupts(&storage);
    let mut list = backups.listed_in(storage.as_ref())?;
    // What was never proven has an empty time, which comes first.
    list.sort_by(|a, b| a.proof.proven.cmp(&b.proof.proven));
    let total: u64 = list.iter().map(|listed| listed.backup.size).sum();
    running.total(total);
    let (mut failures, mut failed) = (Vec::new(), Vec::new());
    let job = running.ticket().job().id;
    for Listed { backup, .. } in list {
        let key = &backup.key;
        if is_worked_on(backups, key.as_str())? {
            continue;
        }
        let mut proved = Proved {
            storage: storage.as_ref(),
            key: key.as_str(),
            which: Identity::from(&backup),
        };
        let told = Told(running);
        let found = match storage.open(key) {
            Ok(source) => {
                proved.which = Identity::of(source.as_ref());
                source.read_from_medium();
                let archive = Archive::open(Arc::from(source));
                archive.and_then(|archive| backups.examine(&archive, &job, &told))
            }
            Err(error) if error.kind() == Engine::NotFound => continue,
            Err(error) => Err(error),
        };
        if running.cancelled() {
            let reason = running.stopped().unwrap_or_default();
            return Err(Error::invalid(format!("The scrub was not finished: {reason}.")));
        }
        if let Err(error) = backups.conclude_proof(&proved, running, found)
            && storage.contains(key).unwrap_or(true)
        {
            tracing::error!(%key, error = error.with_causes(), "a backup did not pass the scrub");
            failures.push(error.message().to_owned());
            failed.push(key.as_str().to_owned());
        }
        running.advance(backup.size);
    }
    if failures.is_empty() {
        return Ok(());
    }
    running.failed_of(failed);
    Err(Error::invalid(failures.join(" ")))
}

/// Whether another job is at this backup just now, and proves it or makes an end of it.
fn is_worked_on(backups: &Backups, key: &str) -> Result<bool> {
    let jobs = backups.jobs().all()?;
    Ok(jobs.iter().any(|job| job.state == JobState::Running && job.key == key))
}

/// Passes on whether to stop; how far it is, is counted in packed bytes.
struct Told<'a>(&'a RunningJob);

impl bosbase_backup::Progress for Told<'_> {
    fn total(&self, _: u64) {}

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
