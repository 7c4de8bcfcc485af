//! Settings as they lie in the database: `_params`, key `settings`.

use std::path::Path;

use bosbase_store::Store;
use serde_json::{Map, Value};

use super::cipher;
use super::merge::without_nulls;
use super::sections::{Settings, leave_out_defaults};
use crate::error::{Error, Result};

/// The key of `_params`.
pub(super) const KEY: &str = "settings";

/// Reads the settings; missing settings take their defaults. With a key, settings that are stored in the clear are
/// encrypted at once.
///
/// # Errors
///
/// [`crate::ErrorKind::Internal`] where they are encrypted and the key is missing or another; the message says so.
pub(crate) fn load(store: &Store, key: Option<&str>) -> Result<Settings> {
    let text = store.read(|tx| tx.param(KEY).map_err(Error::from))?;
    let document = document(text.as_deref(), key)?;
    let settings = parsed(&document)?;
    let in_the_clear = text.as_deref().is_some_and(|text| plain(text).is_some());
    if let Some(key) = key.filter(|_| in_the_clear) {
        let text = self::text(&document, &settings, Some(key))?;
        store.write(move |tx| tx.set_param(KEY, &text).map_err(Error::from))?;
    }
    Ok(settings)
}

/// Reads the settings of the database in `dir` without opening it for more than that; `None` where there is none.
///
/// # Errors
///
/// As [`load`], and where the database can't be read.
pub(crate) fn peek(dir: &Path, key: Option<&str>) -> Result<Option<Settings>> {
    let text = bosbase_store::peek_param(dir, KEY)?;
    text.map(|text| parsed(&document(Some(&text), key)?)).transpose()
}

/// Refuses settings that are there, and can't be read for want of their key. A database that can't be read is let pass.
///
/// # Errors
///
/// As [`peek`].
pub(crate) fn require_key(dir: &Path, key: Option<&str>) -> Result<()> {
    let text = bosbase_store::peek_param(dir, KEY).ok().flatten();
    document(text.as_deref(), key).map(drop)
}

/// The settings as they are in a snapshot; the built-in ones where it has none.
///
/// # Errors
///
/// Where they can't be read or decrypted.
pub(crate) fn of_snapshot(snapshot: &bosbase_store::Snapshot, key: Option<&str>) -> Result<Settings> {
    of_param(|name| snapshot.param(name), key)
}

/// The settings of a database whose `_params` are read by `param`; the built-in ones where it has none.
///
/// # Errors
///
/// Where they can't be read or decrypted.
pub(crate) fn of_param(
    param: impl FnOnce(&str) -> bosbase_store::Result<Option<String>>,
    key: Option<&str>,
) -> Result<Settings> {
    parsed(&document(param(KEY)?.as_deref(), key)?)
}

fn parsed(document: &Map<String, Value>) -> Result<Settings> {
    serde_json::from_value(without_nulls(&Value::Object(document.clone())))
        .map_err(|error| Error::internal(error).saying("The stored settings can't be read."))
}

/// Why settings can't be read with a key of the right length.
const OTHER_KEY: &str = "they are encrypted with another key than --encryptionEnv gives: give the key that they were \
                         encrypted with (of a backup: the key of its day)";

/// What is stored, decrypted where it needs be; empty where nothing is.
pub(super) fn document(text: Option<&str>, key: Option<&str>) -> Result<Map<String, Value>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(Map::new());
    };
    if let Some(document) = plain(text) {
        return Ok(document);
    }
    let Some(key) = key else {
        return Err(unreadable(
            "they are encrypted: start with --encryptionEnv and the key, or write the lines \
             BOSBASE_ENCRYPTION_ENV=BOSBASE_ENCRYPTION_KEY and BOSBASE_ENCRYPTION_KEY=… into the configuration file",
        ));
    };
    cipher::decrypt(text, key)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| unreadable(OTHER_KEY))
}

/// What to store for `settings` after `before`, whose unknown keys are kept.
pub(super) fn text(before: &Map<String, Value>, settings: &Settings, key: Option<&str>) -> Result<String> {
    let mut document = Value::Object(before.clone());
    overlay(&mut document, settings.document());
    leave_out_defaults(&mut document);
    let plain = document.to_string();
    match key {
        None => Ok(plain),
        Some(key) => cipher::encrypt(plain.as_bytes(), key)
            .ok_or_else(|| Error::internal("the encryption key is not 32 bytes long")),
    }
}

fn plain(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn overlay(target: &mut Value, new: Value) {
    match (target, new) {
        (Value::Object(target), Value::Object(new)) => {
            for (name, value) in new {
                overlay(target.entry(name).or_insert(Value::Null), value);
            }
        }
        (target, new) => *target = new,
    }
}

fn unreadable(why: &str) -> Error {
    Error::internal(why.to_owned()).saying("The stored settings can't be read.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY_TEXT: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn what_another_version_stored_survives_a_change() {
        let before = json!({"meta": {"appName": "A", "later": 1}, "future": {"x": [1]}});
        let mut settings = Settings::default();
        settings.meta.app_name = "B".to_owned();
        let text = text(before.as_object().unwrap(), &settings, None).unwrap();
        let after: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(after["meta"]["later"], 1);
        assert_eq!(after["future"], json!({"x": [1]}));
        assert_eq!(after["meta"]["appName"], "B");
    }

    #[test]
    fn encrypted_settings_need_their_key() {
        let text = text(&Map::new(), &Settings::default(), Some(KEY_TEXT)).unwrap();
        assert!(document(Some(&text), Some(KEY_TEXT)).unwrap().contains_key("smtp"));
        assert!(document(Some(&text), None).is_err());
        assert!(document(Some(&text), Some("another-key-of-thirty-two-bytes!")).is_err());
    }
}
