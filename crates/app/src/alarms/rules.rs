//! What is worth an alarm, and when it is over.

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

/// What a job that failed is a sign of; nothing where the client that asked for it was told, or wanted its end.
fn cause(job: &Job) -> Option<String> {
    match job.kind {
        // Its own answer says it.
        JobKind::Upload | JobKind::Recover => None,
        _ if job.stopped => None,
        JobKind::Create => Some("create".to_owned()),
        JobKind::Verify => Some(format!("verify {}", job.key)),
        JobKind::Scrub => Some("scrub".to_owned()),
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
            return self.trouble(&cause, event, PER_DAY, now).into_iter().collect();
        }
        let mut over = vec![cause];
        if job.kind == JobKind::Scrub {
            over.extend(
                self.troubles
                    .keys()
                    .filter(|cause| cause.starts_with("verify "))
                    .cloned(),
            );
        }
        // Told once, however many causes it is the end of.
        let mut ended = over
            .into_iter()
            .filter_map(|cause| self.troubles.remove(&cause).map(|trouble| (cause, trouble)))
            .filter(|(_, trouble)| !trouble.told.is_empty());
        let Some((cause, trouble)) = ended.next() else {
            return Vec::new();
        };
        let others = ended.flat_map(|(_, trouble)| trouble.reached);
        let reached = trouble.reached.into_iter().chain(others).collect();
        vec![Event {
            cause,
            reached,
            ..Event::of_job(job, &trouble.error)
        }]
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
        // A clock that was ahead must not keep anybody quiet.
        let recent = |told: &i64| (0..DAY).contains(&(now.as_second() - told));
        trouble.told.retain(recent);
        if trouble.told.len() >= per_day {
            return None;
        }
        trouble.told.push(now.as_second());
        Some(event)
    }

    /// Forgets what is not well and was not told for long, and what was told first where there is too much: a backup
    /// that rots and is deleted never goes well again.
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
