//! `/api/files/{collection}/{record}/{name}`: uploaded files.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bosbase_app::files::{Content, StoredFile};
use bosbase_app::records::{Found, RecordFile};
use serde_json::Value;

use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::path::Path;
use crate::http::range::{self, Wanted};
use crate::http::state::AppState;
use crate::http::stream;
use crate::http::unsent::Unsent;

/// Types that a browser may show by itself; anything else is for saving.
const INLINE: &[&str] = &[
    "image/png",
    "image/jpg",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/x-icon",
    "image/bmp",
    "video/webm",
    "video/mp4",
    "video/3gpp",
    "video/quicktime",
    "video/x-ms-wmv",
    "audio/basic",
    "audio/aiff",
    "audio/mpeg",
    "audio/midi",
    "audio/mp3",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-mpeg",
    "audio/x-m4a",
    "audio/aac",
    "application/pdf",
    "application/x-pdf",
];
/// Uploads come from anybody and share the application's origin: nothing in them runs.
const POLICY: &str = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
/// A stored file never changes: its name is never used again.
const CACHE: &str = "max-age=2592000, stale-while-revalidate=86400";

/// The routes of this resource.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/files/{collection}/{record}/{name}", get(serve))
}

async fn serve(
    State(state): State<AppState>,
    Path((collection, record, name)): Path<(String, String, String)>,
    Asking(caller): Asking,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let parameter = |name: &str| {
        caller
            .query
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (token, download, thumb) = (parameter("token"), parameter("download"), parameter("thumb"));
    let attachment = matches!(download.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True");
    let file = state
        .promptly(move |app| {
            app.records()
                .open_file(&collection, &record, &name, &thumb, token.trim(), &caller)
        })
        .await?;
    let Found { file, name } = match file {
        RecordFile::Here(found) => found,
        RecordFile::Later(wanted) => wanted.find().await?,
    };
    Ok(answer(&state.unsent, file, &name, attachment, &headers))
}

fn answer(unsent: &Unsent, file: StoredFile, name: &str, attachment: bool, headers: &HeaderMap) -> Response {
    let modified = range::http_date(file.modified);
    let etag = format!("\"{}\"", file.etag);
    let len = file.len;
    let content_type = content_type(name, &file.content_type).to_owned();
    let (status, first, length) = match range::wanted(headers, len, &etag, &modified) {
        Wanted::Whole => (StatusCode::OK, 0, len),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
        Wanted::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Wanted::Changed => (StatusCode::PRECONDITION_FAILED, 0, 0),
    };
    let inline = !attachment && INLINE.contains(&file.content_type.as_str());
    let body = if length == 0 {
        Body::empty()
    } else {
        match file.content {
            Content::Disk(file) => stream::file(unsent, first, length, file),
            Content::Bucket(object) => Body::from_stream(object.pieces(first..first + length)),
        }
    };
    let mut response = (status, body).into_response();
    let disposition = format!(
        "{}; filename=\"{}\"",
        if inline { "inline" } else { "attachment" },
        name.replace(['"', '\\'], "_")
    );
    let mut set = |name: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_DISPOSITION, &disposition);
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    match status {
        StatusCode::RANGE_NOT_SATISFIABLE => {
            set(header::CONTENT_RANGE, &format!("bytes */{len}"));
            return response;
        }
        StatusCode::PARTIAL_CONTENT => {
            let last = first + length - 1;
            set(header::CONTENT_RANGE, &format!("bytes {first}-{last}/{len}"));
        }
        _ => {}
    }
    set(header::CACHE_CONTROL, CACHE);
    set(header::ETAG, &etag);
    set(header::LAST_MODIFIED, &modified);
    if matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        set(header::CONTENT_TYPE, &content_type);
        set(header::ACCEPT_RANGES, "bytes");
        set(header::CONTENT_LENGTH, &length.to_string());
    }
    response
}

/// The type to announce: the detected one, but for types that can't be told from contents and that browsers insist on.
fn content_type<'a>(name: &str, detected: &'a str) -> &'a str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("svg") => "image/svg+xml",
        Some("css") => "text/css",
        Some("js" | "mjs") => "text/javascript",
        _ => detected,
    }
}
