//! Whether an access rule lets a record through.

use bosbase_store::{ErrorKind, ReadTx, Record, RequestContext};

use crate::error::Result;

/// Whether the stored `record` satisfies `rule` (empty: everyone). A rule that can't be evaluated admits nobody.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn passes(tx: &ReadTx<'_>, record: &Record, rule: &str, context: &RequestContext) -> Result<bool> {
    if rule.is_empty() {
        return Ok(true);
    }
    match tx.record_matches(&record.collection, record.id(), rule, context) {
        Err(error) if error.kind() == ErrorKind::InvalidQuery => {
            tracing::warn!(%error, collection = record.collection.name, rule, "a rule can't be evaluated and admits nobody");
            Ok(false)
        }
        answer => Ok(answer?),
    }
}
