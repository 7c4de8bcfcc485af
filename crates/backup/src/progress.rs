//! How long work tells how far it is, is asked to stop, and is killed by a test.

use crate::error::{Error, ErrorKind, Result};

/// Who watches a long operation. Called from the thread that does the work, about once per 64 KiB to 1 MiB.
pub trait Progress: Sync {
    /// How many bytes there are to do; may be told again when it is known better.
    fn total(&self, bytes: u64);
    /// So many more bytes are done.
    fn advance(&self, bytes: u64);
    /// `true` when the work should stop; it then ends with [`ErrorKind::Cancelled`] and leaves nothing behind.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Counts and asks in one go.
pub(crate) fn advance(progress: &dyn Progress, bytes: u64) -> Result<()> {
    progress.advance(bytes);
    if progress.cancelled() {
        return Err(cancelled());
    }
    Ok(())
}

/// What work says that somebody wanted to stop.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the work was cancelled")
}

/// A hook at every step of the crash table in `docs/design.md`, so that a test can kill the process right there.
pub trait Steps: Send + Sync {
    /// The step was just taken.
    fn reached(&self, step: &'static str);
}

/// No hook.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSteps;

impl Steps for NoSteps {
    fn reached(&self, _: &'static str) {}
}
