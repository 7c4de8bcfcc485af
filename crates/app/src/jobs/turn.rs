//! One at a time, and nobody waits without end.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::error::{Error, ErrorKind, Result};

/// How long one waits for those before.
const PATIENCE: Duration = if cfg!(test) {
    Duration::from_millis(50)
} else {
    Duration::from_secs(10)
};

/// What only one may do at a time, since it keeps a disk busy.
#[derive(Default)]
pub(super) struct Turn<T>(Mutex<T>);

impl<T> Turn<T> {
    /// Waits for those before, for ten seconds at the most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] where they take longer.
    pub(super) fn take(&self) -> Result<MutexGuard<'_, T>> {
        self.0.try_lock_for(PATIENCE).ok_or_else(|| {
            let text = "The data is being counted for somebody else. Try again in a moment.";
            Error::new(ErrorKind::Unavailable, text)
        })
    }
}
