//! The providers that there are: `providers.json`, in PocketBase's order.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::shape::{Conditions, ProfileShape};

/// What a provider is by itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) display_name: String,
    #[serde(rename = "authURL")]
    pub(crate) auth_url: String,
    #[serde(rename = "tokenURL")]
    pub(crate) token_url: String,
    #[serde(rename = "userInfoURL")]
    pub(crate) user_info_url: String,
    pub(crate) scopes: Vec<String>,
    #[serde(default = "yes")]
    pub(crate) pkce: bool,
    /// What else people are sent with.
    #[serde(default)]
    pub(crate) auth_parameters: BTreeMap<String, String>,
    /// What else is asked with for a profile; `{clientId}` stands for that.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The query with which a profile is asked for, where that is GraphQL.
    #[serde(rename = "graphQL")]
    pub(crate) graph_ql: Option<String>,
    /// How an identity token is verified, where the profile stands in one.
    pub(crate) id_token: Option<IdTokens>,
    /// Where the addresses of an account are listed, where the profile does not tell one that is confirmed.
    pub(crate) emails: Option<Emails>,
    /// What of the answer with the token is the address.
    pub(crate) email_from_token: Option<String>,
    /// What of the answer with the token belongs to the profile.
    #[serde(default)]
    pub(crate) from_token: Vec<String>,
    pub(crate) profile: ProfileShape,
}

/// Whose identity tokens are accepted. Where a text is empty, the collection's options give it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IdTokens {
    #[serde(rename = "jwksURL")]
    pub(crate) jwks_url: String,
    pub(crate) issuer: String,
}

/// A list of addresses, of which one is the account's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Emails {
    /// What is appended to the URL of the profile …
    #[serde(default)]
    pub(crate) behind: String,
    /// … or where else it is.
    #[serde(default)]
    pub(crate) url: String,
    /// Where in the answer the list is.
    #[serde(default)]
    pub(crate) list: String,
    /// What has to be so of the address.
    #[serde(default)]
    pub(crate) when: Conditions,
    /// What has to be in a list of the address.
    #[serde(default)]
    pub(crate) among: BTreeMap<String, String>,
    /// The statuses that say that the list may not be read; then there is no address.
    pub(crate) unreadable: Unreadable,
    /// Whether it is asked only where the profile has no address.
    #[serde(default)]
    pub(crate) if_none: bool,
    /// Whether an answer that is no such list means that there is no address.
    #[serde(default)]
    pub(crate) may_be_other: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Unreadable {
    Statuses(Vec<u16>),
    /// Any that is an error.
    Any(#[allow(dead_code, reason = "the word `any`")] String),
}

impl Unreadable {
    pub(crate) fn has(&self, status: u16) -> bool {
        match self {
            Self::Statuses(statuses) => statuses.contains(&status),
            Self::Any(_) => status >= 400,
        }
    }
}

impl Provider {
    /// Its mark, an SVG (most of them from Simple Icons, which are in the public domain, CC0); empty where none is kept
    /// here.
    pub(crate) fn logo(&self) -> &'static str {
        LOGOS
            .get(self.name.trim_end_matches(['2', '3']))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

fn yes() -> bool {
    true
}

static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let table = serde_json::from_str(include_str!("providers.json"));
    table.expect("the table of providers is part of the program, and a test reads it")
});

static LOGOS: LazyLock<Value> = LazyLock::new(|| {
    let logos = serde_json::from_str(include_str!("logos.json"));
    logos.expect("the logos are part of the program, and a test reads them")
});

/// All of them.
pub(crate) fn all() -> &'static [Provider] {
    &ALL
}

/// The one called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    ALL.iter().find(|provider| provider.name == name)
}

/// Whether there is one called `name`.
pub(crate) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_can_be_used() {
        let mut names: Vec<_> = all().iter().map(|provider| provider.name.as_str()).collect();
        assert_eq!(names.len(), 32);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 32);
        for provider in all() {
            for url in [&provider.auth_url, &provider.token_url, &provider.user_info_url] {
                assert!(
                    url.is_empty() || url.starts_with("https://"),
                    "{}: {url}",
                    provider.name
                );
            }
            let logo = provider.logo();
            assert!(logo.is_empty() || logo.starts_with("<svg ") && logo.ends_with("</svg>"));
        }
    }
}
