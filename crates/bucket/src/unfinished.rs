//! Multipart uploads that nobody finished: listing and aborting them.

use bytes::Buf as _;
use http::Method;
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::HttpService as _;
use object_store::multipart::MultipartStore as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::bucket::{Inner, path, persistently};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::empty;

/// What stays as it is in a query that is signed.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The longest answer that is read, in bytes: it tells of 1,000 uploads at most.
const LONGEST: usize = 4 << 20;
/// The most answers that are asked for.
const PAGES: usize = 20;

/// One upload that is neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The provider's name for it.
    pub upload_id: String,
    /// When it was begun, UTC; `None` where the provider does not tell.
    pub begun: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: String,
    #[serde(default)]
    next_upload_id_marker: String,
    #[serde(default)]
    upload: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    upload_id: String,
    #[serde(default)]
    initiated: String,
}

/// The uploads to exactly `key`.
pub(crate) async fn list(inner: &Inner, key: &str) -> Result<Vec<Unfinished>> {
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES {
        let ask = || page(inner, key, marker.as_ref());
        let page = persistently(ask)
            .await
            .map_err(|error| error.while_("listing unfinished uploads"))?;
        let ours = page.upload.into_iter().filter(|entry| entry.key == key);
        found.extend(ours.map(|entry| Unfinished {
            upload_id: entry.upload_id,
            begun: entry.initiated.parse().ok(),
        }));
        if !page.is_truncated {
            break;
        }
        marker = Some((page.next_key_marker, page.next_upload_id_marker));
    }
    Ok(found)
}

/// Asks for one page; the library that makes all other requests has none for this.
async fn page(inner: &Inner, key: &str, marker: Option<&(String, String)>) -> Result<Page> {
    let encoded = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    let mut query = Vec::new();
    if let Some((key, upload_id)) = marker {
        query.push(format!("key-marker={}", encoded(key)));
        query.push(format!("upload-id-marker={}", encoded(upload_id)));
    }
    query.push(format!("prefix={}", encoded(key)));
    query.push("uploads=".to_owned());
    let mut request = empty(Method::GET, &format!("{}/?{}", inner.base, query.join("&")))?;
    let credential = credential(&inner.store).await?;
    AwsAuthorizer::new(&credential, "s3", inner.config.region.trim()).try_authorize(&mut request, None)?;
    let failed = |error: object_store::client::HttpError| Error::new(ErrorKind::Failed, error.to_string());
    let response = inner.transport.call(request).await.map_err(failed)?;
    let status = response.status();
    let body = response.into_body().bytes().await.map_err(failed)?;
    if !status.is_success() {
        let kind = match status.as_u16() {
            401 | 403 => ErrorKind::Denied,
            429 | 500.. => ErrorKind::Failed,
            _ => ErrorKind::Unsupported,
        };
        return Err(Error::new(kind, format!("the provider answered {status}")));
    }
    if body.len() > LONGEST {
        return Err(Error::new(ErrorKind::Unsupported, "the provider's answer is too long"));
    }
    let unreadable = |error: quick_xml::DeError| Error::new(ErrorKind::Unsupported, error.to_string());
    quick_xml::de::from_reader(body.reader()).map_err(unreadable)
}

async fn credential(store: &AmazonS3) -> Result<std::sync::Arc<object_store::aws::AwsCredential>> {
    Ok(store.credentials().get_credential().await?)
}

/// Gives an upload up.
pub(crate) async fn abort(inner: &Inner, key: &str, upload_id: &str) -> Result<()> {
    let (path, id) = (path(key)?, upload_id.to_owned());
    let abort = || async { Ok(inner.store.abort_multipart(&path, &id).await?) };
    match persistently(abort).await {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error.while_(&format!("giving up the upload of {key}")))
        }
        _ => Ok(()),
    }
}
