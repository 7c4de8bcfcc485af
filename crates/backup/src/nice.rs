//! Working behind the API's back: below its priority, and out of its way.

/// Added to the "nice" value of whoever compresses and unpacks: who serves requests comes first, and what they leave is used.
pub(crate) const WORKER: i32 = 10;
/// For what nobody waits for yet: the lowest priority there is.
pub(crate) const LAST: i32 = 19;

/// Lowers the priority of the calling thread, where threads have one of their own.
#[cfg(target_os = "linux")]
pub(crate) fn step_back(by: i32) {
    use rustix::process::{getpriority_process, setpriority_process};
    // On Linux the "process" 0 is the calling thread (setpriority(2), "C library/kernel differences"). Where this is not
    // allowed the work is done all the same.
    if let Ok(now) = getpriority_process(None) {
        let _ = setpriority_process(None, (now + by).min(LAST));
    }
}

/// Lowers the priority of the calling thread, where threads have one of their own.
#[cfg(not(target_os = "linux"))]
pub(crate) fn step_back(_: i32) {}

/// Lets whoever waits for this core go first. A priority alone does not see to that: what becomes ready while a thread computes often
/// waits for the system's next tick, some milliseconds. To be called a few times in a millisecond; it costs about a
/// microsecond.
pub(crate) fn give_way() {
    std::thread::yield_now();
}
