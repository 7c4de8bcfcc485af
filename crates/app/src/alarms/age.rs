//! Whether there is a proven backup as young as was promised.

use jiff::{SignedDuration, Timestamp};

use crate::schedule::Schedule;

/// How long a scheduled backup may take, or wait for others, before it is missed.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// What is wrong with the age of the `newest` proven backup; nothing where it is as it should be.
///
/// With `hours` it is too old when it is older than that. Without, two backups of the schedule `cron` in a row have to
/// be missing: one that failed is told of by itself. Where there is none, what counts is `since` when backups are
/// promised like that; with a schedule also where there is one, so that a new schedule is not late from the start.
pub(super) fn too_old(
    hours: i64,
    cron: &str,
    since: Timestamp,
    newest: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    let latest_allowed = if hours > 0 {
        // More than there was time for is never over. A number that the settings refuse may be in force, restored with
        // an older backup.
        now.checked_sub(SignedDuration::from_secs(hours.saturating_mul(3600)))
            .ok()?
    } else {
        let schedule = Schedule::parse(cron).ok()?;
        let last = schedule.last_before(now.checked_sub(GRACE).ok()?)?;
        schedule.last_before(last)?
    };
    let counts = match newest {
        Some(newest) if hours > 0 => newest,
        Some(newest) => newest.max(since),
        None => since,
    };
    if counts >= latest_allowed {
        return None;
    }
    let wanted = if hours > 0 {
        format!(
            "an alarm is wanted after {hours} {}",
            if hours == 1 { "hour" } else { "hours" }
        )
    } else {
        format!("the schedule is {cron}")
    };
    Some(match newest {
        Some(newest) => format!(
            "The newest proven backup is of {}, and {wanted}.",
            crate::moment::wire(newest)
        ),
        None => format!("There is no proven backup, and {wanted}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn nightly(since: &str, newest: Option<&str>, now: &str) -> bool {
        too_old(0, "0 2 * * *", at(since), newest.map(at), at(now)).is_some()
    }

    #[test]
    fn two_backups_in_a_row_have_to_be_missing() {
        let long_ago = "2026-01-01T00:00:00Z";
        let newest = Some("2026-11-20T02:00:10Z");
        assert!(
            !nightly(long_ago, newest, "2026-11-21T02:00:30Z"),
            "the next one is under way"
        );
        assert!(
            !nightly(long_ago, newest, "2026-11-21T23:00:00Z"),
            "one failed, and that was told"
        );
        assert!(
            !nightly(long_ago, newest, "2026-11-22T02:30:00Z"),
            "the second is given an hour"
        );
        assert!(nightly(long_ago, newest, "2026-11-22T03:01:00Z"));
        assert!(!nightly(long_ago, Some("2026-11-22T02:00:10Z"), "2026-11-22T03:01:00Z"));
        assert!(nightly(long_ago, None, "2026-11-22T03:01:00Z"));
    }

    #[test]
    fn a_new_schedule_is_not_late_from_the_start() {
        let old = Some("2026-01-01T02:00:10Z");
        assert!(!nightly("2026-11-20T12:00:00Z", old, "2026-11-20T12:01:00Z"));
        assert!(!nightly("2026-11-20T12:00:00Z", None, "2026-11-21T12:00:00Z"));
        assert!(nightly("2026-11-20T12:00:00Z", None, "2026-11-22T12:00:00Z"));
    }

    #[test]
    fn so_many_hours_hold_with_a_schedule_and_without() {
        let (since, newest, now) = (
            at("2026-11-20T00:00:00Z"),
            at("2026-11-20T02:00:00Z"),
            at("2026-11-20T14:00:00Z"),
        );
        for cron in ["", "0 2 * * *"] {
            assert!(too_old(11, cron, since, Some(newest), now).is_some());
            assert!(too_old(13, cron, since, Some(newest), now).is_none());
            assert!(too_old(15, cron, since, None, now).is_none());
            assert!(too_old(13, cron, since, None, now).is_some());
        }
        assert_eq!(too_old(0, "", since, Some(newest), now), None, "nothing was promised");
    }

    /// Such a number panicked here: once a minute, and at every start.
    #[test]
    fn no_number_of_hours_is_too_large() {
        let now = at("2026-11-20T14:00:00Z");
        for hours in [175_307_617, 200_000_000, i64::MAX] {
            assert_eq!(too_old(hours, "", now, None, now), None);
        }
    }
}
