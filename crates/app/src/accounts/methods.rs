//! Which ways of logging in a collection offers.

use serde_json::{Value, json};

use super::Accounts;
use crate::auth::AuthOptions;
use crate::error::Result;
use crate::oauth2;

impl Accounts {
    /// The answer to `auth-methods`, PocketBase's legacy keys included.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where `collection` is no auth collection.
    pub fn methods(&self, collection: &str) -> Result<Value> {
        let collection = self.collection(collection)?;
        let options = AuthOptions::of(&collection)?;
        let providers = if options.oauth2.enabled {
            oauth2::invitations(&options.oauth2)
        } else {
            Vec::new()
        };
        let fields = if options.password_auth.enabled {
            options.password_auth.identity_fields.clone()
        } else {
            Vec::new()
        };
        let by = |name: &str| fields.iter().any(|field| field == name);
        // The older list of them has no logos.
        let mut older = providers.clone();
        for provider in &mut older {
            provider["logo"] = "".into();
        }
        Ok(json!({
            "password": {"enabled": options.password_auth.enabled, "identityFields": fields},
            "oauth2": {"enabled": options.oauth2.enabled, "providers": providers},
            "mfa": {"enabled": options.mfa.enabled, "duration": when(options.mfa.enabled, options.mfa.duration)},
            "otp": {"enabled": options.otp.enabled, "duration": when(options.otp.enabled, options.otp.duration)},
            "authProviders": older,
            "usernamePassword": by("username"),
            "emailPassword": by("email"),
        }))
    }
}

fn when(enabled: bool, duration: i64) -> i64 {
    if enabled { duration } else { 0 }
}
