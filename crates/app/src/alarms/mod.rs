//! Tells somebody when backups fail: by mail and to a webhook, and once more when they go well again.
//!
//! The history of jobs, which is durable, says what is to be told ([`Alarms::watch_backups`]): neither a
//! restart nor a kill hides a failure; the [`Ledger`] remembers durably what was dealt with and what has yet to arrive.
//! Only the process that serves the data directory does any of this ([`Alarms::start`]). An alarm that does not arrive
//! is tried again for a day that the server runs.

mod age;
mod channel;
mod delivery;
mod event;
mod ledger;
mod metrics;
mod rules;
mod settings_before_restore;
mod unwell;
mod waiting;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::jobs::{BackupJobs, Backups, Job, JobRegistry, JobState};
use crate::outlive::outlive;
use crate::settings::Settings;
use crate::unsupported;

use channel::Channel;
pub use event::{Event, Happened};
use ledger::{Ledger, LedgerFile};

/// How long a thread sleeps where nothing waits.
const NAP: Duration = Duration::from_secs(60);

/// What is known of alarms, for all who have something to tell; at rest until [`Alarms::start`].
#[derive(Default)]
pub(crate) struct Desk {
    active: Mutex<Option<Active>>,
    changed: Condvar,
    counts: Mutex<BTreeMap<(Channel, bool), u64>>,
}

/// Finds the addresses of the superusers.
pub(crate) type FindSuperusers = Box<dyn Fn() -> Result<Vec<String>> + Send + Sync>;

/// The alarms of an open application. Clones share them.
#[derive(Clone)]
pub struct Alarms {
    inner: Arc<Inner>,
}

struct Inner {
    desk: Arc<Desk>,
    jobs: BackupJobs,
    superusers: FindSuperusers,
}

struct Active {
    ledger: Ledger,
    file: LedgerFile,
}

impl Active {
    /// Makes durable what is known. Where that can't be done (a full disk), it is told all the same.
    fn keep(&self) {
        if let Err(error) = self.file.write(&self.ledger) {
            tracing::warn!(
                error = error.with_causes(),
                "what is known of alarms could not be written"
            );
        }
    }

    fn tell(&mut self, events: &[Event], now: Timestamp) {
        for event in events {
            let dropped = self.ledger.tell(event, now);
            if dropped > 0 {
                tracing::error!(dropped, "too many alarms wait; the oldest are given up");
            }
        }
    }
}

/// Alarms as the status endpoint shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmStatus {
    /// When an alarm last arrived, `2023-05-19T16:25:57.542Z`; empty where none did.
    pub last_sent: String,
    /// Why the last one did not arrive; empty where it did.
    pub last_error: String,
    /// How many are still to arrive.
    pub waiting: usize,
    /// The ways that the settings name: `mail`, `webhook`.
    pub ways: Vec<&'static str>,
    /// What is not well, by cause.
    pub troubles: Vec<TroubleStatus>,
}

/// Something that failed and did not go well since.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct TroubleStatus {
    /// What: a job's kind (with the backup, of a verification), `retention`, `schedule`, `age`, `alarms`.
    pub cause: String,
    /// What it failed of last.
    pub error: String,
}

/// Alarms under way. Dropped, no more are sent; what waits is sent by the next process.
pub struct AlarmThreads(Arc<Desk>);

impl Drop for AlarmThreads {
    fn drop(&mut self) {
        *self.0.lock() = None;
        self.0.changed.notify_all();
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Option<Active>> {
        self.active.lock()
    }

    /// Takes note of how a job ended; for the watchers of jobs.
    pub(crate) fn note(&self, job: &Job) {
        // Of one that runs is told five times a second.
        if job.state != JobState::Running {
            self.update(|ledger| ledger.job(job, Timestamp::now()));
        }
    }

    /// Tries what waits at once: what it waits for may just have been set right.
    pub(crate) fn hurry(&self) {
        if let Some(active) = self.lock().as_mut() {
            let now = Timestamp::now().as_second();
            for waiting in &mut active.ledger.waiting {
                waiting.next = waiting.next.min(now);
            }
            self.changed.notify_all();
        }
    }

    /// Lets `change` say what is to be told; keeps what it changed, and answers what it said.
    fn update(&self, change: impl FnOnce(&mut Ledger) -> Vec<Event>) -> Vec<Event> {
        let mut guard = self.lock();
        let Some(active) = guard.as_mut() else {
            return Vec::new();
        };
        let before = active.ledger.clone();
        let events = change(&mut active.ledger);
        active.tell(&events, Timestamp::now());
        if active.ledger != before {
            active.keep();
            self.changed.notify_all();
        }
        events
    }
}

impl Alarms {
    /// Alarms about what `jobs` come to, kept on `desk`. `superusers` finds whom to mail where the settings name
    /// nobody.
    pub(crate) fn new(desk: Arc<Desk>, jobs: BackupJobs, superusers: FindSuperusers) -> Self {
        Self {
            inner: Arc::new(Inner { desk, jobs, superusers }),
        }
    }

    fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    fn jobs(&self) -> &JobRegistry {
        self.inner.jobs.jobs()
    }

    fn settings(&self) -> Arc<Settings> {
        self.inner.jobs.settings()
    }

    /// Begins to send alarms, those first that an earlier process left. What ended before the very first start is not
    /// told; where it can't be read what was told, what failed may be told twice.
    ///
    /// # Errors
    ///
    /// Where the threads can't be started.
    pub fn start(&self) -> std::io::Result<AlarmThreads> {
        let file = LedgerFile::new(self.inner.jobs.backups().disk().clone(), &self.jobs().state_dir());
        let known = file.read();
        let first = known.is_none();
        let mut active = Active {
            ledger: known.unwrap_or_default(),
            file,
        };
        if first {
            for job in self.jobs().history().read().unwrap_or_default() {
                if job.state != JobState::Running {
                    active.ledger.is_new(&job.id);
                }
            }
            active.keep();
        }
        *self.desk().lock() = Some(active);
        let threads = AlarmThreads(self.inner.desk.clone());
        outlive("watching the backups", || {
            let now = Timestamp::now();
            // First: the settings that it finds are no surprise then.
            if let Err(error) = self.watch_restored(first, now) {
                tracing::error!(
                    error = error.with_causes(),
                    "whether the last restore switched off backups or alarms can't be told"
                );
            }
            self.watch_backups(now);
        });
        for channel in Channel::ALL {
            let alarms = self.clone();
            std::thread::Builder::new()
                .name(format!("alarm {}", channel.name()))
                .spawn(move || delivery::deliver_all(&alarms, channel))?;
        }
        Ok(threads)
    }

    /// Sends an alarm that is none to the webhook of the settings, once. Blocks for a quarter of a minute at the most.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with what went wrong, and where there is no webhook.
    pub fn test_webhook(&self) -> Result<()> {
        let event = Event::new(Happened::Test, "test", "");
        let sent = delivery::to_webhook(&self.settings(), &event);
        let reason = match sent {
            Ok(true) => return Ok(()),
            Ok(false) => "settings.backups.alarmWebhook.url is not set".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Error::invalid(format!(
            "Failed to send the test alarm. Raw error: \n{reason}."
        )))
    }

    /// How alarms fare.
    #[must_use]
    pub fn status(&self) -> AlarmStatus {
        let guard = self.desk().lock();
        let Some(Active { ledger, .. }) = guard.as_ref() else {
            return AlarmStatus::default();
        };
        status_of(ledger, &self.settings())
    }
}

/// How the alarms of a data directory fare that has these `settings`, as far as they can be read, and this `newest`
/// proven backup: what its last server knew, with what ended since, and how old the backup has become. For a command;
/// nothing is written down.
pub(crate) fn foreseen(
    backups: &Backups,
    settings: Option<&Settings>,
    newest: Option<Timestamp>,
    now: Timestamp,
) -> AlarmStatus {
    let file = LedgerFile::new(backups.disk().clone(), &backups.data_dir().state());
    let known = file.read();
    let is_first = known.is_none();
    let mut ledger = known.unwrap_or_default();
    let jobs = backups.jobs().history().read().unwrap_or_default();
    // What ended before the very first start is nobody's trouble.
    for job in jobs.iter().rev().filter(|_| !is_first) {
        ledger.job(job, now);
    }
    if let Ok(gone) = backups.gone_of(&ledger.unwell()) {
        for (key, _) in gone {
            ledger.deleted(&key);
        }
    }
    if let Some(settings) = settings {
        ledger.backups_are(&settings.backups, newest, now);
    }
    status_of(&ledger, settings.unwrap_or(&Settings::default()))
}

fn status_of(ledger: &Ledger, settings: &Settings) -> AlarmStatus {
    let ways = settings_before_restore::ways(settings);
    // A way that the settings name no more has no alarm to bring.
    let mut errors: Vec<String> = ledger
        .errors
        .iter()
        .filter(|(channel, _)| ways.contains(channel))
        .map(|(channel, error)| format!("{}: {error}", channel.name()))
        .collect();
    if !ledger.untold.is_empty() {
        errors.push(format!(
            "nobody was told \"{}\": the settings name no mail server and no webhook",
            ledger.untold
        ));
    }
    let told = ledger.troubles.iter().map(|(cause, trouble)| TroubleStatus {
        cause: cause.clone(),
        error: trouble.error.clone(),
    });
    let mut troubles: Vec<_> = told.collect();
    // What a restore took away says more.
    if !ledger.troubles.contains_key(settings_before_restore::ALARMS)
        && let Some(error) = unsupported::of_alarms(settings)
    {
        let cause = settings_before_restore::ALARMS.to_owned();
        troubles.push(TroubleStatus { cause, error });
    }
    AlarmStatus {
        last_sent: ledger.last_sent.clone(),
        last_error: errors.join("; "),
        waiting: ledger.waiting.len(),
        ways: ways.into_iter().map(Channel::name).collect(),
        troubles,
    }
}
