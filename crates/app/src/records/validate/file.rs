//! Files: which ones a record may name, and what uploads may be.

use bosbase_store::FieldKind;
use serde_json::{Value, json};

use super::Problem;
use crate::files::Upload;

/// Largest file, in bytes, where the field sets no limit.
pub(in crate::records) const SIZE_LIMIT: i64 = 5 << 20;

pub(super) fn file(kind: &FieldKind, names: &[&str], before: &[&str], uploads: &[&Upload]) -> Option<Problem> {
    let FieldKind::File {
        max_select,
        max_size,
        mime_types,
        required,
        ..
    } = kind
    else {
        return None;
    };
    if names.is_empty() {
        return required.then(Problem::required);
    }
    let upload = |name: &str| uploads.iter().find(|upload| upload.name() == name);
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| !before.contains(name) && upload(name).is_none())
        .map(|name| {
            name.char_indices()
                .take_while(|(at, c)| at + c.len_utf8() <= 250)
                .map(|(_, c)| c)
                .collect()
        })
        .collect();
    if !unknown.is_empty() {
        let message = format!("Invalid new files: [{}].", unknown.join(" "));
        return Some(Problem::new("validation_invalid_file", message).with("invalidFiles", json!(unknown)));
    }
    let max = (*max_select).max(1);
    if i64::try_from(names.len()).is_ok_and(|count| count > max) {
        let message = format!("The maximum allowed files is {max}.");
        return Some(Problem::new("validation_too_many_files", message).with("maxSelect", max));
    }
    let max_size = if *max_size <= 0 { SIZE_LIMIT } else { *max_size };
    for upload in names.iter().filter_map(|name| upload(name)) {
        if i64::try_from(upload.len()).is_ok_and(|len| len > max_size) {
            let original = upload.original_name();
            let message = format!("Failed to upload {original} - the maximum allowed file size is {max_size} bytes.");
            let problem = Problem::new("validation_file_size_limit", message);
            return Some(problem.with("file", original).with("maxSize", max_size));
        }
        if !mime_types.is_empty()
            && !mime_types
                .iter()
                .any(|accepted| same_type(accepted, upload.content_type()))
        {
            let message = format!(
                "{} mime type must be one of: {}.",
                Value::from(upload.name()),
                mime_types.join(", ")
            );
            return Some(Problem::new("validation_invalid_mime_type", message));
        }
    }
    None
}

/// Whether two MIME types are the same but for their parameters (`; charset=…`).
fn same_type(a: &str, b: &str) -> bool {
    let essence = |mime: &str| mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence(a) == essence(b)
}
