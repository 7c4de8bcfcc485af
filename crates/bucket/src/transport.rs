//! One HTTP request and its answer: who is trusted, how long is waited, what is worth another try.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use rustls::RootCertStore;

use crate::error::{Error, ErrorKind, Result};
use crate::moving::Moving;

/// Within so long a connection is made.
const CONNECT: Duration = Duration::from_secs(10);
/// A request without a body is answered within so long ...
const ANSWER: Duration = Duration::from_secs(60);
/// ... and one with a body at this speed at least, in bytes per second.
const SLOWEST: u64 = 16 << 10;
/// An answer that has begun brings another byte at least every so often.
const STALL: Duration = Duration::from_secs(60);
/// Of an answer that is no success, so much is read.
const LONGEST_COMPLAINT: usize = 64 << 10;

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Transport {
    client: reqwest::Client,
    /// Whether a multipart upload is completed only where there is no object of its key.
    creating: bool,
    stall: Duration,
}

impl Transport {
    /// A transport that shares its connections with all others.
    pub fn shared() -> Result<Self> {
        static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
        let client = match CLIENT.get() {
            Some(client) => client.clone(),
            None => {
                let client = client()?;
                CLIENT.get_or_init(|| client).clone()
            }
        };
        Ok(Self {
            client,
            creating: false,
            stall: STALL,
        })
    }

    /// The same, which completes multipart uploads only where there is no object of their key.
    pub fn creating(&self) -> Self {
        Self {
            creating: true,
            ..self.clone()
        }
    }

    /// The same with less patience.
    #[cfg(test)]
    pub fn stalling_after(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }
}

/// Trusts the machine's certificates and Mozilla's: a container without the former can reach a provider all the same,
/// and a company's own provider is trusted as far as the machine trusts it.
fn client() -> Result<reqwest::Client> {
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Failed, format!("setting up TLS: {error}"));
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .tcp_keepalive(Duration::from_secs(20))
        .tcp_user_timeout(ANSWER)
        .pool_idle_timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("bosbase/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .build()
        .map_err(|error| failed(&error))
}

impl HttpConnector for Transport {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, mut request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let completes = request.method() == Method::POST && names(&request, "uploadId");
        if self.creating && completes {
            request
                .headers_mut()
                .insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let patience = ANSWER + Duration::from_secs(request.body().content_length() as u64 / SLOWEST);
        let response = match tokio::time::timeout(patience, self.client.call(request)).await {
            Ok(Ok(response)) => response,
            // A connection that broke in a way nobody foresaw is a broken connection.
            Ok(Err(error)) if error.kind() == HttpErrorKind::Unknown => {
                return Err(HttpError::new(HttpErrorKind::Interrupted, error));
            }
            Ok(Err(error)) => return Err(error),
            Err(late) => return Err(HttpError::new(HttpErrorKind::Timeout, late)),
        };
        let (mut parts, body) = response.into_parts();
        if parts.status.is_success() {
            let body = HttpResponseBody::new(Moving::new(body, self.stall));
            return Ok(HttpResponse::from_parts(parts, body));
        }
        // That something is not implemented does not change by asking again, as it does with other 5xx.
        if parts.status == StatusCode::NOT_IMPLEMENTED {
            parts.status = StatusCode::BAD_REQUEST;
        }
        let complaint = tokio::time::timeout(ANSWER, beginning(body)).await.unwrap_or_default();
        Ok(HttpResponse::from_parts(parts, complaint.into()))
    }
}

fn names(request: &HttpRequest, parameter: &str) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair.split('=').next() == Some(parameter))
}

async fn beginning(body: HttpResponseBody) -> Bytes {
    use futures_util::StreamExt as _;
    let mut stream = body.bytes_stream();
    let mut all = BytesMut::new();
    while let Some(Ok(piece)) = stream.next().await {
        let room = LONGEST_COMPLAINT.saturating_sub(all.len());
        all.extend_from_slice(&piece[..piece.len().min(room)]);
        if all.len() == LONGEST_COMPLAINT {
            break;
        }
    }
    all.freeze()
}
