//! Multipart uploads that nobody finished: listing and aborting them.

use jiff::Timestamp;
use object_store::multipart::MultipartStore as _;
use serde::Deserialize;

use crate::bucket::{Inner, path, persistently};
use crate::error::{Error, ErrorKind, Result};
use crate::signed;

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

/// Asks for one page.
async fn page(inner: &Inner, key: &str, marker: Option<&(String, String)>) -> Result<Page> {
    let mut query = vec![("uploads", ""), ("prefix", key)];
    if let Some((key, upload_id)) = marker {
        query.push(("key-marker", key));
        query.push(("upload-id-marker", upload_id));
    }
    let answer = signed::ask(inner, &query).await?;
    if answer.status.is_success() {
        return answer.read("ListMultipartUploadsResult");
    }
    let refused = answer.refused();
    match answer.status.as_u16() {
        401 | 403 | 429 | 500.. => Err(refused),
        _ => Err(Error::new(ErrorKind::Unsupported, refused.to_string())),
    }
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
