//! What a restore puts in place.

use serde::{Deserialize, Serialize};

/// What was put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreKind {
    /// A backup.
    Restore,
    /// The data that an earlier restore had replaced.
    Undo,
}
