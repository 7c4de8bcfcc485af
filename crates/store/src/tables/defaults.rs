//! What a fresh data directory starts with: the system collections, `users`, and the settings.

use serde_json::{Map, Value};

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::new_secret;
use crate::moment::now;

/// The token options of an auth collection; each holds a secret of its own.
const TOKENS: [&str; 5] = [
    "authToken",
    "passwordResetToken",
    "emailChangeToken",
    "verificationToken",
    "fileToken",
];

/// The collections of a fresh directory in the order they are made, each with new secrets.
pub(crate) fn collections() -> Result<Vec<Collection>> {
    let mut collections: Vec<Collection> = parse(include_str!("defaults/collections.json"))?;
    for collection in &mut collections {
        collection.created = now();
        collection.updated.clone_from(&collection.created);
        renew_secrets(&mut collection.options);
    }
    Ok(collections)
}

/// The settings of a fresh directory, as stored in `_params`.
pub(crate) fn settings() -> Result<String> {
    let settings: Value = parse(include_str!("defaults/settings.json"))?;
    Ok(settings.to_string())
}

/// Gives every token option in `options` a new secret: all tokens issued with the old ones become void.
pub fn renew_secrets(options: &mut Map<String, Value>) {
    for token in TOKENS {
        if let Some(Value::Object(token)) = options.get_mut(token) {
            token.insert("secret".to_owned(), Value::String(new_secret()));
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        Error::new(
            ErrorKind::InvalidSchema,
            "reading the built-in defaults",
            error.to_string(),
        )
        .caused_by(error)
    })
}
