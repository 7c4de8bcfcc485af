//! Counts requests against `settings.rateLimits` before anything is done for them.

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request};
use bosbase_app::limits::Target;
use percent_encoding::percent_decode_str;

use super::caller::Asking;
use super::error::ApiError;
use super::state::AppState;

/// The request, if it may go on.
///
/// # Errors
///
/// 429 where its rule's requests are used up.
pub async fn admit(state: &AppState, request: Request) -> Result<Request, ApiError> {
    if !state.app.settings().get().rate_limits.enabled {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map(|route| route.as_str().to_owned())
        .unwrap_or_default();
    let actions = actions(parts.method.as_str(), &route);
    let collection = match RawPathParams::from_request_parts(&mut parts, state).await {
        Ok(parameters) if !actions.is_empty() => parameters
            .iter()
            .find(|(name, _)| *name == "collection")
            .map(|(_, value)| value.to_owned()),
        _ => None,
    };
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let target = Target {
        method: parts.method.as_str(),
        path: &path,
        route: &route,
        collection: collection.as_deref(),
        actions,
    };
    let caller = parts.extensions.get::<Asking>().map(|Asking(caller)| caller);
    let checked = caller.map_or(Ok(()), |caller| state.app.rate_limits().check(&target, caller));
    drop(path);
    // What a refused one sends is read on: see `drain`.
    checked?;
    Ok(Request::from_parts(parts, body))
}

/// By which names rules may limit a route, beside its path.
fn actions(method: &str, route: &str) -> &'static [&'static str] {
    let is_reading = matches!(method, "GET" | "HEAD");
    match (method, route) {
        (_, "/api/collections/{collection}/records") if is_reading => &["list"],
        ("POST", "/api/collections/{collection}/records") => &["create"],
        (_, "/api/collections/{collection}/records/{id}") if is_reading => &["view"],
        ("PATCH", "/api/collections/{collection}/records/{id}") => &["update"],
        ("DELETE", "/api/collections/{collection}/records/{id}") => &["delete"],
        (_, "/api/collections/{collection}/auth-methods") if is_reading => &["listAuthMethods"],
        ("POST", "/api/collections/{collection}/auth-with-password") => &["authWithPassword", "auth"],
        ("POST", "/api/collections/{collection}/auth-with-otp") => &["authWithOTP", "auth"],
        ("POST", "/api/collections/{collection}/auth-with-oauth2") => &["authWithOAuth2", "auth"],
        ("POST", "/api/collections/{collection}/auth-refresh") => &["authRefresh"],
        ("POST", "/api/collections/{collection}/request-otp") => &["requestOTP"],
        ("POST", "/api/collections/{collection}/request-verification") => &["requestVerification"],
        ("POST", "/api/collections/{collection}/confirm-verification") => &["confirmVerification"],
        ("POST", "/api/collections/{collection}/request-password-reset") => &["requestPasswordReset"],
        ("POST", "/api/collections/{collection}/confirm-password-reset") => &["confirmPasswordReset"],
        ("POST", "/api/collections/{collection}/request-email-change") => &["requestEmailChange"],
        ("POST", "/api/collections/{collection}/confirm-email-change") => &["confirmEmailChange"],
        (_, "/api/files/{collection}/{record}/{name}") if is_reading => &["file"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::actions;
    use crate::routes::table::{Access, ROUTES};

    /// A route of a collection that nobody named here would be limited by its path alone.
    #[test]
    fn every_route_of_a_collection_s_records_and_logins_has_a_name() {
        for (method, route, access) in ROUTES {
            let of_collection =
                route.starts_with("/api/collections/{collection}/") || route.starts_with("/api/files/{");
            if of_collection && *access != Access::Superuser {
                assert!(!actions(method, route).is_empty(), "{method} {route}");
            }
        }
    }
}
