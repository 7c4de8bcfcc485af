//! Ends requests that somebody waits for no more.

use std::sync::Arc;

use tokio::sync::watch;

/// Ends what a bucket is being asked for, and all that it is asked for later ([`crate::Bucket::interrupted_by`]).
/// Clones share it.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<watch::Sender<bool>>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Interrupt {
    /// Ends it. Does not wait; may be called from anywhere, more than once.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was fired.
    #[must_use]
    pub fn has_fired(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once it is fired.
    pub(crate) async fn fired(&self) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|fired| *fired).await;
    }
}
