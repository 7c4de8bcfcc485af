//! One line per request, for the logs that superusers read.

use std::time::Instant;

use axum::http::request::Parts;
use axum::response::Response;
use bosbase_app::logs::RequestLine;

use super::caller::Asking;
use super::error::Cause;
use super::state::AppState;

/// An extension of answers whose requests are no news, such as those for the files of a page.
#[derive(Debug, Clone, Copy)]
pub struct Unlogged;

/// A request that is being answered.
pub struct Asked {
    started: Instant,
    line: RequestLine,
}

impl Asked {
    /// Begins to time the request.
    pub fn begin(parts: &Parts) -> Self {
        Self {
            started: Instant::now(),
            line: described(parts),
        }
    }

    /// Hands the request to the application's log.
    pub fn answered(self, state: &AppState, response: &Response) {
        let Self { started, mut line } = self;
        line.status = response.status().as_u16();
        line.duration = started.elapsed();
        if let Some(cause) = response.extensions().get::<Cause>() {
            line.error = Some(cause.text.clone());
            line.details = cause.data.clone();
        }
        if response.extensions().get::<Unlogged>().is_some() {
            return;
        }
        // As in PocketBase: an event stream that opened is no news, and clients open one after the other.
        if line.error.is_none() && line.method == "GET" && line.path == "/api/realtime" {
            return;
        }
        state.app.logs().request(line);
    }
}

/// What the request's head says.
fn described(parts: &Parts) -> RequestLine {
    let header = |name| {
        parts
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    };
    let caller = parts.extensions.get::<Asking>().map(|asking| &asking.0);
    let auth = caller.and_then(|caller| caller.auth.as_ref());
    RequestLine {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        ip: caller.map(|caller| caller.ip.clone()).unwrap_or_default(),
        auth: auth.map(|account| (account.collection.clone(), account.id().to_owned())),
        referer: header("referer"),
        user_agent: header("user-agent"),
        ..RequestLine::default()
    }
}
