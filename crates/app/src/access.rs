//! Whether an access rule lets a record through.

use bosbase_store::{ErrorKind, ReadTx, Record, RequestContext};

use crate::error::Result;

/// Whether the stored `record` satisfies `rule` (empty: everyone). A rule that can't be evaluated admits nobody.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn passes(tx: &ReadTx<'_>, record: &Record, rule: &str, context: &RequestContext) -> Result<bool> {
    Ok(evaluate(tx, record, rule, context)?.unwrap_or(false))
}

/// What `rule` says of the stored `record`; `None` where it can't be evaluated, which its caller has to take for the
/// safer answer.
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
