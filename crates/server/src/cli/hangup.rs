//! SIGHUP: a terminal that was closed ends the server in order, unless the server was started to outlive it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens to SIGHUP, where that is not ignored.
pub struct Hangup(Option<Signal>);

impl Hangup {
    /// Listens from now on. To be called in the runtime.
    ///
    /// # Errors
    ///
    /// Where no handler can be set.
    pub fn listen() -> io::Result<Self> {
        // A handler would take back what `nohup` has set.
        if is_ignored() {
            return Ok(Self(None));
        }
        signal(SignalKind::hangup()).map(|signal| Self(Some(signal)))
    }

    /// Resolves at a SIGHUP; never where it is ignored.
    pub async fn heard(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// Whether SIGHUP was ignored when the process began: bit 0 of `SigIgn` is signal 1 (proc(5)).
#[allow(clippy::disallowed_methods, reason = "this is no file on a disk")]
fn is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
