//! Recurring work: PocketBase's housekeeping jobs, the scheduled backup, and whoever starts them by hand.
//!
//! [`start`] ticks once a minute on a thread of its own; each job that is due runs on another. A job never overlaps
//! itself, its panic ends only that run, and what went wrong is in the logs.

mod housekeeping;
mod schedule;
mod ticker;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, json};

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::logs::Level;
use crate::settings::BackupSettings;

pub use schedule::Schedule;
pub(crate) use ticker::outlive;
pub use ticker::{Clock, SystemClock, Ticker, start};

/// A job as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Job {
    /// Names the job in the API and in the logs.
    pub id: String,
    /// When it runs, UTC: see [`Schedule`].
    pub expression: String,
}

/// What is running now, by job id.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashSet<&'static str>>);

type Work = fn(&App) -> Result<()>;

/// The jobs every application has: id, expression, work.
const SYSTEM: [(&str, &str, Work); 4] = [
    ("__pbDBOptimize__", "0 0 * * *", App::optimize),
    ("__pbMFACleanup__", "0 * * * *", housekeeping::delete_expired_mfas),
    ("__pbOTPCleanup__", "0 * * * *", housekeeping::delete_expired_otps),
    ("__pbLogsCleanup__", "0 */6 * * *", housekeeping::delete_old_logs),
];

/// The job that reads all backups back.
const DRILL: &str = "__bosbaseDrill__";

/// Checks a cron expression.
///
/// # Errors
///
/// A sentence that says which part is wrong, fit to be shown.
pub fn validate(expression: &str) -> Result<(), String> {
    Schedule::parse(expression).map(|_| ())
}

impl App {
    /// Every job, in the order of registration.
    #[must_use]
    pub fn crons(&self) -> Vec<Job> {
        // What nobody asked for is not listed, so that the list is PocketBase's; it runs all the same.
        let usual = BackupSettings::default().verify_cron;
        let is_listed = |(id, expression, _): &(&str, String, Work)| {
            *id != DRILL || !(expression.is_empty() || *expression == usual)
        };
        self.cron_works()
            .into_iter()
            .filter(is_listed)
            .map(|(id, expression, _)| Job {
                id: id.to_owned(),
                expression,
            })
            .collect()
    }

    /// Starts a job now, in the background; one that is running already is left to it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a job; [`ErrorKind::Unavailable`] where no thread can be started.
    pub fn run_cron(&self, id: &str) -> Result<()> {
        let (id, _, work) = self
            .cron_works()
            .into_iter()
            .find(|(known, ..)| *known == id)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid cron job."))?;
        self.start_cron(id, work)
    }

    /// Starts every job whose schedule names the minute of `moment`.
    pub(crate) fn run_due_crons(&self, moment: jiff::Timestamp) {
        for (id, expression, work) in self.cron_works() {
            // The settings admit only valid schedules; one from elsewhere that is not never comes due.
            if Schedule::parse(&expression).is_ok_and(|schedule| schedule.is_due(moment))
                && let Err(error) = self.start_cron(id, work)
            {
                tracing::error!(cron = id, %error, "could not start the job");
            }
        }
    }

    fn cron_works(&self) -> Vec<(&'static str, String, Work)> {
        let mut works: Vec<(&'static str, String, Work)> = SYSTEM
            .iter()
            .map(|(id, expression, work)| (*id, (*expression).to_owned(), *work))
            .collect();
        let backups = self.settings().backups.cron.clone();
        if !backups.is_empty() {
            works.push(("__pbAutoBackup__", backups, App::run_watched_backup));
        }
        let drill = self.settings().backups.verify_cron.clone();
        works.push((DRILL, drill, App::run_watched_drill));
        works
    }

    fn start_cron(&self, id: &'static str, work: Work) -> Result<()> {
        if !self.running_crons().begin(id) {
            tracing::debug!(cron = id, "is running already");
            return Ok(());
        }
        let app = self.clone();
        let started = std::thread::Builder::new().name(format!("cron {id}")).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&app)));
            app.running_crons().end(id);
            let failure = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(error)) => crate::error::chain(&error),
                Err(_) => "it panicked".to_owned(),
            };
            tracing::error!(cron = id, failure, "the job failed");
            app.log_event(
                Level::Error,
                &format!("Cron job {id} failed"),
                Map::from_iter([
                    ("type".to_owned(), json!("cron")),
                    ("cron".to_owned(), json!(id)),
                    ("error".to_owned(), json!(failure)),
                ]),
            );
        });
        if let Err(error) = started {
            self.running_crons().end(id);
            return Err(Error::new(ErrorKind::Unavailable, "The job could not be started.").caused_by(error));
        }
        Ok(())
    }
}

impl Running {
    /// Marks `id` as running; false where it was already.
    fn begin(&self, id: &'static str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }

    fn end(&self, id: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_does_not_overlap_itself() {
        let running = Running::default();
        assert!(running.begin("a"));
        assert!(!running.begin("a"));
        assert!(running.begin("b"));
        running.end("a");
        assert!(running.begin("a"));
    }
}
