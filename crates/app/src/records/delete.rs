//! Deleting records, with what must not outlive them.

use std::sync::Arc;

use bosbase_store::{Collection, Field, FieldKind, Record, WriteTx};
use serde_json::{Map, Value};

use super::references::file_names;
use super::save::{carry_out, disk_error, stamp};
use super::{account, rules, writable};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::realtime::RecordAction;

const NOT_DELETED: &str =
    "Failed to delete record. Make sure that the record is not part of a required relation reference.";
/// How many referring records are looked at together.
const BATCH: usize = 500;
/// How many deletions of one request are told to subscribers at most; what went along beyond that they find gone.
pub(crate) const TOLD: usize = 10_000;

impl App {
    /// Deletes a record, the records that can't be without it (`cascadeDelete`), and its mention in others. All of it happens
    /// or none; files go once it is durable.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is no such record or the rule denies it, [`crate::ErrorKind::Forbidden`] where
    /// only superusers may delete, [`crate::ErrorKind::Invalid`] where another record requires it or it is the last superuser.
    pub fn delete_record(&self, collection: &str, id: &str, caller: &Caller) -> Result<()> {
        let collection = self.collection_of_records(collection)?;
        writable(&collection)?;
        let rule = rules::applied(collection.rules.delete_rule.as_ref(), caller)?;
        let context = caller.context("default", Map::new());
        let record = self.store().read(|tx| {
            let record = tx.record(&collection, id)?.ok_or_else(Error::not_found)?;
            if let Some(rule) = rule
                && !rules::or_deny(tx.record_matches(&collection, id, rule, &context), &collection)?
            {
                return Err(Error::not_found());
            }
            Ok(record)
        })?;
        let app = self.clone();
        let (removal, changed, news) = self.store().write(move |tx| {
            if record.collection.is_superusers() && tx.count_records(&record.collection)? <= 1 {
                return Err(Error::invalid("You can't delete the only existing superuser."));
            }
            let deleted = delete(tx, record)?;
            // Who may hear of it is decided on what others still see: the data as it was before.
            let news = app.hub().prepare_delete(&app, &deleted.records);
            let removal = app.files().intend(deleted.files, Vec::new()).map_err(disk_error)?;
            Ok((removal, deleted.changed, news))
        })?;
        self.tell_of_changes(&changed);
        news.send();
        carry_out(removal);
        Ok(())
    }
}

impl App {
    /// Tells subscribers of records that changed because another one was deleted.
    pub(crate) fn tell_of_changes(&self, changed: &[Record]) {
        for record in changed {
            self.hub().record_saved(self, RecordAction::Update, record);
        }
    }
}

/// What went with a deletion.
#[derive(Default)]
pub(crate) struct Deleted {
    /// Collection id, record id and file names of the records that have files.
    pub(crate) files: Vec<(String, String, Vec<String>)>,
    /// The first [`TOLD`] records, for those who follow what happens to them.
    pub(crate) records: Vec<Record>,
    /// The first [`TOLD`] records that lost a relation to one that was deleted, as they are now.
    pub(crate) changed: Vec<Record>,
}

impl Deleted {
    fn add(&mut self, record: Record) {
        let names = file_names(&record);
        if !names.is_empty() {
            self.files
                .push((record.collection.id.clone(), record.id().to_owned(), names));
        }
        if self.records.len() < TOLD {
            self.records.push(record);
        }
    }
}

/// Deletes `record` and all that goes with it.
pub(crate) fn delete(tx: &mut WriteTx<'_>, record: Record) -> Result<Deleted> {
    let schema = tx.schema().clone();
    if !tx.delete_record(&record.collection, record.id())? {
        return Err(Error::not_found());
    }
    let mut deleted = Deleted::default();
    // Deleted already; what refers to them is still to be looked after. A list, not recursion: chains may be long.
    let mut waiting = vec![record];
    while let Some(gone) = waiting.pop() {
        if gone.collection.is_auth() {
            account::delete_traces(tx, &gone.collection, gone.id())?;
        }
        for (collection, field) in referring(schema.all(), &gone.collection) {
            loop {
                let batch = tx.records_referencing(collection, field, gone.id(), BATCH)?;
                let last = batch.len() < BATCH;
                for referring in batch {
                    match release(tx, referring, field, gone.id())? {
                        Released::Deleted(record) => waiting.push(record),
                        Released::Changed(record) if deleted.changed.len() < TOLD => deleted.changed.push(record),
                        Released::Changed(_) => {}
                    }
                }
                if last {
                    break;
                }
            }
        }
        deleted.add(gone);
    }
    Ok(deleted)
}

/// The relation fields, of any collection that has a table, that lead to `target`.
fn referring<'a>(
    collections: &'a [Arc<Collection>],
    target: &Collection,
) -> impl Iterator<Item = (&'a Arc<Collection>, &'a Field)> {
    let target = target.id.clone();
    collections
        .iter()
        .filter(|collection| !collection.is_view())
        .flat_map(|collection| collection.fields.iter().map(move |field| (collection, field)))
        .filter(move |(_, field)| {
            matches!(&field.kind, FieldKind::Relation { collection_id, .. } if *collection_id == target)
        })
}

/// What became of a record that referred to a deleted one.
enum Released {
    Deleted(Record),
    Changed(Record),
}

/// Takes `id` out of a record's relation field, or deletes the record where the field says so.
fn release(tx: &mut WriteTx<'_>, mut record: Record, field: &Field, id: &str) -> Result<Released> {
    let (cascade_delete, required) = match &field.kind {
        FieldKind::Relation {
            cascade_delete,
            required,
            ..
        } => (*cascade_delete, *required),
        _ => (false, false),
    };
    let left: Vec<Value> = record
        .texts(&field.name)
        .into_iter()
        .filter(|one| *one != id)
        .map(Value::from)
        .collect();
    if left.is_empty() && cascade_delete {
        tx.delete_record(&record.collection, record.id())?;
        return Ok(Released::Deleted(record));
    }
    if left.is_empty() && required {
        return Err(Error::invalid(NOT_DELETED));
    }
    let value = if field.kind.is_multiple() {
        Value::Array(left)
    } else {
        left.into_iter().next_back().unwrap_or_else(|| "".into())
    };
    record.values.insert(field.name.clone(), value);
    stamp(&mut record, false);
    tx.update_record(&record)?;
    Ok(Released::Changed(record))
}
