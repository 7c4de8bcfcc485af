//! Who is asking, and with what request.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bosbase_store::{Collection, Gone, Headers, Record, RequestContext, Requester};

use crate::error::{Error, ErrorKind, Result};
use crate::memory::Held;

/// The request's author and circumstances, as access rules and validations need them.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The record whose valid token came with the request.
    pub auth: Option<Arc<Record>>,
    /// `@request.method`.
    pub method: String,
    /// `@request.query.*`.
    pub query: serde_json::Map<String, serde_json::Value>,
    /// `@request.headers.*`: names in lower case with `-` turned to `_`.
    pub headers: Headers,
    /// The header `Authorization`; empty without one.
    pub authorization: String,
    /// The peer's address, or what a trusted proxy's header says it is.
    pub ip: String,
    /// Set when the request's client has gone.
    pub gone: Gone,
    /// What the request holds of the memory's budget.
    pub held: Held,
    /// Whether the request is one of a batch.
    pub in_batch: bool,
    /// Whether nobody asks: the application does what it has decided.
    pub application: Application,
}

/// Whether it is the application itself that asks. Only this crate can say so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Application(bool);

impl Caller {
    /// The application itself, which may do everything: what it does was decided by other means than rules.
    pub(crate) fn application() -> Self {
        Self {
            application: Application(true),
            ..Self::default()
        }
    }

    /// Whether the request came with a superuser's token, or there is none: the application itself asks.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.application.0
            || self
                .auth
                .as_ref()
                .is_some_and(|record| record.collection.is_superusers())
    }

    /// What of the address tells one client from another.
    #[must_use]
    pub fn client(&self) -> String {
        client(&self.ip)
    }

    /// The caller as the database's readers know it.
    #[must_use]
    pub fn requester(&self) -> Requester {
        Requester {
            client: self.client(),
            gone: self.gone.clone(),
        }
    }

    /// The token that came with the request, valid or not, without `Bearer`.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        let value = self.authorization.as_str();
        let token = match value.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => &value[7..],
            _ => value,
        };
        (!token.is_empty()).then_some(token)
    }

    /// Admits superusers only.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unauthenticated`] without a valid token, [`crate::ErrorKind::Forbidden`] with anybody
    /// else's.
    pub fn require_superuser(&self) -> Result<()> {
        match &self.auth {
            None => Err(Error::unauthenticated()),
            Some(_) if self.is_superuser() => Ok(()),
            Some(_) => Err(Error::forbidden()),
        }
    }

    /// Admits accounts of `collection` only.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unauthenticated`] without a valid token, [`crate::ErrorKind::Forbidden`] with one of another
    /// collection.
    pub fn require_account_of(&self, collection: &Collection) -> Result<()> {
        let account = self.auth.as_ref().ok_or_else(Error::unauthenticated)?;
        if account.collection.id == collection.id {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "The request requires auth record from {} collection.",
                account.collection.name
            ),
        ))
    }

    /// The request as the rules of what it is about see it, with `body` as `@request.body`.
    #[must_use]
    pub fn own_context(&self, body: serde_json::Map<String, serde_json::Value>) -> RequestContext {
        self.context(if self.in_batch { "batch" } else { "default" }, body)
    }

    /// The request as rules see it, with `body` as `@request.body`.
    #[must_use]
    pub fn context(&self, context: &str, body: serde_json::Map<String, serde_json::Value>) -> RequestContext {
        RequestContext {
            context: context.to_owned(),
            method: self.method.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body,
            auth: self.auth.clone(),
        }
    }
}

/// What of an address tells one client from another.
pub(crate) fn client(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) => Ipv6Addr::from(u128::from(ip) >> 64 << 64).to_string(),
        Ok(ip) => ip.to_string(),
        Err(_) => ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_subnet_of_ipv6() {
        assert_eq!(client("10.0.0.1"), client("::ffff:10.0.0.1"));
        assert_ne!(client("10.0.0.1"), client("10.0.0.2"));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client(""), "");
    }
}
