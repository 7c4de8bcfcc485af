//! Backups whose proof ended with the process that made it: the next process that serves the data proves them.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::backups::Backups;
use super::status::{Job, JobKind, JobPhase, JobState};
use crate::error::{Error, ErrorKind, Result};

/// The backups that are still to be proven. Each is tried once: were its proof what ends the process, a second one
/// would end the next.
pub(crate) struct LeftUnproven {
    backups: Arc<Backups>,
    /// Their names; nothing before the history was read.
    keys: Mutex<Option<Vec<String>>>,
}

impl LeftUnproven {
    pub(crate) fn of(backups: &Arc<Backups>) -> Self {
        Self {
            backups: Arc::clone(backups),
            keys: Mutex::default(),
        }
    }

    /// Begins to prove the next of them, unless another job runs. Returns meanwhile.
    pub(crate) fn prove_next(&self) {
        if let Err(error) = self.begin_next() {
            tracing::warn!(
                error = error.with_causes(),
                "a backup that a process left unproven could not be read back"
            );
        }
    }

    fn begin_next(&self) -> Result<()> {
        let mut keys = self.keys.lock();
        if keys.is_none() {
            *keys = Some(left(&self.backups.jobs().all()?));
        }
        let Some(key) = keys.as_mut().and_then(Vec::pop) else {
            return Ok(());
        };
        match self.backups.start_verify(&key) {
            Ok(_) => tracing::info!(key, "a backup whose proof ended with its process is proven now"),
            // It was deleted.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                // Nothing has begun: a bucket that is out of reach now may answer in a minute.
                keys.get_or_insert_default().push(key);
                if !is_busy(&error) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

fn is_busy(error: &Error) -> bool {
    error.kind() == ErrorKind::Invalid && error.message() == super::BUSY
}

/// The names of the backups whose last job, of `jobs` with the newest first, made them and ended before they were
/// proven; the newest is the last.
fn left(jobs: &[Job]) -> Vec<String> {
    let mut seen = HashSet::new();
    let newest = jobs.iter().filter(|job| seen.insert(job.key.as_str()));
    let mut left: Vec<String> = newest.filter(|job| is_left(job)).map(|job| job.key.clone()).collect();
    left.reverse();
    left
}

fn is_left(job: &Job) -> bool {
    let makes = matches!(job.kind, JobKind::Create | JobKind::Upload);
    makes && job.state == JobState::Failed && job.phase == JobPhase::Proving && !job.stopped
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make the files that they look at")]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::app::App;
    use crate::options::AppOptions;

    const TEST_TIMEOUT: Duration = Duration::from_secs(60);

    #[test]
    fn a_backup_whose_proof_died_is_proven_once_by_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let app = App::open(options.clone()).unwrap();
        let begin = |app: &App, kind, key: &str| {
            let lease = app.jobs().lease_within(TEST_TIMEOUT).unwrap();
            app.jobs().begin(lease, kind, key).unwrap()
        };
        let key = bosbase_backup::BackupKey::existing("a.zip").unwrap();
        let made = begin(&app, JobKind::Create, "a.zip");
        let storage = app.backups().storage().unwrap();
        let outcome = app.backup_jobs().make_backup(storage.as_ref(), &key, &made);
        made.end(outcome).unwrap();
        let folder = dir.path().join("pb_data/backups");
        for key in ["b.zip", "c.zip", "d.zip"] {
            std::fs::copy(folder.join("a.zip"), folder.join(key)).unwrap();
            let making = begin(&app, JobKind::Create, key);
            making.published().unwrap();
            if key == "c.zip" {
                let failed = Error::invalid("It could not be read back.");
                making.end::<()>(Err(failed)).unwrap_err();
            } else {
                making.hand_over();
            }
        }
        // This one was tried once more already.
        let verified = begin(&app, JobKind::Verify, "d.zip");
        verified.published().unwrap();
        verified.hand_over();
        drop((storage, app));

        let (app, _serve_lock) = crate::start::open_to_serve(&options, TEST_TIMEOUT).unwrap();
        let unproven = |app: &App| -> Vec<String> {
            let list = app.backups().listed().unwrap();
            let unproven = list.iter().filter(|listed| !listed.proof.is_good());
            unproven.map(|listed| listed.backup.key.to_string()).collect()
        };
        assert_eq!(unproven(&app).len(), 3);
        let left = LeftUnproven::of(app.backups());
        let lease = app.jobs().lease_within(TEST_TIMEOUT).unwrap();
        left.prove_next();
        assert_eq!(unproven(&app).len(), 3, "another job runs");
        drop(lease);
        let began = Instant::now();
        while unproven(&app) != ["d.zip"] {
            assert!(began.elapsed() < TEST_TIMEOUT, "{:?}", unproven(&app));
            left.prove_next();
            std::thread::sleep(Duration::from_millis(20));
        }
        let jobs = app.jobs().all().unwrap();
        let tries = |key: &str| {
            jobs.iter()
                .filter(|job| job.key == key && job.kind == JobKind::Verify)
                .count()
        };
        assert_eq!((tries("b.zip"), tries("c.zip"), tries("d.zip")), (1, 1, 1));
    }
}
