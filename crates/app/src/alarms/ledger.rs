//! What is known of alarms, in a file: what was dealt with, what is not well, what is still to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use bosbase_backup::StateDir;
use bosbase_disk::{Disk, read_all, write_atomically};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::event::{Event, Happened};
use crate::error::{Error, Result};

/// More than it comes to, in bytes.
const LONGEST: u64 = 4 << 20;
/// How many jobs are known to have been dealt with; more than the history remembers.
const SEEN: usize = 200;
/// How many alarms wait at most. What came first goes: who gets none of a hundred needs none of the rest.
const WAITING: usize = 100;

/// An event that is still to be told on one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// What is to be told.
    pub event: Event,
    /// On which way.
    pub channel: Channel,
    /// Who has got it already, where each recipient is told alone.
    #[serde(default)]
    pub arrived: Vec<String>,
    /// With whom it did not arrive, the last of them last.
    #[serde(default)]
    pub refused: Vec<String>,
    /// How often it was tried; an attempt that is under way counts.
    #[serde(default)]
    pub attempts: u32,
    /// When it was first to be told, in seconds since 1970.
    pub since: i64,
    /// When it is tried next, likewise.
    pub next: i64,
    /// Of something that goes well again: whether it is to be told only if it is told yet that it did not, which waits
    /// as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_told: bool,
}

impl Waiting {
    /// Whether it tells on `channel` that `cause` is not well.
    fn is_failure(&self, cause: &str, channel: Channel) -> bool {
        self.channel == channel && self.event.event == Happened::Failed && self.event.cause == cause
    }
}

/// Something that is not well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// When it was told, of late, in seconds since 1970.
    pub told: Vec<i64>,
    /// What went wrong last.
    pub error: String,
    /// On which ways that arrived. An earlier version did not note it, and told it on all.
    #[serde(default = "everywhere")]
    pub reached: BTreeSet<Channel>,
    /// The job that failed last; empty where it is about none, and where an earlier version wrote it.
    pub job: String,
    /// The backups that a scrub failed of, as far as they are still there, or the one that could not be restored; empty
    /// where it is about other things.
    pub backups: Vec<String>,
}

fn everywhere() -> BTreeSet<Channel> {
    Channel::ALL.into()
}

/// What was promised about scheduled backups when it was last looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Promise {
    /// `settings.backups.cron`
    pub cron: String,
    /// Since when it is like that.
    pub since: Timestamp,
}

/// What is known of alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Ledger {
    /// The jobs that were dealt with, newest first.
    pub seen: Vec<String>,
    /// What is not well, by cause.
    pub troubles: BTreeMap<String, Trouble>,
    /// What is still to be told, in the order in which it came up.
    pub waiting: Vec<Waiting>,
    /// What was promised about scheduled backups.
    pub promise: Option<Promise>,
    /// The last restore of whose settings was told what they lack; empty where there was none, nothing where an earlier
    /// version wrote it.
    pub restored: Option<String>,
    /// The ways that it took away.
    pub lost: BTreeSet<Channel>,
    /// What nobody was told since the settings named no way at all, in a line; empty once an alarm arrived.
    pub untold: String,
    /// When an alarm last arrived, `2023-05-19T16:25:57.542Z`.
    pub last_sent: String,
    /// Why the last one on a way did not arrive; what arrives there takes it away.
    pub errors: BTreeMap<Channel, String>,
}

impl Ledger {
    /// Whether the job was not dealt with before; it is from here on.
    pub fn is_new(&mut self, job: &str) -> bool {
        if self.seen.iter().any(|known| known == job) {
            return false;
        }
        self.seen.insert(0, job.to_owned());
        self.seen.truncate(SEEN);
        true
    }

    /// Puts `event` on its ways; what goes well again only on those on which it was told, or may yet be, that it did
    /// not. Answers how many alarms had to make room.
    pub fn tell(&mut self, event: &Event, now: Timestamp) -> usize {
        for channel in Channel::ALL {
            let is_end = event.event == Happened::Recovered;
            let if_told = is_end && !event.reached.contains(&channel);
            if if_told && !self.is_failure_waiting(&event.cause, channel) {
                continue;
            }
            self.waiting.push(Waiting {
                event: event.clone(),
                channel,
                arrived: Vec::new(),
                refused: Vec::new(),
                attempts: 0,
                since: now.as_second(),
                next: now.as_second(),
                if_told,
            });
        }
        let too_many = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..too_many);
        too_many
    }

    fn is_failure_waiting(&self, cause: &str, channel: Channel) -> bool {
        self.waiting.iter().any(|other| other.is_failure(cause, channel))
    }

    /// Whether `waiting` is the end of something that is not told yet on its way.
    pub fn is_held_up(&self, waiting: &Waiting) -> bool {
        waiting.event.event == Happened::Recovered && self.is_failure_waiting(&waiting.event.cause, waiting.channel)
    }

    /// Takes note that `ended`, which was taken out of what waits, `arrived` on its way, or never will there.
    pub fn ended(&mut self, ended: &Waiting, arrived: bool) {
        let (cause, channel) = (ended.event.cause.as_str(), ended.channel);
        if !ended.is_failure(cause, channel) {
            return;
        }
        if arrived && let Some(trouble) = self.troubles.get_mut(cause) {
            trouble.reached.insert(channel);
        }
        let is_waiting = self.is_failure_waiting(cause, channel);
        let is_its_end = |other: &Waiting| other.if_told && other.channel == channel && other.event.cause == cause;
        if arrived {
            let ends = self.waiting.iter_mut().filter(|other| is_its_end(other));
            ends.for_each(|end| end.if_told = false);
        } else if !is_waiting {
            self.waiting.retain(|other| !is_its_end(other));
        }
    }
}

/// The file.
pub struct LedgerFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl LedgerFile {
    /// The one in `state_dir`, of the one process that serves the data directory.
    pub fn new(disk: Arc<dyn Disk>, state_dir: &StateDir) -> Self {
        Self {
            disk,
            path: state_dir.alarms(),
        }
    }

    /// What it holds; nothing where there is none. One that can't be read or understood holds nothing: what ended
    /// before may be told once more, which is better than never.
    pub fn read(&self) -> Option<Ledger> {
        let text = match read_all(self.disk.as_ref(), &self.path, LONGEST) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            read => read.map_err(|error| error.to_string()),
        };
        let read = text.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
        match read {
            Ok(ledger) => Some(ledger),
            Err(error) => {
                tracing::error!(
                    error,
                    "what was known of alarms can't be read and is begun anew: what waited is lost, failures may be told once more"
                );
                Some(Ledger::default())
            }
        }
    }

    /// Replaces what it holds, durably.
    ///
    /// # Errors
    ///
    /// Where it can't be written.
    pub fn write(&self, ledger: &Ledger) -> Result<()> {
        let bytes = serde_json::to_vec(ledger).map_err(Error::internal)?;
        write_atomically(self.disk.as_ref(), &self.path, &bytes).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    /// It was taken for the first start, and every failure in the history for one that was dealt with.
    #[test]
    fn only_where_there_is_no_ledger_there_never_was_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = LedgerFile::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
        assert_eq!(file.read(), None);
        write_atomically(&RealDisk, &file.path, b"{\"seen\": [").unwrap();
        assert_eq!(file.read(), Some(Ledger::default()));
        let mut ledger = Ledger::default();
        assert!(ledger.is_new("a job"));
        file.write(&ledger).unwrap();
        assert_eq!(file.read(), Some(ledger));
    }
}
