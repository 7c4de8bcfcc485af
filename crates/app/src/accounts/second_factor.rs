//! Logins that take two factors.
//!
//! The first factor is answered with the name of a session (`mfaId`). A second one of another method that brings the
//! name logs in.

use std::sync::Arc;

use bosbase_store::{Collection, Record, RequestContext};
use serde_json::{Map, Value};

use super::answer::Authenticated;
use super::{Accounts, is_within};
use crate::access;
use crate::auth::{AuthOptions, Purpose, admit, issue};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};

/// Where the sessions are kept until they are used or over.
const TABLE: &str = "_mfas";

/// What a factor came to.
#[derive(Debug, Clone)]
pub enum Login {
    /// The account is logged in.
    Done(Authenticated),
    /// Another factor is wanted, with this `mfaId`.
    SecondFactor(String),
}

impl Login {
    /// The same with what a provider says of who logged in.
    pub(super) fn with_meta(self, meta: Value) -> Self {
        match self {
            Self::Done(who) => Self::Done(Authenticated {
                meta: Some(meta),
                ..who
            }),
            more => more,
        }
    }
}

/// A factor that was right.
pub(super) struct Factor<'a> {
    /// How it was proven: `password`, `otp`, `oauth2`.
    pub(super) method: &'static str,
    /// The session that it is the second factor of; empty for a first one.
    pub(super) session: &'a str,
    /// Who has proven it.
    pub(super) caller: &'a Caller,
}

impl Factor<'_> {
    /// The session that a request names, in its query or else in its body.
    pub(super) fn session_of<'a>(caller: &'a Caller, body: &'a Map<String, Value>) -> &'a str {
        let named = |values: &'a Map<String, Value>| values.get("mfaId").and_then(|value| value.as_str());
        let of_query = named(&caller.query).filter(|id| !id.is_empty());
        of_query.or_else(|| named(body)).unwrap_or_default()
    }
}

impl Accounts {
    /// What the `factor` that `account` has proven comes to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Forbidden`] where the collection's rule does not admit the account, [`ErrorKind::Invalid`] where
    /// the session of a second factor is not valid, or began with the same method.
    pub(super) fn grant(
        &self,
        account: Record,
        options: &AuthOptions,
        context: &RequestContext,
        factor: &Factor<'_>,
    ) -> Result<Login> {
        let wants_two = self.store().read(|tx| {
            admit(tx, &account, options, context)?;
            if !options.mfa.enabled {
                return Ok(false);
            }
            // A rule that can't be read excuses nobody.
            let rule = access::evaluate(tx, &account, &options.mfa.rule, context)?;
            rule.ok_or_else(|| Error::invalid("Failed to authenticate."))
        })?;
        if wants_two {
            let table = self.system_collection(TABLE)?;
            if factor.session.is_empty() {
                let mut values = Map::new();
                values.insert("collectionRef".to_owned(), account.collection.id.clone().into());
                values.insert("recordRef".to_owned(), account.id().into());
                values.insert("method".to_owned(), factor.method.into());
                let begun = self.records().create_for_application(&table, values)?;
                return Ok(Login::SecondFactor(begun.id().to_owned()));
            }
            self.finish_session(&table, &account, options, factor)?;
        }
        let token = issue(&account, Purpose::Auth, None, true)?;
        if options.auth_alert.enabled {
            self.note_origin(&account, factor.caller);
        }
        Ok(Login::Done(Authenticated {
            record: account,
            token,
            meta: None,
        }))
    }

    /// Uses the session up that `factor` is the second one of.
    fn finish_session(
        &self,
        table: &Arc<Collection>,
        account: &Record,
        options: &AuthOptions,
        factor: &Factor<'_>,
    ) -> Result<()> {
        let over = || Error::invalid("Invalid or expired MFA session.");
        let found = self
            .store()
            .read(|tx| tx.record(table, factor.session).map_err(Error::from))?;
        let session = found.ok_or_else(over)?;
        let forget = || match self.records().delete(TABLE, session.id(), &Caller::application()) {
            // Another request was faster: two requests with the same factors are one login.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(over()),
            done => done,
        };
        if !is_within(&session, options.mfa.duration) {
            forget()?;
            return Err(over());
        }
        if session.text("recordRef") != account.id() || session.text("collectionRef") != account.collection.id {
            return Err(Error::invalid("Invalid MFA session."));
        }
        if session.text("method") == factor.method {
            return Err(Error::invalid("A different authentication method is required."));
        }
        forget()
    }
}
