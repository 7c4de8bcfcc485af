//! What lies in a bucket, page by page (`ListObjectsV2`).

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::bucket::{Inner, Object, Patience, path};
use crate::error::{Error, ErrorKind, Result};
use crate::signed;

/// How long is waited before a page is asked for again; the first of them where somebody waits for it.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// A list and how far it was read.
pub struct Listing {
    prefix: String,
    delimiter: &'static str,
    /// What the provider wants to be told to go on.
    token: Option<String>,
    at_end: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_continuation_token: Option<String>,
    #[serde(default)]
    contents: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    key: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    last_modified: String,
    #[serde(default, rename = "ETag")]
    etag: String,
}

impl Listing {
    /// A list of what begins with `prefix`, without what goes on beyond the next `delimiter`, where that is not empty.
    pub fn new(prefix: &str, delimiter: &'static str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            delimiter,
            token: None,
            at_end: false,
        }
    }

    /// Whether the last page was read.
    pub fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// The objects of the next page. A page that can't be had now is asked for again.
    pub async fn next(&mut self, inner: &Inner) -> Result<Vec<Object>> {
        let tries = match inner.patience {
            Patience::Work => PAUSES.len(),
            Patience::Answer => 2,
        };
        let mut pauses = PAUSES.iter().take(tries);
        let page = loop {
            match (self.page(inner).await, pauses.next()) {
                (Err(error), Some(pause)) if error.is_passing() => {
                    tracing::debug!(%error, "asking for the list again");
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                }
                (page, _) => break page?,
            }
        };
        let (mut objects, mut odd) = (Vec::new(), 0);
        for entry in page.contents {
            // Somebody else's objects may have names that can't be asked for; they are no reason to see none.
            if path(&entry.key).is_ok() {
                objects.push(object(entry)?);
            } else {
                odd += 1;
            }
        }
        if odd > 0 {
            tracing::debug!(odd, "the bucket holds objects of names that can't be used");
        }
        self.at_end = !page.is_truncated;
        self.token = page.next_continuation_token;
        if !self.at_end && self.token.is_none() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the provider does not tell how the list goes on",
            ));
        }
        Ok(objects)
    }

    async fn page(&self, inner: &Inner) -> Result<Page> {
        let mut query = vec![("list-type", "2")];
        if !self.prefix.is_empty() {
            query.push(("prefix", &self.prefix));
        }
        if !self.delimiter.is_empty() {
            query.push(("delimiter", self.delimiter));
        }
        if let Some(token) = &self.token {
            query.push(("continuation-token", token));
        }
        let answer = signed::ask(inner, &query).await?;
        if !answer.status.is_success() {
            return Err(answer.refused());
        }
        answer.read("ListBucketResult")
    }
}

fn object(entry: Entry) -> Result<Object> {
    let modified: Timestamp = entry.last_modified.parse().map_err(|_| {
        Error::new(
            ErrorKind::Unsupported,
            "the provider does not tell when an object was put there",
        )
    })?;
    Ok(Object {
        size: entry.size,
        // A list tells milliseconds, an answer about one object does not: what is compared must be the same in both.
        modified: Timestamp::from_second(modified.as_second()).unwrap_or_default(),
        etag: entry.etag,
        key: entry.key,
        content_type: String::new(),
        original_name: String::new(),
        mark: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::scripted::{self, Answer as Scripted};

    fn page(keys: &[&str], next: Option<&str>) -> String {
        let entry = |key: &&str| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2030-01-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;e&quot;</ETag><Size>3</Size></Contents>"
            )
        };
        let entries: String = keys.iter().map(entry).collect();
        let next = next.map_or_else(String::new, |token| {
            format!("<NextContinuationToken>{token}</NextContinuationToken>")
        });
        let more = !next.is_empty();
        format!(
            "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>{more}</IsTruncated>{next}{entries}</ListBucketResult>"
        )
    }

    const STALL: Duration = Duration::from_millis(300);

    fn keys(answers: Vec<Scripted>) -> (Result<Vec<String>>, usize) {
        let (bucket, given) = scripted::bucket(answers, STALL);
        let listed = bucket.list("");
        let keys = listed.map(|list| list.into_iter().map(|object| object.key).collect());
        (keys, given.load(Ordering::Relaxed))
    }

    /// An answer that stood still after its beginning was waited for without end, and the job that asked kept its
    /// lease.
    #[test]
    fn an_answer_that_stops_coming_is_asked_for_again() {
        let text = page(&["a.zip"], None);
        let (listed, asked) = keys(vec![Scripted::Stalling(text.clone()), Scripted::Whole(text.clone())]);
        assert_eq!((listed.unwrap(), asked), (vec!["a.zip".to_owned()], 2));
        let stalled = keys((0..3).map(|_| Scripted::Stalling(text.clone())).collect());
        assert!(
            stalled
                .0
                .unwrap_err()
                .to_string()
                .contains("in the middle of an answer")
        );
    }

    #[test]
    fn an_answer_may_take_as_long_as_it_likes_while_it_goes_on() {
        let slow = Scripted::Slowly(page(&["a.zip"], None), STALL / 2);
        let (listed, asked) = keys(vec![slow]);
        assert_eq!((listed.unwrap(), asked), (vec!["a.zip".to_owned()], 1));
    }

    #[test]
    fn an_object_that_stops_coming_is_asked_for_again() {
        let whole = || "x".repeat(1_000);
        let (bucket, given) = scripted::bucket(vec![Scripted::Stalling(whole()), Scripted::Whole(whole())], STALL);
        assert_eq!(bucket.get("a", 0..1_000, "").unwrap().len(), 1_000);
        assert_eq!(given.load(Ordering::Relaxed), 2);
    }

    /// One object whose name can't be asked for, put there by anybody, and no backup could be listed.
    #[test]
    fn names_that_cannot_be_asked_for_hide_no_others() {
        let first = page(&["a.zip", "&#1;odd", "", "..", "a//b"], Some("t&amp;1"));
        let second = page(&["./x", "ä &amp; b.zip"], None);
        let (listed, asked) = keys(vec![Scripted::Whole(first), Scripted::Whole(second)]);
        assert_eq!(listed.unwrap(), ["a.zip", "ä & b.zip"]);
        assert_eq!(asked, 2);
    }
}
