//! Whom a request is meant for.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Response, Version, header};
use axum::response::IntoResponse as _;
use bosbase_app::Error;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, MapOk};
use tower::{Layer, Service};

use super::error::ApiError;

/// Refuses requests that name two hosts, or, since HTTP/1.1, none (RFC 9112, section 3.2): what stands before the
/// server may take them for others than it does. The connection ends, for it may be no better.
#[derive(Debug, Clone, Copy)]
pub struct HostLayer;

impl<S> Layer<S> for HostLayer {
    type Service = HostCheck<S>;

    fn layer(&self, inner: S) -> HostCheck<S> {
        HostCheck { inner }
    }
}

/// What [`HostLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct HostCheck<S> {
    inner: S,
}

impl<S, B> Service<Request> for HostCheck<S>
where
    S: Service<Request, Response = Response<B>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = axum::response::Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<Self::Response, S::Error>>, MapOk<S::Future, fn(Response<B>) -> Self::Response>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match refusal(&request) {
            Some(why) => Either::Left(ready(Ok(refused(why)))),
            None => {
                let whole: fn(Response<B>) -> Self::Response = |response| response.map(Body::new);
                Either::Right(self.inner.call(request).map_ok(whole))
            }
        }
    }
}

/// What is wrong with the request's hosts, if anything is.
fn refusal(request: &Request) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Some("The request has several Host headers."),
        (None, None) if request.version() == Version::HTTP_11 => Some("The request has no Host header."),
        (Some(host), None) if !is_host(host) => Some("The Host header of the request is malformed."),
        _ => None,
    }
}

fn refused(why: &str) -> axum::response::Response {
    let mut response = ApiError::from(Error::invalid(why)).into_response();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// Whether it may name a host; an empty one names none, which is allowed.
fn is_host(host: &HeaderValue) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%@".contains(byte);
    host.as_bytes().iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for good in [
            "",
            "example.com",
            "localhost:8090",
            "[::1]:80",
            "a_b.example",
            "xn--bcher-kva.example.",
        ] {
            assert!(is_host(&HeaderValue::from_str(good).unwrap()), "{good}");
        }
        for bad in ["a b", "a/b", "a\"b", "a,b c", "<x>"] {
            assert!(!is_host(&HeaderValue::from_str(bad).unwrap()), "{bad}");
        }
    }
}
