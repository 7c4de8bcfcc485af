//! The section `oauth2`: who vouches for an account, and what is taken over from there.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::null_is_empty;

/// Logins by way of another service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct OAuth2 {
    pub enabled: bool,
    pub mapped_fields: MappedFields,
    #[serde(deserialize_with = "null_is_empty")]
    pub providers: Vec<OAuth2Provider>,
}

/// The fields of the collection that a new account's data go to, by what the provider calls them; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct MappedFields {
    pub id: String,
    pub name: String,
    pub username: String,
    #[serde(rename = "avatarURL")]
    pub avatar_url: String,
}

/// A service that vouches for accounts. Empty parts stand for that provider's own defaults.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct OAuth2Provider {
    pub name: String,
    pub client_id: String,
    pub client_secret: String,
    #[serde(rename = "authURL")]
    pub auth_url: String,
    #[serde(rename = "tokenURL")]
    pub token_url: String,
    #[serde(rename = "userInfoURL")]
    pub user_info_url: String,
    pub display_name: String,
    /// Whether the code is bound to a challenge (RFC 7636); `None` for the provider's default.
    pub pkce: Option<bool>,
    /// Of any shape; what it means depends on the provider.
    #[serde(deserialize_with = "null_is_empty")]
    pub extra: Map<String, Value>,
}

/// Without the secret, which belongs in no log.
impl fmt::Debug for OAuth2Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Provider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl MappedFields {
    /// The names of the collection's fields, to be changed.
    pub fn targets_mut(&mut self) -> [&mut String; 4] {
        [&mut self.id, &mut self.name, &mut self.username, &mut self.avatar_url]
    }
}
