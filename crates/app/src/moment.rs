//! Points in time as the Backups API writes them.

use jiff::Timestamp;

/// `at` in UTC with milliseconds, `2023-05-19T16:25:57.542Z` (RFC 3339).
#[must_use]
pub fn wire(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
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
