//! What a client needs to send somebody to a provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bosbase_store::{OAuth2, random_text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::config::Configured;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const STATE: usize = 30;
/// The shortest that RFC 7636 allows.
const VERIFIER: usize = 43;

/// An invitation for each provider of a collection, with a state and a verifier of its own.
pub(crate) fn invitations(options: &OAuth2) -> Vec<Value> {
    Configured::all(options).map(invitation).collect()
}

fn invitation(config: Configured<'_>) -> Value {
    let state = random_text(STATE, ALPHABET);
    let (verifier, challenge, method) = if config.has_pkce() {
        let verifier = random_text(VERIFIER, ALPHABET);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        (verifier, challenge, "S256")
    } else {
        (String::new(), String::new(), "")
    };
    let url = auth_url(config, &state, &challenge);
    json!({
        "name": config.own.name,
        "displayName": config.display_name(),
        "logo": config.provider.logo(),
        "state": state,
        "authURL": url,
        // The older spelling.
        "authUrl": url,
        "codeVerifier": verifier,
        "codeChallenge": challenge,
        "codeChallengeMethod": method,
    })
}

/// Where people are sent, in the order of the parameters' names. Clients append where they come back to.
fn auth_url(config: Configured<'_>, state: &str, challenge: &str) -> String {
    let provider = config.provider;
    let scope = provider.scopes.join(" ");
    let mut parameters = vec![
        ("client_id", config.own.client_id.as_str()),
        ("response_type", "code"),
        ("state", state),
    ];
    if !challenge.is_empty() {
        parameters.extend([("code_challenge", challenge), ("code_challenge_method", "S256")]);
    }
    if !scope.is_empty() {
        parameters.push(("scope", &scope));
    }
    let more = provider.auth_parameters.iter();
    parameters.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
    parameters.sort_unstable();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let url = config.auth_url();
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{query}&redirect_uri=")
}

#[cfg(test)]
mod tests {
    use bosbase_store::OAuth2Provider;

    use super::super::provider;
    use super::*;

    #[test]
    fn people_are_sent_with_what_the_provider_wants_to_know() {
        let own = OAuth2Provider {
            client_id: "c d".to_owned(),
            ..OAuth2Provider::default()
        };
        let url = |own: &OAuth2Provider, name, challenge| {
            let provider = provider::find(name).unwrap();
            auth_url(Configured { own, provider }, "st", challenge)
        };
        assert_eq!(
            url(&own, "apple", "ch"),
            "https://appleid.apple.com/auth/authorize?client_id=c+d&code_challenge=ch&code_challenge_method=S256\
             &response_mode=form_post&response_type=code&scope=name+email&state=st&redirect_uri="
        );
        assert_eq!(
            url(&own, "lark", ""),
            "https://accounts.feishu.cn/open-apis/authen/v1/authorize?client_id=c+d&response_type=code&state=st&redirect_uri="
        );
        let own = OAuth2Provider {
            auth_url: "https://x.example/a?b=1".to_owned(),
            ..OAuth2Provider::default()
        };
        let url = url(&own, "oidc", "");
        assert!(url.starts_with("https://x.example/a?b=1&client_id="), "{url}");
    }
}
