//! The stored form of an auth collection's options: read, changed, merged with what a client sends, and shown.
//!
//! Keys that [`AuthOptions`] does not know stay where they are stored, and are not taken from a client.

use std::sync::LazyLock;

use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value, json};

use super::{AuthOptions, OAuth2, OAuth2Provider, PasswordAuth};

/// A value that was sent is not of its option's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongType;

/// All options with the value of what is not given. A list shows the shape of its items; an empty object stands for
/// any.
static SHAPE: LazyLock<Value> = LazyLock::new(|| {
    as_json(&AuthOptions {
        password_auth: PasswordAuth {
            identity_fields: vec![String::new()],
            ..PasswordAuth::default()
        },
        oauth2: OAuth2 {
            providers: vec![OAuth2Provider::default()],
            ..OAuth2::default()
        },
        ..AuthOptions::default()
    })
});

/// The keys whose values are secrets, at any depth of the [`SHAPE`].
const SECRETS: [&str; 2] = ["secret", "clientSecret"];

impl AuthOptions {
    /// The options as a collection stores them.
    #[must_use]
    pub fn to_stored(&self) -> Map<String, Value> {
        match as_json(self) {
            Value::Object(options) => options,
            _ => unreachable!("options have named parts"),
        }
    }

    /// The options as far as they are of their types; the others count as absent.
    #[must_use]
    pub fn readable(stored: &Map<String, Value>) -> Self {
        Self::deserialize(stored).unwrap_or_else(|_| {
            let mut sound = stored.clone();
            for name in Self::misfits(stored) {
                sound.remove(&name);
            }
            Self::deserialize(&sound).unwrap_or_default()
        })
    }

    /// The names of the stored options that are not of their types.
    #[must_use]
    pub fn misfits(stored: &Map<String, Value>) -> Vec<String> {
        let is_misfit = |(name, value): &(&String, &Value)| {
            let alone = Map::from_iter([((*name).clone(), (*value).clone())]);
            Self::deserialize(&alone).is_err()
        };
        stored.iter().filter(is_misfit).map(|(name, _)| name.clone()).collect()
    }

    /// Changes stored options. Writes the values alone that `how` changed.
    pub fn change(stored: &mut Map<String, Value>, how: impl FnOnce(&mut Self)) {
        let before = Self::readable(stored);
        let mut after = before.clone();
        how(&mut after);
        within(stored, |stored| {
            set_changed(&as_json(&before), &as_json(&after), stored);
        });
    }

    /// Lays what was sent over what is stored, value by value. A list is replaced; an item of it with a `name` is laid
    /// over the earlier item of that name. Null stands for the value of what is not given. Other keys of `sent` are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`WrongType`] where a value is not of its option's type; `stored` is as before then.
    pub fn lay_over(stored: &mut Map<String, Value>, sent: &Map<String, Value>) -> Result<(), WrongType> {
        let sent = Value::Object(sent.clone());
        let mut alone = json!({});
        lay_over(&SHAPE, &mut alone, &sent)?;
        Self::deserialize(&alone).map_err(|_| WrongType)?;
        within(stored, |stored| lay_over(&SHAPE, stored, &sent))
    }

    /// Removes the secrets of stored options, so that they can be shown.
    pub fn hide_secrets(stored: &mut Map<String, Value>) {
        list_providers(stored);
        within(stored, |stored| hide_secrets(&SHAPE, stored));
    }
}

/// Makes the list of providers an empty one where there is none: older versions wrote null.
pub(crate) fn list_providers(stored: &mut Map<String, Value>) {
    if let Some(Value::Object(oauth2)) = stored.get_mut("oauth2") {
        let providers = oauth2.entry("providers").or_insert(Value::Null);
        if providers.is_null() {
            *providers = json!([]);
        }
    }
}

fn as_json(options: &impl Serialize) -> Value {
    serde_json::to_value(options).expect("options are plain data with named parts")
}

fn within<T>(stored: &mut Map<String, Value>, work: impl FnOnce(&mut Value) -> T) -> T {
    let mut value = Value::Object(std::mem::take(stored));
    let done = work(&mut value);
    if let Value::Object(value) = value {
        *stored = value;
    }
    done
}

fn set_changed(before: &Value, after: &Value, target: &mut Value) {
    if before == after {
        return;
    }
    match (after, target) {
        (Value::Object(parts), Value::Object(target)) => {
            for (name, after) in parts.iter().filter(|(name, after)| before[name.as_str()] != **after) {
                let target = target.entry(name).or_insert(Value::Null);
                set_changed(&before[name.as_str()], after, target);
            }
        }
        (after, target) => target.clone_from(after),
    }
}

/// Lays `sent` over `target`, as far as `shape` knows what is in it. Whether single values are of their types is not
/// looked at.
fn lay_over(shape: &Value, target: &mut Value, sent: &Value) -> Result<(), WrongType> {
    match (shape, sent) {
        (_, Value::Null) => *target = zero(shape),
        (Value::Array(items), Value::Array(sent)) => {
            let before = match target.take() {
                Value::Array(before) => before,
                _ => Vec::new(),
            };
            let shape = items.first().ok_or(WrongType)?;
            let mut list = Vec::with_capacity(sent.len());
            for item in sent {
                let mut target = same_name(&before, item).unwrap_or_else(|| zero(shape));
                lay_over(shape, &mut target, item)?;
                list.push(target);
            }
            *target = Value::Array(list);
        }
        (Value::Object(parts), Value::Object(sent)) if !parts.is_empty() => {
            if !target.is_object() {
                *target = zero(shape);
            }
            for (name, shape) in parts {
                if let (Some(sent), Some(target)) = (sent.get(name), target.as_object_mut()) {
                    lay_over(shape, target.entry(name).or_insert_with(|| zero(shape)), sent)?;
                }
            }
        }
        (Value::Object(any), sent) if !any.is_empty() || !sent.is_object() => return Err(WrongType),
        (Value::Array(_), _) => return Err(WrongType),
        (_, sent) => target.clone_from(sent),
    }
    Ok(())
}

/// The earlier item of the same name: a provider sent back without the secret, which is never shown, keeps it.
fn same_name(before: &[Value], item: &Value) -> Option<Value> {
    let name = item.get("name")?.as_str()?;
    before.iter().find(|other| other["name"] == name).cloned()
}

fn zero(shape: &Value) -> Value {
    match shape {
        Value::Array(_) => json!([]),
        Value::Object(parts) => parts.iter().map(|(name, shape)| (name.clone(), zero(shape))).collect(),
        other => other.clone(),
    }
}

fn hide_secrets(shape: &Value, target: &mut Value) {
    match (shape, target) {
        (Value::Object(parts), Value::Object(target)) => {
            for (name, shape) in parts {
                if SECRETS.contains(&name.as_str()) {
                    target.remove(name);
                } else if let Some(target) = target.get_mut(name) {
                    hide_secrets(shape, target);
                }
            }
        }
        (Value::Array(shape), Value::Array(items)) => {
            for (shape, item) in shape.iter().cycle().zip(items) {
                hide_secrets(shape, item);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn new() -> Map<String, Value> {
        AuthOptions::of_new_collection().to_stored()
    }

    #[test]
    fn each_name_of_a_token_or_mail_is_that_of_its_option() {
        let mut options = AuthOptions::of_new_collection();
        options.auth_token.duration = 1;
        let stored = options.to_stored();
        for (name, token) in options.tokens() {
            assert_eq!(stored[name], as_json(token), "{name}");
        }
        for (name, template) in options.templates() {
            assert_eq!(stored[name], as_json(template), "{name}");
        }
        let tokens = SHAPE.as_object().unwrap().values();
        let tokens = tokens.filter(|part| part.get("secret").is_some()).count();
        assert_eq!(tokens, options.tokens().len());
    }

    #[test]
    fn new_options_have_secrets_of_their_own_and_nothing_is_left_out() {
        let (one, other) = (AuthOptions::of_new_collection(), AuthOptions::of_new_collection());
        assert_eq!(one.auth_token.secret.len(), 50);
        assert_ne!(one.auth_token.secret, other.auth_token.secret);
        let built_in = serde_json::from_str::<Value>(include_str!("../defaults/auth_options.json")).unwrap();
        let mut without_secrets = one.to_stored();
        AuthOptions::hide_secrets(&mut without_secrets);
        assert_eq!(Value::Object(without_secrets), built_in);
    }

    #[test]
    fn no_secret_is_in_what_a_log_may_show() {
        let mut stored = new();
        let provider = json!({"name": "google", "clientSecret": "the secret of the client"});
        stored.insert("oauth2".to_owned(), json!({"providers": [provider]}));
        let options = AuthOptions::readable(&stored);
        let shown = format!("{options:?}");
        assert!(shown.contains("google") && !shown.contains("the secret of the client"));
        for (_, token) in options.tokens() {
            assert!(!token.secret.is_empty() && !shown.contains(&token.secret));
        }
    }

    #[test]
    fn a_change_writes_what_it_changed_and_leaves_all_else() {
        let mut stored = object(&json!({"zzz": 1, "mfa": {"enabled": true, "zzz": 2}, "otp": "x"}));
        AuthOptions::change(&mut stored, |options| {
            options.mfa.enabled = false;
            options.auth_token.duration = 5;
        });
        let expected = json!({
            "zzz": 1, "mfa": {"enabled": false, "zzz": 2}, "otp": "x", "authToken": {"secret": "", "duration": 5},
        });
        assert_eq!(Value::Object(stored), expected);
    }

    #[test]
    fn what_is_of_another_type_is_named_and_counts_as_absent() {
        let mut stored = new();
        stored.insert("mfa".to_owned(), json!("x"));
        stored.insert("oauth2".to_owned(), json!({"providers": [{"pkce": 1}]}));
        assert_eq!(AuthOptions::misfits(&stored), ["mfa", "oauth2"]);
        let options = AuthOptions::readable(&stored);
        assert_eq!(options.otp.length, 8);
        assert_eq!((options.mfa.duration, options.oauth2.providers.len()), (0, 0));
    }

    #[test]
    fn null_is_what_pocketbase_writes_for_an_empty_list() {
        let stored = object(&json!({
            "passwordAuth": {"identityFields": null}, "oauth2": {"providers": [{"pkce": null, "extra": null}]},
        }));
        assert_eq!(AuthOptions::misfits(&stored), [""; 0]);
        let mut stored = object(&json!({"oauth2": {"providers": null}}));
        assert_eq!(AuthOptions::misfits(&stored), [""; 0]);
        AuthOptions::hide_secrets(&mut stored);
        assert_eq!(stored["oauth2"], json!({"providers": []}));
    }

    #[test]
    fn a_provider_that_is_sent_in_part_has_all_parts() {
        let mut stored = new();
        let sent = json!({"oauth2": {"providers": [{"name": "oidc", "zzz": 1, "extra": {"a": 1}, "pkce": true}]}});
        AuthOptions::lay_over(&mut stored, &object(&sent)).unwrap();
        let provider = json!({
            "name": "oidc", "clientId": "", "clientSecret": "", "authURL": "", "tokenURL": "", "userInfoURL": "",
            "displayName": "", "pkce": true, "extra": {"a": 1},
        });
        assert_eq!(stored["oauth2"]["providers"], json!([provider]));
        let sent = json!({"oauth2": {"providers": [{"name": "oidc", "pkce": null, "extra": null}]}});
        AuthOptions::lay_over(&mut stored, &object(&sent)).unwrap();
        assert_eq!(stored["oauth2"]["providers"][0]["pkce"], Value::Null);
        assert_eq!(stored["oauth2"]["providers"][0]["extra"], json!({}));
    }

    #[test]
    fn nothing_is_changed_by_what_is_not_of_its_type() {
        for bad in [
            json!({"authRule": 5}),
            json!({"otp": []}),
            json!({"otp": {"duration": "x"}}),
            json!({"otp": {"duration": 1.5}}),
            json!({"mfa": {"enabled": 1}}),
            json!({"passwordAuth": {"identityFields": "email"}}),
            json!({"passwordAuth": {"identityFields": [1]}}),
            json!({"oauth2": {"providers": [{"extra": []}]}}),
            json!({"oauth2": {"providers": [{"pkce": "x"}]}}),
            json!({"oauth2": {"providers": {}}}),
        ] {
            let before = new();
            let mut stored = before.clone();
            let sent = json!({"mfa": {"duration": 1}});
            let sent = object(&sent).into_iter().chain(object(&bad)).collect();
            assert_eq!(AuthOptions::lay_over(&mut stored, &sent), Err(WrongType), "{bad}");
            assert_eq!(stored, before, "{bad}");
        }
    }
}
