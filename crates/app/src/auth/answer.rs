//! What a login is answered with.

use bosbase_store::Record;
use serde_json::{Map, Value};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::records;

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
        let mut itself = caller.clone();
        itself.auth = Some(self.record.clone());
        let expand = caller.query.get("expand").and_then(Value::as_str).unwrap_or_default();
        let shown = records::present(app, std::slice::from_ref(&self.record), &itself, expand)?;
        let own = shown.into_iter().next().unwrap_or_default();
        let mut answer = Map::new();
        answer.insert("record".to_owned(), Value::Object(own));
        answer.insert("token".to_owned(), Value::String(self.token.clone()));
        Ok(answer)
    }
}
