//! Which collection and which fields of a backup are which now.

use std::sync::Arc;

use bosbase_store::{Collection, Field, FieldKind, Record, Schema};
use serde_json::{Map, Value};

/// A collection as it is now beside what it was.
pub(super) struct Matching {
    pub(super) now: Arc<Collection>,
    /// The names of fields then and now, and what they hold now.
    fields: Vec<(String, Field)>,
    /// Fields that are no more, or hold something else.
    pub(super) lost: Vec<String>,
}

impl Matching {
    /// Finds the collection that `then` is now, one of those that `before` held: by its id; else by its name, where
    /// that is not another of them by now.
    ///
    /// # Errors
    ///
    /// Why there is none, in a sentence.
    pub(super) fn find(schema: &Schema, before: &Schema, then: &Collection) -> Result<Self, String> {
        let by_id = |schema: &Schema, id: &str| schema.all().iter().find(|one| one.id == id).cloned();
        let by_name = || {
            let found = schema.all().iter().find(|now| now.name == then.name);
            found.filter(|now| by_id(before, &now.id).is_none()).cloned()
        };
        let Some(now) = by_id(schema, &then.id).or_else(by_name) else {
            return Err(format!(
                "The collection {} is not there any more. Create it again, or import its definition, first.",
                then.name
            ));
        };
        if now.kind != then.kind {
            return Err(format!(
                "The collection {} is of the type {} in the backup and of the type {} now.",
                then.name,
                then.kind.name(),
                now.kind.name()
            ));
        }
        // A field of now that is one of then by its id is no other by its name.
        let is_one_of_then = |now: &&Field| !now.id.is_empty() && then.fields.iter().any(|field| field.id == now.id);
        let (mut fields, mut lost) = (Vec::new(), Vec::new());
        for field in &then.fields {
            let same_id = |other: &&Field| !field.id.is_empty() && other.id == field.id;
            let by_name = || now.field(&field.name).filter(|now| !is_one_of_then(now));
            let found = now.fields.iter().find(same_id).or_else(by_name);
            match found.filter(|other| holds_the_same(&field.kind, &other.kind)) {
                Some(other) => fields.push((field.name.clone(), other.clone())),
                None => lost.push(field.name.clone()),
            }
        }
        Ok(Self { now, fields, lost })
    }

    /// The field of now that was called `then`.
    pub(super) fn field_now(&self, then: &str) -> Option<&Field> {
        let found = self.fields.iter().find(|(name, _)| name == then);
        found.map(|(_, now)| now)
    }

    /// The values of `record` by the fields of now.
    pub(super) fn values(&self, record: &Record) -> Map<String, Value> {
        let value = |name: &str| record.values.get(name).cloned().unwrap_or_default();
        let fields = self.fields.iter();
        fields
            .map(|(then, now)| (now.name.clone(), shaped(value(then), &now.kind)))
            .collect()
    }

    /// `record` as a record of now: `now` with its values.
    pub(super) fn applied(&self, record: &Record, now: &Record) -> Record {
        let mut applied = now.clone();
        applied.values.extend(self.values(record));
        applied
    }
}

fn holds_the_same(then: &FieldKind, now: &FieldKind) -> bool {
    let kind = |kind: &FieldKind| match kind.name() {
        "text" | "editor" | "email" | "url" => "text",
        other => other,
    };
    kind(then) == kind(now)
}

/// A value in the shape of a field that may have come to hold several, or one: then the last of them, as a change of
/// the field keeps it.
fn shaped(value: Value, kind: &FieldKind) -> Value {
    let may_be_several = matches!(
        kind,
        FieldKind::Select { .. } | FieldKind::File { .. } | FieldKind::Relation { .. }
    );
    if !may_be_several {
        return value;
    }
    match (value, kind.is_multiple()) {
        (Value::String(one), true) if one.is_empty() => Value::Array(Vec::new()),
        (Value::String(one), true) => Value::Array(vec![one.into()]),
        (Value::Array(mut many), false) => many.pop().unwrap_or_else(|| "".into()),
        (value, _) => value,
    }
}

#[cfg(test)]
mod tests {
    use bosbase_store::CollectionKind;
    use serde_json::json;

    use super::*;

    fn collection(value: Value) -> Collection {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn fields_are_the_same_by_their_ids_and_then_by_their_names() {
        let then = collection(json!({"id": "c1", "name": "posts", "type": "base", "fields": [
            {"id": "t1", "name": "title", "type": "text"},
            {"id": "s1", "name": "tags", "type": "select", "maxSelect": 1},
            {"id": "r1", "name": "authors", "type": "relation", "maxSelect": 3, "collectionId": "u"},
            {"id": "n1", "name": "size", "type": "number"},
            {"id": "g1", "name": "gone", "type": "text"},
            {"id": "b1", "name": "body", "type": "text"},
        ]}));
        let now = collection(json!({"id": "c1", "name": "articles", "type": "base", "fields": [
            {"id": "t1", "name": "headline", "type": "text"},
            {"id": "s1", "name": "tags", "type": "select", "maxSelect": 4},
            {"id": "r1", "name": "authors", "type": "relation", "maxSelect": 1, "collectionId": "u"},
            {"id": "n2", "name": "size", "type": "text"},
            {"id": "b2", "name": "body", "type": "editor"},
            {"id": "x1", "name": "new", "type": "text"},
        ]}));
        let schema = Schema::new(vec![Arc::new(now)]);
        let before = Schema::new(vec![Arc::new(then.clone())]);
        let matching = Matching::find(&schema, &before, &then).unwrap();
        assert_eq!(
            (matching.now.name.as_str(), matching.lost.as_slice()),
            ("articles", ["size", "gone"].map(String::from).as_slice())
        );
        let values = json!({"title": "a", "tags": "x", "authors": ["1", "2"], "size": 3, "gone": "g", "body": "b"});
        let record = Record {
            collection: Arc::new(then.clone()),
            values: values.as_object().unwrap().clone(),
        };
        let expected = json!({"headline": "a", "tags": ["x"], "authors": "2", "body": "b"});
        assert_eq!(Value::Object(matching.values(&record)), expected);

        let other_kind = collection(json!({"id": "c2", "name": "articles", "type": "auth"}));
        assert_eq!(other_kind.kind, CollectionKind::Auth);
        let told = Matching::find(&schema, &Schema::new(vec![Arc::new(other_kind.clone())]), &other_kind)
            .err()
            .unwrap();
        assert!(
            told.contains("of the type auth in the backup and of the type base now"),
            "{told}"
        );
        let missing = collection(json!({"id": "c3", "name": "pages", "type": "base"}));
        assert!(
            Matching::find(&schema, &before, &missing)
                .err()
                .unwrap()
                .contains("not there any more")
        );
    }

    /// Values went into the field that had taken over the name, and records into another collection.
    #[test]
    fn what_took_over_a_name_is_not_what_had_it() {
        let fields = json!([{"id": "a1", "name": "a", "type": "text"}, {"id": "b1", "name": "b", "type": "text"}]);
        let posts = collection(json!({"id": "p1", "name": "posts", "type": "base", "fields": fields}));
        let arts = collection(json!({"id": "a1", "name": "arts", "type": "base", "fields": []}));
        let before = Schema::new(vec![Arc::new(posts.clone()), Arc::new(arts)]);
        let renamed = json!([{"id": "a1", "name": "b", "type": "text"}]);
        let now = collection(json!({"id": "p1", "name": "posts", "type": "base", "fields": renamed}));
        let matching = Matching::find(&Schema::new(vec![Arc::new(now)]), &before, &posts).unwrap();
        assert_eq!(matching.lost, ["b"]);
        let record = Record {
            values: json!({"a": "of a", "b": "of b"}).as_object().unwrap().clone(),
            collection: Arc::new(posts.clone()),
        };
        assert_eq!(Value::Object(matching.values(&record)), json!({"b": "of a"}));
        // The collection that was called arts is called posts now.
        let taken = collection(json!({"id": "a1", "name": "posts", "type": "base", "fields": []}));
        assert!(Matching::find(&Schema::new(vec![Arc::new(taken)]), &before, &posts).is_err());
        // One that was made anew under the name is the same.
        let anew = collection(json!({"id": "p2", "name": "posts", "type": "base", "fields": fields}));
        assert!(Matching::find(&Schema::new(vec![Arc::new(anew)]), &before, &posts).is_ok());
    }
}
