//! What is set and does nothing: said at the start of a server, and refused by `config check`.

use axum::http::HeaderValue;

use super::args::{Serve, SuperuserAction};
use super::bucket;
use super::environment::{Variables, did_you_mean};
use super::global::Global;
use super::listening::Addresses;

/// What is set for a server and has no effect on it, a sentence each.
pub fn unheeded(global: &Global, serve: &Serve, addresses: &Addresses) -> Vec<String> {
    let variables = &global.variables;
    let mut said = misspelt(variables, &global.encryption_env);
    let mut lone = bucket::idle(variables);
    // A password alone is for the commands beside the server.
    if variables.get(SuperuserAction::PASSWORD).is_none() {
        lone.push((
            "BOSBASE_SUPERUSER_EMAIL".to_owned(),
            SuperuserAction::PASSWORD.to_owned(),
        ));
    }
    if addresses.https.is_none() {
        for name in ["BOSBASE_ACME_DIRECTORY", "BOSBASE_ACME_ROOT"] {
            lone.push((name.to_owned(), "a domain or --https".to_owned()));
        }
    }
    lone.retain(|(name, _)| variables.get(name).is_some());
    for (name, other) in lone {
        said.push(format!("{name} is set and has no effect without {other}."));
    }
    said.extend(of_metrics(variables));
    said.extend(serve.origins.iter().filter_map(|origin| of_origin(origin)));
    said
}

/// The variables of the environment that look like the program's and are none of its, a sentence each; `own` is one that
/// the command line names.
pub fn misspelt(variables: &Variables, own: &str) -> Vec<String> {
    let line = |name: String| {
        let question = did_you_mean(&name);
        format!("The environment variable {name} is none of this program's and has no effect.{question}")
    };
    variables.unknown(own).into_iter().map(line).collect()
}

/// What does nothing and is no mistake, or not yet, a sentence each: PocketBase's flags, and a folder that may come.
pub fn tolerated(global: &Global) -> Vec<String> {
    let mut said = Vec::new();
    let idle = global.idle();
    if !idle.is_empty() {
        said.push(format!(
            "Without effect: {}. This version runs no hooks, and neither applies nor writes migrations.",
            idle.join(", ")
        ));
    }
    if let Some(folder) = global.missing_public_dir() {
        said.push(format!(
            "There is no directory {} (--publicDir): until it is there, no static files are served.",
            folder.display()
        ));
    }
    said
}

/// A token that no client can send.
fn of_metrics(variables: &Variables) -> Option<String> {
    let token = variables.get("BOSBASE_METRICS_TOKEN")?;
    let sent = HeaderValue::try_from(&token).ok();
    let is_sent = sent.is_some_and(|sent| sent.to_str().is_ok()) && token.trim() == token;
    (!is_sent).then(|| {
        "BOSBASE_METRICS_TOKEN holds characters that no request can carry: nobody can use it. Take letters and digits."
            .to_owned()
    })
}

/// What a browser says of its page is compared with it whole.
fn of_origin(origin: &str) -> Option<String> {
    if origin.is_empty() || origin == "null" || origin.contains(['*', '?']) {
        return None;
    }
    let is_origin = origin.split_once("://").is_some_and(|(scheme, host)| {
        let is_host = |c: char| !c.is_ascii_uppercase() && !c.is_whitespace() && !"/@#".contains(c);
        let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        !scheme.is_empty() && scheme.chars().all(is_scheme) && !host.is_empty() && host.chars().all(is_host)
    });
    (!is_origin).then(|| {
        format!("No page has the origin {origin:?} (--origins): one is https://example.com, in small letters and without a path.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_no_page_has_is_told() {
        for origin in [
            "*",
            "https://example.com",
            "http://localhost:5173",
            "*.example.com",
            "null",
            "capacitor://localhost",
        ] {
            assert_eq!(of_origin(origin), None, "{origin}");
        }
        for origin in [
            "example.com",
            "https://example.com/",
            "https://example.com/app",
            "https://Example.com",
            " https://a.b",
            "https://",
        ] {
            assert!(of_origin(origin).is_some(), "{origin}");
        }
    }
}
