//! Whose account a login with a provider is, and what becomes of the account by it.

use std::sync::Arc;

use bosbase_store::{Collection, Filter, ListQuery, PageRequest, ReadTx, Record};
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::oauth2::Profile;

/// Where it is kept which account is whose elsewhere.
const TABLE: &str = "_externalAuths";

/// An account that is there already.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) account: Record,
    /// Whether the account is linked with this person of the provider.
    pub(super) is_linked: bool,
    /// Whether the account is the caller's.
    is_own: bool,
}

/// The account of `profile` in `collection`: the one that is linked, else the caller's, else the one that has the
/// address; `None` where there is none yet.
///
/// # Errors
///
/// [`crate::ErrorKind::NotFound`] where the linked account is gone; [`crate::ErrorKind::Invalid`] where the caller's
/// token has ended since the request came; where the database can't be asked.
pub(super) fn find(
    tx: &ReadTx<'_>,
    collection: &Arc<Collection>,
    provider: &str,
    profile: &Profile,
    caller: &Caller,
) -> Result<Option<Found>> {
    let own = caller.auth.as_ref().filter(|own| own.collection.id == collection.id);
    // A token may have ended since the request came: its provider takes its time.
    let is_valid = |own: &Record, account: &Record| own.text("tokenKey") == account.text("tokenKey");
    let is_own = |account: &Record| own.is_some_and(|own| own.id() == account.id() && is_valid(own, account));
    if let Some(id) = linked(tx, collection, provider, &profile.id)? {
        let account = tx.record(collection, &id)?.ok_or_else(Error::not_found)?;
        let is_own = is_own(&account);
        return Ok(Some(Found {
            account,
            is_linked: true,
            is_own,
        }));
    }
    let account = match own {
        Some(own) => {
            let account = tx.record(collection, own.id())?;
            if account.as_ref().is_some_and(|account| !is_valid(own, account)) {
                return Err(crate::records::token_ended());
            }
            account
        }
        None if profile.email.is_empty() => None,
        None => tx.find_record(collection, "email", &profile.email, true)?,
    };
    Ok(account.map(|account| {
        let is_own = is_own(&account);
        Found {
            account,
            is_linked: false,
            is_own,
        }
    }))
}

/// The id of the account that is linked with `person` of `provider`.
fn linked(tx: &ReadTx<'_>, collection: &Collection, provider: &str, person: &str) -> Result<Option<String>> {
    let table = tx.schema().find(TABLE).cloned();
    let table = table.ok_or_else(|| Error::invalid(format!("The collection {TABLE} is missing.")))?;
    let this = Filter::is("collectionRef", &collection.id)
        .and(Filter::is("provider", provider))
        .and(Filter::is("providerId", person));
    let query = ListQuery {
        also: Some(this),
        page: PageRequest::first(1),
        allow_hidden: true,
        ..ListQuery::default()
    };
    let found = tx.list_records(&table, &query)?;
    Ok(found.items.first().map(|link| link.text("recordRef").to_owned()))
}

impl Found {
    /// Whether the account gets a random password. A stranger may have registered an address that nobody has confirmed:
    /// their password ends, and with it their tokens and links.
    pub(super) fn loses_password(&self) -> bool {
        !self.is_own && !self.account.text("email").is_empty() && !self.account.flag("verified")
    }

    /// What else of the account changes with the login.
    pub(super) fn changes(&self, profile: &Profile) -> Map<String, Value> {
        let mut changes = Map::new();
        let (email, is_verified) = (self.account.text("email"), self.account.flag("verified"));
        if email.is_empty() && !profile.email.is_empty() {
            changes.insert("email".to_owned(), profile.email.clone().into());
        }
        if !is_verified && (email.is_empty() || email == profile.email) {
            changes.insert("verified".to_owned(), true.into());
        }
        changes
    }
}
