//! What settings were, in short: enough to say later which sections changed, and none of their secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sections::Settings;
use crate::fingerprint::fingerprint;

/// Fingerprints of the sections. With an encryption key they are made with it: where the settings are encrypted,
/// nothing tells of their secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsPrints {
    /// Of the encryption key: those made with another one can't be compared.
    key: String,
    sections: BTreeMap<String, String>,
}

impl SettingsPrints {
    pub(crate) fn of(settings: &Settings, encryption_key: Option<&str>) -> Self {
        let key = encryption_key.unwrap_or_default().as_bytes();
        let document = settings.document();
        let sections = document.as_object().into_iter().flatten();
        Self {
            key: fingerprint(key, &Value::Null),
            sections: sections
                .map(|(name, section)| (name.clone(), fingerprint(key, section)))
                .collect(),
        }
    }

    /// The names of the sections that differ; nothing where that can't be told. A section that one of them does not
    /// know is of another version, and is not named.
    pub(crate) fn differing(&self, other: &Self) -> Option<Vec<String>> {
        let differs = |name: &&String| {
            other
                .sections
                .get(*name)
                .is_some_and(|print| *print != self.sections[*name])
        };
        (self.key == other.key).then(|| self.sections.keys().filter(differs).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_that_differ_are_named_by_a_secret_alone_too() {
        let (key, other_key) = (Some("0123456789abcdef0123456789abcdef"), None);
        let before = Settings::default();
        let mut after = before.clone();
        after.smtp.password = "secret".to_owned();
        after.meta.app_name = "Other".to_owned();
        let prints = SettingsPrints::of(&before, key);
        let differing = prints.differing(&SettingsPrints::of(&after, key));
        assert_eq!(differing, Some(vec!["meta".to_owned(), "smtp".to_owned()]));
        assert_eq!(prints.differing(&SettingsPrints::of(&before, key)), Some(Vec::new()));
        assert_eq!(prints.differing(&SettingsPrints::of(&before, other_key)), None);
    }

    #[test]
    fn what_is_kept_of_encrypted_settings_is_of_no_use_without_the_key() {
        let key = Some("0123456789abcdef0123456789abcdef");
        let settings = Settings::default();
        let (sealed, open) = (SettingsPrints::of(&settings, key), SettingsPrints::of(&settings, None));
        for (name, print) in &sealed.sections {
            assert_ne!(*print, open.sections[name], "{name}");
        }
    }
}
