//! How alarms fare, for a monitoring system: who is to tell when nobody can be told?

use std::fmt::Write as _;

use super::ledger::Channel;
use crate::app::App;

impl App {
    /// What waits and what was tried since the start, as Prometheus' text.
    #[must_use]
    pub fn alarm_metrics(&self) -> String {
        let mut text = String::new();
        let status = self.alarm_status();
        let (waiting, troubles) = (status.waiting, status.troubles.len());
        let is_scheduled = u8::from(!self.settings().backups.cron.is_empty());
        let _ = writeln!(
            text,
            "# HELP bosbase_alarms_waiting Alarms that are still to arrive.\n# TYPE bosbase_alarms_waiting gauge\n\
             bosbase_alarms_waiting {waiting}\n\
             # HELP bosbase_backup_troubles Kinds of jobs, and promises about backups, that failed and did not go well since.\n\
             # TYPE bosbase_backup_troubles gauge\n\
             bosbase_backup_troubles {troubles}\n\
             # HELP bosbase_backup_schedule_set Whether backups are made by themselves.\n\
             # TYPE bosbase_backup_schedule_set gauge\n\
             bosbase_backup_schedule_set {is_scheduled}\n\
             # HELP bosbase_alarm_attempts_total Attempts to deliver an alarm since the server started, by way and outcome.\n\
             # TYPE bosbase_alarm_attempts_total counter"
        );
        let ways = Channel::ALL.map(|channel| (channel.name(), u8::from(status.ways.contains(&channel.name()))));
        for channel in Channel::ALL {
            for (outcome, arrived) in [("arrived", true), ("failed", false)] {
                let count = self.alarms().attempts(channel, arrived);
                let name = channel.name();
                let _ = writeln!(
                    text,
                    "bosbase_alarm_attempts_total{{channel=\"{name}\",outcome=\"{outcome}\"}} {count}"
                );
            }
        }
        text.push_str("# HELP bosbase_alarm_channel_set Whether the settings name this way.\n# TYPE bosbase_alarm_channel_set gauge\n");
        for (name, is_set) in ways {
            let _ = writeln!(text, "bosbase_alarm_channel_set{{channel=\"{name}\"}} {is_set}");
        }
        text
    }
}
