//! Looks for what is to be told: in the history of jobs, in the age of the backups, in what came of the schedule.

use jiff::Timestamp;
use serde_json::{Map, json};

use super::event::{Event, Happened, kind_name};
use super::ledger::{Ledger, Promise};
use super::{Alarms, age};
use crate::error::Result;
use crate::jobs::{BackupJobs, JobKind, SKEW};
use crate::logs::{Level, Logs};
use crate::settings::BackupSettings;

/// Whether backups are made by themselves.
pub(super) const SCHEDULE: &str = "schedule";
/// The age of the newest proven backup.
const AGE: &str = "age";
/// The deletion of scheduled backups that have had their day.
const RETENTION: &str = "retention";

impl Alarms {
    /// Looks what failed since it was last looked, here, in other processes, or with a process that was killed, and
    /// whether there is a proven backup as young as was promised.
    pub(crate) fn watch_backups(&self, now: Timestamp) {
        match self.jobs().all() {
            Ok(jobs) => {
                // The newest comes first there, and last here.
                self.desk()
                    .update(|ledger| jobs.iter().rev().flat_map(|job| ledger.job(job, now)).collect());
            }
            Err(error) => tracing::warn!(error = error.with_causes(), "the jobs could not be read for alarms"),
        }
        if let Err(error) = self.watch_schedule(now) {
            tracing::warn!(error = error.with_causes(), "the age of the backups could not be told");
        }
        self.watch_unwell();
    }

    fn watch_schedule(&self, now: Timestamp) -> Result<()> {
        let settings = self.settings();
        // Not the storage's list: a bucket that stands still must hold up nobody, and each list may cost money.
        let newest = self
            .inner
            .jobs
            .backups()
            .newest_recorded(now.as_second().saturating_add(SKEW))?;
        let newest = newest.and_then(|second| Timestamp::from_second(second).ok());
        let events = self.desk().update(|ledger| {
            let mut events: Vec<Event> = ledger.ways_are(&settings).into_iter().collect();
            events.extend(ledger.backups_are(&settings.backups, newest, now));
            events
        });
        self.log_alarms(&events);
        Ok(())
    }

    /// Makes the scheduled backup, and sees to it that what fails before the job begins, or after it, is told as well.
    ///
    /// # Errors
    ///
    /// As [`BackupJobs::run_scheduled_backup`].
    pub(crate) fn run_watched_backup(&self) -> Result<()> {
        self.watched(JobKind::Create, BackupJobs::run_scheduled_backup)
    }

    /// Reads all backups back, likewise.
    ///
    /// # Errors
    ///
    /// As [`BackupJobs::run_scrub`].
    pub(crate) fn run_watched_scrub(&self) -> Result<()> {
        self.watched(JobKind::Scrub, BackupJobs::run_scrub)
    }

    fn watched(&self, kind: JobKind, work: fn(&BackupJobs) -> Result<()>) -> Result<()> {
        let count = || self.jobs().ended(kind);
        let before = count();
        let outcome = work(&self.inner.jobs);
        let after = count();
        let now = Timestamp::now();
        let events = self.desk().update(|ledger| {
            let event = match &outcome {
                // The job that failed is told of by itself.
                Err(_) if after.1 > before.1 => None,
                Err(error) if after.0 > before.0 => ledger.failure(RETENTION, &error.with_causes(), now),
                Err(error) => ledger.failure(kind_name(kind), &error.with_causes(), now),
                Ok(()) if kind == JobKind::Create => ledger.well(RETENTION),
                Ok(()) => None,
            };
            event.into_iter().collect()
        });
        self.log_alarms(&events);
        outcome
    }

    /// Notes what no job's line tells.
    pub(super) fn log_alarms(&self, events: &[Event]) {
        log_events(self.inner.jobs.logs(), events);
    }
}

/// As [`Alarms::log_alarms`].
pub(super) fn log_events(logs: &Logs, events: &[Event]) {
    for event in events {
        let headline = event.headline();
        let level = if event.event == Happened::Failed {
            tracing::error!(kind = event.kind, error = event.error, headline, "alarm");
            Level::Error
        } else {
            tracing::info!(kind = event.kind, headline, "alarm");
            Level::Info
        };
        let data = Map::from_iter([
            ("type".to_owned(), json!("alarm")),
            ("kind".to_owned(), json!(event.kind)),
            ("error".to_owned(), json!(event.error)),
        ]);
        logs.event(level, &headline, data);
    }
}

impl Ledger {
    /// Takes note of what is promised about backups, and of the `newest` that is proven; answers what is to be told.
    pub(super) fn backups_are(
        &mut self,
        promised: &BackupSettings,
        newest: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let (cron, hours) = (promised.cron.as_str(), promised.alarm_after_hours);
        let before = self.promise.take().unwrap_or_else(|| Promise {
            cron: cron.to_owned(),
            since: now,
        });
        let promise = if before.cron == cron {
            // A clock that was ahead must not put the promise off.
            Promise {
                since: before.since.min(now),
                ..before
            }
        } else {
            let off = "The schedule of backups was switched off: no more backups are made by themselves.";
            events.extend(match cron {
                "" => self.state(SCHEDULE, off, now),
                _ => self.well(SCHEDULE),
            });
            Promise {
                cron: cron.to_owned(),
                since: now,
            }
        };
        match age::too_old(hours, cron, promise.since, newest, now) {
            Some(problem) => events.extend(self.state(AGE, &problem, now)),
            // Where nothing is promised any more, nothing is well either.
            None if hours == 0 && cron.is_empty() => {
                self.troubles.remove(AGE);
            }
            None => events.extend(self.well(AGE)),
        }
        // It is part of the scheduled backup.
        if cron.is_empty() {
            self.troubles.remove(RETENTION);
        }
        self.promise = Some(promise);
        events
    }
}
