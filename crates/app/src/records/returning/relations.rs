//! The relations of a record on its way back: they lose what leads nowhere now.

use std::collections::HashMap;

use bosbase_store::{Field, FieldKind, ReadTx, Record};
use serde_json::Value;

use super::Lost;
use crate::error::{Error, Result};

/// How many different records relations may name.
const MOST_ASKED: usize = 200_000;

/// What was taken out of the relations of a record.
pub(super) struct Cut {
    pub(super) lost: Lost,
    /// A required one that has nothing left.
    pub(super) lacking: Option<String>,
}

/// Which records are there, as far as it was asked for.
pub(super) struct There {
    known: HashMap<(String, String), bool>,
}

impl There {
    /// Those that are still to come count as there: two records may name each other. Named by collection and id.
    pub(super) fn with(coming: impl Iterator<Item = (String, String)>) -> Self {
        Self {
            known: coming.map(|key| (key, true)).collect(),
        }
    }

    fn has(&mut self, tx: &ReadTx<'_>, collection: &str, id: &str) -> Result<bool> {
        let key = (collection.to_owned(), id.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.known.len() > MOST_ASKED {
            return Err(Error::invalid(
                "The records name too many others for once. Choose fewer.",
            ));
        }
        let has = match tx.schema().find(collection) {
            Some(target) => tx.has_record(target, id)?,
            None => false,
        };
        self.known.insert(key, has);
        Ok(has)
    }
}

/// Takes out of the relations what leads nowhere.
pub(super) fn cut_relations(tx: &ReadTx<'_>, record: &mut Record, there: &mut There) -> Result<Cut> {
    let mut cut = Cut {
        lost: Lost::new(),
        lacking: None,
    };
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
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for id in record.texts(&field.name) {
            if there.has(tx, collection_id, id)? {
                &mut kept
            } else {
                &mut gone
            }
            .push(id.to_owned());
        }
        if gone.is_empty() {
            continue;
        }
        if kept.is_empty() && *required {
            cut.lacking.get_or_insert_with(|| field.name.clone());
        }
        record.values.insert(field.name.clone(), relation(field, kept));
        cut.lost.insert(field.name.clone(), gone);
    }
    Ok(cut)
}

fn relation(field: &Field, ids: Vec<String>) -> Value {
    match field.kind.is_multiple() {
        true => ids.into(),
        false => ids.into_iter().next_back().unwrap_or_default().into(),
    }
}
