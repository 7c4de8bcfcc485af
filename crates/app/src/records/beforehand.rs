//! What can be refused before a body was read: it may be long, and may bring files.

use std::sync::Arc;

use bosbase_store::Collection;
use serde_json::Map;

use super::plan::NOT_CREATED;
use super::{Records, rules, writable};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};

impl Records {
    /// Refuses the creation of a record whose rule denies it for any body.
    ///
    /// # Errors
    ///
    /// As [`Records::create`].
    pub fn may_begin_to_create(&self, collection: &str, caller: &Caller) -> Result<()> {
        let collection = self.collection_to_write(collection)?;
        let Some(rule) = rules::applied(collection.rules.create_rule.as_ref(), caller)? else {
            return Ok(());
        };
        let context = caller.context("default", Map::new());
        let may_pass = self
            .store()
            .read(|tx| rules::or_deny(tx.may_pass(&collection, rule, &context), &collection))?;
        may_pass.then_some(()).ok_or_else(|| Error::invalid(NOT_CREATED))
    }

    /// Refuses the change of a record that is not there, or whose rule denies it for any body.
    ///
    /// # Errors
    ///
    /// As [`Records::update`].
    pub fn may_begin_to_update(&self, collection: &str, id: &str, caller: &Caller) -> Result<()> {
        let collection = self.collection_to_write(collection)?;
        let rule = rules::applied(collection.rules.update_rule.as_ref(), caller)?;
        let context = caller.context("default", Map::new());
        let may_pass = self.store().read(|tx| {
            if tx.record(&collection, id)?.is_none() {
                return Ok(false);
            }
            match rule {
                Some(rule) => rules::or_deny(tx.may_pass(&collection, rule, &context), &collection),
                None => Ok::<_, Error>(true),
            }
        })?;
        may_pass.then_some(()).ok_or_else(Error::not_found)
    }

    fn collection_to_write(&self, collection: &str) -> Result<Arc<Collection>> {
        let schema = self.store().schema();
        let found = schema.find(collection).cloned();
        let found = found.ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid collection context."))?;
        writable(&found)?;
        Ok(found)
    }
}
