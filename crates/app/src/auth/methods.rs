//! Which ways of logging in a collection offers.

use serde_json::{Value, json};

use super::options::AuthOptions;
use crate::app::App;
use crate::error::Result;

impl App {
    /// The answer to `auth-methods`, PocketBase's legacy keys included.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where `collection` is no auth collection.
    pub fn auth_methods(&self, collection: &str) -> Result<Value> {
        let options = AuthOptions::of(&*self.auth_collection(collection)?)?;
        let fields = if options.password_auth.enabled {
            options.password_auth.identity_fields.clone()
        } else {
            Vec::new()
        };
        let by = |name: &str| fields.iter().any(|field| field == name);
        // OAuth2 is not offered even where the collection has it on: there is no such login here yet.
        Ok(json!({
            "password": {"enabled": options.password_auth.enabled, "identityFields": fields},
            "oauth2": {"enabled": false, "providers": []},
            "mfa": {"enabled": options.mfa.enabled, "duration": when(options.mfa.enabled, options.mfa.duration)},
            "otp": {"enabled": false, "duration": 0},
            "authProviders": [],
            "usernamePassword": by("username"),
            "emailPassword": by("email"),
        }))
    }
}

fn when(enabled: bool, duration: i64) -> i64 {
    if enabled { duration } else { 0 }
}
