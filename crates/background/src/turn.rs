//! Offering a core to others, and stopping for what is late.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use crate::urgent::URGENT;

/// How long a thread keeps its core at least: offered more often, a core that others want would hardly be had at all.
const TURN: Duration = Duration::from_micros(250);

thread_local!(static PACE: Pace = const { Pace::new() });

/// Lets a thread that waits for this core go first, unless the thread has just done so. A priority alone does not see
/// to that: what becomes ready while a thread computes often waits for the system's next tick, some milliseconds. To be
/// called at least a few times in a millisecond.
///
/// While something [`Urgent`](crate::Urgent) is late, the thread stops; of its time that takes half at most.
pub fn give_way() {
    PACE.with(|pace| pace.give_way(|| URGENT.is_late()));
}

/// When a thread gave way before.
struct Pace {
    turn_began: Cell<Option<Instant>>,
    /// Until then it does not stop again.
    may_go_on_until: Cell<Option<Instant>>,
}

impl Pace {
    const fn new() -> Self {
        Self {
            turn_began: Cell::new(None),
            may_go_on_until: Cell::new(None),
        }
    }

    fn give_way(&self, is_late: impl Fn() -> bool) {
        if is_late() && self.may_go_on_until.get().is_none_or(|until| until <= Instant::now()) {
            let stopped = Instant::now();
            while is_late() {
                thread::sleep(TURN);
            }
            let now = Instant::now();
            self.turn_began.set(Some(now));
            self.may_go_on_until.set(Some(now + (now - stopped)));
        } else if self.turn_began.get().is_none_or(|began| began.elapsed() >= TURN) {
            thread::yield_now();
            self.turn_began.set(Some(Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urgent::Urgent;

    #[test]
    fn whoever_gives_way_stops_for_what_is_urgent() {
        let stopped = || PACE.with(|pace| pace.may_go_on_until.get().is_some());
        // It is late for some milliseconds only, which a busy machine may let pass.
        let tries = (0..1000).find(|_| {
            let urgent = Urgent::begin();
            let began = Instant::now();
            while !stopped() && began.elapsed() < Duration::from_millis(20) {
                give_way();
            }
            drop(urgent);
            stopped()
        });
        assert!(tries.is_some());
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_thread_stops_while_something_is_late() {
        let pace = Pace::new();
        let asked = Cell::new(0);
        pace.give_way(|| {
            asked.set(asked.get() + 1);
            asked.get() < 5
        });
        assert_eq!(asked.get(), 5);
        // For as long as it stopped it may go on.
        let (began, until) = (pace.turn_began.get().unwrap(), pace.may_go_on_until.get().unwrap());
        assert!(until - began >= 3 * TURN, "{:?}", until - began);
    }

    #[test]
    fn one_that_has_stopped_just_now_goes_on() {
        let pace = Pace::new();
        pace.may_go_on_until.set(Some(Instant::now() + LONG));
        pace.give_way(|| true);
        assert!(pace.turn_began.get().is_some(), "it offers its core all the same");
    }

    #[test]
    fn a_core_is_offered_once_a_turn() {
        let pace = Pace::new();
        pace.give_way(|| false);
        assert!(pace.turn_began.get().is_some() && pace.may_go_on_until.get().is_none());
        let later = Instant::now() + LONG;
        pace.turn_began.set(Some(later));
        pace.give_way(|| false);
        assert_eq!(pace.turn_began.get(), Some(later));
    }
}
