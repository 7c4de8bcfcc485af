//! What a fresh data directory starts with: the system collections, `users`, and the settings.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::model::auth_options::AuthOptions;
use crate::model::collection::Collection;
use crate::model::moment::now;

/// The collections of a fresh directory in the order they are made, each with new secrets.
pub(crate) fn collections() -> Result<Vec<Collection>> {
    let mut collections: Vec<Collection> = parse(include_str!("defaults/collections.json"))?;
    for collection in &mut collections {
        collection.created = now();
        collection.updated.clone_from(&collection.created);
        if collection.is_auth() {
            // Written down is only what differs from any other new collection.
            let own = std::mem::take(&mut collection.options);
            collection.options = AuthOptions::of_new_collection().to_stored();
            AuthOptions::lay_over(&mut collection.options, &own).map_err(|_| unreadable("an option's type"))?;
        }
    }
    Ok(collections)
}

/// The settings of a fresh directory, as stored in `_params`.
pub(crate) fn settings() -> Result<String> {
    let settings: Value = parse(include_str!("defaults/settings.json"))?;
    Ok(settings.to_string())
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| unreadable(&error.to_string()).caused_by(error))
}

fn unreadable(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidSchema, "reading the built-in defaults", detail)
}
