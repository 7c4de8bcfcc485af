//! A provider as a collection uses it: what the collection says goes before what the provider is by itself.

use bosbase_store::{AuthOptions, Collection, OAuth2, OAuth2Provider};
use serde_json::Value;

use super::provider::{self, Provider};
use crate::error::{Error, ErrorKind, Result};

/// A provider, and what a collection says of it.
#[derive(Clone, Copy)]
pub(crate) struct Configured<'a> {
    pub(crate) own: &'a OAuth2Provider,
    pub(crate) provider: &'static Provider,
}

/// What `collection` says about logins with providers, where they are switched on.
///
/// # Errors
///
/// [`ErrorKind::Forbidden`] where they are not; [`ErrorKind::Internal`] where the stored options can't be read.
pub(crate) fn switched_on(collection: &Collection) -> Result<OAuth2> {
    let options = AuthOptions::of(collection)?.oauth2;
    if options.enabled {
        return Ok(options);
    }
    let text = "The collection is not configured to allow OAuth2 authentication.";
    Err(Error::new(ErrorKind::Forbidden, text))
}

impl<'a> Configured<'a> {
    /// The providers of `options` that there are, in order.
    pub(crate) fn all(options: &'a OAuth2) -> impl Iterator<Item = Self> {
        let with_provider = |own: &'a OAuth2Provider| {
            let provider = provider::find(&own.name)?;
            Some(Self { own, provider })
        };
        options.providers.iter().filter_map(with_provider)
    }

    /// The one called `name`.
    pub(crate) fn find(options: &'a OAuth2, name: &str) -> Option<Self> {
        Self::all(options).find(|one| one.own.name == name)
    }

    /// Where people are sent.
    pub(crate) fn auth_url(&self) -> &'a str {
        or(&self.own.auth_url, &self.provider.auth_url)
    }

    /// Where codes become tokens.
    pub(crate) fn token_url(&self) -> &'a str {
        or(&self.own.token_url, &self.provider.token_url)
    }

    /// Where it is told who somebody is.
    pub(crate) fn user_info_url(&self) -> &'a str {
        or(&self.own.user_info_url, &self.provider.user_info_url)
    }

    /// What it is called to people.
    pub(crate) fn display_name(&self) -> &'a str {
        or(&self.own.display_name, &self.provider.display_name)
    }

    /// Whether a code is bound to a verifier.
    pub(crate) fn has_pkce(&self) -> bool {
        self.own.pkce.unwrap_or(self.provider.pkce)
    }

    /// An option of `extra` that is text; empty where it is not there.
    pub(crate) fn extra_text(&self, name: &str) -> &'a str {
        self.own.extra.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// An option of `extra` that is a list of texts, or one.
    pub(crate) fn extra_texts(&self, name: &str) -> Vec<&'a str> {
        match self.own.extra.get(name) {
            Some(Value::String(one)) if !one.is_empty() => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

fn or<'a>(own: &'a str, otherwise: &'a str) -> &'a str {
    if own.is_empty() { otherwise } else { own }
}
