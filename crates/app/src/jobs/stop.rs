//! Asks a job to end, and lets it pass the point from which it can't be taken back.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Result};

type Interrupt = Box<dyn Fn() + Send + Sync>;

/// Shared by a job and the requests for its end.
#[derive(Default)]
pub(super) struct Stop {
    wanted: AtomicBool,
    reason: Mutex<String>,
    /// End what the job waits for.
    interrupts: Mutex<Vec<Interrupt>>,
    /// Whether it can't be taken back any more; held while that is decided.
    decided: Mutex<bool>,
}

impl Stop {
    /// Asks the job to end because of `reason`; `false` where it can't be taken back any more. Does not wait for its
    /// end.
    pub(super) fn ask(&self, reason: &str) -> bool {
        let decided = self.decided.lock();
        if *decided {
            return false;
        }
        reason.clone_into(&mut self.reason.lock());
        self.wanted.store(true, Ordering::Relaxed);
        let interrupts = self.interrupts.lock();
        interrupts.iter().for_each(|interrupt| interrupt());
        true
    }

    /// Has `interrupt`, which does not wait, called when the job is asked to end, at once if it was.
    pub(super) fn also(&self, interrupt: Interrupt) {
        let mut interrupts = self.interrupts.lock();
        if self.is_wanted() {
            interrupt();
        }
        interrupts.push(interrupt);
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Why it was asked to end, if it was.
    pub(super) fn reason(&self) -> Option<String> {
        let reason = || self.reason.lock().clone();
        self.is_wanted().then(reason)
    }

    /// Does what can't be taken back, unless the job was asked to end before.
    ///
    /// # Errors
    ///
    /// What `work` says, and that the job was asked to end.
    pub(super) fn decide<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut decided = self.decided.lock();
        if let Some(reason) = self.reason() {
            return Err(Error::invalid(format!("It was given up: {reason}.")));
        }
        let done = work()?;
        *decided = true;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn what_was_asked_to_end_decides_nothing_and_what_is_decided_does_not_end() {
        let (stopped, decided) = (Stop::default(), Stop::default());
        assert!(stopped.ask("no more"));
        let refused = stopped.decide(|| Ok(())).unwrap_err();
        assert_eq!(refused.message(), "It was given up: no more.");
        assert!(
            decided
                .decide(|| Err::<(), _>(Error::invalid("The disk is full.")))
                .is_err()
        );
        assert_eq!(decided.decide(|| Ok(1)).unwrap(), 1);
        assert!(!decided.ask("too late"));
        assert_eq!((decided.is_wanted(), decided.reason()), (false, None));
        // What failed to be decided can still be taken back.
        let failed = Stop::default();
        assert!(
            failed
                .decide(|| Err::<(), _>(Error::invalid("The disk is full.")))
                .is_err()
        );
        assert!(failed.ask("now"));
    }

    #[test]
    fn what_a_job_waits_for_is_interrupted_whenever_it_was_told_of_that() {
        let (stop, calls) = (Stop::default(), Arc::new(AtomicUsize::new(0)));
        let counting = || {
            let calls = calls.clone();
            Box::new(move || {
                calls.fetch_add(1, Ordering::Relaxed);
            })
        };
        stop.also(counting());
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        stop.ask("no more");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        stop.also(counting());
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }
}
