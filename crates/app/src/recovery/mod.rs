//! One record back: looks into a backup without restoring it, and brings chosen records of it back, with their files.
//!
//! The backup's database is unpacked and open ([`crate::jobs::Looked`]). [`matching`] says which collection and field
//! of it is which now, [`list`] shows its records beside those of now, [`choice`] reads the chosen ones, and
//! [`recover`] brings them back; [`references`] finds who named them. `docs/design.md`, "One record back", says in which
//! order that is written.

mod choice;
mod export;
mod files;
mod list;
mod matching;
mod recover;
mod references;

use std::sync::Arc;

use bosbase_store::{Collection, Store};
use parking_lot::Mutex;

pub use choice::Choice;
pub use export::{Exported, ExportedJson, export_directory, export_json};
pub use list::State;
pub use recover::{RECOVER_STEPS, RecoverRequest, Recovered, RecoveredRecord};
pub use references::LostReference;

use crate::error::{Error, Result};
use crate::files::FileStore;
use crate::jobs::{Backups, Looked};
use crate::memory::Memory;
use crate::records::Records;
use crate::steps::StepHook;

/// Brings records out of backups back. Clones share it.
#[derive(Clone)]
pub struct Recovery {
    inner: Arc<Inner>,
}

/// What it needs.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) backups: Arc<Backups>,
    pub(crate) records: Records,
    pub(crate) files: FileStore,
    pub(crate) memory: Memory,
    pub(crate) steps: StepHook,
}

struct Inner {
    parts: Parts,
    /// One recovers at a time: what it reads is in memory.
    turn: Mutex<()>,
}

impl Recovery {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                turn: Mutex::new(()),
            }),
        }
    }

    fn parts(&self) -> &Parts {
        &self.inner.parts
    }
}

/// The collection of a backup with this name or id.
fn collection_of(looked: &Looked, name: &str) -> Result<Arc<Collection>> {
    let found = looked.store().schema().find(name).cloned();
    found.ok_or_else(|| {
        Error::new(
            crate::ErrorKind::NotFound,
            "There is no such collection in this backup.",
        )
    })
}
