//! What a rule or filter may ask about the request (`@request.*`).

use serde_json::{Map, Value};

use crate::record::Record;

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
    pub headers: Map<String, Value>,
    /// `@request.body.*`: what was sent, with the values of the record's fields already normalised.
    pub body: Map<String, Value>,
    /// `@request.auth.*`: who asks. A superuser passes every rule before it is ever evaluated; that is the caller's check.
    pub auth: Option<Record>,
}
