//! Records that come back out of a backup: as they were, and none of them under a rule.
//!
//! What becomes of each is decided in the write alone, where it is also tried: so a dry run is the same write, undone.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bosbase_store::{Collection, ErrorKind as Stored, Field, FieldKind, ReadTx, Record, Subject, WriteTx};
use serde_json::{Map, Value};

use super::account;
use super::draft::blank;
use super::references::file_names;
use super::{RecordAction, Records};
use crate::error::{Error, ErrorKind, Result};

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
    /// The record as it is now; none where it can't come back.
    pub(crate) record: Option<Record>,
    /// Files that nobody names any more.
    pub(crate) dropped: Vec<String>,
}

impl Returned {
    fn blocked(reason: impl Into<String>) -> Self {
        Self {
            fate: Fate::Blocked,
            reason: reason.into(),
            fields: Vec::new(),
            lost_relations: Lost::new(),
            record: None,
            dropped: Vec::new(),
        }
    }

    /// The files that it names.
    pub(crate) fn file_names(&self) -> Vec<String> {
        self.record.as_ref().map(file_names).unwrap_or_default()
    }

    /// Whether the files that are put in place, or removed, are those for `other` as well.
    fn needs_as(&self, other: &Expected) -> bool {
        self.fate == other.fate && self.file_names() == other.files && self.dropped == other.dropped
    }
}

/// What was prepared for a record.
#[derive(Debug)]
pub(crate) struct Expected {
    fate: Fate,
    files: Vec<String>,
    dropped: Vec<String>,
}

impl From<&Returned> for Expected {
    fn from(returned: &Returned) -> Self {
        Self {
            fate: returned.fate,
            files: returned.file_names(),
            dropped: returned.dropped.clone(),
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
        let outcome: Result<(), Undone> = self
            .store()
            .write(move |tx| Err(Undone::Tried(store_all(tx, &records)?)));
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
        let outcome = self.store().write(move |tx| {
            let returned = store_all(tx, &records)?;
            let as_expected = returned.len() == expected.len()
                && returned
                    .iter()
                    .zip(&expected)
                    .all(|(one, expected)| one.needs_as(expected));
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
    // Those that are still to come count as there: two records may name each other.
    let coming = records.iter().filter_map(|one| {
        let collection = one.collection.as_ref().ok()?;
        Some((collection.id.as_str(), one.id.as_str()))
    });
    let coming: HashSet<(&str, &str)> = coming.collect();
    records.iter().map(|one| store(tx, one, &coming)).collect()
}

fn store(tx: &mut WriteTx<'_>, returning: &Returning, coming: &HashSet<(&str, &str)>) -> Result<Returned> {
    let planned = match &returning.collection {
        Ok(collection) => collection,
        Err(why) => return Ok(Returned::blocked(why)),
    };
    let is_as_planned = |now: &&Arc<Collection>| *now == planned;
    let Some(collection) = tx.schema().find(&planned.id).filter(is_as_planned).cloned() else {
        let text = "Somebody changed a collection just now; nothing was brought back. Try again.";
        return Err(Error::new(ErrorKind::Unavailable, text));
    };
    let before = tx.record(&collection, &returning.id)?;
    let mut record = before.clone().unwrap_or_else(|| blank(&collection));
    for (name, value) in &returning.values {
        // Who changed the password since has a reason; the tokens from before it stay invalid.
        if name != "tokenKey" || before.is_none() {
            record.values.insert(name.clone(), value.clone());
        }
    }
    let (lost_relations, lacking) = cut_relations(tx, &mut record, coming)?;
    if let Some(field) = lacking {
        let named = lost_relations.get(&field).map(|ids| ids.join(", ")).unwrap_or_default();
        let mut blocked = Returned::blocked(format!(
            "The record requires the relation {field}, and what that named is gone ({named}). Bring that back too."
        ));
        blocked.lost_relations = lost_relations;
        return Ok(blocked);
    }
    let mut returned = match before {
        Some(before) => change(tx, returning, before, record)?,
        None => add(tx, record)?,
    };
    returned.lost_relations = lost_relations;
    Ok(returned)
}

fn add(tx: &mut WriteTx<'_>, mut record: Record) -> Result<Returned> {
    if account::id_taken_elsewhere(tx, &record)? {
        return Ok(Returned::blocked("Another account has this id."));
    }
    account::ensure_token_key(&mut record);
    if let Some(blocked) = refused(tx.insert_record(&record), &record.collection)? {
        return Ok(blocked);
    }
    Ok(Returned {
        fate: Fate::Added,
        record: Some(record),
        ..Returned::blocked("")
    })
}

fn change(tx: &mut WriteTx<'_>, returning: &Returning, before: Record, mut record: Record) -> Result<Returned> {
    let fields = differing(&before, &record);
    if fields.is_empty() || !returning.overwrites {
        let reason = match fields.as_slice() {
            [] => "It is there as it was.".to_owned(),
            fields => format!(
                "It is there, and differs in {}. It stays as it is unless it is to be overwritten.",
                fields.join(", ")
            ),
        };
        return Ok(Returned {
            fate: Fate::Left,
            fields,
            record: Some(before),
            ..Returned::blocked(reason)
        });
    }
    let is_auth = record.collection.is_auth();
    let has_other_password = is_auth && record.text("password") != before.text("password");
    if has_other_password || (is_auth && record.text("email") != before.text("email")) {
        account::end_tokens(&mut record, &before);
    }
    if let Some(mut blocked) = refused(tx.update_record(&record), &record.collection)? {
        blocked.fields = fields;
        return Ok(blocked);
    }
    if has_other_password {
        account::delete_sessions(tx, &record)?;
    }
    let kept = file_names(&record);
    let mut dropped = file_names(&before);
    dropped.retain(|name| !kept.contains(name));
    Ok(Returned {
        fate: Fate::Changed,
        fields,
        record: Some(record),
        dropped,
        ..Returned::blocked("")
    })
}

/// The fields in which two states of a record differ, but for what only tells one login from another.
pub(crate) fn differing(before: &Record, after: &Record) -> Vec<String> {
    let fields = after.collection.fields.iter().map(|field| &field.name);
    let differs = |name: &&String| *name != "tokenKey" && before.values.get(*name) != after.values.get(*name);
    fields.filter(differs).cloned().collect()
}

/// Ids that relations named and that lead nowhere, by field.
type Lost = BTreeMap<String, Vec<String>>;

/// Takes out of the relations what leads nowhere: says what that was, and which required relation has nothing left.
fn cut_relations(
    tx: &ReadTx<'_>,
    record: &mut Record,
    coming: &HashSet<(&str, &str)>,
) -> Result<(Lost, Option<String>)> {
    let (mut lost, mut lacking) = (Lost::new(), None);
    let collection = record.collection.clone();
    for field in &collection.fields {
        let FieldKind::Relation {
            collection_id,
            required,
            ..
        } = &field.kind
        else {
            continue;
        };
        let named: Vec<String> = record.texts(&field.name).into_iter().map(str::to_owned).collect();
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        let target = tx.schema().find(collection_id).cloned();
        for id in named {
            let is_there = coming.contains(&(collection_id.as_str(), id.as_str()))
                || match &target {
                    Some(target) => tx.record(target, &id)?.is_some(),
                    None => false,
                };
            if is_there { &mut there } else { &mut gone }.push(id);
        }
        if gone.is_empty() {
            continue;
        }
        if there.is_empty() && *required {
            lacking.get_or_insert_with(|| field.name.clone());
        }
        record.values.insert(field.name.clone(), relation(field, there));
        lost.insert(field.name.clone(), gone);
    }
    Ok((lost, lacking))
}

fn relation(field: &Field, ids: Vec<String>) -> Value {
    match field.kind.is_multiple() {
        true => ids.into(),
        false => ids.into_iter().next_back().unwrap_or_default().into(),
    }
}

/// Why the database did not take a record, if it is what others hold.
fn refused(stored: bosbase_store::Result<()>, collection: &Collection) -> Result<Option<Returned>> {
    let error = match stored {
        Ok(()) => return Ok(None),
        Err(error) => error,
    };
    if error.kind() != Stored::Unique {
        return Err(error.into());
    }
    let columns = match error.subject() {
        Some(Subject::Columns(columns)) => columns.join(", "),
        _ => "what an index keeps unique".to_owned(),
    };
    Ok(Some(Returned::blocked(format!(
        "Another record of {} has the same {columns}.",
        collection.name
    ))))
}
