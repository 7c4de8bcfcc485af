//! Remembers which reads took too long to be done at once, so that they are not begun twice each time.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a read is taken for slow. What it reads may be in memory by then.
const REMEMBERED: Duration = Duration::from_secs(10);
/// So many are remembered at the most.
const MANY: usize = 1_000;

/// Kinds of reads, each by a number.
#[derive(Debug, Default)]
pub struct SlowReads {
    keys: RandomState,
    until: Mutex<HashMap<u64, Instant>>,
    /// How many there are: mostly none, and nobody has to look.
    count: AtomicUsize,
}

impl SlowReads {
    /// The number of what takes as long as all that is `alike`.
    pub fn kind(&self, alike: impl Hash) -> u64 {
        self.keys.hash_one(alike)
    }

    /// Whether reads of this kind took too long a short while ago.
    pub fn is_known(&self, kind: u64) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut until = self.until.lock();
        let is_known = until.get(&kind).is_some_and(|until| *until > Instant::now());
        if !is_known && until.remove(&kind).is_some() {
            self.count.store(until.len(), Ordering::Relaxed);
        }
        is_known
    }

    /// Notes that one did.
    pub fn note(&self, kind: u64) {
        let mut until = self.until.lock();
        if until.len() >= MANY {
            until.clear();
        }
        until.insert(kind, Instant::now() + REMEMBERED);
        self.count.store(until.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_slow_is_known_and_bounded() {
        let slow = SlowReads::default();
        assert_eq!(slow.kind(("list", "a")), slow.kind(("list", "a")));
        assert_ne!(slow.kind(("list", "a")), slow.kind(("list", "b")));
        assert!(!slow.is_known(1));
        slow.note(1);
        assert!(slow.is_known(1) && !slow.is_known(2));
        for kind in 0..3 * MANY as u64 {
            slow.note(kind);
        }
        assert!(slow.until.lock().len() <= MANY);
    }
}
