//! What is filled into the templates of an auth collection's mails.

use bosbase_store::{FieldKind, MailTemplate, Record};
use serde_json::Value;

use crate::settings::MetaSettings;

/// The template with `{APP_NAME}`, `{APP_URL}`, `{RECORD:…}` and `own` filled in.
pub(super) fn filled(
    template: &MailTemplate,
    meta: &MetaSettings,
    record: &Record,
    own: &[(&str, String)],
) -> MailTemplate {
    let mut filled = template.clone();
    let app = [
        ("{APP_NAME}", meta.app_name.clone()),
        // A slash of its own begins what follows.
        ("{APP_URL}", meta.app_url.trim_end_matches('/').to_owned()),
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
