//! Whether a login still stands. A request, a file token and an event stream ask it here, so that each event that ends
//! one ends all of them.

use std::sync::Arc;
use std::time::Duration;

use bosbase_store::{AuthOptions, ReadTx, Record, RequestContext, Store};
use serde_json::Map;

use super::known::{Found, Known};
use super::login::Login;
use super::token::{self, Claims, Purpose};
use crate::access;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::Subnet;
use crate::settings::SettingsCell;

/// How long the question may wait for the database where the one who asks has other work to do.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

/// What decides whether a token is good: the accounts, their collections and the settings. Clones share them.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    settings: Arc<SettingsCell>,
    known: Arc<Known>,
}

impl Sessions {
    pub(crate) fn new(store: Store, settings: Arc<SettingsCell>) -> Self {
        Self {
            store,
            settings,
            known: Arc::default(),
        }
    }

    /// The record that an auth token stands for, in a request from the address `ip`; `None` where the token is not
    /// valid (any more), or is that of a superuser and the settings bind those to other addresses.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn authenticate(&self, token: &str, ip: &str) -> Result<Option<Arc<Record>>> {
        self.bearer(token, Purpose::Auth, ip)
    }

    /// The same where the token is remembered and nothing was written since. Reads no page; once in two milliseconds
    /// somebody asks what other processes wrote, and the others may wait for that.
    pub fn remembered(&self, token: &str, ip: &str) -> Option<Arc<Record>> {
        match self.known.find(token, Purpose::Auth, self.store.version()) {
            Found::Current(login) => self.admitted(Some(login), ip).map(|login| login.account),
            Found::Before(_) | Found::Nothing => None,
        }
    }

    /// The record that a file token stands for, as [`Sessions::authenticate`].
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn authenticate_file_token(&self, token: &str, ip: &str) -> Result<Option<Arc<Record>>> {
        self.bearer(token, Purpose::File, ip)
    }

    /// The account that `token` stands for in a request from the address `ip`; `None` where it is not valid (any more),
    /// or is a superuser's and the settings bind those to other addresses.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    fn bearer(&self, token: &str, purpose: Purpose, ip: &str) -> Result<Option<Arc<Record>>> {
        // Asked before anything is read: a remembered token is never newer than it says.
        let version = self.store.version();
        let login = match self.known.find(token, purpose, version) {
            Found::Current(login) => Some(login),
            found => {
                let Some(claims) = token::claimed(token, purpose) else {
                    return Ok(None);
                };
                let login = self
                    .store
                    .read(|tx| login_in(tx, token, &claims, purpose, found.before()))?;
                self.known.note(token, purpose, version, &claims, login.as_ref());
                login
            }
        };
        Ok(self.admitted(login, ip).map(|login| login.account))
    }

    /// The account that a mailed `token` stands for; `None` where it is not valid (any more). It comes from anywhere:
    /// mails are read where they are read.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub(crate) fn mailed(&self, token: &str, purpose: Purpose) -> Result<Option<Arc<Record>>> {
        let Some(claims) = token::claimed(token, purpose) else {
            return Ok(None);
        };
        let login = self.store.read(|tx| login_in(tx, token, &claims, purpose, None))?;
        Ok(login.map(|login| login.account))
    }

    /// `login`, unless it is a superuser's from an address that the settings don't admit.
    fn admitted(&self, login: Option<Login>, ip: &str) -> Option<Login> {
        login.filter(|login| !login.account.collection.is_superusers() || self.admits_superuser_from(ip))
    }

    /// The account of `caller`, who logged in some time ago, as it is now; `None` where the login has ended: the token
    /// is not valid any more, or the collection's `authRule` does not let the account in any more.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub(crate) fn current_in(&self, tx: &ReadTx<'_>, caller: &Caller) -> Result<Option<Arc<Record>>> {
        let Some((token, claims)) = caller
            .token()
            .and_then(|token| Some((token, token::claimed(token, Purpose::Auth)?)))
        else {
            return Ok(None);
        };
        let login = match self.known.find(token, Purpose::Auth, self.store.version()) {
            Found::Current(login) => Some(login),
            found => login_in(tx, token, &claims, Purpose::Auth, found.before())?,
        };
        let Some(Login { account, options }) = self.admitted(login, &caller.ip) else {
            return Ok(None);
        };
        if options.auth_rule.as_deref() == Some("") {
            return Ok(Some(account));
        }
        let context = caller.context("default", Map::new());
        match admit(tx, &account, &options, &context) {
            Ok(()) => Ok(Some(account)),
            Err(error) if error.kind() == ErrorKind::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`Sessions::current_in`], now. Waits for two seconds at most.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub(crate) fn current(&self, caller: &Caller) -> Result<Option<Arc<Record>>> {
        self.store
            .read_within(SESSION_TIMEOUT, |tx| self.current_in(tx, caller))
    }

    /// Whether the settings admit superusers from the address `ip`.
    fn admits_superuser_from(&self, ip: &str) -> bool {
        let settings = self.settings.get();
        if settings.superuser_ips.is_empty() {
            return true;
        }
        ip.parse().is_ok_and(|ip| {
            settings
                .superuser_ips
                .iter()
                .filter_map(|text| Subnet::parse(text))
                .any(|subnet| subnet.contains(ip))
        })
    }
}

/// The login that `token` stands for as `tx` sees it. One that was good `before` is good while account and collection
/// are what they were.
fn login_in(
    tx: &ReadTx<'_>,
    token: &str,
    claims: &Claims,
    purpose: Purpose,
    before: Option<Login>,
) -> Result<Option<Login>> {
    let Some(collection) = tx.schema().find(&claims.collection_id).filter(|found| found.is_auth()) else {
        return Ok(None);
    };
    let Some(account) = tx.record(collection, &claims.id)? else {
        return Ok(None);
    };
    let before = before.filter(|before| Arc::ptr_eq(&before.account.collection, collection));
    if let Some(before) = before.as_ref().filter(|before| before.account.values == account.values)
        && !claims.is_over()
    {
        return Ok(Some(before.clone()));
    }
    let options = match before {
        Some(before) => before.options,
        None => Arc::new(AuthOptions::of(collection)?),
    };
    let login = Login {
        account: Arc::new(account),
        options,
    };
    Ok(token::is_signed_with(token, &login.account, &login.options, purpose).then_some(login))
}

/// Refuses a record that its collection's `authRule` does not let in.
///
/// # Errors
///
/// [`ErrorKind::Forbidden`] where the rule does not admit it, else where the database can't be asked.
pub(crate) fn admit(tx: &ReadTx<'_>, record: &Record, options: &AuthOptions, context: &RequestContext) -> Result<()> {
    let superuser = context
        .auth
        .as_ref()
        .is_some_and(|auth| auth.collection.is_superusers());
    let admitted = match &options.auth_rule {
        _ if superuser => true,
        None => false,
        Some(rule) => access::passes(tx, record, rule, context)?,
    };
    if admitted {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::Forbidden,
            "The request doesn't satisfy the collection requirements to authenticate.",
        ))
    }
}
