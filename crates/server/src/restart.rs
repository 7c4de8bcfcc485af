//! Replaces the running process by a fresh one of itself without giving up the listening socket.
//!
//! The kernel goes on accepting connections into the socket's queue while nobody serves it, so a client sees a slow
//! answer where it would otherwise be refused.

use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use listenfd::ListenFd;
use rustix::io::{FdFlags, fcntl_setfd};

/// The socket that the process before this one handed over, if it did.
///
/// # Errors
///
/// Where the environment announces a socket that is none.
pub fn inherited_listener() -> std::io::Result<Option<std::net::TcpListener>> {
    ListenFd::from_env().take_tcp_listener(0)
}

/// Executes this program again with the same arguments, `listener` becoming its inherited socket. Returns only on failure.
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
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", std::process::id().to_string())
        .env("LISTEN_FDS_FIRST_FD", descriptor.as_raw_fd().to_string())
        .exec()
}
