//! What is worth an alarm, and when it is over.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::event::{Event, Happened};
use super::ledger::{Ledger, Trouble};
use crate::jobs::{Job, JobKind, JobState};

/// Of one cause so many alarms go out ...
const PER_DAY: usize = 10;
/// ... within so many seconds, and one that is about a state rather than a failure.
const DAY: i64 = 86_400;
/// So long it is remembered what is not well, in seconds, from when it was last told; the end of an older trouble is
/// not told ...
const REMEMBERED: i64 = 30 * DAY;
/// ... nor of more than so many: with their errors they have to fit the ledger.
const TROUBLES: usize = 200;

/// What a verification that failed is a sign of, before the backup's name.
const VERIFY: &str = "verify ";
/// What a scrub that failed is a sign of.
const SCRUB: &str = "scrub";

/// The backup whose verification `cause` is about, if it is about one.
fn verified(cause: &str) -> Option<&str> {
    cause.strip_prefix(VERIFY)
}

/// What a job that failed is a sign of; nothing where the client that asked for it was told, or wanted its end.
fn cause(job: &Job) -> Option<String> {
    match job.kind {
        // Its own answer says it.
        JobKind::Upload | JobKind::Recover => None,
        _ if job.stopped => None,
        JobKind::Create => Some("create".to_owned()),
        JobKind::Verify => Some(format!("{VERIFY}{}", job.key)),
        JobKind::Scrub => Some(SCRUB.to_owned()),
        JobKind::Restore | JobKind::Undo => Some("restore".to_owned()),
    }
}

impl Ledger {
    /// What an ended job is to be told of; nothing where it was dealt with before.
    pub fn job(&mut self, job: &Job, now: Timestamp) -> Vec<Event> {
        if job.state == JobState::Running || !self.is_new(&job.id) {
            return Vec::new();
        }
        let Some(cause) = cause(job) else { return Vec::new() };
        if job.state == JobState::Failed {
            let event = Event::of_job(job, &job.error);
            let told = self.trouble(&cause, event, PER_DAY, now);
            if let Some(trouble) = self.troubles.get_mut(&cause) {
                trouble.backups = match job.kind {
                    JobKind::Restore => vec![job.key.clone()],
                    _ => job.failed.clone(),
                };
            }
            return told.into_iter().collect();
        }
        let mut over = vec![cause];
        match job.kind {
            JobKind::Scrub => over.extend(self.troubles.keys().filter(|cause| verified(cause).is_some()).cloned()),
            // That it can be read does not say that it can be restored.
            JobKind::Verify => over.extend(self.strike_out(&job.key, |cause| cause == SCRUB)),
            _ => {}
        }
        let Some((cause, trouble)) = self.end(over) else {
            return Vec::new();
        };
        vec![Event {
            cause,
            reached: trouble.reached,
            ..Event::of_job(job, &trouble.error)
        }]
    }

    /// Notes that the backup `key` is there no more; answers what is to be told where it was not well.
    pub fn deleted(&mut self, key: &str) -> Option<Event> {
        let mut over = vec![format!("{VERIFY}{key}")];
        over.extend(self.strike_out(key, |_| true));
        let (cause, trouble) = self.end(over)?;
        let kind = if verified(&cause).is_some() { "verify" } else { &cause };
        let ended = Event::new(Happened::Recovered, kind, &trouble.error);
        // A scrub is about all backups.
        let key = if cause == SCRUB { "" } else { key };
        Some(Event {
            key: key.to_owned(),
            job: trouble.job,
            cause,
            gone: true,
            reached: trouble.reached,
            ..ended
        })
    }

    /// The backups that are not well, each with the job that found it so, which is empty where it is not known.
    pub fn unwell(&self) -> BTreeSet<(String, String)> {
        let of = |(cause, trouble): (&String, &Trouble)| {
            let own = verified(cause).map(str::to_owned);
            let keys: Vec<String> = own.into_iter().chain(trouble.backups.iter().cloned()).collect();
            let job = trouble.job.clone();
            keys.into_iter().map(move |key| (key, job.clone()))
        };
        self.troubles.iter().flat_map(of).collect()
    }

    /// Takes the backup `key` away from what is not well, where the cause `counts`; answers what is about no backup any
    /// more.
    fn strike_out(&mut self, key: &str, counts: impl Fn(&str) -> bool) -> Vec<String> {
        let mut over = Vec::new();
        for (cause, trouble) in self.troubles.iter_mut().filter(|(cause, _)| counts(cause)) {
            let before = trouble.backups.len();
            trouble.backups.retain(|backup| backup != key);
            if trouble.backups.is_empty() && before > 0 {
                over.push(cause.clone());
            }
        }
        over
    }

    /// Ends troubles; answers the first that was told, and that its end goes to all who were told of any: it is told
    /// once, however many causes are over.
    fn end(&mut self, over: Vec<String>) -> Option<(String, Trouble)> {
        let mut ended = over
            .into_iter()
            .filter_map(|cause| self.troubles.remove(&cause).map(|trouble| (cause, trouble)))
            .filter(|(_, trouble)| !trouble.told.is_empty());
        let (cause, mut trouble) = ended.next()?;
        trouble.reached.extend(ended.flat_map(|(_, other)| other.reached));
        Some((cause, trouble))
    }

    /// Notes what failed; answers it where it is to be told.
    pub fn failure(&mut self, kind: &str, error: &str, now: Timestamp) -> Option<Event> {
        self.trouble(kind, Event::new(Happened::Failed, kind, error), PER_DAY, now)
    }

    /// Notes what is not as it should be, and is told once a day.
    pub fn state(&mut self, kind: &str, error: &str, now: Timestamp) -> Option<Event> {
        self.trouble(kind, Event::new(Happened::Failed, kind, error), 1, now)
    }

    /// Notes that `kind` goes well; answers what is to be told where it did not.
    pub fn well(&mut self, kind: &str) -> Option<Event> {
        let trouble = self.troubles.remove(kind).filter(|trouble| !trouble.told.is_empty())?;
        Some(Event {
            cause: kind.to_owned(),
            reached: trouble.reached,
            ..Event::new(Happened::Recovered, kind, &trouble.error)
        })
    }

    fn trouble(&mut self, cause: &str, mut event: Event, per_day: usize, now: Timestamp) -> Option<Event> {
        cause.clone_into(&mut event.cause);
        self.forget_troubles(now);
        let trouble = self.troubles.entry(cause.to_owned()).or_default();
        trouble.error.clone_from(&event.error);
        trouble.job.clone_from(&event.job);
        trouble.backups.clear();
        // A clock that was ahead must not keep anybody quiet.
        let recent = |told: &i64| (0..DAY).contains(&(now.as_second() - told));
        trouble.told.retain(recent);
        if trouble.told.len() >= per_day {
            return None;
        }
        trouble.told.push(now.as_second());
        Some(event)
    }

    /// Forgets what is not well and was not told for long, and what was told first where there is too much.
    fn forget_troubles(&mut self, now: Timestamp) {
        let last = |trouble: &Trouble| trouble.told.iter().copied().max().unwrap_or_default();
        self.troubles
            .retain(|_, trouble| now.as_second() - last(trouble) < REMEMBERED);
        while self.troubles.len() >= TROUBLES {
            let oldest = self.troubles.iter().min_by_key(|(_, trouble)| last(trouble));
            let Some(cause) = oldest.map(|(cause, _)| cause.clone()) else {
                return;
            };
            self.troubles.remove(&cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;
    use crate::jobs::JobPhase;

    fn job(kind: JobKind, key: &str, failed: bool) -> Job {
        Job {
            id: bosbase_store::new_id(),
            kind,
            key: key.to_owned(),
            state: if failed { JobState::Failed } else { JobState::Succeeded },
            phase: JobPhase::Working,
            bytes_done: 0,
            bytes_total: 0,
            error: if failed {
                format!("{key} is no good.")
            } else {
                String::new()
            },
            warning: String::new(),
            stopped: false,
            started: "2026-11-23T06:00:00.000Z".to_owned(),
            finished: "2026-11-23T06:00:01.000Z".to_owned(),
            size: None,
            records: None,
            failed: Vec::new(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-23T06:00:02Z".parse().unwrap()
    }

    #[test]
    fn a_failure_is_told_once_and_so_is_its_end() {
        let mut ledger = Ledger::default();
        let failed = job(JobKind::Create, "a.zip", true);
        let told = ledger.job(&failed, now());
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].event, told[0].error.as_str()),
            (Happened::Failed, "a.zip is no good.")
        );
        assert!(ledger.job(&failed, now()).is_empty(), "the same job");
        let well = ledger.job(&job(JobKind::Create, "b.zip", false), now());
        assert_eq!(well.len(), 1);
        assert_eq!(
            (well[0].event, well[0].error.as_str()),
            (Happened::Recovered, "a.zip is no good.")
        );
        assert!(ledger.job(&job(JobKind::Create, "c.zip", false), now()).is_empty());
    }

    #[test]
    fn what_somebody_wanted_or_was_told_is_no_alarm() {
        let mut ledger = Ledger::default();
        let stopped = Job {
            stopped: true,
            ..job(JobKind::Create, "a.zip", true)
        };
        assert!(ledger.job(&stopped, now()).is_empty());
        assert!(ledger.job(&job(JobKind::Upload, "a.zip", true), now()).is_empty());
        let running = Job {
            state: JobState::Running,
            ..job(JobKind::Create, "a.zip", true)
        };
        assert!(ledger.job(&running, now()).is_empty());
        assert!(
            ledger.seen.iter().all(|id| *id != running.id),
            "its end is still to come"
        );
    }

    #[test]
    fn one_verification_does_not_make_up_for_another_and_a_scrub_does_for_all() {
        let mut ledger = Ledger::default();
        for key in ["a.zip", "b.zip"] {
            assert_eq!(ledger.job(&job(JobKind::Verify, key, true), now()).len(), 1);
        }
        assert_eq!(ledger.job(&job(JobKind::Verify, "a.zip", false), now()).len(), 1);
        assert_eq!(ledger.troubles.len(), 1);
        assert_eq!(ledger.job(&job(JobKind::Scrub, "", false), now()).len(), 1);
        assert!(ledger.troubles.is_empty());
    }

    /// The status was red until the next scrub.
    #[test]
    fn a_backup_that_is_there_no_more_is_no_trouble() {
        let mut ledger = Ledger::default();
        assert!(ledger.deleted("a.zip").is_none());
        let verify = job(JobKind::Verify, "a.zip", true);
        ledger.job(&verify, now());
        let scrub = Job {
            failed: vec!["a.zip".to_owned(), "b.zip".to_owned()],
            ..job(JobKind::Scrub, "", true)
        };
        ledger.job(&scrub, now());
        let unwell = |key: &str, job: &Job| (key.to_owned(), job.id.clone());
        let all = [
            unwell("a.zip", &verify),
            unwell("a.zip", &scrub),
            unwell("b.zip", &scrub),
        ];
        assert_eq!(ledger.unwell(), BTreeSet::from(all));
        assert!(ledger.deleted("c.zip").is_none());
        let over = ledger.deleted("a.zip").unwrap();
        assert_eq!(
            over.headline(),
            "A backup that did not pass a verification is there no more: a.zip"
        );
        assert_eq!((over.event, over.cause.as_str()), (Happened::Recovered, "verify a.zip"));
        assert_eq!(ledger.unwell(), BTreeSet::from([unwell("b.zip", &scrub)]));
        let over = ledger.deleted("b.zip").unwrap();
        assert_eq!(
            over.headline(),
            "Backups that did not pass a verification are there no more"
        );
        assert!(ledger.troubles.is_empty());
        let restore = job(JobKind::Restore, "a.zip", true);
        ledger.job(&restore, now());
        assert!(
            ledger.job(&job(JobKind::Verify, "a.zip", false), now()).is_empty(),
            "it may be refused once more"
        );
        let over = ledger.deleted("a.zip").unwrap();
        assert_eq!(over.headline(), "A backup whose restore failed is there no more: a.zip");
        ledger.job(&job(JobKind::Undo, "a.zip", true), now());
        assert!(ledger.deleted("a.zip").is_none() && ledger.troubles.contains_key("restore"));
        assert_eq!(ledger.job(&job(JobKind::Restore, "b.zip", false), now()).len(), 1);
        assert!(ledger.troubles.is_empty());
        // The next one did not even begin.
        let other = Job {
            id: bosbase_store::new_id(),
            ..scrub.clone()
        };
        ledger.job(&other, now());
        ledger.failure("scrub", "busy", now());
        assert!(ledger.unwell().is_empty());
        assert!(ledger.well("scrub").is_some());
        // Of something else than backups it failed as well, or of more than are named.
        ledger.job(&job(JobKind::Scrub, "", true), now());
        assert!(ledger.deleted("a.zip").is_none() && ledger.troubles.len() == 1);
        // What was read well is no trouble either.
        let again = Job {
            id: bosbase_store::new_id(),
            ..scrub
        };
        ledger.job(&again, now());
        assert!(ledger.job(&job(JobKind::Verify, "a.zip", false), now()).is_empty());
        assert_eq!(ledger.job(&job(JobKind::Verify, "b.zip", false), now()).len(), 1);
        assert!(ledger.troubles.is_empty());
    }

    #[test]
    fn a_schedule_that_fails_every_minute_does_not_send_a_thousand_mails() {
        let mut ledger = Ledger::default();
        let told = |ledger: &mut Ledger, at| ledger.job(&job(JobKind::Create, "a.zip", true), at).len();
        let first_day: usize = (0..1_000)
            .map(|minute| told(&mut ledger, now() + minute.minutes()))
            .sum();
        assert_eq!(first_day, PER_DAY);
        assert_eq!(told(&mut ledger, now() + 48.hours()), 1);
        assert!(ledger.state("age", "old", now()).is_some());
        assert!(ledger.state("age", "older", now() + 23.hours()).is_none());
        assert!(ledger.state("age", "older", now() + 25.hours()).is_some());
        assert_eq!(ledger.well("age").unwrap().error, "older");
        assert!(ledger.well("age").is_none());
    }

    #[test]
    fn what_never_goes_well_again_is_forgotten() {
        let mut ledger = Ledger::default();
        let verify = |key: &str| job(JobKind::Verify, key, true);
        ledger.job(&verify("a.zip"), now());
        ledger.job(&verify("b.zip"), now() + 480.hours());
        assert_eq!(ledger.troubles.len(), 2);
        ledger.job(&verify("c.zip"), now() + 720.hours());
        let known: Vec<&str> = ledger.troubles.keys().map(String::as_str).collect();
        assert_eq!(known, ["verify b.zip", "verify c.zip"]);
        for minute in 0..300 {
            ledger.job(
                &verify(&format!("{minute}.zip")),
                now() + 720.hours() + minute.minutes(),
            );
        }
        assert_eq!(ledger.troubles.len(), TROUBLES);
        assert!(ledger.troubles.contains_key("verify 299.zip") && !ledger.troubles.contains_key("verify 9.zip"));
    }
}
