//! `/api/realtime`: a stream of events, and what it is about.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bosbase_app::Error;
use bosbase_app::realtime::{Message, Subscriber};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::http::body::JsonObject;
use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::state::{AppState, Lifecycle};

/// How long a stream lives on which nothing is said; its client connects anew.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How often a comment is sent, so that a client that is gone is noticed and proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/realtime", get(connect).post(subscribe))
}

async fn connect(State(state): State<AppState>) -> Response {
    let subscriber = state.app.hub().connect();
    let hello = Message {
        name: "PB_CONNECT".to_owned(),
        data: format!(r#"{{"clientId":"{}"}}"#, subscriber.id()).into(),
    };
    let events = Events {
        hello: Some(hello),
        subscriber,
        lifecycle: state.lifecycle,
        ends: Instant::now() + IDLE,
    };
    let body = Body::from_stream(stream::unfold(events, |mut events| async move {
        let bytes = events.next().await?;
        Some((Ok::<_, Infallible>(bytes), events))
    }));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would hold events back until its buffer is full.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, body).into_response()
}

/// An event stream on its way to the client.
struct Events {
    hello: Option<Message>,
    subscriber: Subscriber,
    lifecycle: Arc<Lifecycle>,
    ends: Instant,
}

impl Events {
    /// The stream's next bytes; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(hello) = self.hello.take() {
            return Some(self.event(&hello));
        }
        let lifecycle = self.lifecycle.clone();
        tokio::select! {
            biased;
            () = lifecycle.drained() => None,
            message = self.subscriber.next() => {
                let message = message?;
                self.ends = Instant::now() + IDLE;
                Some(self.event(&message))
            }
            () = sleep_until(self.ends) => None,
            () = tokio::time::sleep(KEEP_ALIVE) => Some(Bytes::from_static(b":\n\n")),
        }
    }

    fn event(&self, message: &Message) -> Bytes {
        let (id, name, data) = (self.subscriber.id(), &message.name, &message.data);
        format!("id:{id}\nevent:{name}\ndata:{data}\n\n").into()
    }
}

/// What a client wants to hear of from now on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Form {
    client_id: String,
    subscriptions: Option<Vec<String>>,
}

async fn subscribe(
    State(state): State<AppState>,
    Asking(caller): Asking,
    JsonObject(body): JsonObject,
) -> Result<StatusCode, ApiError> {
    let form: Form = serde_json::from_value(Value::Object(body))
        .map_err(|error| Error::invalid("Something went wrong while processing your request.").caused_by(error))?;
    let names = form.subscriptions.unwrap_or_default();
    state
        .app
        .hub()
        .subscribe(&form.client_id, &names, caller.auth.as_ref())?;
    Ok(StatusCode::NO_CONTENT)
}
