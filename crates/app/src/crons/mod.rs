//! Recurring work: PocketBase's housekeeping jobs, the scheduled backup, and whoever starts them by hand.
//!
//! [`start`] ticks once a minute on a thread of its own; each job that is due runs on another. A job never overlaps
//! itself: one that is due while it runs is left out, one that somebody asks for meanwhile runs once more after. Its panic
//! ends only that run, and what went wrong is in the logs.

mod housekeeping;
mod schedule;
mod ticker;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// What is running now.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By job id, and whether it was asked for meanwhile.
    jobs: HashMap<&'static str, bool>,
    /// Nothing begins any more.
    ended: bool,
}

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

    /// Starts a job now, in the background; one that is running already runs once more when it has ended.
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
        if self.running_crons().begin_or_repeat(id) {
            self.start_cron(id, work)
        } else {
            Ok(())
        }
    }

    /// Starts every job whose schedule names the minute of `moment`.
    pub(crate) fn run_due_crons(&self, moment: jiff::Timestamp) {
        for (id, expression, work) in self.cron_works() {
            // The settings admit only valid schedules; one from elsewhere that is not never comes due.
            if !Schedule::parse(&expression).is_ok_and(|schedule| schedule.is_due(moment)) {
                continue;
            }
            if !self.running_crons().begin(id) {
                tracing::debug!(cron = id, "is running already");
            } else if let Err(error) = self.start_cron(id, work) {
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

    /// Has no job begin any more, not even once more; those that run go on.
    pub fn end_crons(&self) {
        self.running_crons().close();
    }

    /// Asks the jobs of this process that make, prove or restore backups to end, or the one that is called `id`, as
    /// [`Board::cancel`](crate::jobs::Board::cancel). What was to run once more is not.
    ///
    /// # Errors
    ///
    /// Those of `Board::cancel`.
    pub fn cancel_jobs(&self, id: Option<&str>) -> Result<()> {
        self.running_crons().repeat_nothing();
        self.jobs().cancel(id)
    }

    /// Runs a job that is marked as running, until nobody asks for it any more.
    fn start_cron(&self, id: &'static str, work: Work) -> Result<()> {
        let app = self.clone();
        let started = std::thread::Builder::new().name(format!("cron {id}")).spawn(move || {
            loop {
                outlive("running a recurring job", || app.run_marked_cron(id, work));
                if !app.running_crons().end(id) {
                    break;
                }
                // Its schedule may be gone by now.
                if !app.cron_works().iter().any(|(known, ..)| *known == id) {
                    app.running_crons().forget(id);
                    break;
                }
            }
        });
        if let Err(error) = started {
            self.running_crons().forget(id);
            return Err(Error::new(ErrorKind::Unavailable, "The job could not be started.").caused_by(error));
        }
        Ok(())
    }

    fn run_marked_cron(&self, id: &str, work: Work) {
        let failure = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => crate::error::chain(&error),
            Err(_) => "it panicked".to_owned(),
        };
        tracing::error!(cron = id, failure, "the job failed");
        self.log_event(
            Level::Error,
            &format!("Cron job {id} failed"),
            Map::from_iter([
                ("type".to_owned(), json!("cron")),
                ("cron".to_owned(), json!(id)),
                ("error".to_owned(), json!(failure)),
            ]),
        );
    }
}

impl Running {
    /// Marks `id` as running; false where it was already, or nothing begins any more.
    fn begin(&self, id: &'static str) -> bool {
        self.mark(id, false)
    }

    /// Like [`Running::begin`]; what was running already is to run once more.
    fn begin_or_repeat(&self, id: &'static str) -> bool {
        self.mark(id, true)
    }

    fn mark(&self, id: &'static str, repeat: bool) -> bool {
        let state = &mut *self.lock();
        match state.jobs.get_mut(id) {
            Some(again) => {
                *again |= repeat;
                false
            }
            None if state.ended => false,
            None => {
                state.jobs.insert(id, false);
                true
            }
        }
    }

    /// Whether the job that has run is to run once more; otherwise it is not running any more.
    fn end(&self, id: &'static str) -> bool {
        let mut state = self.lock();
        let is_wanted = !state.ended && state.jobs.get(id) == Some(&true);
        if is_wanted {
            state.jobs.insert(id, false);
        } else {
            state.jobs.remove(id);
        }
        is_wanted
    }

    fn forget(&self, id: &'static str) {
        self.lock().jobs.remove(id);
    }

    fn repeat_nothing(&self) {
        self.lock().jobs.values_mut().for_each(|again| *again = false);
    }

    fn close(&self) {
        self.lock().ended = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert!(!running.end("a"));
        assert!(running.begin("a"));
    }

    #[test]
    fn a_job_that_is_asked_for_while_it_runs_runs_once_more() {
        let running = Running::default();
        assert!(running.begin_or_repeat("a"));
        assert!(!running.begin_or_repeat("a"));
        assert!(!running.begin_or_repeat("a"));
        assert!(!running.begin("a"));
        assert!(running.end("a"), "it was asked for twice");
        assert!(!running.end("a"), "once more is enough for both");
        assert!(running.begin_or_repeat("a"));

        assert!(!running.begin_or_repeat("a"));
        running.repeat_nothing();
        assert!(!running.end("a"), "somebody has changed their mind");

        assert!(running.begin_or_repeat("a") && !running.begin_or_repeat("a"));
        running.close();
        assert!(!running.end("a"), "the server ends");
        assert!(!running.begin_or_repeat("a") && !running.begin("b"));
    }
}
