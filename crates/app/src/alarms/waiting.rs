//! When an alarm that did not arrive is tried again, with whom, and for how long.

use super::ledger::Waiting;

/// After so many seconds an alarm that did not arrive is tried again, then after the longest pause for as long as it
/// takes ...
const PAUSES: [i64; 5] = [2, 10, 60, 300, 900];
const LONGEST_PAUSE: i64 = 1800;
/// ... but for no longer than this, in seconds. What kept a backup from its bucket keeps a mail as well, and may last a
/// night.
const LONGEST_WAIT: i64 = 86_400;
/// And no less often than about as often as in that time: while the machine was off, nothing was tried.
const ATTEMPTS: u32 = 50;

impl Waiting {
    /// Those of `recipients` who have not got it: first who had no turn yet, last whom it did not reach last.
    pub(super) fn still_to(&self, mut recipients: Vec<String>) -> Vec<String> {
        recipients.retain(|address| !self.arrived.contains(address));
        recipients.sort_by_key(|address| self.refused.iter().position(|other| other == address));
        recipients
    }

    /// Counts an attempt, and puts the next one off as if it were in vain.
    pub(super) fn begin(&mut self, now: i64) {
        self.attempts += 1;
        self.pause(now);
    }

    pub(super) fn pause(&mut self, now: i64) {
        let before = self.attempts.saturating_sub(1) as usize;
        self.next = now + PAUSES.get(before).copied().unwrap_or(LONGEST_PAUSE);
    }

    /// A clock that was put back must not keep it waiting until it is as late again.
    pub(super) fn correct(&mut self, now: i64) {
        if self.next.saturating_sub(now) > LONGEST_PAUSE {
            self.next = now;
        }
        self.since = self.since.min(now);
    }

    /// Whether it was tried for long and often enough.
    pub(super) fn is_hopeless(&self, now: i64) -> bool {
        now - self.since > LONGEST_WAIT && self.attempts >= ATTEMPTS
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::Channel;
    use super::super::event::{Event, Happened};
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn waiting() -> Waiting {
        Waiting {
            event: Event::new(Happened::Failed, "create", "no"),
            channel: Channel::Mail,
            arrived: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            since: NOW,
            next: NOW,
            if_told: false,
        }
    }

    #[test]
    fn a_machine_that_was_off_does_not_give_up_after_one_attempt() {
        let mut waiting = waiting();
        let (mut now, mut attempts) = (NOW, 0);
        while !waiting.is_hopeless(now) {
            waiting.begin(now);
            now = waiting.next;
            attempts += 1;
        }
        assert!(
            (NOW + LONGEST_WAIT..NOW + 2 * LONGEST_WAIT).contains(&now) && attempts <= ATTEMPTS + 5,
            "{attempts}"
        );
        waiting.attempts = 1;
        assert!(!waiting.is_hopeless(NOW + 3 * LONGEST_WAIT));
        waiting.attempts = 10 * ATTEMPTS;
        assert!(
            !waiting.is_hopeless(NOW + LONGEST_WAIT / 2),
            "settings that are changed often"
        );
    }

    #[test]
    fn a_clock_that_was_put_back_keeps_nothing_waiting() {
        let mut waiting = waiting();
        waiting.begin(NOW);
        waiting.correct(NOW - 10 * LONGEST_WAIT);
        assert_eq!(
            (waiting.next, waiting.since),
            (NOW - 10 * LONGEST_WAIT, NOW - 10 * LONGEST_WAIT)
        );
        waiting.attempts = ATTEMPTS;
        waiting.pause(NOW);
        let before = waiting.clone();
        waiting.correct(NOW);
        assert_eq!(waiting, before, "the longest pause is one");
    }

    #[test]
    fn those_are_mailed_who_are_named_by_now_and_have_not_got_it() {
        let list = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let mut waiting = waiting();
        waiting.arrived = list(&["a"]);
        waiting.refused = list(&["c", "b", "gone"]);
        assert_eq!(waiting.still_to(list(&["a", "b", "c", "new"])), ["new", "c", "b"]);
    }
}
