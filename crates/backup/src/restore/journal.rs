//! The journal: what a restore has decided and how far it is, in one small file that is replaced atomically.

use bosbase_disk::Disk;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Site;
use super::kind::RestoreKind;
use super::places::Place;
use crate::data_dir::DataDir;
use crate::error::{Context as _, Error, ErrorKind, Result};

const VERSION: u32 = 1;

/// How far a restore is. Each phase is durable before the first step of the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The archive is being unpacked; the data is untouched and stays.
    Staging,
    /// All is unpacked, proven and durable: the commit point. Old things move out, from here on.
    Staged,
    /// All old things are out. New things move in.
    MovedOut,
    /// All new things are in; nobody has said yet that they can be opened.
    Switched,
    /// Given up: what stands in the data directory moves back out.
    RemovingNew,
    /// Given up, and the data directory holds nothing new: old things move back in.
    RestoringOld,
}

/// The journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    version: u32,
    pub id: String,
    pub kind: RestoreKind,
    pub key: String,
    pub started: Timestamp,
    pub phase: Phase,
    /// How many starts have been given the new data to open.
    pub boots: u32,
    /// Why it was given up.
    pub error: Option<String>,
    pub places: Vec<Place>,
}

/// Whether a restore waits to be finished by the next start.
///
/// # Errors
/// [`ErrorKind::Io`] if that cannot be seen.
pub fn is_pending(disk: &dyn Disk, data_dir: &DataDir) -> Result<bool> {
    let path = data_dir.state().restore_journal();
    disk.exists(&path).context(|| format!("looking for {}", path.display()))
}

impl Journal {
    pub(super) fn new(id: String, kind: RestoreKind, key: String, started: Timestamp, places: Vec<Place>) -> Self {
        Self {
            version: VERSION,
            id,
            kind,
            key,
            started,
            phase: Phase::Staging,
            boots: 0,
            error: None,
            places,
        }
    }

    /// Reads the journal, `None` if no restore is under way.
    pub(super) fn read(site: &Site<'_>) -> Result<Option<Self>> {
        let journal: Option<Self> = site.read_json(&site.state().restore_journal())?;
        match journal {
            Some(journal) if journal.version > VERSION => Err(Error::new(
                ErrorKind::Unsupported,
                "a newer version of this program is in the middle of a restore here; let it finish",
            )),
            other => Ok(other),
        }
    }

    /// Makes it durable.
    pub(super) fn write(&self, site: &Site<'_>) -> Result<()> {
        site.write_json(&site.state().restore_journal(), self)
    }

    /// Enters a phase; in memory only once it is durable.
    pub(super) fn enter(&mut self, site: &Site<'_>, phase: Phase) -> Result<()> {
        let next = Self { phase, ..self.clone() };
        next.write(site)?;
        *self = next;
        Ok(())
    }

    /// Ends the restore.
    pub(super) fn remove(site: &Site<'_>) -> Result<()> {
        site.remove(&site.state().restore_journal())
    }
}
