//! Backups with what is known of each.

use std::collections::{BTreeSet, HashMap};

use bosbase_backup::{BackupInfo, Identity, Storage};

use super::backups::Backups;
use super::content::Content;
use super::engine::refuse;
use super::proofs::{Proof, Verdict};
use super::registry::RunningJob;
use crate::error::{ErrorKind, Result};

/// What a proof was about.
pub(super) struct Proved<'a> {
    /// Where it lies.
    pub storage: &'a dyn Storage,
    pub key: &'a str,
    /// What was read under that name.
    pub which: Identity,
}

/// A backup and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The backup.
    pub backup: BackupInfo,
    /// Nothing is known of one that was never proven.
    pub proof: Proof,
    /// Whether it is another data directory that says so.
    pub is_of_others: bool,
}

impl Backups {
    /// All backups, newest first, with what is known of each.
    ///
    /// # Errors
    ///
    /// As [`Backups::list`], and where the record of proofs can't be read.
    pub fn listed(&self) -> Result<Vec<Listed>> {
        self.listed_in(self.storage()?.as_ref())
    }

    /// As [`Backups::listed`], of one storage, which need not be the one that the settings name by now.
    pub(super) fn listed_in(&self, storage: &dyn Storage) -> Result<Vec<Listed>> {
        let backups = self.list_in(storage)?;
        let place = storage.place();
        let known = self.proofs().read()?;
        let mut by_key: HashMap<&str, Vec<&Proof>> = HashMap::new();
        for proof in &known {
            by_key.entry(&proof.key).or_default().push(proof);
        }
        let with_proof = |backup: BackupInfo| {
            let key = backup.key.as_str();
            let of_key = by_key.get(key).into_iter().flatten();
            let proof = of_key
                .copied()
                .find(|proof| proof.is_of(&place, key, &Identity::from(&backup)));
            Listed {
                proof: proof.cloned().unwrap_or_default(),
                is_of_others: false,
                backup,
            }
        };
        Ok(backups.into_iter().map(with_proof).collect())
    }

    /// As [`Backups::listed`], for people: of backups that this data directory knows nothing of with what others wrote
    /// down beside them.
    ///
    /// # Errors
    ///
    /// As [`Backups::listed`].
    pub fn shown(&self) -> Result<Vec<Listed>> {
        let storage = self.storage()?;
        let listed = self.listed_in(storage.as_ref())?;
        Ok(self.with_proofs_of_others(&storage, listed))
    }

    /// How deep the last proof of the backup called `name` went, as [`Proof::depth`].
    ///
    /// # Errors
    ///
    /// As [`Backups::listed`].
    pub fn depth_of(&self, name: &str) -> Result<&'static str> {
        let source = match self.open_archive(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(""),
            opened => opened?,
        };
        let (place, which) = (self.place(), Identity::of(source.as_ref()));
        let known = self.proofs().read()?;
        let own = known.iter().find(|proof| proof.is_of(&place, name, &which));
        Ok(own.map_or("", Proof::depth))
    }

    /// Writes down how a proof ended, and answers what is known of the backup now; nothing where it is not there any
    /// more.
    pub(super) fn record_proof(&self, proved: &Proved<'_>, job: &str, verdict: Verdict) -> Result<Option<Proof>> {
        let Proved { storage, key, which } = proved;
        let list = storage.list().map_err(refuse)?;
        let is_it = |backup: &BackupInfo| backup.key.as_str() == *key && which.is(&backup.into());
        if !list.iter().any(is_it) {
            return Ok(None);
        }
        let record = self
            .proofs()
            .record(&storage.place(), (key, which), &list, job, verdict)?;
        self.share_proofs(*storage);
        Ok(Some(record))
    }

    /// Writes down what a backup holds. A proof does not fail of it: its job says that it could not be done.
    pub(super) fn keep_content(&self, proved: &Proved<'_>, running: &RunningJob, content: Content) {
        let Proved { storage, key, which } = proved;
        let kept = self.contents().keep(&storage.place(), (key, which), content);
        if let Err(error) = kept.and_then(|()| self.contents().retain(|| self.proofs().read())) {
            tracing::warn!(
                error = error.with_causes(),
                key,
                "what a backup holds could not be written down"
            );
            running.warn(&format!(
                "What {key} holds could not be written down: {}",
                error.reason()
            ));
        }
    }

    /// Which of these are not there any more: backups, each with the job that found it broken. Another of the same name
    /// is another.
    ///
    /// # Errors
    ///
    /// As [`Backups::list`], and where the record of proofs can't be read.
    pub(crate) fn gone_of(&self, broken: &BTreeSet<(String, String)>) -> Result<Vec<(String, String)>> {
        // A list of a bucket may take its time, and cost money.
        if broken.is_empty() {
            return Ok(Vec::new());
        }
        let storage = self.storage()?;
        let list = storage.list().map_err(refuse)?;
        let (place, known) = (storage.place(), self.proofs().read()?);
        let is_there = |(key, job): &&(String, String)| {
            let of_job = known.iter().find(|proof| proof.is_by(job, &place, key));
            let is_it = |backup: &BackupInfo| {
                backup.key.as_str() == key && of_job.is_none_or(|proof| proof.is_of(&place, key, &backup.into()))
            };
            list.iter().any(is_it)
        };
        Ok(broken.iter().filter(|one| !is_there(one)).cloned().collect())
    }

    /// Forgets what is known of a backup that is no more, and tells of it.
    pub(super) fn forget_deleted(&self, storage: &dyn Storage, key: &str) {
        self.tell_deleted(key);
        let place = storage.place();
        let forgotten = self.proofs().forget(&place, key);
        if let Err(error) = forgotten.and_then(|()| self.contents().forget(&place, key)) {
            tracing::warn!(
                error = error.with_causes(),
                key,
                "the record of proofs could not be changed"
            );
        }
    }
}
