//! What is special about the records of auth collections: who may change which of their fields, and what follows.

use std::sync::Arc;

use bosbase_store::{Collection, FieldKind, ReadTx, Record, WriteTx, new_secret};
use serde_json::Value;

use super::draft::Draft;
use super::link;
use super::pattern;
use super::validate::TRACES;
use super::value;
use crate::caller::Caller;
use crate::error::{FieldErrors, Result};
use crate::lockout::INSTALLER;

const REQUIRED: (&str, &str) = ("validation_required", "Cannot be blank.");
const MISMATCH: (&str, &str) = ("validation_values_mismatch", "Values don't match.");

/// Traces that are read together.
const TOGETHER: usize = 500;

/// An old password that has to be right for a change to happen.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub(super) account: Record,
    pub(super) old: String,
}

/// Checks what a form for an account has to meet beyond its fields' options, but for the old password, which may have
/// to be proven. `manager` may change everything.
pub(super) fn check(draft: &Draft, manager: bool) -> (FieldErrors, Option<Proof>) {
    let mut errors = FieldErrors::new();
    let mut proof = None;
    let record = &draft.record;
    if !record.collection.is_auth() {
        return (errors, proof);
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
        } else {
            let account = original.clone();
            proof = Some(Proof { account, old });
        }
    }
    (errors, proof)
}

/// The caller, where it is the account with which the first superuser is made.
pub(super) fn installer(caller: &Caller) -> Option<&Record> {
    let auth = caller.auth.as_deref()?;
    (auth.collection.is_superusers() && auth.text("email") == INSTALLER).then_some(auth)
}

/// Ends the link for making the first superuser, where `made` is one.
///
/// # Errors
///
/// Where the database can't be written.
pub(super) fn delete_installer(tx: &mut WriteTx<'_>, made: &Record) -> Result<()> {
    if !made.collection.is_superusers() || made.text("email") == INSTALLER {
        return Ok(());
    }
    if let Some(installer) = tx.find_record(&made.collection, "email", INSTALLER, false)? {
        tx.delete_record(&installer.collection, installer.id())?;
    }
    Ok(())
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
        let key = new_token_key(record);
        draft.record.values.insert("tokenKey".to_owned(), Value::String(key));
    }
}

/// Gives an account that has none the key of its tokens.
pub(super) fn ensure_token_key(record: &mut Record) {
    if record.collection.is_auth() && record.text("tokenKey").is_empty() {
        let key = new_token_key(record);
        record.values.insert("tokenKey".to_owned(), key.into());
    }
}

fn new_token_key(record: &Record) -> String {
    let made = match record.collection.field("tokenKey").map(|field| &field.kind) {
        Some(FieldKind::Text {
            autogenerate_pattern, ..
        }) => pattern::generate(autogenerate_pattern),
        _ => None,
    };
    made.filter(|key| key.len() >= 30).unwrap_or_else(new_secret)
}

/// Whether another auth collection has a record of this id: ids of accounts are unique across all of them.
pub(super) fn id_taken_elsewhere(tx: &ReadTx<'_>, record: &Record) -> Result<bool> {
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

/// What is wrong with an id that another account has.
pub(super) fn duplicate_id() -> FieldErrors {
    FieldErrors::one(
        "id",
        "validation_invalid_auth_id",
        "Invalid or duplicated auth record id.",
    )
}

/// Deletes the records of system collections that belong to an account that is deleted.
pub(super) fn delete_traces(tx: &mut WriteTx<'_>, collection: &Collection, id: &str) -> Result<()> {
    TRACES
        .iter()
        .try_for_each(|table| delete_from(tx, table, collection, id))
}

/// Deletes what is kept of the accounts of a collection that goes: one that is made in its place has others, which a
/// link to a provider must not let in.
pub(crate) fn delete_all_traces(tx: &mut WriteTx<'_>, collection: &Collection) -> bosbase_store::Result<()> {
    let schema = tx.schema().clone();
    for table in TRACES {
        let Some(table) = schema.find(table).filter(|_| collection.is_auth()) else {
            continue;
        };
        let Some(field) = table.field("collectionRef") else {
            continue;
        };
        let mut is_more = true;
        while is_more {
            is_more = false;
            for trace in tx.records_referencing(table, field, &collection.id, TOGETHER)? {
                is_more |= tx.delete_record(table, trace.id())?;
            }
        }
    }
    Ok(())
}

/// Forgets from where an account was logged in, which first factors it has proven and which one-time passwords it was
/// mailed, after its password changed.
pub(super) fn delete_sessions(tx: &mut WriteTx<'_>, record: &Record) -> Result<()> {
    ["_authOrigins", "_mfas", "_otps"]
        .iter()
        .try_for_each(|table| delete_from(tx, table, &record.collection, record.id()))
}

/// Forgets who the account is elsewhere, but for what `kept` says.
pub(super) fn delete_links(tx: &mut WriteTx<'_>, record: &Record, kept: Option<&Record>) -> Result<()> {
    let goes = |link: &Record| !kept.is_some_and(|kept| link::is_same(kept, link));
    delete_those(tx, "_externalAuths", &record.collection, record.id(), goes)
}

/// Ends the validity of all tokens, unless they end with the change already.
pub(super) fn end_tokens(record: &mut Record, before: &Record) {
    if record.text("tokenKey") == before.text("tokenKey") {
        record
            .values
            .insert("tokenKey".to_owned(), new_token_key(record).into());
    }
}

fn delete_from(tx: &mut WriteTx<'_>, table: &str, collection: &Collection, id: &str) -> Result<()> {
    delete_those(tx, table, collection, id, |_| true)
}

fn delete_those(
    tx: &mut WriteTx<'_>,
    table: &str,
    collection: &Collection,
    id: &str,
    goes: impl Fn(&Record) -> bool,
) -> Result<()> {
    let schema = tx.schema().clone();
    let Some(table): Option<&Arc<Collection>> = schema.find(table) else {
        return Ok(());
    };
    let Some(field) = table.field("recordRef") else {
        return Ok(());
    };
    // Ids of accounts are unique across collections, so that hardly ever one of another is among them.
    for trace in tx.records_referencing(table, field, id, usize::MAX)? {
        if trace.text("collectionRef") == collection.id && goes(&trace) {
            tx.delete_record(table, trace.id())?;
        }
    }
    Ok(())
}
