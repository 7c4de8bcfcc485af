//! Questions that the library which makes all other requests has no words for, or whose answers it reads too strictly.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpError, HttpRequestBody, HttpService as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::bucket::Inner;
use crate::error::{Error, ErrorKind, NOT_S3, Result};

/// What stays as it is in a query that is signed.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The longest answer that is read, in bytes: 1,000 keys of 1,024 bytes, each escaped, and what is said of them.
const LONGEST: usize = 16 << 20;

/// Within so many bytes of an answer its root is named.
const BEGINNING: usize = 1 << 10;

/// What the provider said.
pub struct Answer {
    pub status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// The document that it is, whose root is called `root`.
    pub fn read<T: DeserializeOwned>(self, root: &str) -> Result<T> {
        let unreadable = || Error::new(ErrorKind::Unsupported, NOT_S3);
        let beginning = String::from_utf8_lossy(&self.body[..self.body.len().min(BEGINNING)]);
        if !beginning.contains(&format!("<{root}")) {
            return Err(unreadable());
        }
        quick_xml::de::from_reader(self.body.reader()).map_err(|_| unreadable())
    }

    /// It as an error, where it is no success.
    pub fn refused(&self) -> Error {
        Error::answered(self.status, &String::from_utf8_lossy(&self.body))
    }
}

/// Asks the bucket itself for something, once.
pub async fn ask(inner: &Inner, query: &[(&str, &str)]) -> Result<Answer> {
    let encoded = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    // The signed parameters are in the order of their names.
    let mut query = query.to_vec();
    query.sort_unstable();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let mut request = http::Request::builder()
        .method(Method::GET)
        .uri(format!("{}/?{}", inner.base, query.join("&")))
        .body(HttpRequestBody::empty())
        .map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
    let credential = inner.store.credentials().get_credential().await?;
    AwsAuthorizer::new(&credential, "s3", inner.config.region.trim()).try_authorize(&mut request, None)?;
    let failed = |error: HttpError| Error::new(ErrorKind::Failed, crate::error::innermost(&error));
    let response = inner.transport.call(request).await.map_err(failed)?;
    let status = response.status();
    let mut stream = response.into_body().bytes_stream();
    let mut body = BytesMut::new();
    while let Some(piece) = stream.next().await {
        body.extend_from_slice(&piece.map_err(failed)?);
        if body.len() > LONGEST {
            return Err(Error::new(ErrorKind::Unsupported, "the provider's answer is too long"));
        }
    }
    Ok(Answer {
        status,
        body: body.freeze(),
    })
}
