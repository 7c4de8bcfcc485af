//! The note beside an uploaded file: `<name>.attrs`, in the form that PocketBase reads and writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known of a stored file apart from its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    #[serde(rename = "user.cache_control", default)]
    cache_control: String,
    #[serde(rename = "user.content_disposition", default)]
    content_disposition: String,
    #[serde(rename = "user.content_encoding", default)]
    content_encoding: String,
    #[serde(rename = "user.content_language", default)]
    content_language: String,
    /// Its MIME type, told from its first bytes when it was uploaded.
    #[serde(rename = "user.content_type", default)]
    pub content_type: String,
    #[serde(rename = "user.metadata", default)]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(default)]
    md5: Option<String>,
}

impl Attributes {
    /// Suffix of the note's file name.
    pub const SUFFIX: &'static str = ".attrs";
    /// Longest note that is read, in bytes.
    pub const LIMIT: u64 = 64 << 10;

    /// The note in its written form, `None` where it says nothing.
    #[must_use]
    pub fn note(&self) -> Option<Vec<u8>> {
        if self.content_type.is_empty() && self.original_name().is_empty() {
            return None;
        }
        serde_json::to_vec(self).ok()
    }

    /// The note that `bytes` are, if they are one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// What the file was called by who sent it; empty where that is not known.
    #[must_use]
    pub fn original_name(&self) -> &str {
        let metadata = self.metadata.as_ref();
        metadata
            .and_then(|metadata| metadata.get("original-filename"))
            .map_or("", String::as_str)
    }

    /// What is kept of a name that an upload's sender gave it: its first 255 bytes.
    #[must_use]
    pub fn shortened(original_name: &str) -> &str {
        let mut end = original_name.len().min(255);
        while !original_name.is_char_boundary(end) {
            end -= 1;
        }
        &original_name[..end]
    }

    /// The note for a file that nobody gave a name.
    #[must_use]
    pub fn of_type(content_type: &str) -> Self {
        Self {
            content_type: content_type.to_owned(),
            metadata: Some(BTreeMap::new()),
            ..Self::default()
        }
    }

    /// The note for an upload called `original_name` by who sent it (the first 255 bytes of that are kept).
    #[must_use]
    pub fn new(content_type: &str, original_name: &str) -> Self {
        Self {
            content_type: content_type.to_owned(),
            metadata: Some(BTreeMap::from([(
                "original-filename".to_owned(),
                Self::shortened(original_name).to_owned(),
            )])),
            ..Self::default()
        }
    }
}
