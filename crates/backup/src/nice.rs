//! Working behind the API's back: below its priority, and out of its way.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// Added to the "nice" value of the process for whoever compresses and unpacks: who serves requests comes first, and what they leave is used.
pub(crate) const WORKER: i32 = 10;
/// For what nobody waits for yet: the lowest priority there is.
pub(crate) const LAST: i32 = 19;

/// Lowers the priority of the calling thread to `by` steps below the process's first thread, where threads have one of their own; never
/// raises it. Not below the caller's own: threads inherit that, and steps would add up to the lowest there is.
#[cfg(target_os = "linux")]
pub(crate) fn step_back(by: i32) {
    use rustix::process::{getpid, getpriority_process, setpriority_process};
    // On Linux a "process" is a thread: 0 the calling one, the process's id its first (setpriority(2), "C library/kernel
    // differences"). Where this is not allowed the work is done all the same.
    if let (Ok(first), Ok(now)) = (getpriority_process(Some(getpid())), getpriority_process(None)) {
        let _ = setpriority_process(None, now.max((first + by).min(LAST)));
    }
}

/// Lowers the priority of the calling thread, where threads have one of their own.
#[cfg(not(target_os = "linux"))]
pub(crate) fn step_back(_: i32) {}

/// How long a thread keeps its core at least: offered more often, a core that others want would hardly be had at all.
const TURN: Duration = Duration::from_micros(250);

/// Lets whoever waits for this core go first, unless the thread has just done so. A priority alone does not see to that: what becomes
/// ready while a thread computes often waits for the system's next tick, some milliseconds. To be called at least a few times in a
/// millisecond.
pub(crate) fn give_way() {
    thread_local!(static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) });
    if BEGAN.get().is_none_or(|began| began.elapsed() >= TURN) {
        thread::yield_now();
        BEGAN.set(Some(Instant::now()));
    }
}
