//! `/api/realtime`: a stream of events, and what it is about.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bosbase_app::Error;
use bosbase_app::realtime::{Message, Payload, Subscriber};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::http::body::{BodyLimit, JsonObject};
use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::state::{AppState, Lifecycle};

/// How long a stream lives on which nothing is said; its client connects anew.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How often a comment is sent, so that a client that is gone is noticed and proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long the names of as many subscriptions may be as a client may have, each as long as it may be.
const SUBSCRIPTIONS: BodyLimit = BodyLimit(16 << 20);

/// Data up to so many bytes is sent with the rest of its message.
const COPIED: usize = 4 << 10;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new().route(
        "/api/realtime",
        get(connect).post(subscribe).layer(Extension(SUBSCRIPTIONS)),
    )
}

async fn connect(State(state): State<AppState>, Asking(caller): Asking) -> Response {
    let subscriber = state.app.realtime().connect(&caller);
    let hello = Message {
        name: "PB_CONNECT".into(),
        data: Payload::uncounted(format!(r#"{{"clientId":"{}"}}"#, subscriber.id())),
    };
    let events = Events {
        hello: Some(hello),
        rest: VecDeque::new(),
        subscriber,
        lifecycle: state.lifecycle.clone(),
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
    /// What is left of the message at hand.
    rest: VecDeque<Bytes>,
    subscriber: Subscriber,
    lifecycle: Arc<Lifecycle>,
    ends: Instant,
}

impl Events {
    /// The stream's next bytes; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(hello) = self.hello.take() {
            self.begin(&hello);
        }
        if let Some(piece) = self.rest.pop_front() {
            return Some(piece);
        }
        let lifecycle = self.lifecycle.clone();
        tokio::select! {
            biased;
            () = lifecycle.drained() => None,
            message = self.subscriber.next() => {
                let message = message?;
                self.ends = Instant::now() + IDLE;
                self.begin(&message);
                self.rest.pop_front()
            }
            () = sleep_until(self.ends) => None,
            () = tokio::time::sleep(KEEP_ALIVE) => Some(Bytes::from_static(b":\n\n")),
        }
    }

    /// Makes a message the one at hand. Its data is that of all who are told the same, and not copied where it is long.
    fn begin(&mut self, message: &Message) {
        let (id, name, data) = (self.subscriber.id(), &message.name, &message.data);
        if data.len() <= COPIED {
            let whole = format!("id:{id}\nevent:{name}\ndata:{}\n\n", &***data);
            self.rest.push_back(whole.into());
            return;
        }
        self.rest.push_back(format!("id:{id}\nevent:{name}\ndata:").into());
        self.rest.push_back(Bytes::from_owner(Shared(data.clone())));
        self.rest.push_back(Bytes::from_static(b"\n\n"));
    }
}

/// Data that several streams send.
struct Shared(Arc<Payload>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
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
        .blocking(move |app| app.realtime().subscribe(&form.client_id, &names, &caller))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
