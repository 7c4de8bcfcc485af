//! Priorities of threads.

use std::{io, panic, thread};

/// Added to the "nice" value of the process for threads that compress and unpack: those that serve requests come first,
/// and what they leave is used.
pub const WORKER: i32 = 10;
/// For what nobody waits for yet: the lowest priority there is.
pub const LAST: i32 = 19;

/// Does `work` on a thread called `name` that has stepped back by `by`, and waits for it. The calling thread keeps its
/// priority, which it could not have back: it may go on to hold what others wait for.
///
/// # Errors
/// When no thread can be started.
pub fn behind<T: Send>(name: &str, by: i32, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, || {
            step_back(by);
            work()
        })?;
        Ok(thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
    })
}

/// Lowers the priority of the calling thread to `by` steps below the process's first thread, which itself never steps
/// back, where threads have one of their own; never raises it. Not below the caller's own: threads inherit that, and
/// steps would add up to the lowest there is.
#[cfg(target_os = "linux")]
pub fn step_back(by: i32) {
    use rustix::process::{getpid, getpriority_process, setpriority_process};
    // On Linux a "process" is a thread: 0 the calling one, the process's id its first (setpriority(2), "C
    // library/kernel differences"). Where this is not allowed the work is done all the same.
    if let (Ok(first), Ok(now)) = (getpriority_process(Some(getpid())), getpriority_process(None)) {
        let _ = setpriority_process(None, now.max((first + by).min(LAST)));
    }
}

/// Lowers the priority of the calling thread, where threads have one of their own.
#[cfg(not(target_os = "linux"))]
pub fn step_back(_: i32) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn what_is_done_behind_is_waited_for_and_leaves_the_caller_its_priority() {
        let own = || getpriority_process(None).unwrap();
        let before = own();
        assert_eq!(behind("test", WORKER, own).unwrap(), (before + WORKER).min(LAST));
        assert_eq!(own(), before);
    }

    #[test]
    fn a_panic_comes_through() {
        let caught = panic::catch_unwind(|| behind("test", WORKER, || panic!("on purpose")));
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "on purpose");
    }
}
