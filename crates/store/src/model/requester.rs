//! For whom something is read: whose turn it is, and whether anybody still waits for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A client that waits for an answer. Its own reads take turns with those of others.
#[derive(Debug, Clone, Default)]
pub struct Requester {
    /// What tells it from others; empty where that is not known.
    pub client: String,
    /// Whether it still waits.
    pub gone: Gone,
}

/// Set when nobody waits for an answer any more; what is read for it then ends. Clones share it.
#[derive(Clone, Default)]
pub struct Gone(Arc<AtomicBool>);

impl Gone {
    /// Says that nobody waits any more.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether nobody does.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gone({})", self.is_set())
    }
}

/// Counts the bytes of the records that a transaction reads.
pub trait Meter {
    /// Adds the bytes of one more; `false` ends the reading with [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    /// It may block.
    fn add(&self, bytes: usize) -> bool;
}
