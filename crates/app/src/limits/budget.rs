//! Failures that may be made: a few at once, and one more as time goes by.

use std::time::{Duration, Instant};

/// How many failures are forgiven at once, and how long it takes until one more is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    pub(super) at_once: u32,
    pub(super) each: Duration,
}

/// What is used up of an allowance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    spent: f64,
    since: Instant,
    /// Attempts that are under way; each may turn out to be a failure.
    pub(super) under_way: u32,
    /// Whether an attempt has succeeded before.
    pub(super) proven: bool,
}

/// What a budget says to one more attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is room for one more failure.
    Room,
    /// There is if those that are under way succeed.
    Undecided,
    /// There is none for so long.
    None(Duration),
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            spent: 0.0,
            since: now,
            under_way: 0,
            proven: false,
        }
    }

    fn refresh(&mut self, allowance: Allowance, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        self.spent = (self.spent - elapsed / allowance.each.as_secs_f64()).max(0.0);
        self.since = now;
    }

    /// Whether one more attempt may fail, within `allowance`.
    pub(super) fn verdict(&mut self, allowance: Allowance, now: Instant) -> Verdict {
        self.refresh(allowance, now);
        let left = f64::from(allowance.at_once) - self.spent;
        if left < 1.0 {
            return Verdict::None(allowance.each.mul_f64(1.0 - left));
        }
        if left - f64::from(self.under_way) < 1.0 {
            return Verdict::Undecided;
        }
        Verdict::Room
    }

    /// Notes a failure.
    pub(super) fn spend(&mut self, allowance: Allowance, now: Instant) {
        self.refresh(allowance, now);
        self.spent += 1.0;
    }

    /// Forgives all failures.
    pub(super) fn forgive(&mut self) {
        self.spent = 0.0;
    }

    /// Whether nothing is to be remembered but a success.
    pub(super) fn is_untouched(&mut self, allowance: Allowance, now: Instant) -> bool {
        self.refresh(allowance, now);
        self.under_way == 0 && self.spent == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_fills_up_again_with_time() {
        let allowance = Allowance {
            at_once: 2,
            each: Duration::from_secs(10),
        };
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert_eq!(budget.verdict(allowance, now), Verdict::Room);
        budget.under_way = 2;
        assert_eq!(budget.verdict(allowance, now), Verdict::Undecided);
        budget.under_way = 0;
        budget.spend(allowance, now);
        budget.spend(allowance, now);
        assert_eq!(budget.verdict(allowance, now), Verdict::None(Duration::from_secs(10)));
        let later = now + Duration::from_secs(10);
        assert_eq!(budget.verdict(allowance, later), Verdict::Room);
        assert!(!budget.is_untouched(allowance, later));
        assert!(budget.is_untouched(allowance, later + Duration::from_secs(10)));
    }
}
