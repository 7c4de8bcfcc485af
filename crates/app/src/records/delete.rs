//! Deleting records, with what must not outlive them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bosbase_store::{Collection, Field, FieldKind, Most, ReadTx, Record, Schema, WriteTx};
use serde_json::Value;

use super::account;
use super::change::{refused, stamp};
use super::references::file_names;
use crate::error::{Error, Result};
use crate::memory::weight;

const NOT_DELETED: &str =
    "Failed to delete record. Make sure that the record is not part of a required relation reference.";
/// How many referring records are looked at together.
const BATCH: Most = Most {
    records: 500,
    bytes: 4 << 20,
};
/// What subscribers are told of one deletion, or of a batch of them, at the most; what goes along beyond that they find
/// gone.
pub(super) const TOLD: Most = Most {
    records: 10_000,
    bytes: 8 << 20,
};
/// Nothing more is told.
pub(super) const NO_MORE: Most = Most { records: 0, bytes: 0 };

/// The first records of a deletion, no more than are told: whole records, which may be large and many.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) records: Vec<Record>,
    left: Most,
}

impl Default for Told {
    fn default() -> Self {
        Self::up_to(TOLD)
    }
}

impl Told {
    pub(crate) fn of(record: Record) -> Self {
        let mut told = Self::default();
        told.add(record);
        told
    }

    /// Nothing, and no room for anything.
    pub(super) fn nothing() -> Self {
        Self::up_to(NO_MORE)
    }

    /// Nothing yet, with room for `left`.
    pub(super) fn up_to(left: Most) -> Self {
        Self {
            records: Vec::new(),
            left,
        }
    }

    /// Takes `record` in, where there is room for it, or it is the first of all.
    pub(crate) fn add(&mut self, record: Record) {
        let bytes = record.values.values().map(weight).sum();
        if self.left.records == 0 || (self.left.bytes < bytes && self.left != TOLD) {
            self.left = NO_MORE;
            return;
        }
        self.left.records -= 1;
        self.left.bytes = self.left.bytes.saturating_sub(bytes);
        self.records.push(record);
    }

    /// The first ones, as far as there is room for them in `left`, which is less by them then.
    pub(super) fn within(self, left: &mut Most) -> Vec<Record> {
        let mut told = Self::up_to(*left);
        self.records.into_iter().for_each(|record| told.add(record));
        *left = told.left;
        told.records
    }

    /// How many more may be added.
    pub(crate) fn left(&self) -> Most {
        self.left
    }

    pub(crate) fn is_full(&self) -> bool {
        self.left.records == 0 || self.left.bytes == 0
    }
}

/// What went with a deletion.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// Collection id, record id and file names of the records that have files.
    pub(crate) files: Vec<(String, String, Vec<String>)>,
    /// The first records, for those who follow what happens to them.
    pub(crate) records: Told,
    /// The first records that lost a relation to one that was deleted, as they are now.
    pub(crate) changed: Told,
}

/// A record that is deleted. What refers to it is still to be looked after.
struct Gone {
    collection: Arc<Collection>,
    id: String,
}

impl Deleted {
    /// Notes what has to be known of `record`, which is deleted. The whole record is kept only where it is told.
    fn add(&mut self, record: Record) -> Gone {
        let gone = Gone {
            collection: record.collection.clone(),
            id: record.id().to_owned(),
        };
        let names = file_names(&record);
        if !names.is_empty() {
            self.files.push((gone.collection.id.clone(), gone.id.clone(), names));
        }
        self.records.add(record);
        gone
    }
}

/// Deletes `record` and all that goes with it.
pub(crate) fn delete(tx: &mut WriteTx<'_>, record: Record) -> Result<Deleted> {
    let schema = tx.schema().clone();
    if !tx.delete_record(&record.collection, record.id())? {
        return Err(Error::not_found());
    }
    let mut deleted = Deleted::default();
    // A list, not recursion: chains may be long.
    let mut waiting = vec![deleted.add(record)];
    while let Some(gone) = waiting.pop() {
        if gone.collection.is_auth() {
            account::delete_traces(tx, &gone.collection, &gone.id)?;
        }
        for (collection, field) in referring(schema.all(), &gone.collection) {
            loop {
                let batch = tx.records_referencing(collection, field, &gone.id, BATCH)?;
                if batch.is_empty() {
                    break;
                }
                for referring in batch {
                    match release(tx, referring, field, &gone.id)? {
                        Released::Deleted(record) => waiting.push(deleted.add(record)),
                        Released::Changed(record) => deleted.changed.add(record),
                    }
                }
            }
        }
    }
    Ok(deleted)
}

/// The records that would go if those of `first` did, themselves included: the first that are found.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn doomed(tx: &ReadTx<'_>, first: Told) -> Result<Told> {
    let schema = tx.schema().clone();
    let key = |record: &Record| (record.collection.id.clone(), record.id().to_owned());
    let mut found: HashSet<(String, String)> = first.records.iter().map(key).collect();
    // What a relation to several records still names, by field.
    let mut left: HashMap<(String, String, String), HashSet<String>> = HashMap::new();
    let gone = |record: &Record| Gone {
        collection: record.collection.clone(),
        id: record.id().to_owned(),
    };
    let mut waiting: Vec<Gone> = first.records.iter().map(gone).collect();
    let mut doomed = first;
    while let Some(Gone { collection, id }) = waiting.pop() {
        for (referring, field) in referring(schema.all(), &collection).filter(|(_, field)| cascades(field)) {
            if doomed.is_full() {
                return Ok(doomed);
            }
            for record in tx.records_referencing(referring, field, &id, doomed.left())? {
                let key = key(&record);
                let names = || record.texts(&field.name).into_iter().map(str::to_owned).collect();
                let left = left.entry((key.0.clone(), key.1.clone(), field.name.clone()));
                let left = left.or_insert_with(names);
                left.remove(&id);
                if left.is_empty() && found.insert(key) {
                    waiting.push(gone(&record));
                    doomed.add(record);
                }
            }
        }
    }
    Ok(doomed)
}

/// The ids of the collections with files whose records may go when one of `target` does.
pub(crate) fn reachable_files(schema: &Schema, target: &Collection) -> Vec<String> {
    let mut reached: HashSet<&str> = HashSet::new();
    let mut with_files = Vec::new();
    let mut waiting = vec![target];
    while let Some(gone) = waiting.pop() {
        for (collection, _) in referring(schema.all(), gone).filter(|(_, field)| cascades(field)) {
            if reached.insert(&collection.id) {
                let mut fields = collection.fields.iter();
                if fields.any(|field| matches!(field.kind, FieldKind::File { .. })) {
                    with_files.push(collection.id.clone());
                }
                waiting.push(collection);
            }
        }
    }
    with_files
}

/// Whether a record goes with the last that the relation names.
pub(crate) fn cascades(field: &Field) -> bool {
    matches!(
        field.kind,
        FieldKind::Relation {
            cascade_delete: true,
            ..
        }
    )
}

/// The relation fields, of any collection that has a table, that lead to `target`.
pub(crate) fn referring<'a>(
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
    tx.update_record(&record)
        .map_err(|error| refused(error, &record.collection, NOT_DELETED))?;
    Ok(Released::Changed(record))
}
