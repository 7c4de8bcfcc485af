//! Settings come with the data: a restore may bring back such that tell nobody anything, or make no backups. Who was
//! told of failures before is told of that, for as long as the data that was replaced is kept, which is where their
//! addresses are.

use std::collections::BTreeSet;
use std::sync::Arc;

use bosbase_backup::restore::{RestoreKind, RestoreOutcome};
use jiff::Timestamp;

use super::Alarms;
use super::channel::Channel;
use super::event::Event;
use super::ledger::{Ledger, Promise};
use super::watch::SCHEDULE;
use crate::error::Result;
use crate::settings::Settings;

/// Whether alarms are sent as they were before a restore.
pub(super) const ALARMS: &str = "alarms";

/// The ways of which `settings` say where they lead.
pub(super) fn ways(settings: &Settings) -> BTreeSet<Channel> {
    let is_set = |channel: &Channel| match channel {
        Channel::Mail => settings.smtp.enabled,
        Channel::Webhook => !settings.backups.alarm_webhook.url.is_empty(),
    };
    Channel::ALL.into_iter().filter(is_set).collect()
}

impl Alarms {
    /// The settings of the data that the last restore, or undo, replaced; nothing where it is not kept any more.
    ///
    /// # Errors
    ///
    /// Where they can't be read.
    fn former_settings(&self) -> Result<Option<Settings>> {
        self.inner.jobs.backups().former_settings()
    }

    /// Whether the settings name any way to tell of `event`.
    pub(super) fn has_a_way(&self, event: &Event) -> bool {
        Channel::ALL
            .into_iter()
            .any(|channel| ways(&self.settings_for(event, channel)).contains(&channel))
    }

    /// The settings that say where `event` is to be told by `channel`: those in force, or, where it is about what a
    /// restore took away, those before it.
    pub(super) fn settings_for(&self, event: &Event, channel: Channel) -> Arc<Settings> {
        if event.former {
            match self.former_settings() {
                Ok(Some(former)) if ways(&former).contains(&channel) => return Arc::new(former),
                Ok(_) => {}
                Err(error) => tracing::warn!(
                    error = error.with_causes(),
                    "the settings before the restore can't be read"
                ),
            }
        }
        self.settings()
    }

    /// Looks, once after each restore, what its settings no longer say. `is_first`: nothing was known of alarms here
    /// before.
    pub(super) fn watch_restored(&self, is_first: bool, now: Timestamp) -> Result<()> {
        let last = self.inner.jobs.backups().last_restore()?;
        let last = last.filter(|last| last.succeeded);
        // Damaged data is what restores are for; that a schedule is gone is seen without its settings too.
        let former = self.former_settings().unwrap_or_else(|error| {
            tracing::warn!(
                error = error.with_causes(),
                "the settings before the restore can't be read: whether it switched off alarms can't be told"
            );
            None
        });
        let current = self.settings();
        let events = self.desk().update(|ledger| {
            let id = last.as_ref().map(|last| last.id.clone()).unwrap_or_default();
            // An earlier version did not look; what was replaced then may have been set otherwise since.
            let is_known = is_first || ledger.restored.as_ref().is_none_or(|known| *known == id);
            ledger.restored = Some(id);
            match (&last, &former) {
                (Some(last), Some(former)) if !is_known => ledger.restored(last, former, &current, now),
                _ => Vec::new(),
            }
        });
        self.log_alarms(&events);
        Ok(())
    }
}

impl Ledger {
    /// What is to be told of a restore that put settings in the place of the `former`.
    fn restored(&mut self, last: &RestoreOutcome, former: &Settings, current: &Settings, now: Timestamp) -> Vec<Event> {
        let what = match last.kind {
            RestoreKind::Restore => format!("The restore of {}", last.key),
            RestoreKind::Undo => format!("The undo of the restore of {}", last.key),
        };
        let mut events = Vec::new();
        let (before, cron) = (&former.backups.cron, &current.backups.cron);
        if !before.is_empty() && cron.is_empty() {
            let text = format!(
                "{what} brought back settings without a schedule of backups, which was {before}: no more backups are made by themselves."
            );
            events.extend(self.state(SCHEDULE, &text, now));
            // So that it is not told once more as what somebody set.
            self.promise = Some(Promise {
                cron: String::new(),
                since: now,
            });
        }
        let lost: BTreeSet<Channel> = ways(former).difference(&ways(current)).copied().collect();
        if !lost.is_empty() {
            let names: Vec<&str> = lost.iter().map(|channel| channel.setting()).collect();
            let text = format!(
                "{what} brought back settings without {}: of what fails from here on nobody is told that way.",
                names.join(" and ")
            );
            events.extend(self.state(ALARMS, &text, now));
        }
        // Whether what an earlier one took away is back by this one is seen by who looks at the settings.
        self.lost.extend(lost);
        for event in &mut events {
            event.former = true;
        }
        events
    }

    /// What is to be told once `current` settings name again what a restore took away.
    pub(super) fn ways_are(&mut self, current: &Settings) -> Option<Event> {
        if self.lost.is_empty() || !self.lost.is_subset(&ways(current)) {
            return None;
        }
        self.lost.clear();
        self.well(ALARMS)
    }
}
