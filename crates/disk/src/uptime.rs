//! Time that passed for certain, independent of the clock.
#![allow(
    clippy::disallowed_methods,
    reason = "this is one of the places that the rest of the program goes through"
)]

use rustix::time::{ClockId, clock_gettime};

/// Where Linux tells which boot of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// How long the machine has been running, sleep included. Setting the clock changes nothing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// Which boot of which machine; empty where the system does not tell.
    pub boot: String,
    /// Whole seconds since then.
    pub seconds: u64,
}

impl Uptime {
    /// As it is now.
    #[must_use]
    pub fn now() -> Self {
        #[cfg(target_os = "linux")]
        let clock = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default();
        Self {
            boot: boot.trim().to_owned(),
            seconds: u64::try_from(clock_gettime(clock).tv_sec).unwrap_or_default(),
        }
    }

    /// At least so many seconds have passed since `earlier`: how long a machine was off nobody knows.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> u64 {
        if self.boot == earlier.boot {
            // Where boots are not told apart, a later one shows as fewer seconds, or as fewer than have passed.
            self.seconds.saturating_sub(earlier.seconds)
        } else {
            self.seconds
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: &str, seconds: u64) -> Uptime {
        Uptime {
            boot: boot.to_owned(),
            seconds,
        }
    }

    #[test]
    fn no_more_time_counts_than_has_passed() {
        assert_eq!(at("a", 100).since(&at("a", 40)), 60);
        // The machine was off in between, who knows for how long.
        assert_eq!(at("b", 100).since(&at("a", 40)), 100);
        assert_eq!(at("b", 10).since(&at("a", 40)), 10);
        assert_eq!(at("", 10).since(&at("", 40)), 0);
        let (first, second) = (Uptime::now(), Uptime::now());
        assert!(second.since(&first) < 60 && first.boot == second.boot);
    }
}
