//! Records that named those that come back, and do not any more: a deletion takes a record out of the relations that
//! don't cascade.

use std::collections::BTreeSet;

use bosbase_store::{Most, Schema, Store};
use serde::Serialize;

use super::choice::{Bytes, Chosen, Glance};
use super::matching::Matching;
use crate::error::{Error, Result};
use crate::jobs::Looked;
use crate::records::{cascades, referring};

/// A record that named one that comes back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LostReference {
    /// The collection's name now.
    pub collection: String,
    /// The record's id.
    pub id: String,
    /// The relation, by its name now.
    pub field: String,
}

/// The records that named the `gone` ones in the backup, are there, and do not name them any more; nothing where that
/// takes too long to be found out. `then` and `now` are the collections.
pub(super) fn lost_references(
    looked: &Looked,
    gone: &[&Chosen],
    (then, now): (&Schema, &Schema),
    store: &Store,
) -> Option<Vec<LostReference>> {
    let meter = Bytes::default();
    let read = looked.store().read_counted(Glance::TIME, &meter, |tx| {
        let coming: BTreeSet<_> = gone
            .iter()
            .map(|one| (&one.record.collection.id, one.record.id()))
            .collect();
        let mut glance = Glance::begin();
        let mut lost = BTreeSet::new();
        for chosen in gone {
            let id = chosen.record.id();
            let fields = referring(then.all(), &chosen.record.collection).filter(|(_, field)| !cascades(field));
            for (collection, field) in fields {
                let Ok(matching) = Matching::find(now, then, collection) else {
                    continue;
                };
                let Some(field_now) = matching.field_now(&field.name) else {
                    continue;
                };
                for record in tx.records_referencing(collection, field, id, Most::from(glance.left() + 1))? {
                    if !glance.goes_on() {
                        return Ok(None);
                    }
                    if coming.contains(&(&collection.id, record.id())) {
                        continue;
                    }
                    let there: Result<_> = store.read(|tx| Ok(tx.record(&matching.now, record.id())?));
                    if there?.is_some_and(|there| !there.texts(&field_now.name).contains(&id)) {
                        lost.insert(LostReference {
                            collection: matching.now.name.clone(),
                            id: record.id().to_owned(),
                            field: field_now.name.clone(),
                        });
                    }
                }
                if glance.is_over() {
                    return Ok(None);
                }
            }
        }
        Ok::<_, Error>(Some(lost))
    });
    Some(read.ok()??.into_iter().collect())
}
