//! What a login is answered with.

use std::sync::Arc;

use bosbase_store::Record;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::error::Result;
use crate::fields::Wanted;
use crate::records::{self, Records};

/// A record that has proven who it is, and the token that proves it from now on.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// Who logged in.
    pub record: Record,
    /// Their auth token.
    pub token: String,
    /// What a provider says of them, where it introduced them.
    pub meta: Option<Value>,
}

impl Authenticated {
    /// The answer's `{record, token}`, and `meta` where there is any, the record as it sees itself, with the relations
    /// of the request's `expand`.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn present(&self, all: &Records, caller: &Caller) -> Result<Map<String, Value>> {
        let mut itself = caller.clone();
        itself.auth = Some(Arc::new(self.record.clone()));
        let expand = caller.query.get("expand").and_then(Value::as_str).unwrap_or_default();
        let fields = caller.query.get("fields").and_then(Value::as_str).unwrap_or_default();
        let shown = match Wanted::parse(fields).of("record") {
            Some(wanted) => records::present(all, std::slice::from_ref(&self.record), &itself, expand, wanted)?,
            None => Vec::new(),
        };
        let own = shown.into_iter().next().unwrap_or_default();
        let mut answer = Map::new();
        answer.insert("record".to_owned(), Value::Object(own));
        answer.insert("token".to_owned(), Value::String(self.token.clone()));
        if let Some(meta) = &self.meta {
            answer.insert("meta".to_owned(), meta.clone());
        }
        Ok(answer)
    }
}
