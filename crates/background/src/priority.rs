//! Priorities of threads.

/// Added to the "nice" value of the process for whoever compresses and unpacks: who serves requests comes first, and what they leave is used.
pub const WORKER: i32 = 10;
/// For what nobody waits for yet: the lowest priority there is.
pub const LAST: i32 = 19;

/// Lowers the priority of the calling thread to `by` steps below the process's first thread, where threads have one of their own; never
/// raises it. Not below the caller's own: threads inherit that, and steps would add up to the lowest there is.
#[cfg(target_os = "linux")]
pub fn step_back(by: i32) {
    use rustix::process::{getpid, getpriority_process, setpriority_process};
    // On Linux a "process" is a thread: 0 the calling one, the process's id its first (setpriority(2), "C library/kernel
    // differences"). Where this is not allowed the work is done all the same.
    if let (Ok(first), Ok(now)) = (getpriority_process(Some(getpid())), getpriority_process(None)) {
        let _ = setpriority_process(None, now.max((first + by).min(LAST)));
    }
}

/// Lowers the priority of the calling thread, where threads have one of their own.
#[cfg(not(target_os = "linux"))]
pub fn step_back(_: i32) {}
