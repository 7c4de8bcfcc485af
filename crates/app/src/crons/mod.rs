//! Recurring work: PocketBase's housekeeping jobs, the scheduled backup, and starting them by hand.
//!
//! A [`Ticker`] ticks once a minute on a thread of its own; each job that is due runs on another. A job never overlaps
//! itself: one that is due while it runs is left out, one that somebody asks for meanwhile runs once more after. Its
//! panic ends only that run, and what went wrong is in the logs.

mod housekeeping;
mod ticker;
mod works;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use serde_json::{Map, json};

use crate::error::{Error, ErrorKind, Result};
use crate::logs::{Level, Logs};
use crate::outlive::outlive;
use crate::schedule::Schedule;

pub use ticker::{Clock, SystemClock, Ticker};
pub(crate) use ticker::{EachMinute, start};
pub(crate) use works::Works;

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

/// A recurring job.
pub(crate) struct Work {
    id: &'static str,
    expression: String,
    is_listed: bool,
    run: Box<dyn FnOnce() -> Result<()> + Send>,
}

/// The recurring jobs of an open application. Clones share them.
#[derive(Clone)]
pub struct Crons {
    inner: Arc<Inner>,
}

struct Inner {
    works: Works,
    running: Running,
    logs: Logs,
}

impl Crons {
    /// The jobs that `works` tells of; what fails is noted in `logs`.
    pub(crate) fn new(works: Works, logs: Logs) -> Self {
        Self {
            inner: Arc::new(Inner {
                works,
                running: Running::default(),
                logs,
            }),
        }
    }

    fn find(&self, id: &str) -> Option<Work> {
        self.inner.works.all().into_iter().find(|work| work.id == id)
    }

    /// Every job, in the order of registration.
    #[must_use]
    pub fn list(&self) -> Vec<Job> {
        let works = self.inner.works.all().into_iter();
        works
            .filter(|work| work.is_listed)
            .map(|work| Job {
                id: work.id.to_owned(),
                expression: work.expression,
            })
            .collect()
    }

    /// Starts a job now, in the background; one that is running already runs once more when it has ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a job; [`ErrorKind::Unavailable`] where no thread can be started.
    pub fn run(&self, id: &str) -> Result<()> {
        let work = self
            .find(works::current_name(id))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid cron job."))?;
        if self.inner.running.begin_or_repeat(work.id) {
            self.start(work)
        } else {
            Ok(())
        }
    }

    /// Starts every job whose schedule names the minute of `moment`.
    pub(crate) fn run_due(&self, moment: jiff::Timestamp) {
        for work in self.inner.works.all() {
            // The settings admit only valid schedules; one from elsewhere that is not never comes due.
            if !Schedule::parse(&work.expression).is_ok_and(|schedule| schedule.is_due(moment)) {
                continue;
            }
            let id = work.id;
            if !self.inner.running.begin(id) {
                tracing::debug!(cron = id, "is running already");
            } else if let Err(error) = self.start(work) {
                tracing::error!(cron = id, %error, "could not start the job");
            }
        }
    }

    /// Has no job begin any more, not even once more; those that run go on.
    pub fn end(&self) {
        self.inner.running.close();
    }

    /// Has no job run once more that was asked for while it ran.
    pub(crate) fn repeat_nothing(&self) {
        self.inner.running.repeat_nothing();
    }

    /// Runs a job that is marked as running, until nobody asks for it any more.
    fn start(&self, work: Work) -> Result<()> {
        let id = work.id;
        let crons = self.clone();
        let started = std::thread::Builder::new().name(format!("cron {id}")).spawn(move || {
            let running = &crons.inner.running;
            let mut next = Some(work);
            while let Some(work) = next {
                outlive("running a recurring job", || crons.run_marked(work));
                if !running.end(id) {
                    return;
                }
                next = crons.find(id);
            }
            // Its schedule is gone by now.
            running.forget(id);
        });
        if let Err(error) = started {
            self.inner.running.forget(id);
            return Err(Error::new(ErrorKind::Unavailable, "The job could not be started.").caused_by(error));
        }
        Ok(())
    }

    fn run_marked(&self, work: Work) {
        let Work { id, run, .. } = work;
        let failure = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => crate::error::chain(&error),
            Err(_) => "it panicked".to_owned(),
        };
        tracing::error!(cron = id, failure, "the job failed");
        self.inner.logs.event(
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
        self.0.lock()
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
