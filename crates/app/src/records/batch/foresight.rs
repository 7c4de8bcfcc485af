//! Whether an upsert will make a record or change one, foreseen before its batch runs: limits count the two apart.

use std::collections::HashMap;

use super::request::{BatchAction, BatchRequest};
use crate::error::Result;
use crate::records::delete::cascades;
use crate::records::{Records, is_there};

/// Follows the requests of a batch in their order.
#[derive(Debug, Default)]
pub struct Foresight {
    /// Whether records are there after the requests so far, by the id of the collection and their own.
    there: HashMap<(String, String), bool>,
    has_deletions: bool,
}

/// What an upsert will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upsert {
    /// It makes a record.
    Create,
    /// It changes the record with this id.
    Update(String),
    /// It changes the record with this id, unless that went along with one that an earlier request deletes.
    Either(String),
}

impl Foresight {
    /// What `request`, the next one, will do; `None` where it is no upsert.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn follow(&mut self, records: &Records, request: &BatchRequest) -> Result<Option<Upsert>> {
        let schema = records.store().schema();
        let is_upsert = matches!(request.action, BatchAction::Upsert);
        let Some(collection) = schema.find(&request.collection) else {
            return Ok(is_upsert.then_some(Upsert::Create));
        };
        let key = |id: &str| (collection.id.clone(), id.to_owned());
        match &request.action {
            BatchAction::Update(_) => return Ok(None),
            BatchAction::Delete(id) => {
                self.there.insert(key(id), false);
                self.has_deletions = true;
                return Ok(None);
            }
            BatchAction::Create | BatchAction::Upsert => {}
        }
        let Some(id) = request.body.id() else {
            return Ok(is_upsert.then_some(Upsert::Create));
        };
        let before = self.there.insert(key(&id), true);
        if !is_upsert {
            return Ok(None);
        }
        let is_there = match before {
            Some(known) => known,
            None => records.store().read(|tx| is_there(tx, &collection.id, &id))?,
        };
        Ok(Some(match is_there {
            false => Upsert::Create,
            true if self.has_deletions && collection.fields.iter().any(cascades) => Upsert::Either(id),
            true => Upsert::Update(id),
        }))
    }
}
