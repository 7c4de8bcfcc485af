//! Tells a file's type from its first bytes.

/// How many bytes of a file are looked at.
pub const HEAD: usize = 3072;

/// A MIME type, and the extension (with its dot) that files of it usually have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detected {
    pub(super) mime: String,
    pub(super) extension: String,
}

impl Detected {
    fn new(mime: &str, extension: &str) -> Self {
        Self {
            mime: mime.to_owned(),
            extension: extension.to_owned(),
        }
    }
}

/// The content type of a file that begins with `head` (the first [`HEAD`] bytes do); `whole` where that is all of it.
#[must_use]
pub fn content_type(head: &[u8], whole: bool) -> String {
    detect(head, whole).mime
}

/// The type of a file that begins with `head`; `whole` where that is all of it.
pub(super) fn detect(head: &[u8], whole: bool) -> Detected {
    if head.is_empty() {
        return Detected::new("text/plain", ".txt");
    }
    match infer::get(head) {
        Some(kind) if kind.matcher_type() != infer::MatcherType::Text => {
            Detected::new(common_name(kind.mime_type()), &format!(".{}", kind.extension()))
        }
        _ => text(head, whole),
    }
}

/// The names that PocketBase's detection, and with it collections' lists of accepted types, use.
fn common_name(mime: &str) -> &str {
    match mime {
        "audio/x-wav" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        "audio/x-aiff" => "audio/aiff",
        "audio/m4a" => "audio/x-m4a",
        "image/vnd.microsoft.icon" => "image/x-icon",
        "video/x-ms-wmv" => "video/x-ms-asf",
        "application/vnd.rar" => "application/x-rar-compressed",
        "application/font-woff" => "font/woff",
        "application/font-sfnt" => "font/ttf",
        "application/rtf" => "text/rtf",
        other => other,
    }
}

fn text(head: &[u8], whole: bool) -> Detected {
    let bytes = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let order = if bytes[0] == 0xff { "le" } else { "be" };
        return Detected::new(&format!("text/plain; charset=utf-16{order}"), ".txt");
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The head may end amid a character.
        Err(error) if error.error_len().is_none() && !whole => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => "",
    };
    let binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if bytes.iter().any(binary) {
        return Detected::new("application/octet-stream", "");
    }
    if valid.is_empty() {
        return Detected::new("text/plain; charset=iso-8859-1", ".txt");
    }
    let trimmed = valid.trim_start();
    let start = trimmed
        .get(..trimmed.len().min(512))
        .unwrap_or(trimmed)
        .to_ascii_lowercase();
    let begins = |tags: &[&str]| tags.iter().any(|tag| start.starts_with(tag));
    if begins(&[
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<iframe",
        "<h1",
        "<div",
        "<table",
        "<title",
        "<p>",
        "<a ",
        "<style",
    ]) {
        return Detected::new("text/html; charset=utf-8", ".html");
    }
    if begins(&["<svg", "<?xml", "<!doctype svg"]) && start.contains("<svg") {
        return Detected::new("image/svg+xml", ".svg");
    }
    if begins(&["<?xml"]) {
        return Detected::new("text/xml; charset=utf-8", ".xml");
    }
    if is_json(trimmed, whole) {
        return Detected::new("application/json", ".json");
    }
    if is_table(valid, whole, ',') {
        return Detected::new("text/csv", ".csv");
    }
    if is_table(valid, whole, '\t') {
        return Detected::new("text/tab-separated-values", ".tsv");
    }
    Detected::new("text/plain; charset=utf-8", ".txt")
}

/// Whether `text` is two or more lines of as many fields each, at least two (RFC 4180). A head's last line may be cut
/// off.
fn is_table(text: &str, whole: bool, separator: char) -> bool {
    let (mut rows, mut fields) = (Vec::new(), 1_usize);
    let (mut quoted, mut blank) = (false, true);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted => {
                if !blank {
                    rows.push(fields);
                }
                (fields, blank) = (1, true);
                continue;
            }
            '\r' => continue,
            c if c == separator && !quoted => fields += 1,
            _ => {}
        }
        blank = false;
    }
    if whole && !blank {
        rows.push(fields);
    }
    !quoted && rows.len() > 1 && rows[0] > 1 && rows.iter().all(|row| *row == rows[0])
}

/// Whether `text` is a JSON object or list, or the beginning of one.
fn is_json(text: &str, whole: bool) -> bool {
    if !text.starts_with(['{', '[']) {
        return false;
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => true,
        Err(error) => error.is_eof() && !whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_from_contents() {
        for (head, mime, extension) in [
            (b"".as_slice(), "text/plain", ".txt"),
            (b"hello", "text/plain; charset=utf-8", ".txt"),
            (b"\x89PNG\r\n\x1a\n0000", "image/png", ".png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg", ".jpg"),
            (b"GIF89a", "image/gif", ".gif"),
            (b"%PDF-1.4", "application/pdf", ".pdf"),
            (b"{\"a\": 1}", "application/json", ".json"),
            (b"{not json", "text/plain; charset=utf-8", ".txt"),
            (b"a,b\n1,\"2,3\"\n", "text/csv", ".csv"),
            (b"a,b\n1,2,3\n", "text/plain; charset=utf-8", ".txt"),
            (b"a\tb\n1\t2", "text/tab-separated-values", ".tsv"),
            (b"<svg xmlns='x'/>", "image/svg+xml", ".svg"),
            (b"<?xml version='1.0'?><svg/>", "image/svg+xml", ".svg"),
            (b"<!DOCTYPE html><p>", "text/html; charset=utf-8", ".html"),
            (b"\0\x01\x02", "application/octet-stream", ""),
        ] {
            assert_eq!(detect(head, true), Detected::new(mime, extension), "{head:?}");
        }
    }

    #[test]
    fn a_character_cut_in_half_is_still_text() {
        let mut head = "a".repeat(10).into_bytes();
        head.extend_from_slice(&"ü".as_bytes()[..1]);
        assert_eq!(detect(&head, false).mime, "text/plain; charset=utf-8");
    }
}
