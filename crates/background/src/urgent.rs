//! What clients wait for, and whether that is late.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

/// Microseconds. What takes no longer is not late, even where less is usual.
const SOON: u64 = 1_000;

/// Microseconds. What has been late for so long waits for something else than for those who would give way.
const HELPED: u64 = 9_000;

pub(crate) static URGENT: Urgency = Urgency::new();

/// Something that a client waits for, for as long as this lives. It is late once it has taken a millisecond, and half
/// as long again as is usual on this machine, and for nine milliseconds from then on; a thread that
/// calls [`give_way`](crate::give_way) stops for it: its own thread may be ready and have a core, and yet wait for one
/// of the system's that has none.
#[must_use]
pub struct Urgent(());

impl Urgent {
    /// From now on.
    pub fn begin() -> Self {
        URGENT.begin(now());
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
        URGENT.end(now());
    }
}

/// Whether anything is urgent, since when, and how long it usually takes; times in microseconds on this process's
/// clock. Without a lock: who is urgent would wait for a thread that holds it and has no core. For that, what begins
/// just when something else ends may not be noticed, and what begins while something else is urgent counts as having
/// begun with it.
pub(crate) struct Urgency {
    count: AtomicU32,
    /// 0 while nothing is urgent.
    since: AtomicU64,
    /// About the median of what it took, which a few that were held up don't change.
    usual: AtomicU64,
}

impl Urgency {
    pub(crate) const fn new() -> Self {
        Self {
            count: AtomicU32::new(0),
            since: AtomicU64::new(0),
            usual: AtomicU64::new(SOON),
        }
    }

    fn begin(&self, now: u64) {
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            self.since.store(now, Ordering::Relaxed);
        }
    }

    fn end(&self, now: u64) {
        if self.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            let took = now.saturating_sub(self.since.swap(0, Ordering::Relaxed));
            let usual = self.usual.load(Ordering::Relaxed);
            let step = usual / 32 + 1;
            let usual = if took > usual { usual + step } else { usual - step };
            self.usual.store(usual.max(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.is_late_at(now)
    }

    fn is_late_at(&self, now: impl FnOnce() -> u64) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        if since == 0 {
            return false;
        }
        let usual = self.usual.load(Ordering::Relaxed);
        let late = SOON.max(usual + usual / 2);
        (late..late + HELPED).contains(&now().saturating_sub(since))
    }
}

/// Never 0.
fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_micros() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins something at the time 1, lets `usual` be usual, and tells from when until when it is late.
    fn late(usual: u64) -> (u64, u64) {
        let urgency = Urgency::new();
        urgency.usual.store(usual, Ordering::Relaxed);
        assert!(!urgency.is_late_at(|| SOON + 1));
        urgency.begin(1);
        let late = |age: u64| urgency.is_late_at(|| 1 + age);
        let from = (0..100_000).find(|age| late(*age)).unwrap();
        let until = (from..100_000).find(|age| !late(*age)).unwrap();
        assert!((until..100_000).all(|age| !late(age)));
        urgency.end(until);
        assert!(!urgency.is_late_at(|| from + 1), "it has ended");
        (from, until)
    }

    #[test]
    fn what_is_urgent_is_late_after_a_while_and_given_up_later() {
        assert_eq!(late(100), (1_000, 10_000));
        assert_eq!(late(8_000), (12_000, 21_000), "a disk that is slow is not late");
    }

    #[test]
    fn what_is_usual_is_learnt_and_what_is_rare_does_not_change_it() {
        let urgency = Urgency::new();
        let usual = || urgency.usual.load(Ordering::Relaxed);
        for (took, count, about) in [(8_000, 300, 8_000), (300, 400, 300), (0, 1_000, 0), (500, 2_000, 500)] {
            for n in 0..count {
                urgency.begin(1);
                urgency.end(1 + if n % 10 == 9 { 1_000_000 } else { took });
            }
            assert!(usual().abs_diff(about) <= about / 8 + 2, "{} for {took}", usual());
        }
    }

    #[test]
    fn of_several_the_oldest_counts_until_all_have_ended() {
        let urgency = Urgency::new();
        let since = || urgency.since.load(Ordering::Relaxed);
        urgency.begin(5);
        urgency.begin(7);
        urgency.end(8);
        assert_eq!(since(), 5);
        urgency.end(9);
        assert_eq!(since(), 0);
        urgency.begin(10);
        assert_eq!(since(), 10);
    }
}
