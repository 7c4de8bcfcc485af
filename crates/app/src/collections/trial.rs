//! What a view collection would show, before it is made.

use bosbase_store::{CollectionKind, ErrorKind as StoreErrorKind, collection_id, random_text};
use serde_json::{Map, Value, json};

use super::{Collections, defaults, field_checks};
use crate::caller::Caller;
use crate::console::{closed, query};
use crate::error::{Error, Result};
use crate::records::{AnswerMeter, present_own};

/// So many records are shown.
const SAMPLE: usize = 10;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Collections {
    /// The fields of a view collection with the body's `query`, and its first records. Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a query that no view can have, with the reason;
    /// [`crate::ErrorKind::Unavailable`] where the server is too busy.
    pub fn try_view(&self, body: &Map<String, Value>, caller: &Caller) -> Result<Value> {
        let query = query(body)?;
        let mut view = defaults::blank(CollectionKind::View);
        view.name = format!("temp_view_{}", random_text(5, LETTERS));
        view.id = collection_id(view.kind, &view.name);
        view.set_view_query(query.to_owned());
        let meter = AnswerMeter::new(&self.inner.memory, &caller.held);
        let tried = self.store().try_view(&caller.requester(), &view, SAMPLE, &meter);
        let tried = tried.map_err(|error| match error.kind() {
            StoreErrorKind::InvalidSchema | StoreErrorKind::TooLarge => refused(error.detail()),
            _ => error.into(),
        });
        let (view, records) = meter.finish(tried)?;
        if let Some(unfit) = field_checks::unfit(&view.fields) {
            return Err(refused(&unfit));
        }
        let sample: Vec<_> = records.iter().map(present_own).collect();
        Ok(json!({"fields": view.fields, "sample": sample}))
    }
}

fn refused(detail: &str) -> Error {
    Error::invalid(format!("Invalid view query. Raw error: \n{}", closed(detail)))
}
