//! Collections on a real database, as a superuser changes them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::options::AppOptions;
use crate::records::Body;

struct Place {
    app: App,
    root: Caller,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::at(dir.path().join("pb_data"))).unwrap();
        app.accounts()
            .create_superuser("root@example.com", "password1234")
            .unwrap();
        let superusers = app.store().schema().find("_superusers").unwrap().clone();
        let auth = app
            .store()
            .read(|tx| tx.find_record(&superusers, "email", "root@example.com", false))
            .unwrap();
        let root = Caller {
            auth: auth.map(Arc::new),
            ..Caller::default()
        };
        Self { app, root, _dir: dir }
    }

    fn create(&self, definition: &Value) -> Result<String, Error> {
        self.app
            .collections()
            .create(object(definition))
            .map(|made| made.id.clone())
    }

    fn record(&self, collection: &str, values: &Value) {
        let body = Body::from_values(object(values));
        self.app.records().create(collection, &body, "", &self.root).unwrap();
    }

    fn count(&self, collection: &str) -> u64 {
        let collection = self.app.collections().get(collection).unwrap();
        self.app.store().read(|tx| tx.count_records(&collection)).unwrap()
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_definition_that_can_not_stand_leaves_nothing_behind() {
    let place = Place::new();
    let before = place.app.store().schema().all().len();
    let error = place
        .create(&json!({"name": "bad", "fields": [{"type": "text", "name": "a"}], "indexes": ["CREATE INDEX i ON x (missing)"]}))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.data()["indexes"]["0"]["code"],
        "validation_invalid_index_expression"
    );
    assert_eq!(place.app.store().schema().all().len(), before);
    place
        .create(&json!({"name": "bad", "fields": [{"type": "text", "name": "a"}]}))
        .unwrap();
}

#[test]
fn a_renamed_field_keeps_its_values_and_a_dropped_one_goes() {
    let place = Place::new();
    place
        .create(&json!({"name": "notes", "fields": [
            {"type": "text", "name": "a", "id": "keep"}, {"type": "text", "name": "b"},
        ]}))
        .unwrap();
    place.record("notes", &json!({"id": "note00000000001", "a": "kept", "b": "gone"}));
    let fields = json!({"fields": [{"type": "text", "name": "renamed", "id": "keep"}]});
    let changed = place.app.collections().update("notes", object(&fields)).unwrap();
    assert!(changed.field("b").is_none() && changed.field("id").is_some());
    let record = place
        .app
        .store()
        .read(|tx| tx.record(&changed, "note00000000001"))
        .unwrap()
        .unwrap();
    assert_eq!(record.text("renamed"), "kept");
}

#[test]
fn what_others_relate_to_is_not_deleted() {
    let place = Place::new();
    let id = place.create(&json!({"name": "target"})).unwrap();
    let relation = json!({"name": "source", "fields": [{"type": "relation", "name": "to", "collectionId": id}]});
    place.create(&relation).unwrap();
    let error = place.app.collections().delete("target").unwrap_err();
    assert_eq!(
        error.message(),
        "Failed to delete collection probably due to existing reference in source."
    );
    place.app.collections().delete("source").unwrap();
    place.app.collections().delete("target").unwrap();
    assert_eq!(
        place.app.collections().get("target").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        place.app.collections().delete("_superusers").unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn emptying_a_collection_is_deleting_each_of_its_records() {
    let place = Place::new();
    let id = place.create(&json!({"name": "parents"})).unwrap();
    let child = |name: &str, more: Value| {
        let mut field = json!({"type": "relation", "name": "parent", "collectionId": id});
        field.as_object_mut().unwrap().extend(object(&more));
        json!({"name": name, "fields": [field]})
    };
    place
        .create(&child("children", json!({"cascadeDelete": true})))
        .unwrap();
    place.create(&child("friends", json!({}))).unwrap();
    for number in 0..3 {
        let parent = format!("parent00000000{number}");
        place.record("parents", &json!({"id": parent}));
        place.record("children", &json!({"parent": parent}));
        place.record("friends", &json!({"parent": parent}));
    }
    place.app.collections().truncate("parents").unwrap();
    assert_eq!(place.count("parents"), 0);
    assert_eq!(place.count("children"), 0);
    assert_eq!(place.count("friends"), 3);

    place.create(&child("dependants", json!({"required": true}))).unwrap();
    place.record("parents", &json!({"id": "parent000000009"}));
    place.record("dependants", &json!({"parent": "parent000000009"}));
    assert_eq!(
        place.app.collections().truncate("parents").unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(place.count("parents"), 1);
    assert_eq!(
        place.app.collections().truncate("_superusers").unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn an_import_happens_as_a_whole_or_not_at_all() {
    let place = Place::new();
    place.create(&json!({"name": "old"})).unwrap();
    let failing = json!({"collections": [
        {"name": "one"}, {"name": "two", "fields": [{"type": "relation", "name": "r", "collectionId": "nope"}]},
    ], "deleteMissing": true});
    let error = place.app.collections().import(&object(&failing)).unwrap_err();
    assert_eq!(error.message(), "Failed to import collections.");
    assert!(place.app.collections().get("one").is_err() && place.app.collections().get("old").is_ok());

    let good = json!({"collections": [
        {"name": "seen", "type": "view", "viewQuery": "SELECT id FROM one"}, {"name": "one"},
    ], "deleteMissing": true});
    place.app.collections().import(&object(&good)).unwrap();
    assert!(place.app.collections().get("one").is_ok() && place.app.collections().get("seen").is_ok());
    assert!(place.app.collections().get("old").is_err() && place.app.collections().get("_superusers").is_ok());
}

#[test]
fn a_new_auth_rule_ends_the_sessions() {
    let place = Place::new();
    let secret = || place.app.collections().get("users").unwrap().options["authToken"]["secret"].clone();
    let before = secret();
    place
        .app
        .collections()
        .update("users", object(&json!({"listRule": ""})))
        .unwrap();
    assert_eq!(secret(), before);
    place
        .app
        .collections()
        .update("users", object(&json!({"authRule": "verified = true"})))
        .unwrap();
    assert_ne!(secret(), before);
}

/// A hundred comments on one post, asked for over and over along the way there and back, were an answer of 200 MB; a
/// thousand of them were the end of the process.
#[test]
fn relations_taken_there_and_back_do_not_multiply_without_end() {
    let place = Place::new();
    let open = |definition: &Value| {
        let mut definition = object(definition);
        for rule in ["listRule", "viewRule"] {
            definition.insert(rule.to_owned(), json!(""));
        }
        place.create(&Value::Object(definition)).unwrap()
    };
    let posts = open(&json!({"name": "posts", "type": "base", "fields": [{"name": "title", "type": "text"}]}));
    open(&json!({"name": "comments", "type": "base", "fields": [
        {"name": "post", "type": "relation", "collectionId": posts, "maxSelect": 1}
    ]}));
    let post = "aaaaaaaaaaaaaaa";
    place.record("posts", &json!({"id": post, "title": "one"}));
    for _ in 0..60 {
        place.record("comments", &json!({"post": post}));
    }
    let shown = |expand: &str| place.app.records().view("posts", post, expand, &Caller::default());
    let once = shown("comments_via_post.post.comments_via_post").unwrap();
    assert_eq!(once["expand"]["comments_via_post"].as_array().unwrap().len(), 60);
    let error = shown("comments_via_post.post.comments_via_post.post.comments_via_post").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// Ids of 36 characters made the filter that asks for a hundred of them longer than filters may be: nothing was
/// expanded.
#[test]
fn many_relations_with_long_ids_are_expanded() {
    let place = Place::new();
    let id = json!({"name": "id", "type": "text", "primaryKey": true, "required": true, "system": true,
        "min": 36, "max": 36, "pattern": "^[a-z0-9-]+$"});
    let tags = place
        .create(&json!({"name": "tags", "type": "base", "listRule": "", "viewRule": "id != ''", "fields": [id]}))
        .unwrap();
    place
        .create(&json!({"name": "posts", "type": "base", "viewRule": "", "fields": [
            {"name": "tags", "type": "relation", "collectionId": tags, "maxSelect": 200}
        ]}))
        .unwrap();
    let ids: Vec<String> = (0..100).map(|number| format!("{number:036}")).collect();
    for id in &ids {
        place.record("tags", &json!({"id": id}));
    }
    place.record("posts", &json!({"id": "aaaaaaaaaaaaaaa", "tags": ids}));
    let post = place
        .app
        .records()
        .view("posts", "aaaaaaaaaaaaaaa", "tags", &Caller::default())
        .unwrap();
    assert_eq!(post["expand"]["tags"].as_array().unwrap().len(), 100);
}
