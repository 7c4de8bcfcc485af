//! A subscription: what it is to, and the options it came with.

use std::sync::Arc;

use bosbase_store::{Collection, Record};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::memory::weight;

/// One subscription of a client, as `posts/*?options={"query":{},"headers":{}}`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subscription {
    /// The text it was made with; messages carry it as their name.
    pub(super) name: Arc<str>,
    /// What is before the `?`.
    pub(super) topic: String,
    /// What is behind it, as it was written.
    pub(super) parameters: String,
    /// `filter`, `expand`, `fields` and all that rules ask of `@request.query`.
    pub(super) query: Map<String, Value>,
    /// `@request.headers`.
    pub(super) headers: Map<String, Value>,
}

impl Subscription {
    pub(super) fn parse(name: &str) -> Self {
        let (topic, parameters) = name.split_once('?').unwrap_or((name, ""));
        let options = form_urlencoded::parse(parameters.as_bytes())
            .find(|(key, _)| key == "options")
            .and_then(|(_, value)| serde_json::from_str::<Map<String, Value>>(&value).ok())
            .unwrap_or_default();
        let section = |key: &str| options.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        Self {
            name: name.into(),
            topic: topic.to_owned(),
            parameters: parameters.to_owned(),
            query: section("query")
                .into_iter()
                .map(|(key, value)| (key, text(value)))
                .collect(),
            headers: section("headers")
                .into_iter()
                .map(|(key, value)| (key.to_lowercase().replace('-', "_"), text(value)))
                .collect(),
        }
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        const OWN: usize = 256;
        const ENTRY: usize = 128;
        let entries = self.query.iter().chain(&self.headers);
        let entries: usize = entries.map(|(name, value)| ENTRY + name.len() + weight(value)).sum();
        OWN + self.name.len() + self.topic.len() + self.parameters.len() + entries
    }

    /// An option of the query, empty where it is not given.
    pub(super) fn option(&self, key: &str) -> &str {
        self.query.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Which rule decides whether this subscription may be told of `record`; `None` where it is about something else.
    pub(super) fn rule<'a>(&self, collection: &'a Collection, record: &Record) -> Option<&'a Option<String>> {
        let rest = match self.topic.split_once('/') {
            Some((start, rest)) if names(start, collection) => rest,
            // A collection's bare name is an older way to say all of it.
            None if names(&self.topic, collection) => "*",
            _ => return None,
        };
        match rest {
            "*" => Some(&collection.rules.list_rule),
            id if id == record.id() => Some(&collection.rules.view_rule),
            _ => None,
        }
    }
}

fn names(text: &str, collection: &Collection) -> bool {
    text == collection.name || text == collection.id
}

fn text(value: Value) -> Value {
    match value {
        Value::String(_) => value,
        Value::Null => Value::String(String::new()),
        other => Value::String(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_read_from_the_name() {
        let options = json!({"query": {"fields": "id", "n": 1}, "headers": {"X-Tok": "a"}}).to_string();
        let encoded: String = form_urlencoded::byte_serialize(options.as_bytes()).collect();
        let subscription = Subscription::parse(&format!("posts/*?options={encoded}"));
        assert_eq!(subscription.topic, "posts/*");
        assert_eq!(subscription.option("fields"), "id");
        assert_eq!(subscription.option("n"), "1");
        assert_eq!(subscription.headers, *json!({"x_tok": "a"}).as_object().unwrap());
        assert_eq!(Subscription::parse("a?options=nonsense").query, Map::new());
    }
}
