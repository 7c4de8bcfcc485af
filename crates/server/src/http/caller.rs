//! Finds out who is asking, once per request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bosbase_app::memory::Held;
use bosbase_app::settings::ProxySettings;
use bosbase_app::{Caller, Gone, HeaderLookup, Headers};
use serde_json::{Map, Value};

use super::error::ApiError;
use super::state::AppState;

/// The [`Caller`] of a request; a handler that takes it has loaded the token's record.
#[derive(Debug, Clone)]
pub struct Asking(pub Arc<Caller>);

/// A [`Caller`] that is a superuser: anybody else was answered 401 or 403.
#[derive(Debug, Clone)]
pub struct Superuser(pub Arc<Caller>);

/// Loads the caller into the request; the returned values are to be kept until the request is answered. A token that is
/// not valid (any more) makes an anonymous caller, not an error: what anybody may see stays visible to them.
///
/// # Errors
///
/// Where the database can't be asked (the server restarts), the answer is that, rather than one which makes a client
/// believe that its token is no good.
pub async fn identify(state: &AppState, parts: &mut Parts) -> Result<(Waiting, Held), ApiError> {
    let mut caller = describe(parts, &state.app.settings().get().trusted_proxy);
    if let Some(token) = caller.token() {
        let mut auth = state.app.sessions().remembered(token, &caller.ip);
        if auth.is_none() {
            let (token, ip) = (token.to_owned(), caller.ip.clone());
            auth = state
                .promptly(move |app| app.sessions().authenticate(&token, &ip))
                .await?;
        }
        caller.auth = auth;
    }
    let (waiting, held) = (Waiting(caller.gone.clone()), caller.held.clone());
    parts.extensions.insert(held.clone());
    parts.extensions.insert(Asking(Arc::new(caller)));
    Ok((waiting, held))
}

/// Says that nobody waits for the answer any more when it is dropped: with the answer, or with its connection.
pub struct Waiting(Gone);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The headers as they were sent.
struct Sent(HeaderMap);

impl HeaderLookup for Sent {
    fn header(&self, name: &str) -> Option<String> {
        let is_meant = |sent: &str| {
            let bytes = sent.bytes().map(|byte| if byte == b'-' { b'_' } else { byte });
            bytes.eq(name.bytes())
        };
        // Of several the last counts.
        let found = self.0.iter().filter(|(sent, _)| is_meant(sent.as_str())).last();
        found.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

fn describe(request: &Parts, proxy: &ProxySettings) -> Caller {
    let peer = request
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        // An IPv4 client of a socket for both families is one of IPv4.
        .map(|info| info.0.ip().to_canonical().to_string());
    Caller {
        auth: None,
        method: request.method.as_str().to_owned(),
        query: query_parameters(request.uri.query().unwrap_or_default()),
        headers: Headers::new(Sent(request.headers.clone())),
        authorization: request
            .headers
            .get_all(header::AUTHORIZATION)
            .iter()
            .next_back()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default(),
        ip: forwarded(&request.headers, proxy).or(peer).unwrap_or_default(),
        ..Caller::default()
    }
}

/// The client's address as a trusted proxy tells it. Only the last header of a name counts: that one is the proxy's
/// own.
fn forwarded(headers: &HeaderMap, proxy: &ProxySettings) -> Option<String> {
    let address = |text: &str| text.trim().parse::<IpAddr>().ok();
    proxy.headers.iter().find_map(|name| {
        let told = headers.get_all(name.as_str()).iter().next_back()?.to_str().ok()?;
        let found = if proxy.use_leftmost_ip {
            told.split(',').find_map(address)
        } else {
            told.rsplit(',').find_map(address)
        };
        found.map(|address| address.to_string())
    })
}

/// The parameters of a query string, the first of each name.
pub fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name)
            .or_insert_with(|| Value::String(value.into_owned()));
    }
    parameters
}

impl FromRequestParts<AppState> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self(Arc::default())))
    }
}

impl FromRequestParts<AppState> for Superuser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let Asking(caller) = Asking::from_request_parts(parts, state).await?;
        caller.require_superuser()?;
        Ok(Self(caller))
    }
}
