//! Providers that say who somebody is (OAuth2, OpenID Connect), and how they are asked.
//!
//! The providers are data ([`provider`], `providers.json`), as is how what each of them answers is read ([`shape`]). A
//! client is invited to send somebody there ([`invitation`]); the code that they bring back becomes a token, and that a
//! [`profile`] ([`exchange`], [`id_token`]). Whose account that is, the room `accounts` decides.
//!
//! The crates `oauth2` and `openidconnect` are not used: they refuse answers that providers give (tokens as forms,
//! times as text, no type), which PocketBase reads, and would bring a second version of the cryptography that is here
//! already.

mod apple;
mod config;
mod exchange;
mod id_token;
mod invitation;
mod profile;
mod provider;
mod shape;

use serde_json::{Value, json};

pub(crate) use apple::Names;
pub use apple::{Returned, client_secret};
pub(crate) use config::{Configured, switched_on};
pub(crate) use exchange::{Code, Exchange};
pub(crate) use invitation::invitations;
pub(crate) use profile::Profile;
pub(crate) use provider::is_known;

/// What providers there are, as `GET /api/collections/meta/oauth2-providers` lists them.
#[must_use]
pub fn listed() -> Vec<Value> {
    let all = provider::all().iter();
    all.map(|provider| json!({"name": provider.name, "displayName": provider.display_name, "logo": provider.logo()}))
        .collect()
}
