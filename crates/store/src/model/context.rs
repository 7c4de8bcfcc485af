//! What a rule or filter may ask about the request (`@request.*`).

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::record::Record;

/// The request as rules see it.
#[derive(Debug, Clone, Default)]
pub struct RequestContext {
    /// `@request.context`: `default`, `realtime`, `protectedFile`, `password`, `oauth2`, `otp`, `expand`, `batch`.
    pub context: String,
    /// `@request.method`, upper case.
    pub method: String,
    /// `@request.query.*`: the URL's query parameters, strings.
    pub query: Map<String, Value>,
    /// `@request.headers.*`: names in lower case with `-` turned to `_`, strings.
    pub headers: Headers,
    /// `@request.body.*`: what was sent, with the values of the record's fields already normalised.
    pub body: Map<String, Value>,
    /// `@request.auth.*`: who asks. A superuser passes every rule before it is ever evaluated; that is the caller's
    /// check.
    pub auth: Option<Arc<Record>>,
}

/// The headers of a request: looked up when a rule asks for one, for hardly any does. Clones share them.
#[derive(Clone, Default)]
pub struct Headers(Option<Arc<dyn HeaderLookup>>);

/// What knows the headers of a request.
pub trait HeaderLookup: Send + Sync {
    /// The value of the header whose name is `name` in lower case and with `-` turned to `_`.
    fn header(&self, name: &str) -> Option<String>;
}

impl Headers {
    /// The headers that `lookup` knows.
    pub fn new(lookup: impl HeaderLookup + 'static) -> Self {
        Self(Some(Arc::new(lookup)))
    }

    /// The value of one header; names are in lower case with `-` turned to `_`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.as_ref()?.header(name)
    }
}

impl From<Map<String, Value>> for Headers {
    fn from(headers: Map<String, Value>) -> Self {
        Self::new(headers)
    }
}

impl HeaderLookup for Map<String, Value> {
    fn header(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(str::to_owned)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens are among them.
        f.write_str("Headers")
    }
}
