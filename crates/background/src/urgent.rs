//! What clients wait for, and whether that is late.

use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is urgent is done within this where nothing is in its way.
const PATIENCE: Duration = Duration::from_millis(1);

/// What takes longer than this waits for something else.
const HELPED: Duration = Duration::from_millis(10);

const LATE: Range<u64> = PATIENCE.as_micros() as u64..HELPED.as_micros() as u64;

pub(crate) static URGENT: Urgency = Urgency::new();

/// Something that a client waits for, for as long as this lives. Between a millisecond and ten after its beginning it is late, and
/// whoever calls [`give_way`](crate::give_way) stops for it: its thread may be ready and have a core, and yet wait for one of the
/// system's that has none.
#[must_use]
pub struct Urgent(());

impl Urgent {
    /// From now on.
    pub fn begin() -> Self {
        URGENT.begin();
        Self(())
    }

    /// Whether anything is urgent just now.
    #[must_use]
    pub fn any() -> bool {
        URGENT.count.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        URGENT.end();
    }
}

/// Whether anything is urgent, and since when. Without a lock: who is urgent would wait for a thread that holds it and has no core.
/// For that, what begins just when something else ends may not be noticed, and what begins while something else is urgent counts as
/// having begun with it.
pub(crate) struct Urgency {
    count: AtomicU32,
    /// Microseconds on this process's clock; 0 while nothing is urgent.
    since: AtomicU64,
}

impl Urgency {
    pub(crate) const fn new() -> Self {
        Self {
            count: AtomicU32::new(0),
            since: AtomicU64::new(0),
        }
    }

    pub(crate) fn begin(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            self.since.store(now(), Ordering::Relaxed);
        }
    }

    pub(crate) fn end(&self) {
        if self.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.since.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.is_late_at(now)
    }

    fn is_late_at(&self, now: impl FnOnce() -> u64) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since != 0 && LATE.contains(&now().saturating_sub(since))
    }
}

/// Never 0.
fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_micros() as u64 + 1
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_urgent_is_late_after_a_while_and_given_up_later() {
        let urgency = Urgency::new();
        assert!(!urgency.is_late());
        urgency.begin();
        let since = urgency.since.load(Ordering::Relaxed);
        let late = |age| urgency.is_late_at(|| since + age);
        assert!(!late(0) && !late(LATE.start - 1) && late(LATE.start) && late(LATE.end - 1) && !late(LATE.end));
        urgency.end();
        assert!(!late(LATE.start));
    }

    #[test]
    fn of_several_the_oldest_counts_until_all_have_ended() {
        let urgency = Urgency::new();
        urgency.begin();
        let since = urgency.since.load(Ordering::Relaxed);
        thread::sleep(PATIENCE);
        urgency.begin();
        urgency.end();
        assert_eq!(urgency.since.load(Ordering::Relaxed), since);
        urgency.end();
        assert_eq!(urgency.since.load(Ordering::Relaxed), 0);
        urgency.begin();
        assert!(urgency.since.load(Ordering::Relaxed) > since);
    }
}
