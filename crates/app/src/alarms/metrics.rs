//! How alarms fare, for a monitoring system: who is to tell when nobody can be told?

use super::Alarms;
use super::channel::Channel;
use crate::metrics::Metrics;

impl Alarms {
    /// Adds what waits and what was tried since the start.
    pub fn measure(&self, metrics: &mut Metrics) {
        let status = self.status();
        metrics.gauge(
            "bosbase_alarms_waiting",
            "Alarms that are still to arrive.",
            status.waiting,
        );
        metrics.gauge(
            "bosbase_backup_troubles",
            "Kinds of jobs, and promises about backups, that failed and did not go well since.",
            status.troubles.len(),
        );
        metrics.gauge(
            "bosbase_backup_schedule_set",
            "Whether backups are made by themselves.",
            u8::from(!self.settings().backups.cron.is_empty()),
        );
        let help = "Attempts to deliver an alarm since the server started, by way and outcome.";
        let mut attempts = metrics.counters("bosbase_alarm_attempts_total", help);
        for channel in Channel::ALL {
            for (outcome, arrived) in [("arrived", true), ("failed", false)] {
                let count = self.desk().attempts(channel, arrived);
                attempts.sample(&[("channel", channel.name()), ("outcome", outcome)], count);
            }
        }
        let help = "Whether the settings name this way.";
        let mut ways = metrics.gauges("bosbase_alarm_channel_set", help);
        for name in Channel::ALL.map(Channel::name) {
            ways.sample(&[("channel", name)], u8::from(status.ways.contains(&name)));
        }
    }
}
