//! Plain HTTP beside HTTPS: everything leads there, but for what an ACME server asks (RFC 8555, section 8.3).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bosbase_app::Error;
use bosbase_certificates::Certificates;

use crate::http::error::ApiError;
use crate::http::host::HostLayer;

#[derive(Debug, Clone)]
struct Plain {
    certificates: Certificates,
    port: u16,
}

/// The routes, for HTTPS on `port`.
pub fn router(certificates: Certificates, port: u16) -> Router {
    Router::new()
        .route("/.well-known/acme-challenge/{token}", get(token))
        .fallback(elsewhere)
        .layer(HostLayer)
        .with_state(Plain { certificates, port })
}

async fn token(State(plain): State<Plain>, Path(token): Path<String>) -> Result<Response, ApiError> {
    let answer = plain.certificates.token(&token).ok_or_else(Error::not_found)?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], answer).into_response())
}

async fn elsewhere(
    State(plain): State<Plain>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // What a client sends after the first request would be lost, and what it sent may be a secret.
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::invalid("Use HTTPS.").into());
    }
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let host = without_port(host);
    if host.is_empty() {
        return Err(Error::invalid("Use HTTPS.").into());
    }
    let port = if plain.port == 443 {
        String::new()
    } else {
        format!(":{}", plain.port)
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let place = HeaderValue::from_str(&format!("https://{host}{port}{path}"));
    let place = place.map_err(|_| Error::invalid("Use HTTPS."))?;
    Ok((StatusCode::FOUND, [(LOCATION, place)]).into_response())
}

/// A host without its port; that of an IPv6 address keeps its brackets.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_host_loses_its_port_alone() {
        for (host, name) in [
            ("example.com:8080", "example.com"),
            ("example.com", "example.com"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
