//! Who may do what with records.

use bosbase_store::{Collection, ErrorKind as StoreErrorKind, ReadTx, Record, RequestContext};

use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};

/// A rule of `collection` as it applies to `caller`: `None` where nothing has to be checked.
///
/// # Errors
///
/// [`ErrorKind::Forbidden`] where the rule admits superusers only and the caller is none.
pub(super) fn applied<'a>(rule: Option<&'a String>, caller: &Caller) -> Result<Option<&'a str>> {
    if caller.is_superuser() {
        return Ok(None);
    }
    match rule {
        None => Err(Error::new(
            ErrorKind::Forbidden,
            "Only superusers can perform this action.",
        )),
        Some(rule) if rule.is_empty() => Ok(None),
        Some(rule) => Ok(Some(rule)),
    }
}

/// `answer`, where a rule that can't be evaluated admits nobody.
pub(super) fn or_deny(answer: bosbase_store::Result<bool>, collection: &Collection) -> Result<bool> {
    match answer {
        Err(error) if error.kind() == StoreErrorKind::InvalidQuery => {
            tracing::warn!(%error, collection = collection.name, "a rule can't be evaluated and admits nobody");
            Ok(false)
        }
        other => Ok(other?),
    }
}

/// The rule that lets somebody manage an auth collection's records as a superuser would, if there is one.
pub(super) fn manage_rule(collection: &Collection) -> Option<&str> {
    let rule = collection.options.get("manageRule")?.as_str()?;
    (collection.is_auth() && !rule.is_empty()).then_some(rule)
}

/// Whether `caller` may manage the stored `record`.
pub(super) fn manages(tx: &ReadTx<'_>, record: &Record, caller: &Caller, context: &RequestContext) -> Result<bool> {
    if caller.is_superuser() {
        return Ok(true);
    }
    match manage_rule(&record.collection) {
        Some(rule) if caller.auth.is_some() => or_deny(
            tx.record_matches(&record.collection, record.id(), rule, context),
            &record.collection,
        ),
        _ => Ok(false),
    }
}
