//! What is special about the records of auth collections: who may change which of their fields, and what follows.

use std::sync::Arc;

use bosbase_store::{Collection, FieldKind, Record, WriteTx, new_secret};
use serde_json::Value;

use super::draft::Draft;
use super::pattern;
use super::value;
use crate::error::{FieldErrors, Result};

const REQUIRED: (&str, &str) = ("validation_required", "Cannot be blank.");
const MISMATCH: (&str, &str) = ("validation_values_mismatch", "Values don't match.");

/// System collections whose records belong to an account, by `collectionRef` and `recordRef`.
const TRACES: [&str; 4] = ["_externalAuths", "_mfas", "_otps", "_authOrigins"];

/// Checks what a form for an account has to meet beyond its fields' options. `manager` may change everything.
///
/// Takes as long as a password's hash does where the old one has to be proven: not within a transaction.
pub(super) fn check(draft: &Draft, manager: bool) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let record = &draft.record;
    if !record.collection.is_auth() {
        return errors;
    }
    let mut add = |field: &str, (code, message): (&str, &str)| errors.add(field, code, message);
    let sent = |name: &str| draft.body.get(name).map(value::text).unwrap_or_default();
    let (password, confirm, old) = (
        draft.plain_password("password"),
        sent("passwordConfirm"),
        sent("oldPassword"),
    );
    let original = draft.original.as_ref();
    if !manager {
        if original.is_some_and(|original| original.text("email") != record.text("email")) {
            add("email", MISMATCH);
        }
        if original.is_some_and(|original| original.flag("verified")) != record.flag("verified") {
            add("verified", MISMATCH);
        }
    }
    if password.is_empty() && (original.is_none() || !confirm.is_empty() || !old.is_empty()) {
        add("password", REQUIRED);
    }
    if confirm.is_empty() && (original.is_none() || !password.is_empty() || !old.is_empty()) {
        add("passwordConfirm", REQUIRED);
    } else if confirm != password {
        add("passwordConfirm", MISMATCH);
    }
    if let Some(original) = original
        && !manager
        && (!password.is_empty() || !confirm.is_empty())
    {
        if old.is_empty() {
            add("oldPassword", REQUIRED);
        } else if !bcrypt::verify(&old, original.text("password")).unwrap_or(false) {
            let message = "Missing or invalid old password.";
            add("oldPassword", ("validation_invalid_old_password", message));
        }
    }
    errors
}

/// Ends the validity of all tokens where the password or address changes, unless the change brings its own key.
pub(super) fn renew_token_key(draft: &mut Draft) {
    let Some(original) = &draft.original else { return };
    let record = &draft.record;
    if !record.collection.is_auth() || original.text("tokenKey") != record.text("tokenKey") {
        return;
    }
    let changed = !draft.plain_password("password").is_empty() || original.text("email") != record.text("email");
    if changed {
        let made = match record.collection.field("tokenKey").map(|field| &field.kind) {
            Some(FieldKind::Text {
                autogenerate_pattern, ..
            }) => pattern::generate(autogenerate_pattern),
            _ => None,
        };
        let key = made.filter(|key| key.len() >= 30).unwrap_or_else(new_secret);
        draft.record.values.insert("tokenKey".to_owned(), Value::String(key));
    }
}

/// Whether another auth collection has a record of this id: ids of accounts are unique across all of them.
pub(super) fn id_taken_elsewhere(tx: &WriteTx<'_>, record: &Record) -> Result<bool> {
    if !record.collection.is_auth() {
        return Ok(false);
    }
    for other in tx.schema().all() {
        if other.is_auth() && other.id != record.collection.id && tx.record(other, record.id())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes the records of system collections that belong to an account that is deleted.
pub(super) fn delete_traces(tx: &mut WriteTx<'_>, collection: &Collection, id: &str) -> Result<()> {
    TRACES
        .iter()
        .try_for_each(|table| delete_from(tx, table, collection, id))
}

/// Forgets from where an account was logged in, after its password changed.
pub(super) fn delete_origins(tx: &mut WriteTx<'_>, record: &Record) -> Result<()> {
    delete_from(tx, "_authOrigins", &record.collection, record.id())
}

fn delete_from(tx: &mut WriteTx<'_>, table: &str, collection: &Collection, id: &str) -> Result<()> {
    let schema = tx.schema().clone();
    let Some(table): Option<&Arc<Collection>> = schema.find(table) else {
        return Ok(());
    };
    let Some(field) = table.field("recordRef") else {
        return Ok(());
    };
    // Ids of accounts are unique across collections, so that hardly ever one of another is among them.
    for trace in tx.records_referencing(table, field, id, usize::MAX)? {
        if trace.text("collectionRef") == collection.id {
            tx.delete_record(table, trace.id())?;
        }
    }
    Ok(())
}
