//! Records that come back out of a backup: as they were, and none of them under a rule.
//!
//! What becomes of each is decided in the write alone, where it is also tried: so a dry run is the same write, undone.

mod conflicts;
mod references;
mod relations;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bosbase_backup::EntryPath;

use bosbase_store::{Collection, Record, WriteTx};
use serde_json::{Map, Value};

use self::conflicts::{Stored, write, write_again};
use self::references::settle;
use self::relations::{Cut, There, cut_relations};
use super::account;
use super::draft::blank;
use super::plan::LONGEST_FOLDER;
use super::references::file_names;
use super::{RecordAction, Records, validate};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::weight;

/// How long it may keep other writers waiting, tried or done.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is stored may weigh so many bytes, with what the records hold in fields that the backup does not know.
const MOST_BYTES: usize = 64 << 20;

/// What a name takes beside its letters, in bytes.
const NAME: usize = 24;

/// Ids that relations named and that lead nowhere, by field.
type Lost = BTreeMap<String, Vec<String>>;

/// A record on its way back.
#[derive(Debug)]
pub(crate) struct Returning {
    /// Its collection as it is now, and as it was; where there is none now, why it can't come back.
    pub(crate) collection: Result<Arc<Collection>, String>,
    /// Its id.
    pub(crate) id: String,
    /// Its values, by the fields that the collection has now.
    pub(crate) values: Map<String, Value>,
    /// Whether it takes the place of one that is there and differs.
    pub(crate) overwrites: bool,
    /// Whether others come back without it, where there is no collection for it.
    pub(crate) is_optional: bool,
}

impl Returning {
    /// The record as it was, in place of the one that is there.
    fn onto(&self, before: Option<&Record>, collection: &Arc<Collection>) -> Record {
        let mut record = before.cloned().unwrap_or_else(|| blank(collection));
        for (name, value) in &self.values {
            // Who changed the password since has a reason; the tokens from before it stay invalid.
            if !is_token_key(collection, name) || before.is_none() {
                record.values.insert(name.clone(), value.clone());
            }
        }
        record
    }
}

/// What becomes of a record, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was gone.
    Added,
    /// It was another.
    Changed,
    /// It is there, as it was or as somebody made it since.
    Left,
    /// It can't come back.
    Blocked,
}

/// The same with what there is to say of it.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) fate: Fate,
    /// Why it is left or can't come back, in a sentence.
    pub(crate) reason: String,
    /// The fields in which the one that is there differs.
    pub(crate) fields: Vec<String>,
    /// Ids that relations named and that lead nowhere now, by field.
    pub(crate) lost_relations: Lost,
    /// The record as it is stored then; none where nothing is.
    record: Option<Record>,
    /// The files that it names then.
    pub(crate) files: Vec<String>,
    /// Those that it named before.
    pub(crate) files_before: Vec<String>,
}

impl Returned {
    fn blocked(reason: impl Into<String>) -> Self {
        Self {
            fate: Fate::Blocked,
            reason: reason.into(),
            fields: Vec::new(),
            lost_relations: Lost::new(),
            record: None,
            files: Vec::new(),
            files_before: Vec::new(),
        }
    }

    fn left(before: &Record, reason: impl Into<String>) -> Self {
        Self {
            fate: Fate::Left,
            files: file_names(before),
            files_before: file_names(before),
            ..Self::blocked(reason)
        }
    }

    /// Whether it is there exactly as it was in the backup.
    pub(crate) fn is_as_it_was(&self) -> bool {
        self.fate == Fate::Left && self.fields.is_empty()
    }

    /// Files that nobody names any more.
    pub(crate) fn dropped(&self) -> Vec<String> {
        let before = self.files_before.iter();
        before.filter(|name| !self.files.contains(name)).cloned().collect()
    }

    /// About how much memory it takes, in bytes.
    fn weight(&self) -> usize {
        let record = self.record.iter().flat_map(|record| record.values.values());
        let lost = self.lost_relations.values().flatten();
        record.map(weight).sum::<usize>() + lost.map(|id| NAME + id.len()).sum::<usize>()
    }

    /// Whether the files that are put in place, or removed, are those for `other` as well.
    fn needs_as(&self, other: &Expected) -> bool {
        self.fate == other.fate && self.files == other.files && self.files_before == other.files_before
    }
}

/// What was prepared for a record.
#[derive(Debug)]
pub(crate) struct Expected {
    fate: Fate,
    files: Vec<String>,
    files_before: Vec<String>,
}

impl From<&Returned> for Expected {
    fn from(returned: &Returned) -> Self {
        Self {
            fate: returned.fate,
            files: returned.files.clone(),
            files_before: returned.files_before.clone(),
        }
    }
}

/// Why a write was undone.
enum Undone {
    /// It was to be.
    Tried(Vec<Returned>),
    Failed(Error),
}

impl From<bosbase_store::Error> for Undone {
    fn from(error: bosbase_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Records {
    /// What would become of each of `records`; nothing of it happens.
    ///
    /// # Errors
    ///
    /// Where the database can't be written.
    pub(crate) fn try_return(&self, records: &Arc<Vec<Returning>>) -> Result<Vec<Returned>> {
        let records = records.clone();
        let tried = move |tx: &mut WriteTx<'_>| Err(Undone::Tried(store_all(tx, &records)?));
        let outcome: Result<(), Undone> = self.store().write_within(PATIENCE, tried);
        match outcome {
            Err(Undone::Tried(returned)) => Ok(returned),
            Err(Undone::Failed(error)) => Err(error),
            Ok(()) => Err(Error::internal("a trial was committed")),
        }
    }

    /// Stores all of `records`, durably, and tells those who listen; nothing where something else would come of them
    /// than is `expected`, since somebody changed what they build on.
    ///
    /// # Errors
    ///
    /// Where the database can't be written.
    pub(crate) fn bring_back(
        &self,
        records: &Arc<Vec<Returning>>,
        expected: Vec<Expected>,
    ) -> Result<Option<Vec<Returned>>> {
        let records = records.clone();
        let outcome = self.store().write_within(PATIENCE, move |tx| {
            let returned = store_all(tx, &records)?;
            // What a blocked one is in the way of may not be what it was, either.
            let as_expected = returned.len() == expected.len()
                && returned
                    .iter()
                    .zip(&expected)
                    .all(|(one, expected)| one.fate != Fate::Blocked && one.needs_as(expected));
            match as_expected {
                true => Ok(returned),
                false => Err(Undone::Tried(returned)),
            }
        });
        match outcome {
            Ok(returned) => {
                self.tell(&returned);
                Ok(Some(returned))
            }
            Err(Undone::Tried(_)) => Ok(None),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    fn tell(&self, returned: &[Returned]) {
        for one in returned {
            let action = match one.fate {
                Fate::Added => RecordAction::Create,
                Fate::Changed => RecordAction::Update,
                Fate::Left | Fate::Blocked => continue,
            };
            if let Some(record) = &one.record {
                self.audience().saved(action, record);
            }
        }
    }
}

/// Stores each of `records` that can be stored. Touches the transaction and nothing else.
fn store_all(tx: &mut WriteTx<'_>, records: &[Returning]) -> Result<Vec<Returned>> {
    let mut there = There::with(records.iter().filter_map(|one| {
        let collection = one.collection.as_ref().ok()?;
        Some((collection.id.clone(), one.id.clone()))
    }));
    let (mut all, mut conflicts, mut bytes) = (Vec::with_capacity(records.len()), Vec::new(), 0_usize);
    for (at, one) in records.iter().enumerate() {
        let stored = store(tx, one, &mut there)?;
        bytes = bytes.saturating_add(stored.weight());
        if bytes > MOST_BYTES {
            let text = "That is too much at once, with what the records hold now. Choose fewer.";
            return Err(Error::invalid(text));
        }
        match stored {
            Stored::Settled(returned) => all.push(returned),
            Stored::Refused { blocked, conflict } => {
                all.push(blocked);
                conflicts.push((at, conflict));
            }
        }
    }
    write_again(tx, &mut all, conflicts)?;
    settle(tx, records, &mut all, &mut there)?;
    Ok(all)
}

fn store(tx: &mut WriteTx<'_>, returning: &Returning, there: &mut There) -> Result<Stored> {
    let planned = match &returning.collection {
        Ok(collection) => collection,
        Err(why) if returning.is_optional => {
            return Ok(Stored::Settled(Returned {
                fate: Fate::Left,
                ..Returned::blocked(why)
            }));
        }
        Err(why) => return Ok(Stored::blocked(why)),
    };
    let is_as_planned = |now: &&Arc<Collection>| *now == planned;
    let Some(collection) = tx.schema().find(&planned.id).filter(is_as_planned).cloned() else {
        let text = "Somebody changed a collection just now; nothing was brought back. Try again.";
        return Err(Error::new(ErrorKind::Unavailable, text));
    };
    let before = tx.record(&collection, &returning.id)?;
    let mut record = returning.onto(before.as_ref(), &collection);
    let Cut { lost, lacking } = cut_relations(tx, &mut record, there)?;
    let stays = before.as_ref().is_some_and(|before| {
        let differs = !differing(before, &record).is_empty();
        !differs || !returning.overwrites
    });
    if let Some(field) = lacking.filter(|_| !stays) {
        let named = lost.get(&field).map(|ids| ids.join(", ")).unwrap_or_default();
        return Ok(Stored::Settled(Returned {
            lost_relations: lost,
            ..Returned::blocked(format!(
                "The record requires the relation {field}, and what that named is gone ({named}). Bring that back too."
            ))
        }));
    }
    let stored = match before {
        Some(before) if stays => Stored::Settled(left(&before, &record, &lost)),
        Some(before) => change(tx, &before, record)?,
        None => add(tx, record)?,
    };
    Ok(stored.having_lost(lost))
}

fn left(before: &Record, record: &Record, lost: &Lost) -> Returned {
    let fields = differing(before, record);
    let reason = match (fields.as_slice(), lost.is_empty()) {
        ([], true) => "It is there as it was.".to_owned(),
        ([], false) => "It is there as it was, but for what its relations named and that is gone.".to_owned(),
        (fields, _) => format!(
            "It is there, and differs in {}. It stays as it is unless it is to be overwritten.",
            fields.join(", ")
        ),
    };
    Returned {
        fields,
        ..Returned::left(before, reason)
    }
}

fn add(tx: &mut WriteTx<'_>, mut record: Record) -> Result<Stored> {
    let files = file_names(&record);
    let id = record.id();
    if !is_plain(id) || (!files.is_empty() && id.len() > LONGEST_FOLDER) {
        return Ok(Stored::blocked("Its id can't be that of a record."));
    }
    if let Some(file) = files.iter().find(|name| !is_plain(name)) {
        return Ok(Stored::blocked(format!(
            "It names a file that can't be one: {}",
            file.escape_debug()
        )));
    }
    if account::id_taken_elsewhere(tx, &record)? {
        return Ok(Stored::blocked("Another account has this id."));
    }
    if validate::is_taken_but_for_case(tx, &record)? {
        return Ok(Stored::blocked(
            "Another record has this id, but for upper and lower case.",
        ));
    }
    account::ensure_token_key(&mut record);
    let becomes = Returned {
        fate: Fate::Added,
        record: Some(record),
        files,
        ..Returned::blocked("")
    };
    write(tx, becomes, false)
}

fn change(tx: &mut WriteTx<'_>, before: &Record, mut record: Record) -> Result<Stored> {
    let (fields, files) = (differing(before, &record), file_names(&record));
    if let Some(file) = files.iter().find(|name| !is_plain(name)) {
        return Ok(Stored::blocked(format!(
            "It names a file that can't be one: {}",
            file.escape_debug()
        )));
    }
    let is_auth = record.collection.is_auth();
    let has_other_password = is_auth && record.text("password") != before.text("password");
    if has_other_password || (is_auth && record.text("email") != before.text("email")) {
        account::end_tokens(&mut record, before);
    }
    let becomes = Returned {
        fate: Fate::Changed,
        fields,
        record: Some(record),
        files,
        files_before: file_names(before),
        ..Returned::blocked("")
    };
    write(tx, becomes, has_other_password)
}

/// Whether a name out of a backup, which may say anything, is that of one thing in a folder.
fn is_plain(name: &str) -> bool {
    !name.contains('/') && EntryPath::new(name.to_owned()).is_ok()
}

fn is_token_key(collection: &Collection, field: &str) -> bool {
    collection.is_auth() && field == "tokenKey"
}

/// The fields in which two states of a record differ, but for what only tells one login from another.
pub(crate) fn differing(before: &Record, after: &Record) -> Vec<String> {
    let fields = after.collection.fields.iter().map(|field| &field.name);
    let differs =
        |name: &&String| !is_token_key(&after.collection, name) && before.values.get(*name) != after.values.get(*name);
    fields.filter(differs).cloned().collect()
}
