//! Records written as JSON straight from their rows, without a tree of values in between: what most answers are made
//! of.
//!
//! The text is the one that [`super::present`] and `serde_json` come to, byte for byte: names in order, values of their
//! fields' types. Values that are stored otherwise than shown take the way through a `Value`.

use std::ops::Range;

use bosbase_store::{Collection, Field, FieldKind, RecordRow, Stored, is_normal_date};

use super::present::{is_shown, shown_value};

/// Up to here every whole number is exact in a double: 2^53.
const EXACT: u64 = 1 << 53;
/// How deep a value of a json field may be that is taken as it is stored.
const DEEP: usize = 32;
/// How many items a list may have that is taken as it is stored.
const LONG: usize = 16;

/// How the records of a collection are written for somebody.
pub(super) struct Layout<'c> {
    collection: &'c Collection,
    /// What stands before the values, all of it in one.
    leads: String,
    parts: Vec<Part>,
}

struct Part {
    lead: Range<usize>,
    /// The place of the field among those of the collection; none where the lead says all.
    field: Option<usize>,
}

impl<'c> Layout<'c> {
    /// The layout for superusers, who see hidden fields, or for others; `None` for a collection whose records each have
    /// to be looked at: of accounts not everybody may see the address.
    pub(super) fn of(collection: &'c Collection, superuser: bool) -> Option<Self> {
        if collection.is_auth() && !superuser {
            return None;
        }
        let (id, name) = ("collectionId", "collectionName");
        let fields = collection.fields.iter().enumerate();
        let mut named: Vec<(&str, Option<usize>)> = fields
            .filter(|(_, field)| is_shown(collection, field, superuser) && field.name != id && field.name != name)
            .map(|(at, field)| (field.name.as_str(), Some(at)))
            .collect();
        named.extend([(id, None), (name, None)]);
        named.sort_unstable();
        let mut layout = Self {
            collection,
            leads: String::with_capacity(named.len() * 16 + 64),
            parts: Vec::with_capacity(named.len()),
        };
        for (part, field) in named {
            let begin = layout.leads.len();
            layout.leads.push(if begin == 0 { '{' } else { ',' });
            push_text(&mut layout.leads, part);
            layout.leads.push(':');
            if field.is_none() {
                push_text(
                    &mut layout.leads,
                    if part == id { &collection.id } else { &collection.name },
                );
            }
            let lead = begin..layout.leads.len();
            layout.parts.push(Part { lead, field });
        }
        Some(layout)
    }

    /// Writes one record.
    pub(super) fn write(&self, row: &RecordRow<'_>, out: &mut Vec<u8>) {
        for part in &self.parts {
            out.extend_from_slice(&self.leads.as_bytes()[part.lead.clone()]);
            if let Some(at) = part.field {
                write_value(&self.collection.fields[at], row, at, out);
            }
        }
        out.push(b'}');
    }
}

fn push_text(out: &mut String, text: &str) {
    let value = serde_json::Value::from(text);
    out.push_str(&value.to_string());
}

fn write_value(field: &Field, row: &RecordRow<'_>, at: usize, out: &mut Vec<u8>) {
    use FieldKind as Kind;
    match (&field.kind, row.stored(at)) {
        (Kind::Text { .. } | Kind::Editor { .. } | Kind::Email { .. } | Kind::Url { .. }, Stored::Text(bytes)) => {
            write_text(bytes, out);
        }
        (Kind::Number { .. }, Stored::Integer(number)) if number.unsigned_abs() <= EXACT => write_integer(number, out),
        (Kind::Bool { .. }, Stored::Integer(number @ (0 | 1))) => {
            out.extend_from_slice(if number != 0 { b"true" } else { b"false" });
        }
        (Kind::Date { .. } | Kind::Autodate { .. }, Stored::Text(bytes))
            if bytes.is_empty() || std::str::from_utf8(bytes).is_ok_and(is_normal_date) =>
        {
            write_text(bytes, out);
        }
        (Kind::Json { .. }, Stored::Null) => out.extend_from_slice(b"null"),
        (Kind::Json { .. }, Stored::Text(bytes)) if is_plain_json(bytes) => out.extend_from_slice(bytes),
        (Kind::Select { .. } | Kind::File { .. } | Kind::Relation { .. }, Stored::Text(bytes)) => {
            match field.kind.is_multiple() {
                true if is_plain_list(bytes) => out.extend_from_slice(bytes),
                false if bytes.first() != Some(&b'[') => write_text(bytes, out),
                _ => write_shown(field, row, at, out),
            }
        }
        _ => write_shown(field, row, at, out),
    }
}

/// The way through a value.
fn write_shown(field: &Field, row: &RecordRow<'_>, at: usize, out: &mut Vec<u8>) {
    let value = shown_value(field, row.value(at));
    out.extend_from_slice(value.to_string().as_bytes());
}

fn write_integer(number: i64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to memory does not fail.
    let _ = write!(out, "{number}");
}

/// A text in quotes.
fn write_text(bytes: &[u8], out: &mut Vec<u8>) {
    if has_no_escapes(bytes) && std::str::from_utf8(bytes).is_ok() {
        out.reserve(bytes.len() + 2);
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    // Writing to memory does not fail, and a text can be serialised.
    let _ = serde_json::to_writer(out, &String::from_utf8_lossy(bytes));
}

/// Whether JSON writes each of these bytes as it is.
fn has_no_escapes(bytes: &[u8]) -> bool {
    let escaped = |byte: &u8| (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    // Without a way out in the middle, so that many are looked at in one step.
    bytes
        .chunks(64)
        .all(|chunk| !chunk.iter().fold(false, |found, byte| found | escaped(byte)))
}

/// Whether `bytes` are a list of texts as it is shown: `["a","b"]`, without what is escaped, empty or there twice.
fn is_plain_list(bytes: &[u8]) -> bool {
    let Some(inner) = bytes.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) else {
        return false;
    };
    if inner.is_empty() {
        return true;
    }
    let mut items: [&[u8]; LONG] = [&[]; LONG];
    let (mut rest, mut count) = (inner, 0);
    loop {
        let Some((item, after)) = plain_text(rest) else {
            return false;
        };
        if item.is_empty() || count == LONG || items[..count].contains(&item) {
            return false;
        }
        items[count] = item;
        count += 1;
        match after {
            [] => return true,
            [b',', more @ ..] => rest = more,
            _ => return false,
        }
    }
}

/// The text at the beginning of `bytes`, and what comes behind its closing quote; none where it is escaped or no UTF-8.
fn plain_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| *byte == b'"')?;
    let (text, rest) = inner.split_at(end);
    let is_plain = has_no_escapes(text) && std::str::from_utf8(text).is_ok();
    is_plain.then_some((text, &rest[1..]))
}

/// Whether `bytes` are JSON that would be written the same after it was read: names in order, no spaces, no escapes,
/// whole numbers.
fn is_plain_json(bytes: &[u8]) -> bool {
    plain_value(bytes, DEEP).is_some_and(<[u8]>::is_empty)
}

/// What comes behind the plain value at the beginning of `bytes`.
fn plain_value(bytes: &[u8], deep: usize) -> Option<&[u8]> {
    let deep = deep.checked_sub(1)?;
    match bytes.first()? {
        b'"' => plain_text(bytes).map(|(_, rest)| rest),
        b'{' => {
            let mut rest = &bytes[1..];
            if let [b'}', after @ ..] = rest {
                return Some(after);
            }
            let mut before: Option<&[u8]> = None;
            loop {
                let (name, after) = plain_text(rest)?;
                if before.is_some_and(|before| before >= name) {
                    return None;
                }
                before = Some(name);
                match plain_value(after.strip_prefix(b":")?, deep)? {
                    [b'}', after @ ..] => return Some(after),
                    [b',', after @ ..] => rest = after,
                    _ => return None,
                }
            }
        }
        b'[' => {
            let mut rest = &bytes[1..];
            if let [b']', after @ ..] = rest {
                return Some(after);
            }
            loop {
                match plain_value(rest, deep)? {
                    [b']', after @ ..] => return Some(after),
                    [b',', after @ ..] => rest = after,
                    _ => return None,
                }
            }
        }
        b't' => bytes.strip_prefix(b"true"),
        b'f' => bytes.strip_prefix(b"false"),
        b'n' => bytes.strip_prefix(b"null"),
        _ => plain_integer(bytes),
    }
}

fn plain_integer(bytes: &[u8]) -> Option<&[u8]> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_whole = !matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
    let is_zero = digits.first() == Some(&b'0');
    let is_plain = match is_zero {
        true => count == 1 && digits.len() == bytes.len(),
        false => (1..=15).contains(&count),
    };
    (is_plain && is_whole).then(|| &digits[count..])
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_that_is_taken_as_it_is_stored_is_written_the_same_by_serde() {
        let plain = [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "123456789012345",
            r#""""#,
            r#""äö""#,
            "[]",
            "{}",
            r#"[1,"a",[],{}]"#,
            r#"{"a":1,"b":{"c":[null,true]},"ba":"x"}"#,
        ];
        for text in plain {
            assert!(is_plain_json(text.as_bytes()), "{text}");
        }
        let others = [
            "",
            "-0",
            "01",
            "1.5",
            "1e3",
            "1.0",
            "1234567890123456",
            " 1",
            "1 ",
            "[1, 2]",
            "[1,]",
            "[",
            "{\"a\"}",
            "-",
            "nul",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a": 1}"#,
            r#""a\nb""#,
            "\"a\nb\"",
            "hello",
            "[1]]",
        ];
        for text in others {
            assert!(!is_plain_json(text.as_bytes()), "{text}");
        }
        assert!(!is_plain_json(b"\"\xff\""));
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert!(!is_plain_json(deep.as_bytes()));
        for text in plain {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn lists_that_are_taken_as_they_are_stored_have_each_item_once() {
        for plain in ["[]", r#"["a"]"#, r#"["a","b c","ä"]"#] {
            assert!(is_plain_list(plain.as_bytes()), "{plain}");
        }
        let many: Vec<String> = (0..=LONG).map(|n| n.to_string()).collect();
        for other in [
            "",
            "a",
            "[",
            "[1]",
            r#"["a","a"]"#,
            r#"["a", "b"]"#,
            r#"[""]"#,
            r#"["a\"b"]"#,
            r#"["a",]"#,
        ] {
            assert!(!is_plain_list(other.as_bytes()), "{other}");
        }
        assert!(!is_plain_list(serde_json::to_string(&many).unwrap().as_bytes()));
    }

    #[test]
    fn texts_are_quoted_as_serde_quotes_them() {
        for text in [
            "",
            "plain",
            "ä € 😀",
            "a\"b",
            "a\\b",
            "\u{1}\n\t\u{7f}",
            &"x".repeat(1000),
            &format!("{}\"", "y".repeat(130)),
        ] {
            let mut out = Vec::new();
            write_text(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), Value::from(text).to_string());
        }
        let mut out = Vec::new();
        write_text(b"a\xffb", &mut out);
        assert_eq!(out, "\"a\u{fffd}b\"".as_bytes());
    }

    #[test]
    fn whole_numbers_are_written_as_they_are_shown() {
        for number in [0, 1, -1, 42, EXACT.cast_signed(), -EXACT.cast_signed()] {
            let mut out = Vec::new();
            write_integer(number, &mut out);
            #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            let shown = super::super::value::number(number as f64);
            assert_eq!(String::from_utf8(out).unwrap(), shown.to_string());
        }
    }
}
