//! Whether an access rule lets a record through, and what of a record somebody may see.

use bosbase_store::{ErrorKind, ReadTx, Record, RequestContext};

use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::error::Result;

/// Whether the stored `record` satisfies `rule` (empty: everyone). A rule that can't be evaluated admits nobody.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn passes(tx: &ReadTx<'_>, record: &Record, rule: &str, context: &RequestContext) -> Result<bool> {
    Ok(evaluate(tx, record, rule, context)?.unwrap_or(false))
}

/// What `rule` says of the stored `record`; `None` where it can't be evaluated, which its caller has to take for the safer
/// answer.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn evaluate(tx: &ReadTx<'_>, record: &Record, rule: &str, context: &RequestContext) -> Result<Option<bool>> {
    if rule.is_empty() {
        return Ok(Some(true));
    }
    match tx.record_matches(&record.collection, record.id(), rule, context) {
        Err(error) if error.kind() == ErrorKind::InvalidQuery => {
            let collection = &record.collection.name;
            tracing::warn!(%error, collection, rule, "a rule can't be evaluated");
            Ok(None)
        }
        answer => Ok(Some(answer?)),
    }
}

/// `records` as `caller` may see them: without hidden fields, and with the email address of an account only where it is the
/// caller's own or made visible.
pub(crate) fn present_in(records: &[Record], caller: &Caller) -> Vec<Map<String, Value>> {
    let show = |record: &Record| {
        let collection = &record.collection;
        let own = caller.auth.as_ref().is_some_and(|auth| auth.id() == record.id());
        let address = !collection.is_auth() || own || caller.is_superuser() || record.flag("emailVisibility");
        let secret = |name: &str| collection.is_auth() && matches!(name, "password" | "tokenKey");
        let mut shown: Map<String, Value> = collection
            .fields
            .iter()
            .filter(|field| !field.hidden && !secret(&field.name) && (address || field.name != "email"))
            .filter_map(|field| Some((field.name.clone(), record.values.get(&field.name)?.clone())))
            .collect();
        shown.insert("collectionId".to_owned(), Value::String(collection.id.clone()));
        shown.insert("collectionName".to_owned(), Value::String(collection.name.clone()));
        shown
    };
    records.iter().map(show).collect()
}
