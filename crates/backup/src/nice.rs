//! The priority of threads that work behind the API's back.

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
