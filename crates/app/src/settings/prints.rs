//! What settings were, in short: enough to say later which sections changed, and none of their secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sections::Settings;
use crate::fingerprint::fingerprint;

/// How these prints are made. Those of another scheme tell nothing: what differs may be the way they were made.
///
/// A key that a later version adds to a section needs no new scheme, as each has a print of its own. It needs one where
/// the same settings come to another print: a key is added within a list, a key's usual value or its form becomes
/// another. Scheme 0 had one print of a whole section.
const SCHEME: u32 = 1;

/// Fingerprints of the settings, one of each key. With an encryption key they are made with it: where the settings are
/// encrypted, nothing tells of their secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsPrints {
    /// Of the encryption key: those made with another one can't be compared.
    key: String,
    /// [`SCHEME`] of the version that made them.
    #[serde(default)]
    scheme: u32,
    /// By the way to the key, which begins with its section: `smtp/host`.
    #[serde(default)]
    values: BTreeMap<String, String>,
}

impl SettingsPrints {
    pub(crate) fn of(settings: &Settings, encryption_key: Option<&str>) -> Self {
        Self::of_document(&settings.document(), encryption_key)
    }

    fn of_document(document: &Value, encryption_key: Option<&str>) -> Self {
        let key = encryption_key.unwrap_or_default().as_bytes();
        let mut values = BTreeMap::new();
        collect(document, "", &mut |way, value| {
            // With the way to it, so that two secrets that are the same do not show that they are.
            values.insert(way.to_owned(), fingerprint(key, &json!([way, value])));
        });
        Self {
            key: fingerprint(key, &Value::Null),
            scheme: SCHEME,
            values,
        }
    }

    /// The names of the sections that differ; nothing where that can't be told. A key that one of them does not know
    /// is of another version, and does not count.
    pub(crate) fn differing(&self, other: &Self) -> Option<Vec<String>> {
        if self.key != other.key || self.scheme != SCHEME || other.scheme != SCHEME {
            return None;
        }
        let differs = |(way, print): &(&String, &String)| other.values.get(*way).is_some_and(|other| other != *print);
        let section = |way: &String| way.split('/').next().unwrap_or_default().to_owned();
        let mut sections: Vec<_> = self
            .values
            .iter()
            .filter(differs)
            .map(|(way, _)| section(way))
            .collect();
        // They come in order.
        sections.dedup();
        Some(sections)
    }
}

/// Tells of each value of `document` that is no object, with the way to it.
fn collect(document: &Value, way: &str, tell: &mut dyn FnMut(&str, &Value)) {
    let Value::Object(object) = document else {
        return tell(way, document);
    };
    for (name, value) in object {
        let below = match way {
            "" => name.clone(),
            _ => format!("{way}/{name}"),
        };
        collect(value, &below, tell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Option<&str> = Some("0123456789abcdef0123456789abcdef");

    #[test]
    fn the_sections_that_differ_are_named_once_and_by_a_secret_alone_too() {
        let before = Settings::default();
        let mut after = before.clone();
        after.smtp.password = "secret".to_owned();
        after.meta.app_name = "Other".to_owned();
        after.meta.app_url = "http://other.example".to_owned();
        after.backups.s3.bucket = "other".to_owned();
        let prints = SettingsPrints::of(&before, KEY);
        let differing = prints.differing(&SettingsPrints::of(&after, KEY)).unwrap();
        assert_eq!(differing, ["backups", "meta", "smtp"]);
        assert_eq!(prints.differing(&SettingsPrints::of(&before, KEY)), Some(Vec::new()));
        assert_eq!(prints.differing(&SettingsPrints::of(&before, None)), None);
    }

    /// A version with one more option would have called the settings of every older backup changed.
    #[test]
    fn an_option_of_another_version_is_no_change() {
        let now = Settings::default().document();
        let ways = {
            let mut ways = Vec::new();
            collect(&now, "", &mut |way, _| ways.push(way.to_owned()));
            ways
        };
        assert!(ways.len() > 40, "{ways:?}");
        for way in ways {
            let mut then = now.clone();
            let (above, name) = match way.rsplit_once('/') {
                Some((above, name)) => (format!("/{above}"), name),
                None => (String::new(), way.as_str()),
            };
            let section = then.pointer_mut(&above).unwrap().as_object_mut().unwrap();
            section.remove(name).unwrap();
            let (then, now) = (
                SettingsPrints::of_document(&then, None),
                SettingsPrints::of_document(&now, None),
            );
            assert_eq!(then.differing(&now), Some(Vec::new()), "{way}");
            assert_eq!(now.differing(&then), Some(Vec::new()), "{way}");
        }
    }

    #[test]
    fn prints_of_another_scheme_are_read_and_tell_nothing() {
        let now = SettingsPrints::of(&Settings::default(), None);
        // As an earlier version wrote them.
        let earlier: SettingsPrints =
            serde_json::from_value(json!({"key": now.key, "sections": {"meta": "0011223344556677"}})).unwrap();
        let later = SettingsPrints {
            scheme: SCHEME + 1,
            ..now.clone()
        };
        for other in [earlier, later] {
            assert_eq!(other.differing(&now), None);
            assert_eq!(now.differing(&other), None);
        }
        let text = serde_json::to_string(&now).unwrap();
        assert_eq!(serde_json::from_str::<SettingsPrints>(&text).unwrap(), now);
    }

    /// A list has one print: a new key of what is in it makes all lists others. Who adds one counts up [`SCHEME`].
    #[test]
    fn what_a_list_holds_is_what_it_held_when_the_scheme_was_made() {
        let document = Settings::default().document();
        let mut within = BTreeMap::new();
        collect(&document, "", &mut |way, value| {
            for item in value.as_array().into_iter().flatten().filter_map(Value::as_object) {
                within.insert(way.to_owned(), item.keys().cloned().collect::<Vec<_>>());
            }
        });
        let (of_rule, scheme) = (["audience", "duration", "label", "maxRequests"], 1);
        for keys in within.values_mut() {
            keys.sort();
        }
        assert_eq!(
            within,
            BTreeMap::from([("rateLimits/rules".to_owned(), of_rule.map(str::to_owned).to_vec())])
        );
        assert_eq!(SCHEME, scheme);
    }

    #[test]
    fn what_is_kept_of_encrypted_settings_is_of_no_use_without_the_key() {
        let mut settings = Settings::default();
        settings.s3.secret = "the same".to_owned();
        settings.backups.s3.secret = "the same".to_owned();
        let (sealed, open) = (SettingsPrints::of(&settings, KEY), SettingsPrints::of(&settings, None));
        for (name, print) in &sealed.values {
            assert_ne!(*print, open.values[name], "{name}");
        }
        assert_ne!(sealed.values["s3/secret"], sealed.values["backups/s3/secret"]);
    }
}
