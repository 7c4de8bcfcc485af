//! What clients are told, made once for all who are told the same, and counted as long as anybody has yet to hear it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of all that waits to be heard by anybody.
#[derive(Debug, Clone, Default)]
pub(super) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// JSON on one line.
pub struct Payload {
    text: Box<str>,
    alive: Alive,
}

impl Payload {
    pub(super) fn new(text: String, alive: &Alive) -> Arc<Self> {
        alive.0.fetch_add(text.len(), Ordering::Relaxed);
        Arc::new(Self {
            text: text.into(),
            alive: alive.clone(),
        })
    }

    /// What only one client is told.
    #[must_use]
    pub fn uncounted(text: String) -> Arc<Self> {
        Self::new(text, &Alive::default())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.alive.0.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

impl Deref for Payload {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}
