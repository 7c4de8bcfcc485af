//! Every route with who is let in, as `bosbase routes` prints it and as the tests hold the router against it.

use std::fmt;

/// Who may call a route, before rules and validations have their say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// What the collection's rule admits; without one, superusers.
    Rule,
    /// Clients with a valid token.
    Authenticated,
    /// Clients with a valid token of the collection that the path names.
    SameCollection,
    /// A superuser.
    Superuser,
    /// Clients with a superuser's file token in the query.
    FileToken,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Anyone => "anyone",
            Self::Rule => "rule",
            Self::Authenticated => "auth",
            Self::SameCollection => "same",
            Self::Superuser => "superuser",
            Self::FileToken => "file",
        })
    }
}

/// Method, path and access of every route. `HEAD` goes where `GET` does.
pub const ROUTES: &[(&str, &str, Access)] = &[
    ("GET", "/api/health", Access::Anyone),
    ("GET", "/api/settings", Access::Superuser),
    ("PATCH", "/api/settings", Access::Superuser),
    ("POST", "/api/settings/test/s3", Access::Superuser),
    ("POST", "/api/settings/test/email", Access::Superuser),
    ("POST", "/api/settings/test/webhook", Access::Superuser),
    ("GET", "/api/collections", Access::Superuser),
    ("POST", "/api/collections", Access::Superuser),
    ("PUT", "/api/collections/import", Access::Superuser),
    // Of a collection that is called so.
    ("GET", "/api/collections/import", Access::Superuser),
    ("PATCH", "/api/collections/import", Access::Superuser),
    ("DELETE", "/api/collections/import", Access::Superuser),
    ("GET", "/api/collections/meta/scaffolds", Access::Superuser),
    ("GET", "/api/collections/{collection}", Access::Superuser),
    ("PATCH", "/api/collections/{collection}", Access::Superuser),
    ("DELETE", "/api/collections/{collection}", Access::Superuser),
    ("DELETE", "/api/collections/{collection}/truncate", Access::Superuser),
    ("GET", "/api/collections/{collection}/auth-methods", Access::Anyone),
    (
        "POST",
        "/api/collections/{collection}/auth-with-password",
        Access::Anyone,
    ),
    (
        "POST",
        "/api/collections/{collection}/auth-refresh",
        Access::SameCollection,
    ),
    (
        "POST",
        "/api/collections/{collection}/impersonate/{id}",
        Access::Superuser,
    ),
    ("POST", "/api/collections/{collection}/request-otp", Access::Anyone),
    ("POST", "/api/collections/{collection}/auth-with-otp", Access::Anyone),
    ("POST", "/api/collections/{collection}/auth-with-oauth2", Access::Anyone),
    ("POST", "/api/files/token", Access::Authenticated),
    ("GET", "/api/files/{collection}/{record}/{name}", Access::Rule),
    ("GET", "/api/collections/{collection}/records", Access::Rule),
    ("POST", "/api/collections/{collection}/records", Access::Rule),
    ("GET", "/api/collections/{collection}/records/{id}", Access::Rule),
    ("PATCH", "/api/collections/{collection}/records/{id}", Access::Rule),
    ("DELETE", "/api/collections/{collection}/records/{id}", Access::Rule),
    ("GET", "/api/realtime", Access::Anyone),
    ("POST", "/api/realtime", Access::Anyone),
    ("GET", "/api/backups", Access::Superuser),
    ("POST", "/api/backups", Access::Superuser),
    ("POST", "/api/backups/upload", Access::Superuser),
    ("GET", "/api/backups/upload", Access::FileToken),
    ("DELETE", "/api/backups/upload", Access::Superuser),
    ("GET", "/api/backups/status", Access::Superuser),
    ("GET", "/api/backups/undo-restore", Access::Superuser),
    ("POST", "/api/backups/undo-restore", Access::Superuser),
    ("POST", "/api/backups/cancel", Access::Superuser),
    ("GET", "/api/backups/{key}", Access::FileToken),
    ("DELETE", "/api/backups/{key}", Access::Superuser),
    ("POST", "/api/backups/{key}/restore", Access::Superuser),
    ("POST", "/api/backups/{key}/verify", Access::Superuser),
    ("GET", "/api/backups/{key}/content", Access::Superuser),
    ("GET", "/api/backups/{key}/records/{collection}", Access::Superuser),
    ("POST", "/api/backups/{key}/recover", Access::Superuser),
    ("GET", "/api/backups/jobs", Access::Superuser),
    ("POST", "/api/backups/preview-retention", Access::Superuser),
    // Or clients with the token of BOSBASE_METRICS_TOKEN.
    ("GET", "/api/metrics", Access::Superuser),
    ("GET", "/api/logs", Access::Superuser),
    ("DELETE", "/api/logs", Access::Superuser),
    ("GET", "/api/logs/stats", Access::Superuser),
    ("GET", "/api/logs/{id}", Access::Superuser),
    ("GET", "/api/crons", Access::Superuser),
    ("POST", "/api/crons/{id}", Access::Superuser),
    ("POST", "/api/batch", Access::Anyone),
    ("GET", "/api/oauth2-redirect", Access::Anyone),
    ("POST", "/api/oauth2-redirect", Access::Anyone),
    ("GET", "/api/collections/meta/oauth2-providers", Access::Superuser),
    ("POST", "/api/settings/apple/generate-client-secret", Access::Superuser),
    ("POST", "/api/collections/meta/dry-run-view", Access::Superuser),
    ("POST", "/api/sql", Access::Superuser),
    (
        "POST",
        "/api/collections/{collection}/request-verification",
        Access::Anyone,
    ),
    (
        "POST",
        "/api/collections/{collection}/confirm-verification",
        Access::Anyone,
    ),
    (
        "POST",
        "/api/collections/{collection}/request-password-reset",
        Access::Anyone,
    ),
    (
        "POST",
        "/api/collections/{collection}/confirm-password-reset",
        Access::Anyone,
    ),
    (
        "POST",
        "/api/collections/{collection}/request-email-change",
        Access::SameCollection,
    ),
    (
        "POST",
        "/api/collections/{collection}/confirm-email-change",
        Access::Anyone,
    ),
    ("GET", "/", Access::Anyone),
    ("GET", "/_", Access::Anyone),
    ("GET", "/_/", Access::Anyone),
    ("GET", "/_/{*path}", Access::Anyone),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::ROUTES;

    /// What axum routes, out of its debug output: the one place that tells a router's routes.
    fn routed() -> BTreeSet<(String, String)> {
        let described = format!("{:?}", crate::routes::all());
        let (mut methods, mut paths) = (BTreeMap::new(), BTreeMap::new());
        // Behind them the fallback has a router of its own, with ids of its own.
        let own = described.split("fallback_router").next().unwrap_or_default();
        for part in own.split("RouteId(").skip(1) {
            let (id, rest) = part.split_once("): ").unwrap_or((part, ""));
            if let Some(path) = rest.strip_prefix('"') {
                paths.insert(id, path.split('"').next().unwrap().to_owned());
            } else if rest.starts_with("MethodRouter(") {
                let of_route: Vec<_> = ["get", "delete", "patch", "post", "put"]
                    .into_iter()
                    .filter(|method| {
                        rest.split_once(&format!(" {method}: "))
                            .is_some_and(|(_, handler)| !handler.starts_with("None"))
                    })
                    .map(str::to_uppercase)
                    .collect();
                methods.insert(id, of_route);
            }
        }
        paths
            .into_iter()
            .flat_map(|(id, path)| methods[id].iter().map(move |method| (method.clone(), path.clone())))
            .collect()
    }

    #[test]
    fn the_table_is_the_router() {
        let listed: BTreeSet<_> = ROUTES
            .iter()
            .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        let routed = routed();
        assert!(!routed.is_empty(), "axum describes its routers differently now");
        let missing: Vec<_> = routed.difference(&listed).collect();
        let gone: Vec<_> = listed.difference(&routed).collect();
        assert!(missing.is_empty(), "add to ROUTES who may call {missing:?}");
        assert!(gone.is_empty(), "ROUTES lists what is not routed: {gone:?}");
        assert_eq!(listed.len(), ROUTES.len(), "ROUTES lists something twice");
    }
}
