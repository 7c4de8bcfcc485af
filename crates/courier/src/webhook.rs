//! JSON to a URL that somebody else gave.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use crate::error::{Error, Result};
use crate::{chain, trust};

/// Within so long a connection is made ...
const CONNECT: Duration = Duration::from_secs(5);
/// ... and the answer's head is there.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

const DOING: &str = "telling the webhook";

/// Where to send JSON. Only its host is ever shown: paths and queries of webhooks hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    url: Url,
    secret: String,
}

impl Webhook {
    /// The receiver at `url`, to which `secret`, where it is not empty, is shown as `Authorization: Bearer …`.
    ///
    /// # Errors
    /// A URL that is none, or neither http nor https.
    pub fn new(url: &str, secret: &str) -> Result<Self> {
        let url: Url = url
            .trim()
            .parse()
            .map_err(|_| Error::new(DOING, "its URL can't be read"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(Error::new(
                DOING,
                "its URL has to begin with http:// or https:// and name a host",
            ));
        }
        Ok(Self {
            url,
            secret: secret.to_owned(),
        })
    }

    /// Its host, and nothing else of its URL.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// Sends `json` in a POST. One attempt, of no more than a quarter of a minute. Follows no redirects, and reads nothing
/// of the answer but its status.
///
/// # Errors
/// An answer that is no success, or why there was none; nothing of the URL but its host, and never the secret.
pub fn post(webhook: &Webhook, json: String) -> Result<()> {
    let secrets = [webhook.secret.clone()];
    crate::within(HEAD_TIMEOUT, deliver(webhook, json)).map_err(|error| error.without(&secrets))
}

async fn deliver(webhook: &Webhook, json: String) -> Result<()> {
    let mut request = client()?
        .post(webhook.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .body(json);
    if !webhook.secret.is_empty() {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", webhook.secret))
            .map_err(|_| Error::new(DOING, "its secret holds characters that no header can"))?;
        bearer.set_sensitive(true);
        request = request.header(AUTHORIZATION, bearer);
    }
    let answer = request.send().await.map_err(|error| {
        let reason = chain(&error.without_url());
        Error::new(DOING, format!("{}: {reason}", webhook.host()))
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let hint = if status.is_redirection() {
        "; redirects are not followed"
    } else {
        ""
    };
    Err(Error::new(
        DOING,
        format!("{} answered {}{hint}", webhook.host(), status.as_u16()),
    ))
}

/// A client of its own each time: its connections belong to the runtime, which ends with the attempt.
fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(trust::client_config()?)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .user_agent(concat!("bosbase/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .build()
        .map_err(|error| Error::new("setting up the request", chain(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_a_webhook_is_shown() {
        let webhook = Webhook::new(
            "https://user:pass@hooks.example.com/T0/secret-path?key=secret",
            "secret",
        )
        .unwrap();
        assert_eq!(webhook.host(), "hooks.example.com");
        let shown = format!("{webhook:?}");
        assert!(!shown.contains("secret") && !shown.contains("pass"), "{shown}");
    }

    #[test]
    fn a_url_of_another_kind_is_refused_without_being_repeated() {
        for wrong in [
            "ftp://h/secret",
            "file:///secret",
            "secret",
            "http://",
            "javascript:secret",
        ] {
            let error = Webhook::new(wrong, "").unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn nobody_there_is_an_error_that_tells_the_host_alone() {
        // Bound and not listening any more: nobody is there.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let webhook = Webhook::new(&format!("http://127.0.0.1:{port}/secret-path"), "bearer-secret").unwrap();
        let error = post(&webhook, "{}".to_owned()).unwrap_err().to_string();
        assert!(error.contains("127.0.0.1") && !error.contains("secret"), "{error}");
    }
}
