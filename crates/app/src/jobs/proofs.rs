//! What is known of each backup: when it was last proven, and what the last proof found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bosbase_backup::BackupInfo;
use bosbase_disk::{Disk, read_all, write_atomically};
use serde::{Deserialize, Serialize};

use super::backups::Backups;
use super::engine::refuse;
use super::records::Records;
use crate::error::{Error, Result};
use crate::moment;

/// How many backups something is remembered of.
const REMEMBERED: usize = 10_000;
/// More than they can come to, in bytes.
const LONGEST: u64 = 32 << 20;
/// How much of an error is kept, in characters.
const LONGEST_ERROR: usize = 1_000;

/// How a proof ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what was written, and could be restored.
    Proven,
    /// It is not, and nobody should rely on it.
    Failed(String),
    /// It is what was written, and that was damaged: no reading of its bytes makes that good.
    Damaged(String),
    /// It could not be told; what was known before still holds.
    Unknown(String),
}

/// What is known of one backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    key: String,
    size: u64,
    /// Seconds since 1970; with the size it tells the backup from another of the same name.
    modified: i64,
    /// When it was last proven, `2023-05-19T16:25:57.542Z`; empty where it never was, or failed since.
    pub proven: String,
    /// When that was last tried.
    pub tried: String,
    /// What the last proof failed of; empty where it did not.
    pub error: String,
    /// The job that tried.
    pub job: String,
    /// What is wrong with the databases in it, found when it was made; empty where nothing is.
    #[serde(default)]
    damage: String,
}

impl Proof {
    /// Whether it was proven, and nothing was found wrong with it since.
    #[must_use]
    pub fn is_good(&self) -> bool {
        !self.proven.is_empty()
    }

    fn is_of(&self, backup: &BackupInfo) -> bool {
        self.key == backup.key.as_str() && self.size == backup.size && self.modified == backup.modified.as_second()
    }
}

/// A backup and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The backup.
    pub backup: BackupInfo,
    /// Nothing is known of one that was never proven.
    pub proof: Proof,
}

/// The file of proofs.
pub(super) struct Proofs {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    records: Records,
}

impl Proofs {
    pub(super) fn new(disk: Arc<dyn Disk>, state_dir: &Path) -> Self {
        Self {
            disk,
            path: state_dir.join("proofs.json"),
            records: Records::new(state_dir),
        }
    }

    /// All that is known. A file that can't be understood knows nothing: what is not known to be proven is not.
    fn read(&self) -> Result<Vec<Proof>> {
        use std::io::ErrorKind::{FileTooLarge, NotFound};
        match read_all(self.disk.as_ref(), &self.path, LONGEST) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if matches!(error.kind(), NotFound | FileTooLarge) => Ok(Vec::new()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    fn write(&self, proofs: &[Proof]) -> Result<()> {
        let bytes = serde_json::to_vec(proofs).map_err(Error::internal)?;
        write_atomically(self.disk.as_ref(), &self.path, &bytes).map_err(Error::internal)
    }

    /// Writes down how a proof of `backup` ended, durably, and forgets what is not in `list`; answers what is known of it now.
    fn record(&self, backup: &BackupInfo, list: &[BackupInfo], job: &str, verdict: Verdict) -> Result<Proof> {
        let _alone = self.records.change()?;
        let mut proofs = self.read()?;
        let before = proofs.iter().find(|proof| proof.is_of(backup)).cloned();
        proofs.retain(|proof| proof.key != backup.key.as_str() && list.iter().any(|listed| proof.is_of(listed)));
        let now = moment::wire_now();
        let before = before.unwrap_or_default();
        let short = |text: String| text.chars().take(LONGEST_ERROR).collect::<String>();
        let damage = match &verdict {
            Verdict::Damaged(damage) => short(damage.clone()),
            _ => before.damage,
        };
        let (proven, error) = match verdict {
            Verdict::Proven if damage.is_empty() => (now.clone(), String::new()),
            Verdict::Proven | Verdict::Damaged(_) => (String::new(), damage.clone()),
            Verdict::Failed(error) => (String::new(), error),
            Verdict::Unknown(error) => (before.proven, error),
        };
        let proof = Proof {
            key: backup.key.to_string(),
            size: backup.size,
            modified: backup.modified.as_second(),
            proven,
            tried: now,
            error: short(error),
            job: job.to_owned(),
            damage,
        };
        proofs.insert(0, proof.clone());
        proofs.truncate(REMEMBERED);
        self.write(&proofs)?;
        Ok(proof)
    }

    /// Forgets what is known of a name.
    fn forget(&self, key: &str) -> Result<()> {
        let _alone = self.records.change()?;
        let mut proofs = self.read()?;
        let before = proofs.len();
        proofs.retain(|proof| proof.key != key);
        if proofs.len() == before {
            return Ok(());
        }
        self.write(&proofs)
    }
}

impl Backups {
    /// All backups, newest first, with what is known of each.
    ///
    /// # Errors
    ///
    /// As [`Backups::list`], and where the record of proofs can't be read.
    pub fn listed(&self) -> Result<Vec<Listed>> {
        let backups = self.list()?;
        let known = self.proofs().read()?;
        let known: std::collections::HashMap<&str, &Proof> =
            known.iter().map(|proof| (proof.key.as_str(), proof)).collect();
        let with_proof = |backup: BackupInfo| {
            let proof = known.get(backup.key.as_str()).filter(|proof| proof.is_of(&backup));
            Listed {
                proof: proof.copied().cloned().unwrap_or_default(),
                backup,
            }
        };
        Ok(backups.into_iter().map(with_proof).collect())
    }

    /// How old the newest backup is that is known to be good, in seconds; nothing where there is none. Asks no storage.
    ///
    /// # Errors
    ///
    /// Where the record of proofs can't be read.
    pub fn newest_proven_age(&self) -> Result<Option<u64>> {
        let known = self.proofs().read()?;
        let newest = known
            .iter()
            .filter(|proof| proof.is_good())
            .map(|proof| proof.modified)
            .max();
        let age = |at: i64| u64::try_from(jiff::Timestamp::now().as_second() - at).unwrap_or_default();
        Ok(newest.map(age))
    }

    /// Writes down how a proof of the backup that is `size` bytes long ended, and answers what is known of it now; nothing where
    /// it is not there any more.
    pub(super) fn record_proof(&self, key: &str, size: u64, job: &str, verdict: Verdict) -> Result<Option<Proof>> {
        // What the list says of it is what it is known by afterwards.
        let list = self.storage()?.list().map_err(refuse)?;
        let Some(backup) = list.iter().find(|one| one.key.as_str() == key && one.size == size) else {
            return Ok(None);
        };
        self.proofs().record(backup, &list, job, verdict).map(Some)
    }

    /// Forgets what is known of a backup that is no more.
    pub(super) fn forget_proof(&self, key: &str) {
        if let Err(error) = self.proofs().forget(key) {
            tracing::warn!(
                error = error.with_causes(),
                key,
                "the record of proofs could not be changed"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use bosbase_backup::BackupKey;
    use bosbase_disk::RealDisk;
    use jiff::Timestamp;

    use super::*;

    fn backup(name: &str, size: u64, second: i64) -> BackupInfo {
        BackupInfo {
            key: BackupKey::existing(name).unwrap(),
            size,
            modified: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn what_could_not_be_told_leaves_an_earlier_proof_and_a_failure_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        let proofs = Proofs::new(Arc::new(RealDisk), dir.path());
        let a = backup("a.zip", 1, 1);
        let list = [a.clone()];
        proofs.record(&a, &list, "1", Verdict::Proven).unwrap();
        let proven = proofs.read().unwrap()[0].proven.clone();
        assert!(!proven.is_empty());
        proofs
            .record(&a, &list, "2", Verdict::Unknown("offline".to_owned()))
            .unwrap();
        let known = proofs.read().unwrap();
        assert_eq!(
            (known[0].proven.clone(), known[0].error.as_str(), known.len()),
            (proven, "offline", 1)
        );
        proofs
            .record(&a, &list, "3", Verdict::Failed("bad".to_owned()))
            .unwrap();
        proofs
            .record(&a, &list, "4", Verdict::Unknown("offline".to_owned()))
            .unwrap();
        assert_eq!(proofs.read().unwrap()[0].proven, "", "not proven by being out of reach");
    }

    #[test]
    fn no_reading_of_its_bytes_makes_a_damaged_backup_good() {
        // A backup of a damaged database was whole to every verification after, and so counted as proven again.
        let dir = tempfile::tempdir().unwrap();
        let proofs = Proofs::new(Arc::new(RealDisk), dir.path());
        let a = backup("a.zip", 1, 1);
        let list = [a.clone()];
        let damaged = Verdict::Damaged("data.db is damaged".to_owned());
        assert!(!proofs.record(&a, &list, "1", damaged).unwrap().is_good());
        let unknown = Verdict::Unknown("offline".to_owned());
        assert!(!proofs.record(&a, &list, "2", unknown).unwrap().is_good());
        let known = proofs.record(&a, &list, "3", Verdict::Proven).unwrap();
        assert_eq!((known.is_good(), known.error.as_str()), (false, "data.db is damaged"));
        let other = backup("a.zip", 1, 2);
        assert!(
            proofs
                .record(&other, std::slice::from_ref(&other), "4", Verdict::Proven)
                .unwrap()
                .is_good()
        );
    }

    #[test]
    fn another_backup_of_the_same_name_inherits_nothing_and_vanished_ones_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let proofs = Proofs::new(Arc::new(RealDisk), dir.path());
        let (a, b) = (backup("a.zip", 1, 1), backup("b.zip", 1, 1));
        proofs
            .record(&a, &[a.clone(), b.clone()], "1", Verdict::Proven)
            .unwrap();
        let other = backup("a.zip", 1, 2);
        assert!(!proofs.read().unwrap()[0].is_of(&other));
        proofs.record(&b, &[other, b.clone()], "2", Verdict::Proven).unwrap();
        let known = proofs.read().unwrap();
        assert_eq!(known.len(), 1);
        assert!(known[0].is_of(&b));
        proofs.forget("b.zip").unwrap();
        assert!(proofs.read().unwrap().is_empty());
    }
}
