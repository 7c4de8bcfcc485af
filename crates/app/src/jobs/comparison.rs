//! What a restore of a backup would change: what the backup holds against what is there now.

use std::collections::{HashMap, HashSet};

use bosbase_backup::{BackupKey, ErrorKind as Engine, Identity};
use jiff::Timestamp;
use serde::Serialize;

use super::backup_jobs::BackupJobs;
use super::backups::Backups;
use super::census::{CollectionNow, Counted, Ground};
use super::content::{CollectionContent, Content, DatabaseSize, FileTotals};
use super::definition::{Definition, DefinitionChanges};
use super::engine::refuse;
use super::proofs::Proof;
use crate::error::{Error, Result};
use crate::settings::SettingsPrints;

/// Changes of fields, rules, indexes and options that are named, of all collections together.
const MOST_CHANGES: usize = 2_000;

/// What to say of a backup that was not proven yet.
const UNPROVEN: &str = "This backup was not proven yet, so nobody has looked into it. Verify it to see what it holds.";
/// What to say of one that another data directory proved: its proofs travel with the backups, its summaries do not.
const PROVEN_ELSEWHERE: &str = "Another machine proved this backup. What it holds was written down there alone. Verify \
                                it here to see that.";
/// What to say of one that an earlier version proved, or whose summary could not be written down.
const UNCOUNTED: &str = "This backup was proven, but what it holds was not written down then. Verify it to see that.";

/// One backup, and what is known of it.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its name.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was published.
    pub modified: Timestamp,
    /// What its proofs found.
    pub proof: Proof,
    /// Whether it is another data directory that says so.
    pub is_of_others: bool,
    /// What it holds; nothing where that is not known.
    pub content: Option<Content>,
}

impl Described {
    /// The moment that it holds, as far as is known; else when it was published.
    #[must_use]
    pub fn taken(&self) -> Timestamp {
        let created = self.content.as_ref().and_then(|content| content.created.parse().ok());
        created.unwrap_or(self.modified)
    }

    /// Why nobody knows what it holds, in a sentence; empty where that is known.
    #[must_use]
    pub fn unknown(&self) -> String {
        match (&self.content, self.proof.proven.is_empty(), self.proof.error.is_empty()) {
            (Some(_), ..) => String::new(),
            (None, _, false) => {
                let by = if self.is_of_others { " on another machine" } else { "" };
                format!("This backup did not pass its last proof{by}: {}", self.proof.error)
            }
            (None, true, true) => UNPROVEN.to_owned(),
            (None, false, true) if self.is_of_others => PROVEN_ELSEWHERE.to_owned(),
            (None, false, true) => UNCOUNTED.to_owned(),
        }
    }
}

impl Backups {
    /// What is known of the backup called `name`: what its proof wrote down. The storage is asked no more than whether
    /// it is still that one, and, where nothing is known of it here, what others wrote down.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is none of this name; where the storage or what is known can't be
    /// read.
    pub fn describe(&self, name: &str) -> Result<Described> {
        let key = BackupKey::existing(name).map_err(|error| Error::not_found().caused_by(error))?;
        let storage = self.storage()?;
        let source = storage.open(&key).map_err(|error| match error.kind() {
            Engine::NotFound => Error::not_found().caused_by(error),
            _ => refuse(error),
        })?;
        let (place, which) = (storage.place(), Identity::of(source.as_ref()));
        let known = self.proofs().read()?;
        let own = known.into_iter().find(|proof| proof.is_of(&place, name, &which));
        let (proof, is_of_others) = match own {
            Some(proof) => (proof, false),
            // As the list says it.
            None => self
                .proof_of_others(&storage, name, &which)
                .map_or_else(Default::default, |proof| (proof, true)),
        };
        Ok(Described {
            key: name.to_owned(),
            size: which.size,
            modified: source.modified(),
            proof,
            is_of_others,
            content: self.contents().of(&place, name, &which)?,
        })
    }
}

/// What becomes of a collection by a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is in the backup, and it is there now.
    Stays,
    /// It is there now, and not in the backup: it would be gone.
    Goes,
    /// It is in the backup alone: it would come back.
    Returns,
}

/// One collection in the backup and now; what is not known is nothing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionCompared {
    /// Its id, by which it is the same.
    pub id: String,
    /// Its name, as it is in the backup where it is there.
    pub name: String,
    /// Its name now, where it is there.
    pub name_now: Option<String>,
    /// `base`, `auth` or `view`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is one of the system's.
    pub system: bool,
    /// What becomes of it.
    pub fate: Fate,
    /// Its records in the backup.
    pub records: Option<u64>,
    /// Its records now.
    pub records_now: Option<u64>,
    /// Records that were made since: they would be gone.
    pub created_since: Option<u64>,
    /// Records that were there before and were changed since: they would be as they were.
    pub changed_since: Option<u64>,
    /// Its uploaded files in the backup.
    pub files: Option<FileTotals>,
    /// Its uploaded files now.
    pub files_now: Option<FileTotals>,
    /// What changes of it besides its records, where it stays; nothing where that is not known.
    pub changes: Option<DefinitionChanges>,
}

/// What would be gone after a restore, of the collections that are not the system's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gone {
    /// Collections that are not in the backup.
    pub collections: u64,
    /// Their records, and those that were made since in the others; nothing where that is not known of all.
    pub records: Option<u64>,
    /// So many records at the least: where it is not known how many were made since, those that are more now.
    pub at_least: u64,
}

/// What a restore would change.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// When the data of now was counted.
    pub at: String,
    /// Whether there was time to count all records.
    pub complete: bool,
    /// The collections by name: those in the backup, and those that are there now.
    pub collections: Vec<CollectionCompared>,
    /// What would be gone.
    pub gone: Gone,
    /// The databases now.
    pub databases: Vec<DatabaseSize>,
    /// All uploaded files now; nothing where they were not counted.
    pub files: Option<FileTotals>,
    /// The sections of the settings that would be others; nothing where that is not known.
    pub settings: Option<Vec<String>>,
}

impl BackupJobs {
    /// Holds what a backup holds against the data as it is now. Takes some seconds at the most, and keeps no writer
    /// waiting.
    ///
    /// # Errors
    ///
    /// Where the data can't be read.
    pub fn compare(&self, content: &Content) -> Result<Comparison> {
        let settings = self.settings();
        let has_files = self.options().files_place.bucket(|| settings.s3.bucket()).is_none();
        let ground = Ground {
            store: self.store(),
            disk: self.disk().as_ref(),
            data_dir: self.data_dir(),
            has_files,
        };
        let counted = self.census().take(&ground, content.created.parse().ok())?;
        let now = SettingsPrints::of(&settings, self.options().encryption_key.as_deref());
        let mut comparison = compare(content, &counted);
        comparison.settings = content.settings.as_ref().and_then(|then| then.differing(&now));
        Ok(comparison)
    }
}

fn compare(content: &Content, now: &Counted) -> Comparison {
    // Without the names that only the databases tell it is not known which collections there were.
    let known: &[CollectionContent] = if content.counted { &content.collections } else { &[] };
    let mut there: HashMap<&str, &CollectionContent> = known.iter().map(|one| (one.id.as_str(), one)).collect();
    // A content names only so many collections. One that is there now may be among the others.
    let is_whole = content.counted && content.more_collections == 0;
    let mut collections = Vec::new();
    for one in &now.collections {
        let before = there.remove(one.collection.id.as_str());
        if before.is_some() || is_whole {
            let definition = content.definitions.get(&one.collection.id);
            collections.push(of_now(one, before, definition));
        }
    }
    let left: HashSet<&str> = there.into_keys().collect();
    let returning = known.iter().filter(|one| left.contains(one.id.as_str()));
    collections.extend(returning.map(returns));
    collections.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut left = MOST_CHANGES;
    for changes in collections.iter_mut().filter_map(|one| one.changes.as_mut()) {
        changes.keep_within(&mut left);
    }
    let gone = gone(&collections, is_whole);
    let files = now.collections.iter().filter(|one| !one.collection.is_view());
    let files = files
        .map(|one| one.files)
        .try_fold(FileTotals::default(), |sum, files| {
            let files = files?;
            Some(FileTotals {
                count: sum.count + files.count,
                bytes: sum.bytes.saturating_add(files.bytes),
            })
        });
    Comparison {
        at: now.at.clone(),
        complete: now.is_complete,
        collections,
        gone,
        databases: now.databases.clone(),
        files,
        settings: None,
    }
}

fn of_now(
    now: &CollectionNow,
    before: Option<&CollectionContent>,
    definition: Option<&Definition>,
) -> CollectionCompared {
    let collection = &now.collection;
    let is_gone = before.is_none();
    CollectionCompared {
        id: collection.id.clone(),
        name: before.map_or_else(|| collection.name.clone(), |before| before.name.clone()),
        name_now: Some(collection.name.clone()),
        kind: collection.kind.name().to_owned(),
        system: collection.system,
        fate: if is_gone { Fate::Goes } else { Fate::Stays },
        records: before.and_then(|before| before.records),
        records_now: now.records,
        created_since: now.created_since.filter(|_| !is_gone),
        changed_since: now.changed_since.filter(|_| !is_gone),
        files: before.map(files_of),
        files_now: now.files,
        changes: definition.map(|then| DefinitionChanges::between(then, &Definition::of(collection))),
    }
}

fn returns(before: &CollectionContent) -> CollectionCompared {
    CollectionCompared {
        id: before.id.clone(),
        name: before.name.clone(),
        name_now: None,
        kind: before.kind.clone(),
        system: before.system,
        fate: Fate::Returns,
        records: before.records,
        records_now: None,
        created_since: None,
        changed_since: None,
        files: Some(files_of(before)),
        files_now: None,
        changes: None,
    }
}

fn files_of(before: &CollectionContent) -> FileTotals {
    FileTotals {
        count: before.files,
        bytes: before.file_bytes,
    }
}

fn gone(collections: &[CollectionCompared], is_whole: bool) -> Gone {
    let is_meant = |one: &&CollectionCompared| !one.system && one.fate != Fate::Returns;
    let meant: Vec<_> = collections.iter().filter(is_meant).collect();
    let tables = || meant.iter().filter(|one| one.kind != "view");
    let more = |one: &CollectionCompared| {
        one.records_now
            .unwrap_or_default()
            .saturating_sub(one.records.unwrap_or_default())
    };
    // Records that came from elsewhere since, as by a restore or an import, are older than they have been here.
    let exactly = |one: &CollectionCompared| match one.fate {
        Fate::Goes => one.records_now,
        _ => one.created_since.filter(|created| *created >= more(one)),
    };
    Gone {
        collections: meant.iter().filter(|one| one.fate == Fate::Goes).count() as u64,
        records: tables()
            .map(|one| exactly(one))
            .sum::<Option<u64>>()
            .filter(|_| is_whole),
        at_least: tables().map(|one| exactly(one).unwrap_or_else(|| more(one))).sum(),
    }
}
