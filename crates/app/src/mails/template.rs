//! The templates of an auth collection's mails, and what is filled into them.

use bosbase_store::{FieldKind, Record};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::MetaSettings;

/// A template as it is stored with the collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    /// The subject, with placeholders.
    pub(super) subject: String,
    /// The body, HTML with placeholders.
    pub(super) body: String,
}

impl Template {
    /// The template at `pointer` among the options of the record's collection; an empty one where there is none.
    pub(super) fn of(record: &Record, pointer: &str) -> Self {
        let options = Value::Object(record.collection.options.clone());
        let stored = options.pointer(pointer).cloned().unwrap_or_default();
        serde_json::from_value(stored).unwrap_or_default()
    }

    /// The template with `{APP_NAME}`, `{APP_URL}`, `{RECORD:…}` and `own` filled in.
    pub(super) fn filled(&self, meta: &MetaSettings, record: &Record, own: &[(&str, String)]) -> Self {
        let mut filled = self.clone();
        let app = [
            ("{APP_NAME}", meta.app_name.clone()),
            ("{APP_URL}", meta.app_url.clone()),
        ];
        for (placeholder, value) in app.iter().chain(own) {
            filled.subject = filled.subject.replace(placeholder, value);
            filled.body = filled.body.replace(placeholder, value);
        }
        for field in record.collection.fields.iter().filter(|field| !field.hidden) {
            let placeholder = format!("{{RECORD:{}}}", field.name);
            let value = shown(record, &field.name, &field.kind);
            filled.subject = filled.subject.replace(&placeholder, &value);
            filled.body = filled.body.replace(&placeholder, &escaped(&value));
        }
        filled
    }
}

fn shown(record: &Record, name: &str, kind: &FieldKind) -> String {
    match (record.values.get(name), kind) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(Value::Null) | None, FieldKind::Bool { .. }) => "false".to_owned(),
        (Some(Value::Null) | None, FieldKind::Number { .. }) => "0".to_owned(),
        (Some(Value::Null) | None, _) => String::new(),
        (Some(other), _) => other.to_string(),
    }
}

/// `text` so that HTML shows it as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
