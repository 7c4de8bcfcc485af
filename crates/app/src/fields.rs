//! The `fields` parameter of every answer: `id,expand.author.name,body:excerpt(200,true),*`.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// How much of a text is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Excerpt {
    characters: usize,
    ellipsis: bool,
}

/// One level of what was asked for; nothing below it means all.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// A path ended here. All below it is wanted, also where a longer path names a part of it.
    whole: bool,
    excerpt: Option<Excerpt>,
    below: Vec<(String, Wanted)>,
}

static ALL: Wanted = Wanted {
    whole: true,
    excerpt: None,
    below: Vec::new(),
};

impl Wanted {
    /// Reads a `fields` parameter.
    pub(crate) fn parse(fields: &str) -> Self {
        parse(fields)
    }

    /// What is wanted of the part `name`; `None` where it is not wanted at all.
    pub(crate) fn of(&self, name: &str) -> Option<&Self> {
        if self.whole || self.below.is_empty() {
            return Some(&ALL);
        }
        let named = |wanted: &str| {
            self.below
                .iter()
                .find(|(known, _)| known == wanted)
                .map(|(_, below)| below)
        };
        // A `*` stands for what is not named at the end of a path alone, as in PocketBase.
        named(name).or_else(|| named("*").filter(|every| every.whole))
    }
}

/// What of `answer` the comma separated `fields` name; lists are cut down element by element, and what a page of
/// results says of itself (`page`, `totalItems`, …) stays when the fields are those of its items. A part of that which
/// is an object is cut down as well: it may be longer than all items.
#[must_use]
pub fn pick(answer: Value, fields: &str) -> Value {
    let wanted = parse(fields);
    match answer {
        Value::Object(page) if page.contains_key("items") && page.contains_key("perPage") => {
            let parts = page.into_iter().filter_map(|(name, value)| match value {
                Value::Object(_) => Some((keep(value, wanted.of(&name)?), name)),
                _ if name == "items" => Some((keep(value, &wanted), name)),
                _ => Some((value, name)),
            });
            Value::Object(parts.map(|(value, name)| (name, value)).collect())
        }
        other => keep(other, &wanted),
    }
}

fn parse(fields: &str) -> Wanted {
    let mut root = Wanted::default();
    for field in split(fields) {
        let (path, excerpt) = match field.split_once(':') {
            Some((path, modifier)) => (path.trim(), parse_excerpt(modifier)),
            None => (field, None),
        };
        let mut level = &mut root;
        for name in path.strip_suffix('.').unwrap_or(path).split('.') {
            let at = level
                .below
                .iter()
                .position(|(known, _)| known == name)
                .unwrap_or_else(|| {
                    level.below.push((name.to_owned(), Wanted::default()));
                    level.below.len() - 1
                });
            level = &mut level.below[at].1;
        }
        // Said twice, the last one counts.
        level.whole = true;
        level.excerpt = excerpt;
    }
    root
}

/// Splits at the commas that are not a modifier's.
fn split(fields: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in fields.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&fields[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&fields[start..]);
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// The JSON of what of `answer` the comma separated `fields` name; all of it where they are empty.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where a modifier among them is none.
pub fn text(answer: Value, fields: &str) -> Result<Vec<u8>> {
    if !is_valid(fields) {
        return Err(Error::invalid("Something went wrong while processing your request."));
    }
    let picked = match fields {
        "" => answer,
        fields => pick(answer, fields),
    };
    serde_json::to_vec(&picked).map_err(Error::internal)
}

/// Whether every modifier in `fields` is one that there is, with arguments that it takes.
#[must_use]
pub fn is_valid(fields: &str) -> bool {
    let count = |sign: char| fields.chars().filter(|c| *c == sign).count();
    count('(') == count(')')
        && split(fields)
            .into_iter()
            .filter_map(|field| field.split_once(':'))
            .all(|(_, modifier)| parse_excerpt(modifier).is_some())
}

fn parse_excerpt(modifier: &str) -> Option<Excerpt> {
    let arguments = modifier.trim().strip_prefix("excerpt(")?.strip_suffix(')')?;
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let characters = arguments[0].parse().ok().filter(|characters| *characters > 0)?;
    let ellipsis = arguments.get(1).copied().unwrap_or_default();
    (arguments.len() <= 2).then_some(Excerpt {
        characters,
        ellipsis: matches!(ellipsis, "1" | "t" | "T" | "true" | "TRUE" | "True"),
    })
}

fn keep(value: Value, wanted: &Wanted) -> Value {
    match (value, wanted.excerpt) {
        (Value::String(text), Some(wanted)) => Value::String(excerpt(&text, wanted.characters, wanted.ellipsis)),
        (value, _) if wanted.whole || wanted.below.is_empty() => value,
        (Value::Array(items), _) => Value::Array(
            items
                .into_iter()
                .map(|item| if item.is_object() { keep(item, wanted) } else { item })
                .collect(),
        ),
        (Value::Object(map), _) => Value::Object(
            map.into_iter()
                .filter_map(|(name, value)| {
                    let kept = keep(value, wanted.of(&name)?);
                    Some((name, kept))
                })
                .collect(),
        ),
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_named_is_left() {
        let answer = json!({"token": "t", "record": {"id": "1", "name": "n", "expand": {"a": {"id": "2", "x": 1}}}});
        assert_eq!(
            pick(answer.clone(), "token, record.id,record.expand.a.x"),
            json!({"token": "t", "record": {"id": "1", "expand": {"a": {"x": 1}}}})
        );
        assert_eq!(pick(answer.clone(), "*"), answer);
        assert_eq!(
            pick(answer.clone(), "record.expand.*"),
            json!({"record": {"expand": {"a": {"id": "2", "x": 1}}}})
        );
        assert_eq!(
            pick(answer, "token,record.expand.*.id"),
            json!({"token": "t", "record": {"expand": {}}})
        );
    }

    #[test]
    fn what_is_named_as_a_whole_is_not_cut_down_by_what_else_is_said_of_it() {
        let answer = json!({"a": {"b": 1, "c": 2}, "d": "text", "e": ["long", "texts"]});
        assert_eq!(pick(answer.clone(), "a.b,a"), json!({"a": {"b": 1, "c": 2}}));
        assert_eq!(pick(answer.clone(), "d:excerpt(2),d"), json!({"d": "text"}));
        assert_eq!(
            pick(answer.clone(), "*:excerpt(2),a.c"),
            json!({"a": {"c": 2}, "d": "te", "e": ["long", "texts"]})
        );
        assert_eq!(pick(answer, "e.x"), json!({"e": ["long", "texts"]}));
    }

    #[test]
    fn a_page_keeps_what_it_says_of_itself() {
        let page =
            json!({"page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1, "items": [{"id": "1", "b": "x"}]});
        assert_eq!(
            pick(page, "id"),
            json!({"page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1, "items": [{"id": "1"}]})
        );
    }

    #[test]
    fn an_object_beside_the_items_of_a_page_is_cut_too() {
        let page =
            json!({"perPage": 30, "of": "c", "about": {"name": "n", "rest": [1]}, "items": [{"id": "1", "b": "x"}]});
        for (fields, about) in [
            ("id", None),
            ("id,about.name", Some(json!({"name": "n"}))),
            ("id,about", Some(json!({"name": "n", "rest": [1]}))),
        ] {
            let mut wanted = json!({"perPage": 30, "of": "c", "items": [{"id": "1"}]});
            if let Some(about) = about {
                wanted["about"] = about;
            }
            assert_eq!(pick(page.clone(), fields), wanted, "{fields}");
        }
        assert_eq!(pick(page.clone(), "*"), page);
    }

    #[test]
    fn an_excerpt_has_no_tags_and_its_length() {
        let answer = json!({"body": "<p>Hello <b>world</b>, more</p>"});
        assert_eq!(
            pick(answer.clone(), "body:excerpt(8,true)"),
            json!({"body": "Hello wo..."})
        );
        assert_eq!(pick(answer, "body:excerpt(5)"), json!({"body": "Hello"}));
    }

    #[test]
    fn modifiers_that_make_no_sense_are_told() {
        for good in ["a,b.c", "a:excerpt(5)", "*,a:excerpt(5, true)", ""] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "a:",
            "a:zz(1)",
            "a:excerpt",
            "a:excerpt()",
            "a:excerpt(0)",
            "a:excerpt(1,2,3)",
            "b,a:excerpt(-1)",
            "(a",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
