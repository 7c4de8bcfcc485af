//! Bytes that may be in memory at a time, shared by threads.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::progress::Progress;

/// A thread that waits for room looks up so often whether it is still wanted.
pub(super) const NOTICED_WITHIN: Duration = Duration::from_millis(100);

/// Clones share it.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    left: u64,
    closed: bool,
}

/// A part of a pool, given back when it is dropped.
pub(crate) struct Share {
    pool: Pool,
    bytes: u64,
}

impl Pool {
    pub(super) fn new(bytes: u64) -> Self {
        let state = State {
            left: bytes,
            closed: false,
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    /// Waits for so many bytes, which must not be more than all; `None` once the pool is closed or `given_up` says so.
    pub(super) fn take(&self, bytes: u64, given_up: &dyn Fn() -> bool) -> Option<Share> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if state.left >= bytes {
                state.left -= bytes;
                let pool = self.clone();
                return Some(Share { pool, bytes });
            }
            let waited = self.0.changed.wait_for(&mut state, NOTICED_WITHIN);
            if waited.timed_out() && given_up() {
                return None;
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Nobody gets any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// Until the pool is closed, looks whether the work was cancelled, and calls `interrupt` then: the threads that
    /// do the work may be waiting for the network.
    pub(super) fn watch(&self, progress: &dyn Progress, interrupt: impl FnOnce()) {
        let mut state = self.lock();
        while !state.closed {
            if progress.cancelled() {
                drop(state);
                return interrupt();
            }
            self.0.changed.wait_for(&mut state, NOTICED_WITHIN);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pool.lock().left += self.bytes;
        self.pool.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn who_wants_more_than_is_left_waits_until_it_is_given_back_or_given_up() {
        let (pool, given_up) = (Pool::new(10), AtomicBool::new(false));
        let take = |bytes| pool.take(bytes, &|| given_up.load(Ordering::Relaxed));
        thread::scope(|scope| {
            let first = take(8).unwrap();
            let waiting = scope.spawn(|| take(4).is_some());
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            drop(first);
            assert!(waiting.join().unwrap());
            let _all = take(10).unwrap();
            let waiting = scope.spawn(|| take(1).is_some());
            given_up.store(true, Ordering::Relaxed);
            assert!(!waiting.join().unwrap());
            given_up.store(false, Ordering::Relaxed);
            let waiting = scope.spawn(|| take(1).is_some());
            pool.close();
            assert!(!waiting.join().unwrap());
        });
    }
}
