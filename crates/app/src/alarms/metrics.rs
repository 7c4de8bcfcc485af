//! How alarms fare, for a monitoring system: who is to tell when nobody can be told?

use std::fmt::Write as _;

use super::ledger::Channel;
use crate::app::App;

impl App {
    /// What waits and what was tried since the start, as Prometheus' text.
    #[must_use]
    pub fn alarm_metrics(&self) -> String {
        let mut text = String::new();
        let waiting = self.alarm_status().waiting;
        let _ = writeln!(
            text,
            "# HELP bosbase_alarms_waiting Alarms that are still to arrive.\n# TYPE bosbase_alarms_waiting gauge\n\
             bosbase_alarms_waiting {waiting}\n\
             # HELP bosbase_alarm_attempts_total Attempts to deliver an alarm since the server started, by way and outcome.\n\
             # TYPE bosbase_alarm_attempts_total counter"
        );
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
        text
    }
}
