//! Who somebody is, as a provider says it.

use serde_json::{Map, Value, json};

use super::provider::{Emails, Provider};
use super::shape::{Mistyped, hold, text};

/// What a provider says of a person, and what it gave to act for them.
#[derive(Clone, Default)]
pub(crate) struct Profile {
    /// What the provider calls them for good; empty where it did not say.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) username: String,
    /// Empty unless the provider has confirmed it.
    pub(crate) email: String,
    pub(crate) avatar_url: String,
    /// All that was said.
    pub(crate) raw: Map<String, Value>,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// When the access token ends, as dates are written; empty where that is not known.
    pub(crate) expiry: String,
}

/// Why an answer is no profile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Mistyped(#[from] Mistyped),
    #[error("it is no JSON object")]
    NoObject,
    #[error("it says nothing of an account")]
    Nobody,
    #[error("the account is not active")]
    Inactive,
}

impl Profile {
    /// What `answer`, and the answer with the token, say.
    ///
    /// # Errors
    ///
    /// [`Unreadable`].
    pub(crate) fn read(provider: &Provider, answer: Value, token: &Map<String, Value>) -> Result<Self, Unreadable> {
        let shape = &provider.profile;
        if !answer.is_object() {
            return Err(Unreadable::NoObject);
        }
        if shape
            .required
            .as_ref()
            .is_some_and(|pointer| answer.pointer(pointer).is_none())
        {
            return Err(Unreadable::Nobody);
        }
        if !hold(&answer, &shape.active)? {
            return Err(Unreadable::Inactive);
        }
        let mut profile = Self {
            id: shape.id.read(&answer)?,
            name: shape.name.read(&answer)?,
            username: shape.username.read(&answer)?,
            email: shape.email.read(&answer)?,
            avatar_url: shape.avatar_url.read(&answer)?,
            ..Self::default()
        };
        if let Some(name) = &provider.email_from_token {
            profile.email = text(&Value::Object(token.clone()), &format!("/{name}"))?;
        }
        if let Value::Object(raw) = answer {
            profile.raw = raw;
        }
        for name in &provider.from_token {
            if let Some(value) = token.get(name) {
                profile.raw.entry(name).or_insert_with(|| value.clone());
            }
        }
        Ok(profile)
    }

    /// What the answer to a login tells of it.
    pub(crate) fn meta(&self, is_new: bool) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "username": self.username,
            "email": self.email,
            "avatarURL": self.avatar_url,
            // The older spelling.
            "avatarUrl": self.avatar_url,
            "rawUser": self.raw,
            "accessToken": self.access_token,
            "refreshToken": self.refresh_token,
            "expiry": self.expiry,
            "isNew": is_new,
        })
    }
}

impl Emails {
    /// The account's address in `answer`; empty where none of them is.
    ///
    /// # Errors
    ///
    /// [`Unreadable`].
    pub(crate) fn read(&self, answer: &Value) -> Result<String, Unreadable> {
        let list = answer.pointer(&self.list).and_then(Value::as_array);
        let Some(list) = list else {
            return if self.may_be_other {
                Ok(String::new())
            } else {
                Err(Unreadable::NoObject)
            };
        };
        for entry in list {
            let among = self.among.iter().all(|(pointer, wanted)| {
                let values = entry.pointer(pointer).and_then(Value::as_array);
                values.is_some_and(|values| values.iter().any(|value| value == wanted.as_str()))
            });
            if among && hold(entry, &self.when)? {
                return Ok(text(entry, "/email")?);
            }
        }
        Ok(String::new())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::provider;
    use super::*;

    /// What a provider's documentation shows. The tests from outside send the same to the server, and to PocketBase.
    #[derive(Deserialize)]
    struct Case {
        provider: String,
        case: String,
        #[serde(default)]
        token: Map<String, Value>,
        answers: Map<String, Value>,
        profile: Option<Map<String, Value>>,
        #[serde(default)]
        raw: Map<String, Value>,
    }

    fn cases() -> Vec<Case> {
        serde_json::from_str(include_str!("profiles.json")).unwrap()
    }

    #[test]
    fn each_provider_is_read_as_it_is_documented() {
        for case in cases() {
            let what = format!("{}: {}", case.provider, case.case);
            let provider = provider::find(&case.provider).unwrap();
            let (lists, mut mains): (Vec<_>, Vec<_>) =
                case.answers.into_iter().partition(|(url, _)| url.ends_with("/emails"));
            let read = Profile::read(provider, mains.remove(0).1, &case.token);
            let Some(wanted) = case.profile else {
                assert!(read.is_err(), "{what}");
                continue;
            };
            let mut profile = read.unwrap_or_else(|error| panic!("{what}: {error}"));
            if let Some(emails) = &provider.emails
                && (!emails.if_none || profile.email.is_empty())
            {
                let list = lists.first();
                profile.email = list.map(|(_, list)| emails.read(list).unwrap()).unwrap_or_default();
            }
            let meta = profile.meta(true);
            for (name, value) in wanted {
                assert_eq!(meta[&name], value, "{what}: {name}");
            }
            for (name, value) in case.raw {
                assert_eq!(profile.raw[&name], value, "{what}: {name}");
            }
        }
    }

    #[test]
    fn every_provider_has_a_case() {
        let cases = cases();
        for provider in provider::all().iter().filter(|provider| provider.name != "apple") {
            let has_one = cases
                .iter()
                .any(|case| case.provider == provider.name && case.profile.is_some());
            assert!(has_one, "{}", provider.name);
        }
    }

    #[test]
    fn a_list_of_addresses_that_is_none_is_an_error_unless_the_provider_says_so_with_it() {
        let emails = |name| provider::find(name).unwrap().emails.as_ref().unwrap();
        assert!(emails("github").read(&json!({"message": "no"})).is_err());
        assert_eq!(emails("gitee").read(&json!({"email": "x@noreply"})).unwrap(), "");
        assert_eq!(
            emails("gitee")
                .read(&json!([{"email": "x", "state": "confirmed"}]))
                .unwrap(),
            ""
        );
    }
}
