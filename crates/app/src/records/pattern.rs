//! The regular expressions in collections' fields: matched against values, and values made from them.

use std::collections::HashMap;

use parking_lot::Mutex;

use rand::RngExt as _;
use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Repetitions without an upper limit are generated up to this often.
const OPEN_REPEAT: u32 = 6;
/// No generated repetition goes beyond this.
const MAX_REPEAT: u32 = 1000;
/// How many compiled patterns are kept.
const KEPT: usize = 1000;

/// Compiled patterns, shared by all requests.
#[derive(Debug, Default)]
pub struct Patterns {
    compiled: Mutex<HashMap<String, Option<Regex>>>,
}

impl Patterns {
    /// Whether `pattern` matches somewhere in `text`; one that can't be understood matches nothing.
    #[must_use]
    pub fn is_match(&self, pattern: &str, text: &str) -> bool {
        let mut compiled = self.compiled.lock();
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        let regex = compiled
            .entry(pattern.to_owned())
            .or_insert_with(|| Regex::new(&ascii_classes(pattern)).ok())
            .clone();
        drop(compiled);
        regex.is_some_and(|regex| regex.is_match(text))
    }
}

/// A random text that `pattern` describes; `None` where the pattern can't be understood.
#[must_use]
pub fn generate(pattern: &str) -> Option<String> {
    let parsed = regex_syntax::parse(&ascii_classes(pattern)).ok()?;
    let mut text = String::new();
    write(&parsed, &mut text);
    Some(text)
}

fn write(part: &Hir, text: &mut String) {
    let mut random = rand::rng();
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(pick(class)),
        HirKind::Capture(capture) => write(&capture.sub, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, text)),
        HirKind::Alternation(parts) => write(&parts[random.random_range(0..parts.len())], text),
        HirKind::Repetition(repetition) => {
            let min = repetition.min.min(MAX_REPEAT);
            let max = repetition
                .max
                .unwrap_or_else(|| OPEN_REPEAT.max(min))
                .clamp(min, MAX_REPEAT);
            for _ in 0..random.random_range(min..=max) {
                write(&repetition.sub, text);
            }
        }
    }
}

/// One character of a class. Of a class that takes in nearly everything (`.`, `[^a]`) a letter or digit.
fn pick(class: &Class) -> Option<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class
            .iter()
            .map(|r| (u32::from(r.start()), u32::from(r.end())))
            .collect(),
        Class::Bytes(class) => class
            .iter()
            .map(|r| (u32::from(r.start()), u32::from(r.end())))
            .collect(),
    };
    let total: u32 = ranges.iter().map(|(start, end)| end - start + 1).sum();
    let ranges = if total > 1000 { plain(&ranges) } else { ranges };
    let total: u32 = ranges.iter().map(|(start, end)| end - start + 1).sum();
    if total == 0 {
        return None;
    }
    let mut at = rand::rng().random_range(0..total);
    for (start, end) in ranges {
        let size = end - start + 1;
        if at < size {
            return char::from_u32(start + at);
        }
        at -= size;
    }
    None
}

/// The letters and digits within `ranges`.
fn plain(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let wanted = [('0', '9'), ('A', 'Z'), ('a', 'z')].map(|(start, end)| (u32::from(start), u32::from(end)));
    ranges
        .iter()
        .flat_map(|(start, end)| wanted.map(|(from, to)| (*start.max(&from), *end.min(&to))))
        .filter(|(start, end)| start <= end)
        .collect()
}

/// The same pattern with `\w`, `\d` and `\s` spelt out: they mean ASCII characters in the patterns of collections,
/// which Go's engine defined, and all of Unicode's in ours.
fn ascii_classes(pattern: &str) -> String {
    let mut result = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match (characters.next(), in_class) {
                (Some('w'), true) => result.push_str("0-9A-Za-z_"),
                (Some('d'), true) => result.push_str("0-9"),
                (Some('s'), true) => result.push_str(r"\t\n\f\r\x20"),
                (Some('w'), false) => result.push_str("[0-9A-Za-z_]"),
                (Some('d'), false) => result.push_str("[0-9]"),
                (Some('s'), false) => result.push_str(r"[\t\n\f\r\x20]"),
                (Some('W'), false) => result.push_str("[^0-9A-Za-z_]"),
                (Some('D'), false) => result.push_str("[^0-9]"),
                (Some('S'), false) => result.push_str(r"[^\t\n\f\r\x20]"),
                (Some('b'), false) => result.push_str(r"(?-u:\b)"),
                (Some(other), _) => result.extend(['\\', other]),
                (None, _) => result.push('\\'),
            },
            '[' if in_class => {
                // A named class (`[:alpha:]`) is the only bracket that means something within brackets.
                result.push_str(if characters.as_str().starts_with(':') {
                    "["
                } else {
                    r"\["
                });
            }
            '[' => {
                in_class = true;
                result.push('[');
            }
            ']' => {
                in_class = false;
                result.push(']');
            }
            // `&&`, `--` and `~~` are set operations within brackets here and plain characters there.
            '&' | '~' if in_class => result.extend(['\\', c]),
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_match_their_pattern() {
        let patterns = Patterns::default();
        for pattern in [
            "^[a-z0-9]{15}$",
            "^[a-z]{5}-[0-9]{3}$",
            r"^users\d{3,6}$",
            "^(ab|cd)+x?.{2}$",
            r"^\w+$",
        ] {
            for _ in 0..50 {
                let value = generate(pattern).unwrap();
                assert!(patterns.is_match(pattern, &value), "{pattern}: {value}");
                assert!(value.is_ascii(), "{pattern}: {value}");
            }
        }
    }

    #[test]
    fn classes_are_ascii() {
        let patterns = Patterns::default();
        assert!(!patterns.is_match(r"^\w+$", "ü"));
        assert!(patterns.is_match(r"^[\w-]+$", "a_1-B"));
        assert!(patterns.is_match("^.$", "ü"));
        assert!(patterns.is_match("^[^a]$", "ü"));
        assert!(patterns.is_match("^[a&&b~~]+$", "&b~"));
    }

    #[test]
    fn a_broken_pattern_matches_nothing_and_makes_nothing() {
        assert!(!Patterns::default().is_match("(", "("));
        assert_eq!(generate("("), None);
    }
}
