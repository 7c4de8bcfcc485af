//! Questions to others over HTTP, and their answers, for callers that are asynchronous.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use url::Url;

use crate::error::{Error, Result};
use crate::{reach, trust};

/// Within so long a connection is made.
const CONNECT: Duration = Duration::from_secs(10);
/// So many redirects are followed where any are.
const REDIRECTS: usize = 5;

const DOING: &str = "asking";

/// Whom a question goes to, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Any address, through the system's proxy where there is one; no redirect is followed. For what holds a secret.
    Exactly,
    /// Any address, through the system's proxy where there is one; five redirects are followed, and `Authorization`
    /// stays with the first host.
    Anywhere,
    /// Addresses of the internet alone, directly, also behind five redirects. For a URL that is not trusted: whoever
    /// chose it must not reach what the server reaches.
    Public,
}

/// A question: a `GET`, or a `POST` where it has a body.
#[derive(Clone)]
pub struct Question {
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// What it is said to be, in lower case and without parameters; empty where that is not said.
    pub content_type: String,
    /// What was read of it.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// Asks others. Clones share what they keep.
#[derive(Clone)]
pub struct Fetcher {
    exactly: reqwest::Client,
    anywhere: reqwest::Client,
    public: reqwest::Client,
}

impl Question {
    /// A question to `url`.
    ///
    /// # Errors
    ///
    /// A URL that is none, or neither http nor https. It is not repeated.
    pub fn new(url: &str) -> Result<Self> {
        let url: Url = url.parse().map_err(|_| Error::new(DOING, "a URL can't be read"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            let text = "a URL has to begin with http:// or https:// and name a host";
            return Err(Error::new(DOING, text));
        }
        Ok(Self {
            url,
            headers: HeaderMap::new(),
            body: None,
        })
    }

    /// The same with a header.
    ///
    /// # Errors
    ///
    /// Where the name or the value can be none of a header.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self> {
        let bad = || Error::new(DOING, format!("the header {name} can't have its value"));
        let name = HeaderName::try_from(name).map_err(|_| bad())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| bad())?;
        value.set_sensitive(name == AUTHORIZATION);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The same as a `POST` of `body`.
    ///
    /// # Errors
    ///
    /// Where `content_type` can be none.
    pub fn posting(mut self, content_type: &str, body: String) -> Result<Self> {
        self.body = Some(body);
        self.with(CONTENT_TYPE.as_str(), content_type)
    }
}

impl Fetcher {
    /// Reads the certificates that are trusted. Blocks.
    ///
    /// # Errors
    ///
    /// Where encryption can't be set up.
    pub fn new() -> Result<Self> {
        let trusted = trust::client_config()?;
        let exactly = client(trusted.clone()).redirect(Policy::none());
        let anywhere = client(trusted.clone()).redirect(Policy::limited(REDIRECTS));
        let public = client(trusted)
            .no_proxy()
            .dns_resolver(reach::public_names())
            .redirect(Policy::custom(|attempt| {
                if attempt.previous().len() > REDIRECTS {
                    attempt.error("too many redirects")
                } else if reach::may_be_asked(attempt.url()) {
                    attempt.follow()
                } else {
                    attempt.error("redirected to an address that is not public")
                }
            }));
        let built = |builder: reqwest::ClientBuilder| {
            let failed = |error: reqwest::Error| Error::new("setting up requests", crate::chain(&error));
            builder.build().map_err(failed)
        };
        Ok(Self {
            exactly: built(exactly)?,
            anywhere: built(anywhere)?,
            public: built(public)?,
        })
    }

    /// Asks `question`, waits for at most `patience`, and reads at most one byte more than `most` of the answer. An
    /// answer of any status is one. Asynchronous; the question ends when the future is dropped.
    ///
    /// # Errors
    ///
    /// Why there was no answer; nothing of the URL but its host.
    pub async fn ask(&self, question: &Question, reach: Reach, most: usize, patience: Duration) -> Result<Reply> {
        let host = question.url.host_str().unwrap_or_default();
        let failed = |reason: String| Error::new(DOING, format!("{host}: {reason}")).without(&[]);
        if reach == Reach::Public && !reach::may_be_asked(&question.url) {
            return Err(failed("its address is not public".to_owned()));
        }
        let client = match reach {
            Reach::Exactly => &self.exactly,
            Reach::Anywhere => &self.anywhere,
            Reach::Public => &self.public,
        };
        let request = match &question.body {
            Some(body) => client.post(question.url.clone()).body(body.clone()),
            None => client.get(question.url.clone()),
        };
        let request = request.headers(question.headers.clone());
        let asked = tokio::time::timeout(patience, read(request, most)).await;
        asked
            .map_err(|_| failed(format!("no whole answer within {} seconds", patience.as_secs())))?
            .map_err(|error| failed(crate::chain(&error.without_url())))
    }
}

fn client(trusted: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(trusted)
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("bosbase/", env!("CARGO_PKG_VERSION")))
        .http1_only()
}

async fn read(request: reqwest::RequestBuilder, most: usize) -> reqwest::Result<Reply> {
    let mut answer = request.send().await?;
    let content_type = answer.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    let mut reply = Reply {
        status: answer.status().as_u16(),
        content_type: essence.trim().to_ascii_lowercase(),
        body: Vec::new(),
        is_whole: true,
    };
    while let Some(piece) = answer.chunk().await? {
        let left = most + 1 - reply.body.len();
        reply.body.extend_from_slice(&piece[..piece.len().min(left)]);
        if reply.body.len() > most {
            reply.is_whole = false;
            break;
        }
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers each connection with `answer`, and never reads more than a request's beginning.
    fn serving(answer: impl Fn(u16) -> Vec<u8> + Send + 'static) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer(port));
            }
        });
        port
    }

    fn ask(port: u16, reach: Reach, most: usize) -> Result<Reply> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let question = Question::new(&format!("http://127.0.0.1:{port}/secret-path?a=secret")).unwrap();
        runtime.block_on(
            Fetcher::new()
                .unwrap()
                .ask(&question, reach, most, Duration::from_secs(5)),
        )
    }

    #[test]
    fn no_more_is_read_than_is_wanted() {
        let endless = serving(|_| [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b'x'; 1 << 20]].concat());
        let reply = ask(endless, Reach::Anywhere, 1000).unwrap();
        assert_eq!((reply.body.len(), reply.is_whole), (1001, false));
        let short = serving(|_| {
            b"HTTP/1.1 404 No\r\nContent-Type: Text/Plain; charset=x\r\nContent-Length: 4\r\n\r\nnone".to_vec()
        });
        let reply = ask(short, Reach::Anywhere, 4).unwrap();
        assert_eq!((reply.status, reply.is_whole), (404, true));
        assert_eq!(
            (reply.content_type.as_str(), reply.body.as_slice()),
            ("text/plain", b"none".as_slice())
        );
    }

    #[test]
    fn a_private_address_is_not_asked_for_somebody_else() {
        let port = serving(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec());
        assert!(ask(port, Reach::Exactly, 10).is_ok());
        let error = ask(port, Reach::Public, 10).unwrap_err().to_string();
        assert!(error.contains("not public") && !error.contains("secret"), "{error}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let question = Question::new(&format!("http://localhost:{port}/")).unwrap();
        let fetcher = Fetcher::new().unwrap();
        let asked = fetcher.ask(&question, Reach::Public, 10, Duration::from_secs(5));
        let error = runtime.block_on(asked).unwrap_err().to_string();
        assert!(error.contains("no public address"), "{error}");
    }

    #[test]
    fn what_holds_a_secret_follows_no_redirect() {
        let redirecting =
            |port| format!("HTTP/1.1 307 On\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n");
        let port = serving(move |port| redirecting(port).into_bytes());
        assert_eq!(ask(port, Reach::Exactly, 10).unwrap().status, 307);
        assert!(
            ask(port, Reach::Anywhere, 10).is_err(),
            "a redirect without end is followed"
        );
    }
}
