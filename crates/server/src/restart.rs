//! Replaces the running process by a fresh one of itself without giving up the listening socket.
//!
//! The kernel goes on accepting connections into the socket's queue while nobody serves it, so a client sees a slow
//! answer where it would otherwise be refused.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use listenfd::ListenFd;
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

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

/// The sockets that the process before this one handed over, if it did.
///
/// # Errors
///
/// Where the environment announces a socket that is none.
pub fn inherited_listeners() -> std::io::Result<Vec<std::net::TcpListener>> {
    let mut handed_over = ListenFd::from_env();
    let taken = (0..handed_over.len()).map(|at| handed_over.take_tcp_listener(at).transpose());
    taken.flatten().collect()
}

/// Executes this program again with the same arguments, `listeners` becoming its inherited sockets. Returns only on
/// failure.
///
/// The protocol is systemd's (`LISTEN_FDS` and `LISTEN_PID`, sd_listen_fds(3)) with listenfd's addition that
/// `LISTEN_FDS_FIRST_FD` says which descriptor is the first; the others follow it.
pub fn reexecute(listeners: &[&impl AsFd]) -> std::io::Error {
    let descriptors = match in_a_row(listeners) {
        Ok(descriptors) => descriptors,
        Err(error) => return error.into(),
    };
    let Some(first) = descriptors.first() else {
        return std::io::ErrorKind::InvalidInput.into();
    };
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
        .env("LISTEN_FDS", descriptors.len().to_string())
        .env("LISTEN_PID", std::process::id().to_string())
        .env("LISTEN_FDS_FIRST_FD", first.as_raw_fd().to_string())
        .exec()
}

/// Others of the same descriptors, with numbers that follow each other, which a new process is to find open.
fn in_a_row(listeners: &[&impl AsFd]) -> Result<Vec<OwnedFd>, Errno> {
    // The system gives the lowest that is free: somebody may have one in between.
    for lowest in (3..1024).step_by(16) {
        let mut row: Vec<OwnedFd> = Vec::new();
        for listener in listeners {
            let next = row.last().map_or(lowest, |last| last.as_raw_fd() + 1);
            row.push(fcntl_dupfd_cloexec(listener.as_fd(), next)?);
        }
        let follows = |pair: &[OwnedFd]| pair[1].as_raw_fd() == pair[0].as_raw_fd() + 1;
        if row.windows(2).all(follows) {
            for descriptor in &row {
                fcntl_setfd(descriptor, FdFlags::empty())?;
            }
            return Ok(row);
        }
    }
    Err(Errno::MFILE)
}
