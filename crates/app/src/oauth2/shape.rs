//! How a profile stands in what a provider answers: pointers into JSON (RFC 6901), and what has to be so for one to
//! count.
//!
//! A value of another type than is expected makes the whole answer unreadable, as in PocketBase: what a provider means
//! is not guessed where it decides whose account it is.

use std::collections::BTreeMap;

use bosbase_store::normalize_date;
use serde::Deserialize;
use serde_json::Value;

use crate::formats::is_email;

/// Where the parts of a profile are.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProfileShape {
    /// What has to be there.
    pub(crate) required: Option<String>,
    /// What has to be so of an account that may be used.
    pub(crate) active: Conditions,
    pub(crate) id: Part,
    pub(crate) name: Part,
    pub(crate) username: Part,
    pub(crate) email: Part,
    #[serde(rename = "avatarURL")]
    pub(crate) avatar_url: Part,
}

/// What has to be equal, by pointer.
pub(crate) type Conditions = BTreeMap<String, Value>;

/// A text of an answer; of several ways to it the first that leads to one.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(crate) enum Part {
    /// Never one.
    #[default]
    None,
    Pointer(String),
    Way(Box<Way>),
    Ways(Vec<Self>),
}

/// A text with conditions.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Way {
    /// Where it is …
    at: String,
    /// … or where a whole number is, …
    number: String,
    /// … or a text in which pointers in braces stand for others.
    fill: String,
    trim: bool,
    /// Only what is before this counts.
    before: String,
    when: Conditions,
    unless: Conditions,
    /// Another that has to be there.
    with: String,
    /// A flag that has to be set, however it is written.
    when_so: String,
    /// A point in time that has to be known.
    when_dated: String,
    /// Whether it has to have the form of an address.
    when_address: bool,
}

/// What is not as it should be in an answer: where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the value at {0} is not of its type")]
pub(crate) struct Mistyped(String);

impl Part {
    /// The text in `answer`; empty where there is none.
    ///
    /// # Errors
    ///
    /// [`Mistyped`].
    pub(crate) fn read(&self, answer: &Value) -> Result<String, Mistyped> {
        match self {
            Self::None => Ok(String::new()),
            Self::Pointer(pointer) => text(answer, pointer),
            Self::Way(way) => way.read(answer),
            Self::Ways(ways) => {
                for way in ways {
                    let found = way.read(answer)?;
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
                Ok(String::new())
            }
        }
    }
}

impl Way {
    fn read(&self, answer: &Value) -> Result<String, Mistyped> {
        let mut found = if !self.fill.is_empty() {
            filled(answer, &self.fill)?
        } else if self.number.is_empty() {
            text(answer, &self.at)?
        } else {
            number(answer, &self.number)?
        };
        if self.trim {
            found = found.trim().to_owned();
        }
        if !self.before.is_empty()
            && let Some((start, _)) = found.split_once(&self.before)
        {
            found = start.to_owned();
        }
        let counts = hold(answer, &self.when)?
            && (self.unless.is_empty() || !hold(answer, &self.unless)?)
            && (self.with.is_empty() || !text(answer, &self.with)?.is_empty())
            && (self.when_so.is_empty() || is_so(answer.pointer(&self.when_so)))
            && (self.when_dated.is_empty() || is_moment(answer.pointer(&self.when_dated)))
            && (!self.when_address || is_email(&found));
        Ok(if counts { found } else { String::new() })
    }
}

/// The text at `pointer`; empty where nothing is there.
pub(crate) fn text(answer: &Value, pointer: &str) -> Result<String, Mistyped> {
    match answer.pointer(pointer) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Mistyped(pointer.to_owned())),
    }
}

/// The whole number at `pointer` as text. Zero is nobody's id.
fn number(answer: &Value, pointer: &str) -> Result<String, Mistyped> {
    match answer.pointer(pointer) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(value) => match value.as_i64() {
            Some(0) => Ok(String::new()),
            Some(number) => Ok(number.to_string()),
            None => Err(Mistyped(pointer.to_owned())),
        },
    }
}

fn filled(answer: &Value, template: &str) -> Result<String, Mistyped> {
    let mut text_so_far = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        text_so_far.push_str(before);
        let (pointer, behind) = behind.split_once('}').unwrap_or((behind, ""));
        text_so_far.push_str(&text(answer, pointer)?);
        rest = behind;
    }
    text_so_far.push_str(rest);
    Ok(text_so_far)
}

/// Whether all `conditions` hold. What is not there does not; what is of another type than it is held against is an
/// error.
///
/// # Errors
///
/// [`Mistyped`].
pub(crate) fn hold(answer: &Value, conditions: &Conditions) -> Result<bool, Mistyped> {
    let mut all = true;
    for (pointer, wanted) in conditions {
        match answer.pointer(pointer) {
            None | Some(Value::Null) => all = false,
            Some(value) if std::mem::discriminant(value) == std::mem::discriminant(wanted) => all &= value == wanted,
            Some(_) => return Err(Mistyped(pointer.clone())),
        }
    }
    Ok(all)
}

/// Whether a flag is set that may be a number or text as well.
fn is_so(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => matches!(text.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"),
        _ => false,
    }
}

fn is_moment(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| !normalize_date(text).is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(shape: Value) -> Part {
        serde_json::from_value(shape).unwrap()
    }

    #[test]
    fn a_value_of_another_type_is_not_guessed_at() {
        let answer = json!({"a": "x", "n": 5, "big": 9_007_199_254_740_993_i64, "f": 1.5, "no": null, "yes": "true"});
        assert_eq!(part(json!("/a")).read(&answer).unwrap(), "x");
        assert_eq!(part(json!("/no")).read(&answer).unwrap(), "");
        assert_eq!(part(json!("/missing")).read(&answer).unwrap(), "");
        assert!(part(json!("/n")).read(&answer).is_err());
        assert_eq!(
            part(json!({"number": "/big"})).read(&answer).unwrap(),
            "9007199254740993"
        );
        assert!(part(json!({"number": "/a"})).read(&answer).is_err());
        assert!(part(json!({"number": "/f"})).read(&answer).is_err());
        assert!(part(json!({"at": "/a", "when": {"/yes": true}})).read(&answer).is_err());
        assert_eq!(part(json!({"at": "/a", "whenSo": "/yes"})).read(&answer).unwrap(), "x");
        assert_eq!(
            part(json!({"at": "/a", "whenSo": "/missing"})).read(&answer).unwrap(),
            ""
        );
    }

    #[test]
    fn the_first_way_that_leads_to_a_text_counts() {
        let name = part(json!(["/none", {"at": "/a", "when": {"/b": "0"}}, {"fill": "{/a}#{/b}"}]));
        assert_eq!(name.read(&json!({"a": "x", "b": "7"})).unwrap(), "x#7");
        assert_eq!(name.read(&json!({"a": "x", "b": "0"})).unwrap(), "x");
        assert_eq!(name.read(&json!({"none": "y", "a": "x", "b": "0"})).unwrap(), "y");
        let before = part(json!({"at": "/a", "before": "@"}));
        assert_eq!(before.read(&json!({"a": "x@y@z"})).unwrap(), "x");
        assert_eq!(before.read(&json!({"a": "xyz"})).unwrap(), "xyz");
    }
}
