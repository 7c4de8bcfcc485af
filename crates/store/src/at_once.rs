//! Work that happens at once, on the thread that asks, or not at all.
//!
//! A thread that serves many clients must wait for nobody: not for a lock that is held for long, a connection, the
//! disk's commit, nor for a query that computes. Within [`at_once`] every read of the store keeps to that, and says so
//! where it could not. Then the same work is to be done on a thread that may wait. How much a read may take is said
//! where its connections are (`sqlite::prompt`).

use std::cell::Cell;

/// Why work could not be done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// It would have had to wait; the next time it may not have to.
    Waits,
    /// It takes more than it may; so it will the next time.
    TooMuch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The thread may wait.
    Patient,
    /// It must not.
    AtOnce,
    /// It must not, and something would have had to.
    Missed(Missed),
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Patient) };
}

/// What `work` yields.
///
/// # Errors
///
/// Why not all of it could be done at once: it is to be done on a thread that may wait. It may have been done in part,
/// so it must have no effects.
pub fn at_once<T>(work: impl FnOnce() -> T) -> Result<T, Missed> {
    /// Makes the thread patient again, be it by a panic.
    struct Patient;
    impl Drop for Patient {
        fn drop(&mut self) {
            MODE.set(Mode::Patient);
        }
    }
    MODE.set(Mode::AtOnce);
    let _patient = Patient;
    let done = work();
    match MODE.get() {
        Mode::Missed(why) => Err(why),
        Mode::AtOnce | Mode::Patient => Ok(done),
    }
}

/// Whether the thread must not wait.
#[must_use]
pub fn is_wanted() -> bool {
    MODE.get() != Mode::Patient
}

/// Says that work can't be done on a thread that must not wait: what comes of it is thrown away. Nothing happens on
/// other threads.
pub fn miss(why: Missed) {
    match MODE.get() {
        Mode::Patient | Mode::Missed(Missed::TooMuch) => {}
        Mode::AtOnce | Mode::Missed(Missed::Waits) => MODE.set(Mode::Missed(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_would_wait_is_thrown_away_and_the_thread_is_patient_afterwards() {
        miss(Missed::Waits);
        assert_eq!(at_once(is_wanted), Ok(true));
        assert_eq!(at_once(|| miss(Missed::Waits)), Err(Missed::Waits));
        let both = || [Missed::Waits, Missed::TooMuch, Missed::Waits].map(miss);
        assert_eq!(at_once(both), Err(Missed::TooMuch));
        assert!(!is_wanted());
        assert!(std::panic::catch_unwind(|| at_once(|| panic!("in the middle"))).is_err());
        assert!(!is_wanted());
    }
}
