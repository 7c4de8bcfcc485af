//! A new account: what was sent, and of the profile what the collection maps.

use bosbase_store::{Collection, FieldKind, MappedFields, ReadTx};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::oauth2::Profile;
use crate::records::Patterns;

/// The body of the request that creates the account, but for a picture that has to be downloaded. What was sent goes
/// before the profile.
///
/// # Errors
///
/// Where the database can't be asked.
pub(super) fn values(
    tx: &ReadTx<'_>,
    patterns: &Patterns,
    collection: &Collection,
    mapped: &MappedFields,
    profile: &Profile,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let mut values = sent.clone();
    if values
        .get("email")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .is_empty()
    {
        values.insert("email".to_owned(), profile.email.clone().into());
    }
    let mut map = |field: &str, value: &str| {
        if !field.is_empty() && !values.contains_key(field) {
            values.insert(field.to_owned(), value.into());
        }
    };
    map(&mapped.id, &profile.id);
    map(&mapped.name, &profile.name);
    if !sent.contains_key(&mapped.username) && is_free(tx, patterns, collection, &mapped.username, &profile.username)? {
        map(&mapped.username, &profile.username);
    }
    if wants_picture(collection, mapped, profile, sent).is_none() && !profile.avatar_url.is_empty() {
        map(&mapped.avatar_url, &profile.avatar_url);
    }
    Ok(values)
}

/// The field of files that the profile's picture goes into.
pub(super) fn wants_picture<'a>(
    collection: &Collection,
    mapped: &'a MappedFields,
    profile: &Profile,
    sent: &Map<String, Value>,
) -> Option<&'a str> {
    let name = mapped.avatar_url.as_str();
    let is_wanted = !name.is_empty() && !profile.avatar_url.is_empty() && !sent.contains_key(name);
    let is_file = || {
        matches!(
            collection.field(name).map(|field| &field.kind),
            Some(FieldKind::File { .. })
        )
    };
    (is_wanted && is_file()).then_some(name)
}

/// Whether a name is one that its field, of text, accepts and nobody else has. Another is left out, and the login goes
/// on.
fn is_free(tx: &ReadTx<'_>, patterns: &Patterns, collection: &Collection, field: &str, name: &str) -> Result<bool> {
    let Some(kind) = collection.field(field).map(|field| &field.kind) else {
        return Ok(false);
    };
    if !crate::records::accepts_text(kind, name, patterns) {
        return Ok(false);
    }
    if !collection.has_unique(field) {
        return Ok(true);
    }
    let Some(collection) = tx.schema().find(&collection.id).cloned() else {
        return Ok(true);
    };
    Ok(tx.find_record(&collection, field, name, true)?.is_none())
}
