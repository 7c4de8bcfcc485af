//! `/_/`: the dashboard, with the pages that the links of account mails lead to; and `/`, which says where it is.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bosbase_app::{Error, ErrorKind};

use crate::http::error::ApiError;
use crate::http::state::AppState;

/// A file of the dashboard, as `build.rs` embeds it.
struct Asset {
    /// Its path below `/_/`.
    name: &'static str,
    plain: &'static [u8],
    gzipped: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));
const WELCOME: &str = include_str!("../../assets/welcome.html");

/// Nothing but what the server itself brings; and nobody shows a page within another, where a password could be taken
/// down. `blob:` is for previews of files that are about to be uploaded.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// The page is asked for each time; the files that it names have their content's hash in their names.
const NO_CACHE: &str = "no-cache";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(welcome))
        .route("/_", get(sent_on))
        .route("/_/", get(page))
        .route("/_/{*path}", get(asset))
}

/// The application's own page, or, where it has no static files, one that says what this is.
async fn welcome(state: State<AppState>, method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    let files = state.public.clone();
    match super::public::serve(state, method, uri, headers).await {
        Err(_) if !files.is_there() => Ok(welcome_page()),
        served => served,
    }
}

fn welcome_page() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, NO_CACHE),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, WELCOME).into_response()
}

/// People type the address without its last slash, and the page names its files relative to it.
async fn sent_on(RawQuery(query): RawQuery) -> Response {
    let place = query.map_or_else(|| "/_/".to_owned(), |query| format!("/_/?{query}"));
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, place)]).into_response()
}

async fn page(headers: HeaderMap) -> Result<Response, ApiError> {
    answer("index.html", &headers)
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer(&path, &headers)
}

fn answer(name: &str, asked: &HeaderMap) -> Result<Response, ApiError> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "File not found."))?;
    let lasting = name.starts_with("assets/");
    let mut response = if takes_gzip(asked) {
        ([(CONTENT_ENCODING, "gzip")], asset.gzipped).into_response()
    } else {
        asset.plain.into_response()
    };
    let headers = [
        (CONTENT_TYPE, content_type(name)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, if lasting { FOREVER } else { NO_CACHE }),
        (VARY, "accept-encoding"),
        // The address may hold a token.
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Whether the client takes gzip; one that names it with `q=0` does not.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
    use axum::http::{HeaderMap, HeaderValue};

    use super::{ASSETS, answer, takes_gzip};

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        for (value, taken) in [
            ("gzip, br", true),
            ("br;q=1, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("br", false),
        ] {
            assert_eq!(takes_gzip(&accepting(value)), taken, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
        let zipped = answer("index.html", &accepting("gzip")).unwrap();
        assert_eq!(zipped.headers()[CONTENT_ENCODING], "gzip");
        assert!(
            !answer("index.html", &HeaderMap::new())
                .unwrap()
                .headers()
                .contains_key(CONTENT_ENCODING)
        );
    }

    #[test]
    fn every_file_that_the_page_names_is_there() {
        let page = ASSETS.iter().find(|asset| asset.name == "index.html").unwrap();
        let page = std::str::from_utf8(page.plain).unwrap();
        let named: Vec<_> = page
            .split("\"./")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(named.len() >= 2, "{page}");
        for name in named {
            assert!(answer(name, &HeaderMap::new()).is_ok(), "{name}");
        }
    }
}
