//! Who is asking, and with what request.

use bosbase_store::{Record, RequestContext};

use crate::error::{Error, Result};

/// The request's author and circumstances, as access rules and validations need them.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The record whose valid token came with the request.
    pub auth: Option<Record>,
    /// `@request.method`.
    pub method: String,
    /// `@request.query.*`.
    pub query: serde_json::Map<String, serde_json::Value>,
    /// `@request.headers.*`: names in lower case with `-` turned to `_`.
    pub headers: serde_json::Map<String, serde_json::Value>,
    /// The peer's address, or what a trusted proxy's header says it is.
    pub ip: String,
}

impl Caller {
    /// Whether the request came with a superuser's token.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.auth
            .as_ref()
            .is_some_and(|record| record.collection.is_superusers())
    }

    /// The token that came with the request, valid or not, without `Bearer`.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        let value = self.headers.get("authorization")?.as_str()?;
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
    /// [`crate::ErrorKind::Unauthenticated`] without a valid token, [`crate::ErrorKind::Forbidden`] with anybody else's.
    pub fn require_superuser(&self) -> Result<()> {
        match &self.auth {
            None => Err(Error::unauthenticated()),
            Some(_) if self.is_superuser() => Ok(()),
            Some(_) => Err(Error::forbidden()),
        }
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
