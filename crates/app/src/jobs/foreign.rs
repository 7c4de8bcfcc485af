//! Backups that other data directories made.

/// Scheduled backups of other data directories, as the status endpoint shows them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Foreign {
    /// How many there are.
    pub count: usize,
    /// The newest of them.
    pub newest: String,
    /// What that means, and what to do.
    pub help: &'static str,
}
