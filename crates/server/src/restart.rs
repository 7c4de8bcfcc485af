//! Replaces the running process by a fresh one of itself without giving up the listening socket.
//!
//! The kernel goes on accepting connections into the socket's queue while nobody serves it, so a client sees a slow
//! answer where it would otherwise be refused.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use listenfd::ListenFd;
use rustix::io::{FdFlags, fcntl_setfd};

/// Names the process that executed itself again: its id stays.
const RESTARTED: &str = "BOSBASE_RESTARTED";

/// Whether this process is one that executed itself again, and was not started by a person or a service manager.
pub fn is_restart() -> bool {
    std::env::var(RESTARTED).is_ok_and(|id| id == std::process::id().to_string())
}

/// Gives a process that executed itself again the name that it had, where tools such as `ps` and `killall` look for it:
/// the kernel calls it after the link that it was executed by.
pub fn keep_name() {
    if !is_restart() {
        return;
    }
    let program = std::env::args_os().next().map(PathBuf::from);
    let name = program.as_deref().and_then(Path::file_name).map(OsStr::as_bytes);
    // A longer one is cut by the kernel. A name is no reason to fail.
    if let Some(name) = name.and_then(|name| CString::new(name).ok()) {
        let _ = rustix::thread::set_name(&name);
    }
}

/// The socket that the process before this one handed over, if it did.
///
/// # Errors
///
/// Where the environment announces a socket that is none.
pub fn inherited_listener() -> std::io::Result<Option<std::net::TcpListener>> {
    ListenFd::from_env().take_tcp_listener(0)
}

/// Executes this program again with the same arguments, `listener` becoming its inherited socket. Returns only on
/// failure.
///
/// The protocol is systemd's (`LISTEN_FDS` and `LISTEN_PID`, sd_listen_fds(3)) with listenfd's addition that
/// `LISTEN_FDS_FIRST_FD` says which descriptor it is.
pub fn reexecute(listener: &impl AsFd) -> std::io::Error {
    let descriptor = listener.as_fd();
    // The one descriptor that the new process is to find open.
    if let Err(error) = fcntl_setfd(descriptor, FdFlags::empty()) {
        return error.into();
    }
    let mut arguments = std::env::args_os();
    let program = arguments.next();
    // The link stays good when the file was replaced by an upgrade or removed.
    let mut command = Command::new("/proc/self/exe");
    if let Some(program) = program {
        command.arg0(program);
    }
    command
        .args(arguments)
        .env(RESTARTED, std::process::id().to_string())
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", std::process::id().to_string())
        .env("LISTEN_FDS_FIRST_FD", descriptor.as_raw_fd().to_string())
        .exec()
}
