//! Finds out who is asking, once per request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bosbase_app::Caller;
use bosbase_app::settings::ProxySettings;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::state::AppState;

/// The [`Caller`] of a request; a handler that takes it has loaded the token's record.
#[derive(Debug, Clone)]
pub struct Asking(pub Caller);

/// A [`Caller`] that is a superuser: anybody else was answered 401 or 403.
#[derive(Debug, Clone)]
pub struct Superuser(pub Caller);

/// Loads the caller into the request. A token that is not valid (any more) makes an anonymous caller, not an error: what
/// anybody may see stays visible to them.
///
/// Where the database can't be asked (the server restarts), the answer is that, rather than one which makes a client believe
/// that its token is no good.
pub async fn identify(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut caller = describe(&parts, &state.app.settings().trusted_proxy);
    if let Some(token) = caller.token().map(str::to_owned) {
        let ip = caller.ip.clone();
        match state.blocking(move |app| app.authenticate(&token, &ip)).await {
            Ok(found) => caller.auth = found,
            Err(error) => return error.into_response(),
        }
    }
    parts.extensions.insert(Asking(caller));
    next.run(Request::from_parts(parts, body)).await
}

fn describe(request: &Parts, proxy: &ProxySettings) -> Caller {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().replace('-', "_"),
                Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned()),
            )
        })
        .collect();
    let peer = request
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip().to_string());
    Caller {
        auth: None,
        method: request.method.as_str().to_owned(),
        query: query_parameters(request.uri.query().unwrap_or_default()),
        headers,
        ip: forwarded(&request.headers, proxy).or(peer).unwrap_or_default(),
    }
}

/// The client's address as a trusted proxy tells it. Only the last header of a name counts: that one is the proxy's own.
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
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters
            .entry(decode(name))
            .or_insert_with(|| Value::String(decode(value)));
    }
    parameters
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

impl FromRequestParts<AppState> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or(Self(Caller::default())))
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
