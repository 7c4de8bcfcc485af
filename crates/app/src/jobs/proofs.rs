//! What is known of each backup: when it was last proven, and what the last proof found.

use std::path::PathBuf;
use std::sync::Arc;

use bosbase_backup::retention::ProofState;
use bosbase_backup::{BackupInfo, Depth, Identity, StateDir};
use bosbase_disk::{Disk, read_all, write_atomically};
use serde::{Deserialize, Serialize};

use super::state_locks::Records;
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
    /// It is what was written, and could be restored, as far as a proof of this depth tells.
    Proven {
        depth: Depth,
        /// How many files it lacks that records name; nothing where its databases were not opened.
        missing: Option<u64>,
    },
    /// It is not, and nobody should rely on it.
    Failed(String),
    /// It is what was written, and that was damaged: no reading of its bytes makes that good.
    Damaged(String),
    /// It could not be read. What was known before is kept, and not relied on until it is.
    Unknown(String),
}

/// What is known of one backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    pub(super) key: String,
    size: u64,
    /// Seconds since 1970; with the size it tells the backup from another of the same name, where there is no `etag`.
    modified: i64,
    /// Of what was read; empty where it is not known, as it was to earlier versions.
    #[serde(default)]
    etag: String,
    /// The storage it lies in; empty where it is not known, as it was to earlier versions.
    #[serde(default)]
    place: String,
    /// When it was last proven, `2023-05-19T16:25:57.542Z`; empty where it never was, or failed since.
    pub proven: String,
    /// When that was last tried.
    pub tried: String,
    /// What the last proof failed of; empty where it did not.
    pub error: String,
    /// The job that tried.
    pub job: String,
    /// How deep it went when it was last proven; not known of what earlier versions proved.
    #[serde(default)]
    depth: Option<Depth>,
    /// What is wrong with the databases in it, found when it was made; empty where nothing is.
    #[serde(default)]
    damage: String,
    /// How many files it lacks that its records name, found when it was made or its databases were opened; nothing
    /// where that is not known.
    #[serde(default)]
    pub missing: Option<u64>,
}

impl Proof {
    /// How deep it went when it was last proven: `bytes`, `databases`, or empty where it is not proven.
    #[must_use]
    pub fn depth(&self) -> &'static str {
        match self.depth {
            _ if self.proven.is_empty() => "",
            Some(Depth::Databases) => "databases",
            Some(Depth::Bytes) | None => "bytes",
        }
    }

    /// Whether it was proven when that was last tried: one that could not even be read is none to rely on.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.proof_state() == ProofState::Proven
    }

    /// What it is worth to retention.
    pub(super) fn proof_state(&self) -> ProofState {
        match (self.proven.is_empty(), self.error.is_empty()) {
            (true, _) => ProofState::Unproven,
            (false, false) => ProofState::Unreadable,
            (false, true) => ProofState::Proven,
        }
    }

    pub(super) fn is_of(&self, place: &str, key: &str, which: &Identity) -> bool {
        let own = Identity {
            size: self.size,
            modified: self.modified,
            etag: self.etag.clone(),
        };
        self.is_in(place) && self.key == key && own.is(which)
    }

    /// Whether `job` came by it, of the backup `key` in `place`.
    pub(super) fn is_by(&self, job: &str, place: &str, key: &str) -> bool {
        self.job == job && self.is_in(place) && self.key == key
    }

    /// The same of a backup in `place`, which others may call otherwise.
    pub(super) fn in_place(self, place: &str) -> Self {
        Self {
            place: place.to_owned(),
            ..self
        }
    }

    /// The storage it lies in; empty where that is not known.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    #[cfg(test)]
    pub(super) fn named(place: &str, key: &str) -> Self {
        Self {
            place: place.to_owned(),
            key: key.to_owned(),
            ..Self::default()
        }
    }

    fn is_in(&self, place: &str) -> bool {
        self.place.is_empty() || self.place == place
    }
}

/// The file of proofs.
pub(super) struct Proofs {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    records: Records,
}

impl Proofs {
    /// When the backups in `place` were made that are known to be good and count, by their names, in seconds since
    /// 1970.
    ///
    /// # Errors
    ///
    /// Where they can't be read.
    pub(super) fn times_of_good(&self, place: &str, counts: impl Fn(&str) -> bool) -> Result<Vec<i64>> {
        let known = self.read()?;
        let good = known
            .iter()
            .filter(|proof| proof.is_good() && proof.is_in(place) && counts(&proof.key));
        Ok(good.map(|proof| proof.modified).collect())
    }

    pub(super) fn new(disk: Arc<dyn Disk>, state_dir: &StateDir) -> Self {
        Self {
            disk,
            path: state_dir.proofs(),
            records: Records::new(state_dir),
        }
    }

    /// All that is known. A file that can't be understood knows nothing: a backup that is not known to be proven is
    /// not.
    pub(super) fn read(&self) -> Result<Vec<Proof>> {
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

    /// Writes down how a proof of the backup `key` in `place` ended, durably, and forgets what is not in `list`, which
    /// is all that lies there; answers what is known of it now.
    pub(super) fn record(
        &self,
        place: &str,
        (key, which): (&str, &Identity),
        list: &[BackupInfo],
        job: &str,
        verdict: Verdict,
    ) -> Result<Proof> {
        let _alone = self.records.change()?;
        let mut proofs = self.read()?;
        let before = proofs.iter().find(|proof| proof.is_of(place, key, which)).cloned();
        let is_listed = |proof: &Proof| {
            let of = |backup: &BackupInfo| proof.is_of(place, backup.key.as_str(), &backup.into());
            list.iter().any(of)
        };
        proofs.retain(|proof| !proof.is_in(place) || (proof.key != key && is_listed(proof)));
        let now = moment::wire_now();
        let before = before.unwrap_or_default();
        let short = |text: String| text.chars().take(LONGEST_ERROR).collect::<String>();
        let damage = match &verdict {
            Verdict::Damaged(damage) => short(damage.clone()),
            // They were opened themselves, and are whole: the damage was where they were unpacked then.
            Verdict::Proven {
                depth: Depth::Databases,
                ..
            } => String::new(),
            _ => before.damage,
        };
        // These are the same bytes: what they were found to lack they lack.
        let missing = match &verdict {
            Verdict::Proven { missing, .. } => missing.or(before.missing),
            _ => before.missing,
        };
        let (proven, error, depth) = match verdict {
            Verdict::Proven { depth, .. } if damage.is_empty() => (now.clone(), String::new(), Some(depth)),
            Verdict::Proven { .. } | Verdict::Damaged(_) => (String::new(), damage.clone(), None),
            Verdict::Failed(error) => (String::new(), error, None),
            Verdict::Unknown(error) => (before.proven, error, before.depth),
        };
        let proof = Proof {
            key: key.to_owned(),
            size: which.size,
            modified: which.modified,
            etag: which.etag.clone(),
            place: place.to_owned(),
            proven,
            tried: now,
            error: short(error),
            job: job.to_owned(),
            depth,
            damage,
            missing,
        };
        proofs.insert(0, proof.clone());
        proofs.truncate(REMEMBERED);
        self.write(&proofs)?;
        Ok(proof)
    }

    /// Forgets what is known of a name in `place`.
    pub(super) fn forget(&self, place: &str, key: &str) -> Result<()> {
        let _alone = self.records.change()?;
        let mut proofs = self.read()?;
        let before = proofs.len();
        proofs.retain(|proof| !proof.is_in(place) || proof.key != key);
        if proofs.len() == before {
            return Ok(());
        }
        self.write(&proofs)
    }
}

#[cfg(test)]
mod tests {
    use bosbase_backup::BackupKey;
    use bosbase_disk::RealDisk;
    use jiff::Timestamp;

    use super::*;

    const HERE: &str = "local";

    fn backup(name: &str, size: u64, second: i64, etag: &str) -> BackupInfo {
        BackupInfo {
            key: BackupKey::existing(name).unwrap(),
            size,
            modified: Timestamp::from_second(second).unwrap(),
            etag: etag.to_owned(),
        }
    }

    fn proven(depth: Depth) -> Verdict {
        let missing = (depth == Depth::Databases).then_some(0);
        Verdict::Proven { depth, missing }
    }

    struct House {
        dir: tempfile::TempDir,
        proofs: Proofs,
    }

    impl House {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let proofs = Proofs::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
            Self { dir, proofs }
        }

        fn record(&self, place: &str, backup: &BackupInfo, list: &[BackupInfo], verdict: Verdict) -> Proof {
            let about = (backup.key.as_str(), &Identity::from(backup));
            self.proofs.record(place, about, list, "job", verdict).unwrap()
        }

        fn known(&self) -> Vec<Proof> {
            self.proofs.read().unwrap()
        }

        fn is_proven(&self, place: &str, backup: &BackupInfo) -> bool {
            let of = |proof: &Proof| proof.is_good() && proof.is_of(place, backup.key.as_str(), &backup.into());
            self.known().iter().any(of)
        }
    }

    #[test]
    fn what_could_not_be_told_leaves_an_earlier_proof_and_a_failure_ends_it() {
        let house = House::new();
        let a = backup("a.zip", 1, 1, "a");
        let list = [a.clone()];
        let first = house.record(HERE, &a, &list, proven(Depth::Bytes)).proven;
        assert!(!first.is_empty());
        let unknown = || Verdict::Unknown("offline".to_owned());
        house.record(HERE, &a, &list, unknown());
        let known = house.known();
        assert_eq!(
            (known[0].proven.clone(), known[0].error.as_str(), known.len()),
            (first, "offline", 1)
        );
        house.record(HERE, &a, &list, Verdict::Failed("bad".to_owned()));
        house.record(HERE, &a, &list, unknown());
        assert_eq!(house.known()[0].proven, "", "not proven by being out of reach");
    }

    /// It counted as good for ever, to retention and to the age that alarms go by.
    #[test]
    fn what_could_not_be_read_when_last_tried_is_none_to_rely_on_until_it_is_read() {
        let house = House::new();
        let a = backup("a.zip", 1, 1, "a");
        let list = [a.clone()];
        house.record(HERE, &a, &list, proven(Depth::Databases));
        let known = house.record(HERE, &a, &list, Verdict::Unknown("bad sector".to_owned()));
        assert_eq!((known.is_good(), known.proof_state()), (false, ProofState::Unreadable));
        assert_eq!(
            (known.proven.is_empty(), known.depth()),
            (false, "databases"),
            "it tells what was"
        );
        let known = house.record(HERE, &a, &list, proven(Depth::Bytes));
        assert_eq!((known.is_good(), known.proof_state()), (true, ProofState::Proven));
    }

    #[test]
    fn what_a_backup_lacks_is_known_of_it_until_its_databases_are_opened_again() {
        let house = House::new();
        let a = backup("a.zip", 1, 1, "a");
        let list = [a.clone()];
        assert_eq!(house.record(HERE, &a, &list, proven(Depth::Bytes)).missing, None);
        let lacks = |missing| Verdict::Proven {
            depth: Depth::Databases,
            missing: Some(missing),
        };
        house.record(HERE, &a, &list, lacks(7));
        house.record(HERE, &a, &list, Verdict::Unknown("offline".to_owned()));
        assert_eq!(house.record(HERE, &a, &list, proven(Depth::Bytes)).missing, Some(7));
        assert_eq!(house.record(HERE, &a, &list, lacks(0)).missing, Some(0));
        let other = backup("a.zip", 1, 2, "b");
        let list = std::slice::from_ref(&other);
        assert_eq!(house.record(HERE, &other, list, proven(Depth::Bytes)).missing, None);
    }

    #[test]
    fn no_reading_of_its_bytes_makes_a_damaged_backup_good() {
        // A backup of a damaged database was whole to every verification after, and so counted as proven again.
        let house = House::new();
        let a = backup("a.zip", 1, 1, "a");
        let list = [a.clone()];
        let damaged = Verdict::Damaged("data.db is damaged".to_owned());
        assert!(!house.record(HERE, &a, &list, damaged).is_good());
        let unknown = Verdict::Unknown("offline".to_owned());
        assert!(!house.record(HERE, &a, &list, unknown).is_good());
        let known = house.record(HERE, &a, &list, proven(Depth::Bytes));
        assert_eq!((known.is_good(), known.error.as_str()), (false, "data.db is damaged"));
        let opened = house.record(HERE, &a, &list, proven(Depth::Databases));
        assert_eq!(
            (opened.is_good(), opened.depth()),
            (true, "databases"),
            "opening them does"
        );
        let other = backup("a.zip", 1, 2, "b");
        let list = std::slice::from_ref(&other);
        assert!(house.record(HERE, &other, list, proven(Depth::Bytes)).is_good());
    }

    #[test]
    fn another_backup_of_the_same_name_inherits_nothing_and_vanished_ones_are_forgotten() {
        let house = House::new();
        let (a, b) = (backup("a.zip", 1, 1, "a"), backup("b.zip", 1, 1, "b"));
        house.record(HERE, &a, &[a.clone(), b.clone()], proven(Depth::Bytes));
        assert!(house.is_proven(HERE, &a));
        // Of the same length, made in the same second: it is told by what it is.
        let other = backup("a.zip", 1, 1, "other");
        assert!(!house.is_proven(HERE, &other));
        house.record(HERE, &b, &[other, b.clone()], proven(Depth::Bytes));
        assert_eq!(house.known().len(), 1);
        assert!(house.is_proven(HERE, &b));
        house.proofs.forget(HERE, "b.zip").unwrap();
        assert!(house.known().is_empty());
    }

    /// The settings had named a bucket before, or did since: its backup shared the proof of the local one.
    #[test]
    fn a_backup_elsewhere_of_the_same_name_length_and_second_shares_no_proof() {
        let (house, there) = (House::new(), "https://s3/bucket");
        // Not every storage tells in its list what tells two of them apart.
        let (a, list) = (backup("a.zip", 1, 1, ""), [backup("a.zip", 1, 1, "")]);
        house.record(HERE, &a, &list, proven(Depth::Bytes));
        assert!(house.is_proven(HERE, &a) && !house.is_proven(there, &a));
        house.record(there, &a, &list, Verdict::Failed("bad".to_owned()));
        assert!(house.is_proven(HERE, &a) && !house.is_proven(there, &a));
        house.record(there, &a, &list, proven(Depth::Bytes));
        house.proofs.forget(HERE, "a.zip").unwrap();
        assert!(!house.is_proven(HERE, &a) && house.is_proven(there, &a));
    }

    #[test]
    fn what_an_earlier_version_wrote_is_understood() {
        let house = House::new();
        let before = br#"[{"key":"a.zip","size":1,"modified":5,"proven":"2026-11-23T06:17:04.001Z","tried":"2026-11-23T06:17:04.001Z","error":"","job":"x"}]"#;
        write_atomically(&RealDisk, &house.dir.path().join("proofs.json"), before).unwrap();
        let a = backup("a.zip", 1, 5, "e");
        assert!(house.is_proven(HERE, &a));
        assert_eq!(house.known()[0].depth(), "bytes");
        assert!(!house.is_proven(HERE, &backup("a.zip", 1, 6, "e")));
        house.record(
            HERE,
            &a,
            std::slice::from_ref(&a),
            Verdict::Unknown("offline".to_owned()),
        );
        let known = house.known();
        assert!(!known[0].proven.is_empty() && known.len() == 1);
    }
}
