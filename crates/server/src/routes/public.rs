//! Every address that is no route: the static files of `pb_public`.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, LOCATION,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use bosbase_app::Error;
use bosbase_app::public::{Public, PublicFile};
use percent_encoding::percent_decode_str;

use crate::http::access::Unlogged;
use crate::http::error::ApiError;
use crate::http::range::{self, Wanted};
use crate::http::state::AppState;
use crate::http::stream;

/// Serves what lies at an address.
pub async fn serve(
    State(state): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = uri.query();
    // A client that puts a base URL with a slash at its end before `/api/…` is led to what it means.
    if let Some(path) = cleaned(uri.path()) {
        return Ok(sent_on(StatusCode::TEMPORARY_REDIRECT, &path, query));
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::not_found().into());
    }
    let path: Vec<u8> = percent_decode_str(uri.path()).collect();
    let files = state.public.clone();
    let found = state.promptly(move |_| files.find(&path)).await?;
    let mut response = match found {
        Public::Elsewhere(path) => sent_on(StatusCode::MOVED_PERMANENTLY, &path, query),
        Public::File(file) => answer(&state, file, &headers, method == Method::HEAD),
    };
    response.extensions_mut().insert(Unlogged);
    Ok(response)
}

/// The same path without `.`, `..` and empty parts, where it has such. Go's server sends clients there, too.
fn cleaned(path: &str) -> Option<String> {
    let inner = path.strip_prefix('/')?;
    let is_clean = |(rest, part): (bool, &str)| !matches!(part, "." | "..") && (!part.is_empty() || !rest);
    let count = inner.split('/').count();
    let mut parts = inner.split('/').enumerate().map(|(n, part)| (n + 1 < count, part));
    if parts.all(is_clean) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in inner.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    let slash = if inner.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    // A browser takes what begins with `/\` for another host.
    Some(format!("/{}{slash}", kept.join("/")).replace('\\', "%5C"))
}

fn sent_on(status: StatusCode, path: &str, query: Option<&str>) -> Response {
    let place = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    match HeaderValue::from_str(&place) {
        Ok(place) => (status, [(LOCATION, place)]).into_response(),
        Err(_) => ApiError::from(Error::not_found()).into_response(),
    }
}

fn answer(state: &AppState, found: PublicFile, asked: &HeaderMap, is_head: bool) -> Response {
    let PublicFile { file, len, .. } = found;
    let modified = range::http_date(found.modified);
    let etag = format!("\"{}\"", found.etag);
    let (status, first, length) = match range::wanted(asked, len, &etag, &modified) {
        Wanted::Whole => (StatusCode::OK, 0, len),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
        Wanted::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Wanted::Changed => (StatusCode::PRECONDITION_FAILED, 0, 0),
    };
    let body = if length == 0 || is_head {
        Body::empty()
    } else {
        stream::file(&state.unsent, first, length, file)
    };
    let mut response = (status, body).into_response();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(ETAG, &etag);
    set(LAST_MODIFIED, &modified);
    match status {
        StatusCode::RANGE_NOT_SATISFIABLE => set(CONTENT_RANGE, &format!("bytes */{len}")),
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
            if status == StatusCode::PARTIAL_CONTENT {
                let last = first + length - 1;
                set(CONTENT_RANGE, &format!("bytes {first}-{last}/{len}"));
            }
            set(CONTENT_TYPE, &found.content_type);
            // Which also keeps it from being compressed: PocketBase sends static files as they are.
            set(ACCEPT_RANGES, "bytes");
            set(CONTENT_LENGTH, &length.to_string());
        }
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn an_unclean_path_has_a_clean_one_on_the_same_host() {
        for (path, expected) in [
            ("/", None),
            ("/a/b", None),
            ("/a/b/", None),
            ("/a/..b/.c", None),
            ("/a%2f..%2fb", None),
            ("//a", Some("/a")),
            ("/a//b/", Some("/a/b/")),
            ("/a/../b", Some("/b")),
            ("/../../a", Some("/a")),
            ("/a/.", Some("/a")),
            ("/a/..", Some("/")),
            ("//", Some("/")),
            ("//evil.example/..", Some("/")),
            ("/.//evil.example", Some("/evil.example")),
            ("/./\\evil.example", Some("/%5Cevil.example")),
        ] {
            assert_eq!(cleaned(path).as_deref(), expected, "{path}");
        }
    }
}
