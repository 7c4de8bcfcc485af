//! Brings alarms to where the settings say, each way on a thread of its own, so that one that stands still holds up no
//! other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use serde_json::{Map, json};

use super::channel::Channel;
use super::event::{Event, Happened};
use super::ledger::Waiting;
use super::{Active, Alarms, Desk, NAP};
use crate::error::Result;
use crate::logs::Level;
use crate::mails;
use crate::settings::Settings;

/// After so many mails in vain the rest is left for the next time: it is the server that does not work.
const ENOUGH: usize = 3;

/// How an attempt ended.
enum Outcome {
    /// It arrived everywhere, or the settings name nobody.
    Done { arrived: bool },
    /// It did not arrive, or not everywhere.
    Failed { error: String },
}

/// Sends what waits for `channel`, and what comes to wait, until alarms are stopped.
pub(super) fn deliver_all(alarms: &Alarms, channel: Channel) {
    while let Some(mut waiting) = alarms.desk().next(channel) {
        // The thread must live on, also if reading an answer panics.
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(alarms, &mut waiting)));
        let outcome = outcome.unwrap_or_else(|_| Outcome::Failed {
            error: "sending it panicked".to_owned(),
        });
        conclude(alarms, &waiting, outcome);
    }
}

fn attempt(alarms: &Alarms, waiting: &mut Waiting) -> Outcome {
    match waiting.channel {
        Channel::Mail => by_mail(alarms, waiting),
        Channel::Webhook => match to_webhook(&alarms.settings_for(&waiting.event, Channel::Webhook), &waiting.event) {
            Ok(arrived) => Outcome::Done { arrived },
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        },
    }
}

/// Tells the webhook; false where the settings name none.
pub(super) fn to_webhook(settings: &Settings, event: &Event) -> Result<bool, bosbase_courier::Error> {
    let hook = &settings.backups.alarm_webhook;
    if hook.url.is_empty() {
        return Ok(false);
    }
    let webhook = bosbase_courier::Webhook::new(&hook.url, &hook.secret)?;
    bosbase_courier::post(&webhook, event.document(&settings.meta).to_string())?;
    tracing::info!(host = webhook.host(), event = event.headline(), "told the webhook");
    Ok(true)
}

/// Mails it to everybody whom the settings name by now and who has not got it yet, and notes in `waiting` who got it.
fn by_mail(alarms: &Alarms, waiting: &mut Waiting) -> Outcome {
    let settings = alarms.settings_for(&waiting.event, Channel::Mail);
    if !settings.smtp.enabled {
        return Outcome::Done { arrived: false };
    }
    let recipients = if settings.backups.alarm_emails.is_empty() {
        (alarms.inner.superusers)()
    } else {
        Ok(settings.backups.alarm_emails.clone())
    };
    let recipients = match recipients {
        Ok(recipients) => recipients,
        Err(error) => {
            let error = format!("who the superusers are could not be read: {}", error.message());
            return Outcome::Failed { error };
        }
    };
    let (mut failed, mut problem) = (0, None);
    for address in waiting.still_to(recipients) {
        if failed == ENOUGH {
            break;
        }
        match mail(&settings, &address, &waiting.event) {
            Ok(()) => waiting.arrived.push(address),
            Err(error) => {
                problem = Some(error.to_string());
                failed += 1;
                waiting.refused.retain(|other| *other != address);
                waiting.refused.push(address);
            }
        }
    }
    match problem {
        None => Outcome::Done {
            arrived: !waiting.arrived.is_empty(),
        },
        Some(error) => Outcome::Failed { error },
    }
}

/// Mails an alarm to `address` as `settings` say. One attempt; blocks.
fn mail(settings: &Settings, address: &str, event: &Event) -> Result<(), bosbase_courier::Error> {
    let subject = format!("{}: {}", settings.meta.app_name, event.headline());
    let mut lines = vec![event.text(&settings.meta)];
    for (name, value) in [
        ("Began", &event.started),
        ("Ended", &event.finished),
        ("Job", &event.job),
    ] {
        if !value.is_empty() {
            lines.push(format!("{name}: {value}"));
        }
    }
    lines.push(format!("Application: {}", settings.meta.app_url));
    lines.push("What became of every job: GET /api/backups/status. The server's log says more.".to_owned());
    mails::send_lines(settings, address, &subject, &lines)
}

fn conclude(alarms: &Alarms, waiting: &Waiting, outcome: Outcome) {
    let channel = waiting.channel.name();
    let now = Timestamp::now();
    let error = match outcome {
        Outcome::Done { arrived } => {
            let nobody = !arrived && waiting.event.event == Happened::Failed && !alarms.has_a_way(&waiting.event);
            if alarms.desk().is_done(waiting, arrived, nobody, now) {
                let headline = waiting.event.headline();
                tracing::warn!(
                    alarm = headline,
                    "an alarm was told to nobody: the settings name no mail server and no webhook"
                );
                let data = Map::from_iter([
                    ("type".to_owned(), json!("alarm")),
                    ("alarm".to_owned(), json!(headline)),
                ]);
                alarms.inner.jobs.logs().event(
                    Level::Warning,
                    "An alarm was told to nobody: no mail server and no webhook is set",
                    data,
                );
            }
            return;
        }
        Outcome::Failed { error } => error,
    };
    let given_up = waiting.is_hopeless(now.as_second());
    tracing::error!(
        channel,
        error,
        given_up,
        alarm = waiting.event.headline(),
        "an alarm could not be delivered"
    );
    if waiting.attempts == 1 || given_up {
        let what = if given_up {
            "was given up"
        } else {
            "could not be delivered"
        };
        let data = Map::from_iter([
            ("type".to_owned(), json!("alarm")),
            ("channel".to_owned(), json!(channel)),
            ("alarm".to_owned(), json!(waiting.event.headline())),
            ("error".to_owned(), json!(error)),
        ]);
        alarms
            .inner
            .jobs
            .logs()
            .event(Level::Error, &format!("An alarm {what} by {channel}"), data);
    }
    alarms.desk().is_left(waiting, error, given_up, now);
}

impl Desk {
    /// Waits for what is due on `channel`; nothing when alarms are stopped. The attempt is in the ledger before it is
    /// made, so that a process that dies of it does not make it again at once, and so for ever.
    fn next(&self, channel: Channel) -> Option<Waiting> {
        let mut guard = self.lock();
        loop {
            let active = guard.as_mut()?;
            let now = Timestamp::now().as_second();
            for waiting in &mut active.ledger.waiting {
                waiting.correct(now);
            }
            let (ledger, may_go) = (&active.ledger, |waiting: &Waiting| waiting.channel == channel);
            let of_channel = ledger.waiting.iter().enumerate();
            let of_channel = of_channel.filter(|(_, waiting)| may_go(waiting) && !ledger.is_held_up(waiting));
            let first = of_channel.min_by_key(|(_, waiting)| waiting.next);
            let nap = match first.map(|(index, waiting)| (index, waiting.next)) {
                Some((index, next)) if next <= now => {
                    let waiting = &mut active.ledger.waiting[index];
                    waiting.begin(now);
                    let begun = waiting.clone();
                    active.keep();
                    return Some(begun);
                }
                // The clock may be put back meanwhile.
                Some((_, next)) => NAP.min(std::time::Duration::from_secs((next - now).unsigned_abs())),
                None => NAP,
            };
            self.changed.wait_for(&mut guard, nap);
        }
    }

    /// `nobody`: since no way is set at all. Answers whether that is news.
    fn is_done(&self, waiting: &Waiting, arrived: bool, nobody: bool, now: Timestamp) -> bool {
        if arrived {
            self.count(waiting.channel, true);
        }
        let mut is_news = false;
        self.conclude(waiting, |active, index| {
            let ledger = &mut active.ledger;
            ledger.waiting.remove(index);
            if arrived {
                ledger.last_sent = crate::moment::wire(now);
                ledger.errors.remove(&waiting.channel);
                ledger.untold.clear();
            }
            let headline = waiting.event.headline();
            if nobody && ledger.untold != headline {
                ledger.untold = headline;
                is_news = true;
            }
            ledger.ended(waiting, arrived);
        });
        is_news
    }

    fn is_left(&self, waiting: &Waiting, error: String, given_up: bool, now: Timestamp) {
        self.count(waiting.channel, false);
        self.conclude(waiting, |active, index| {
            active.ledger.errors.insert(waiting.channel, error);
            if given_up {
                active.ledger.waiting.remove(index);
                active.ledger.ended(waiting, !waiting.arrived.is_empty());
                return;
            }
            let left = &mut active.ledger.waiting[index];
            left.arrived.clone_from(&waiting.arrived);
            left.refused.clone_from(&waiting.refused);
            left.pause(now.as_second());
        });
    }

    fn conclude(&self, waiting: &Waiting, change: impl FnOnce(&mut Active, usize)) {
        let mut guard = self.lock();
        let Some(active) = guard.as_mut() else { return };
        let is_it = |other: &Waiting| other.event.id == waiting.event.id && other.channel == waiting.channel;
        // It may have had to make room meanwhile.
        if let Some(index) = active.ledger.waiting.iter().position(is_it) {
            change(active, index);
            active.keep();
        }
    }

    fn count(&self, channel: Channel, arrived: bool) {
        let mut counts = self.counts.lock();
        *counts.entry((channel, arrived)).or_default() += 1;
    }

    /// How many attempts on `channel` there were since the start that arrived, or did not.
    pub(super) fn attempts(&self, channel: Channel, arrived: bool) -> u64 {
        let counts = self.counts.lock();
        counts.get(&(channel, arrived)).copied().unwrap_or_default()
    }
}
