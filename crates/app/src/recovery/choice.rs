//! Which records of a backup come back.

use std::cell::Cell;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Collection, ListQuery, Meter, Most, PageRequest, ReadTx, Record, Schema};

use super::collection_of;
use super::matching::Matching;
use crate::error::{Error, FieldErrors, Result};
use crate::form::VALIDATING;
use crate::jobs::Looked;
use crate::records::{cascades, referring};

/// The most records that come back together.
pub(super) const MOST: usize = 5_000;
/// The most bytes of them, as they are stored.
const MOST_BYTES: usize = 16 << 20;
/// How long they may be looked for.
const LOOKING: Duration = Duration::from_secs(60);
/// The most records that are looked at to find those that belong to others, and are gone.
const MOST_LOOKED_AT: usize = 50_000;
/// Collections whose records belong to an account and went with it. What lives for minutes is not worth bringing back.
const BELONGINGS: [&str; 2] = ["_externalAuths", "_authOrigins"];

/// The records that somebody chose.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The collection's name or id, as it was.
    pub collection: String,
    /// Their ids.
    pub ids: Vec<String>,
    /// Or what they have in common.
    pub filter: String,
    /// Whether what a cascade deleted with them comes along.
    pub children: bool,
}

/// A chosen record.
pub(super) struct Chosen {
    pub(super) record: Record,
    /// Whether it comes along with another.
    pub(super) is_child: bool,
}

/// Asked of a record that may come along: whether it is there now.
pub(super) type IsThere<'a> = &'a dyn Fn(&Collection, &str) -> Result<bool>;

impl Choice {
    /// Reads the chosen records, those first that others belong to, and counts those that belong to them, are gone, and
    /// were not asked for; nothing where that takes too long.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where the backup has no such collection; [`crate::ErrorKind::Invalid`] where it
    /// is a view, lacks one of the ids, or it is too much at once.
    pub(super) fn read(&self, looked: &Looked, is_there: IsThere<'_>) -> Result<(Vec<Chosen>, Option<usize>)> {
        let collection = collection_of(looked, &self.collection)?;
        if collection.is_view() {
            return Err(Error::invalid(format!(
                "{} is a view: its records are made of those of other collections. Bring those back.",
                collection.name
            )));
        }
        let meter = Bytes::default();
        let read = looked.store().read_counted(LOOKING, &meter, |tx| {
            let mut chosen = self.named(tx, &collection)?;
            if self.children {
                let records = children_of(tx, &chosen, Glance::to_bring(), is_there)?.ok_or_else(too_much)?;
                chosen.extend(records.into_iter().map(|record| Chosen { record, is_child: true }));
            }
            Ok::<_, Error>(chosen)
        });
        if meter.0.get() > MOST_BYTES {
            return Err(too_much());
        }
        let chosen = read?;
        if chosen.len() > MOST {
            return Err(too_much());
        }
        let left = match self.children {
            true => Some(0),
            false => children_left(looked, &chosen, is_there),
        };
        Ok((chosen, left))
    }

    fn named(&self, tx: &ReadTx<'_>, collection: &Arc<Collection>) -> Result<Vec<Chosen>> {
        let records = if self.filter.is_empty() {
            self.by_ids(tx, collection)?
        } else {
            let mut records = Vec::new();
            let query = ListQuery {
                filter: self.filter.clone(),
                allow_hidden: true,
                page: PageRequest::first(1),
                ..ListQuery::default()
            };
            tx.all_records(collection, &query, |record| {
                let counted = record.values.values().map(crate::memory::weight).sum();
                records.push(record);
                tx.count(counted).is_ok() && records.len() <= MOST
            })?;
            records
        };
        let chosen = records.into_iter().map(|record| Chosen {
            record,
            is_child: false,
        });
        Ok(chosen.collect())
    }

    fn by_ids(&self, tx: &ReadTx<'_>, collection: &Arc<Collection>) -> Result<Vec<Record>> {
        let mut seen = HashSet::new();
        let ids: Vec<String> = self.ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect();
        let found = tx.records_by_ids(collection, &ids)?;
        let there: HashSet<&str> = found.iter().map(Record::id).collect();
        if let Some(missing) = ids.iter().find(|id| !there.contains(id.as_str())) {
            let missing: String = missing.chars().take(60).collect();
            let text = format!("The backup has no record {missing} in {}.", collection.name);
            let errors = FieldErrors::one("ids", "validation_missing_record", &text);
            return Err(Error::validation(VALIDATING, errors));
        }
        Ok(found)
    }
}

fn too_much() -> Error {
    Error::invalid(format!(
        "That is too much at once: at most {MOST} records of {} MiB come back together. Choose fewer.",
        MOST_BYTES >> 20
    ))
}

/// A look that must not take long: what is found by it is told, and nothing depends on it.
pub(super) struct Glance {
    left: usize,
    until: Instant,
}

impl Glance {
    /// How long it may take.
    pub(super) const TIME: Duration = Duration::from_secs(2);
    /// How many records it may look at.
    const MOST: usize = 2_000;

    pub(super) fn begin() -> Self {
        Self {
            left: Self::MOST,
            until: Instant::now() + Self::TIME,
        }
    }

    /// One that may look at as many as it takes to bring them back.
    fn to_bring() -> Self {
        Self {
            left: MOST_LOOKED_AT,
            until: Instant::now() + LOOKING,
        }
    }

    /// How many records it may still look at.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Counts one more record; whether it may be looked at.
    pub(super) fn goes_on(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) if !self.is_over() => {
                self.left = left;
                true
            }
            _ => false,
        }
    }
}

/// What belongs to `chosen` and is not there any more, level by level, also below what is there; no more of it than
/// makes it too much. Nothing where `glance` was over before.
fn children_of(
    tx: &ReadTx<'_>,
    chosen: &[Chosen],
    mut glance: Glance,
    is_there: IsThere<'_>,
) -> Result<Option<Vec<Record>>> {
    let schema = tx.schema().clone();
    let key = |record: &Record| (record.collection.id.clone(), record.id().to_owned());
    let mut seen: HashSet<_> = chosen.iter().map(|one| key(&one.record)).collect();
    let mut waiting: VecDeque<_> = chosen
        .iter()
        .map(|one| (one.record.collection.clone(), one.record.id().to_owned()))
        .collect();
    let mut found = Vec::new();
    let most = MOST.saturating_sub(chosen.len());
    while let Some((parent, id)) = waiting.pop_front() {
        if glance.is_over() {
            return Ok(None);
        }
        for record in children(tx, &schema, &parent, &id, glance.left() + 1)? {
            if !seen.insert(key(&record)) {
                continue;
            }
            if !glance.goes_on() {
                return Ok(None);
            }
            waiting.push_back((record.collection.clone(), record.id().to_owned()));
            if is_there(&record.collection, record.id())? {
                continue;
            }
            found.push(record);
            if found.len() > most {
                return Ok(Some(found));
            }
        }
    }
    Ok(Some(found))
}

/// How many records belong to `chosen`, are gone, and stay away, as nobody asked for them; nothing where that takes too
/// long to be found out.
fn children_left(looked: &Looked, chosen: &[Chosen], is_there: IsThere<'_>) -> Option<usize> {
    let meter = Bytes::default();
    let read = looked.store().read_counted(Glance::TIME, &meter, |tx| {
        children_of(tx, chosen, Glance::begin(), is_there)
    });
    Some(read.ok()??.len())
}

/// The records that a deletion of this one takes along.
fn children(tx: &ReadTx<'_>, schema: &Schema, parent: &Collection, id: &str, most: usize) -> Result<Vec<Record>> {
    let mut found = Vec::new();
    let most = Most::from(most);
    for (collection, field) in referring(schema.all(), parent).filter(|(_, field)| cascades(field)) {
        found.extend(tx.records_referencing(collection, field, id, most)?);
    }
    if parent.is_auth() {
        for table in BELONGINGS.iter().filter_map(|name| schema.find(name)) {
            let Some(field) = table.field("recordRef") else {
                continue;
            };
            let all = tx.records_referencing(table, field, id, most)?.into_iter();
            found.extend(all.filter(|one| one.text("collectionRef") == parent.id));
        }
    }
    Ok(found)
}

/// The values of a chosen record by the fields of now, for the collection that its account is in now.
pub(super) fn values(
    chosen: &Record,
    matching: &Matching,
    schemas: (&Schema, &Schema),
) -> serde_json::Map<String, serde_json::Value> {
    let mut values = matching.values(chosen);
    let (then, now) = schemas;
    if BELONGINGS.contains(&chosen.collection.name.as_str())
        && let Some(owner) = then.find(chosen.text("collectionRef"))
        && let Ok(owner) = Matching::find(now, then, owner)
    {
        values.insert("collectionRef".to_owned(), owner.now.id.clone().into());
    }
    values
}

/// Counts what is read, and ends it when it is too much.
#[derive(Default)]
pub(super) struct Bytes(Cell<usize>);

impl Meter for Bytes {
    fn add(&self, bytes: usize) -> bool {
        self.0.set(self.0.get().saturating_add(bytes));
        self.0.get() <= MOST_BYTES
    }
}
