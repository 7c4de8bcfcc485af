//! Points in time as the Backups API writes them.

use std::time::Duration;

use jiff::Timestamp;

/// `at` in UTC with milliseconds, `2023-05-19T16:25:57.542Z` (RFC 3339).
#[must_use]
pub fn wire(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// How long ago `text`, written by [`wire`], was; nothing where it is no such text, zero where it is yet to come.
#[must_use]
pub fn age(text: &str) -> Option<Duration> {
    let at: Timestamp = text.parse().ok()?;
    Some(Timestamp::now().duration_since(at).try_into().unwrap_or_default())
}

/// The current time, as [`wire`] writes it.
#[must_use]
pub fn wire_now() -> String {
    wire(Timestamp::now())
}

/// `at` in UTC as part of a file name, `20230519162557`.
#[must_use]
pub fn compact(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%S").to_string()
}
