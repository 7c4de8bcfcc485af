//! Records on a real database with real files.
#![allow(clippy::disallowed_methods, reason = "a test looks at the hash that was stored")]

use std::io::Write as _;
use std::path::Path;

use bosbase_store::{Collection, Record};
use serde_json::{Map, Value, json};

use super::*;
use crate::app::App;
use crate::caller::Caller;
use crate::options::AppOptions;

struct Fixture {
    app: App,
    dir: tempfile::TempDir,
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn guest() -> Caller {
    Caller::default()
}

impl Fixture {
    /// A data directory with a superuser and the collections `teams` and `posts`.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::at(dir.path().join("pb_data"))).unwrap();
        app.accounts()
            .create_superuser("root@example.com", "password1234")
            .unwrap();
        let fixture = Self { app, dir };
        let teams = fixture.collection(&json!({
            "name": "teams", "type": "base", "viewRule": "public = true",
            "fields": [{"name": "name", "type": "text"}, {"name": "public", "type": "bool"}],
        }));
        fixture.collection(&json!({
            "name": "posts", "type": "base",
            "listRule": "open = true", "viewRule": "open = true", "createRule": "open = true", "updateRule": "open = true",
            "fields": [
                {"name": "title", "type": "text", "min": 2, "required": true},
                {"name": "open", "type": "bool"},
                {"name": "count", "type": "number"},
                {"name": "secret", "type": "text", "hidden": true},
                {"name": "key", "type": "text"},
                {"name": "team", "type": "relation", "collectionId": teams, "maxSelect": 1, "cascadeDelete": true},
                {"name": "friends", "type": "relation", "collectionId": teams, "maxSelect": 5},
                {"name": "file", "type": "file", "maxSelect": 1, "maxSize": 100},
                {"name": "private", "type": "file", "maxSelect": 1, "protected": true},
                {"name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true},
            ],
            "indexes": ["CREATE UNIQUE INDEX idx_posts_key ON posts (key) WHERE key != ''"],
        }));
        fixture
    }

    /// Makes a collection and returns its id.
    fn collection(&self, definition: &Value) -> String {
        self.app.collections().create(object(definition)).unwrap().id.clone()
    }

    fn root(&self) -> Caller {
        let superusers = self.app.store().schema().find(Collection::SUPERUSERS).unwrap().clone();
        let found: bosbase_store::Result<_> = self
            .app
            .store()
            .read(|tx| tx.find_record(&superusers, "email", "root@example.com", false));
        Caller {
            auth: found.unwrap().map(Arc::new),
            ..Caller::default()
        }
    }

    fn stored(&self, collection: &str, id: &str) -> Option<Record> {
        let collection = self.app.store().schema().find(collection).unwrap().clone();
        let found: bosbase_store::Result<_> = self.app.store().read(|tx| tx.record(&collection, id));
        found.unwrap()
    }

    fn create(&self, collection: &str, values: &Value, caller: &Caller) -> Result<Map<String, Value>> {
        self.app
            .records()
            .create(collection, &Body::from_values(object(values)), "", caller)
    }

    fn update(&self, collection: &str, id: &str, values: &Value, caller: &Caller) -> Result<Map<String, Value>> {
        self.app
            .records()
            .update(collection, id, &Body::from_values(object(values)), "", caller)
    }

    /// A body with a file.
    fn upload(&self, values: &Value, key: &str, contents: &[u8]) -> Body {
        let mut receiving = self.app.files().receive("note.txt").unwrap();
        receiving.write_all(contents).unwrap();
        Body {
            values: object(values),
            files: vec![(key.to_owned(), receiving.finish().unwrap())],
        }
    }

    /// Every stored file but the notes beside them.
    fn files(&self) -> Vec<String> {
        fn walk(disk: &dyn bosbase_disk::Disk, dir: &Path, found: &mut Vec<String>) {
            let Ok(entries) = disk.list(dir) else { return };
            for entry in entries {
                let entry = entry.unwrap();
                let path = dir.join(&entry.name);
                if entry.kind == bosbase_disk::FileKind::Directory {
                    walk(disk, &path, found);
                } else if path.extension().is_none_or(|extension| extension != "attrs") {
                    found.push(entry.name.into_string().unwrap());
                }
            }
        }
        let mut found = Vec::new();
        walk(
            self.app.disk().as_ref(),
            &self.dir.path().join("pb_data/storage"),
            &mut found,
        );
        found
    }
}

fn code(error: &Error, field: &str) -> String {
    error.data()[field]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_record_comes_back_as_it_was_sent() {
    let fixture = Fixture::new();
    let made = fixture
        .create(
            "posts",
            &json!({"title": "Hi", "open": "true", "count": "2", "nope": 1}),
            &guest(),
        )
        .unwrap();
    assert_eq!(made["title"], "Hi");
    assert_eq!((&made["open"], &made["count"]), (&json!(true), &json!(2)));
    assert!(!made.contains_key("nope") && !made.contains_key("secret"));
    let id = made["id"].as_str().unwrap();
    assert_eq!(fixture.app.records().view("posts", id, "", &guest()).unwrap(), made);
    let page = fixture
        .app
        .records()
        .list("posts", &ListRequest::default(), &guest())
        .unwrap();
    assert_eq!((page.total_items, page.items), (1, vec![made]));
}

#[test]
fn rules_answer_as_the_wire_says() {
    let fixture = Fixture::new();
    let kind = |result: Result<Map<String, Value>>| result.unwrap_err().kind();
    assert_eq!(
        kind(fixture.create("teams", &json!({}), &guest())),
        ErrorKind::Forbidden,
        "no rule"
    );
    assert_eq!(
        kind(fixture.create("posts", &json!({"title": "Hi"}), &guest())),
        ErrorKind::Invalid
    );
    let closed = fixture
        .create("posts", &json!({"title": "Hi"}), &fixture.root())
        .unwrap();
    let id = closed["id"].as_str().unwrap();
    assert_eq!(
        kind(fixture.app.records().view("posts", id, "", &guest())),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(fixture.update("posts", id, &json!({"open": true}), &guest())),
        ErrorKind::NotFound
    );
    assert_eq!(
        fixture.app.records().delete("posts", id, &guest()).unwrap_err().kind(),
        ErrorKind::Forbidden
    );
    assert!(fixture.stored("posts", id).is_some());
}

#[test]
fn hidden_fields_are_neither_set_nor_shown_by_others() {
    let fixture = Fixture::new();
    let values = json!({"title": "Hi", "open": true, "secret": "x"});
    let made = fixture.create("posts", &values, &guest()).unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(fixture.stored("posts", id).unwrap().text("secret"), "");
    fixture.update("posts", id, &values, &fixture.root()).unwrap();
    fixture
        .update("posts", id, &json!({"secret": "mine"}), &guest())
        .unwrap();
    assert_eq!(fixture.stored("posts", id).unwrap().text("secret"), "x");
    let seen = fixture.app.records().view("posts", id, "", &fixture.root()).unwrap();
    assert_eq!(seen["secret"], "x");
}

#[test]
fn what_is_wrong_is_told_by_field() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let error = fixture
        .create("posts", &json!({"title": "x", "team": "nobody"}), &root)
        .unwrap_err();
    assert_eq!(code(&error, "title"), "validation_min_text_constraint");
    assert_eq!(error.data()["title"]["params"], json!({"min": 2}));
    assert_eq!(code(&error, "team"), "validation_missing_rel_records");
    fixture
        .create("posts", &json!({"title": "Hi", "key": "k"}), &root)
        .unwrap();
    let error = fixture
        .create("posts", &json!({"title": "Hi", "key": "k"}), &root)
        .unwrap_err();
    assert_eq!(code(&error, "key"), "validation_not_unique");
}

#[test]
fn changes_that_come_together_all_count() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let made = fixture.create("posts", &json!({"title": "Hi"}), &root).unwrap();
    let id = made["id"].as_str().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    fixture.update("posts", id, &json!({"count+": 1}), &root).unwrap();
                }
            });
        }
    });
    assert_eq!(fixture.stored("posts", id).unwrap().values["count"], json!(80));
}

#[test]
fn deleting_takes_along_what_can_not_be_without() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let team = fixture.create("teams", &json!({"name": "a"}), &root).unwrap();
    let other = fixture.create("teams", &json!({"name": "b"}), &root).unwrap();
    let body = fixture.upload(&json!({"title": "goes", "team": team["id"]}), "file", b"x");
    let goes = fixture.app.records().create("posts", &body, "", &root).unwrap();
    let values = json!({"title": "stays", "team": other["id"], "friends": [team["id"], other["id"]]});
    let stays = fixture.create("posts", &values, &root).unwrap();
    assert_eq!(fixture.files().len(), 1);
    fixture
        .app
        .records()
        .delete("teams", team["id"].as_str().unwrap(), &root)
        .unwrap();
    assert!(fixture.stored("posts", goes["id"].as_str().unwrap()).is_none());
    let stays = fixture.stored("posts", stays["id"].as_str().unwrap()).unwrap();
    assert_eq!(stays.texts("friends"), [other["id"].as_str().unwrap()]);
    assert!(fixture.files().is_empty(), "the file went with its record");
}

#[test]
fn a_refused_deletion_deletes_nothing() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let teams = fixture.app.store().schema().find("teams").unwrap().id.clone();
    fixture.collection(&json!({
        "name": "needs", "type": "base",
        "fields": [{"name": "team", "type": "relation", "collectionId": teams, "maxSelect": 1, "required": true}],
    }));
    let team = fixture.create("teams", &json!({"name": "a"}), &root).unwrap();
    let id = team["id"].as_str().unwrap();
    let post = fixture
        .create("posts", &json!({"title": "Hi", "team": id}), &root)
        .unwrap();
    fixture.create("needs", &json!({"team": id}), &root).unwrap();
    let error = fixture.app.records().delete("teams", id, &root).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(fixture.stored("teams", id).is_some());
    assert!(fixture.stored("posts", post["id"].as_str().unwrap()).is_some());
}

#[test]
fn a_file_lives_as_long_as_its_record_names_it() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let body = fixture.upload(&json!({"title": "Hi"}), "file", b"one");
    let made = fixture.app.records().create("posts", &body, "", &root).unwrap();
    drop(body);
    assert_eq!(fixture.files(), [made["file"].as_str().unwrap()]);
    let id = made["id"].as_str().unwrap();
    let body = fixture.upload(&json!({}), "file", b"two");
    let changed = fixture.app.records().update("posts", id, &body, "", &root).unwrap();
    drop(body);
    assert_eq!(fixture.files(), [changed["file"].as_str().unwrap()]);
    assert_ne!(changed["file"], made["file"]);
    fixture.update("posts", id, &json!({"file": null}), &root).unwrap();
    assert!(fixture.files().is_empty());
}

#[test]
fn a_refused_record_leaves_no_file() {
    let fixture = Fixture::new();
    let root = fixture.root();
    fixture
        .create("posts", &json!({"title": "Hi", "key": "k"}), &root)
        .unwrap();
    // Refused by the validation, by the size, and by the database when the file lies in place already.
    for (values, contents) in [
        (json!({}), b"x".to_vec()),
        (json!({"title": "Hi"}), vec![0; 101]),
        (json!({"title": "Hi", "key": "k"}), b"x".to_vec()),
    ] {
        let body = fixture.upload(&values, "file", &contents);
        fixture.app.records().create("posts", &body, "", &root).unwrap_err();
        drop(body);
        assert!(fixture.files().is_empty(), "{values}");
    }
    let uploads = fixture.dir.path().join("pb_data/.bosbase/uploads");
    assert_eq!(fixture.app.disk().list(&uploads).unwrap().count(), 0);
}

#[test]
fn a_name_that_was_not_uploaded_is_refused() {
    let fixture = Fixture::new();
    let error = fixture
        .create(
            "posts",
            &json!({"title": "Hi", "file": "../../data.db"}),
            &fixture.root(),
        )
        .unwrap_err();
    assert_eq!(code(&error, "file"), "validation_invalid_file");
}

#[test]
fn a_protected_file_is_for_those_who_may_view_its_record() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let body = fixture.upload(&json!({"title": "Hi"}), "private", b"x");
    let made = fixture.app.records().create("posts", &body, "", &root).unwrap();
    let (id, name) = (made["id"].as_str().unwrap(), made["private"].as_str().unwrap());
    let open = |token: &str, caller: &Caller| fixture.app.records().open_file("posts", id, name, "", token, caller);
    assert_eq!(open("", &guest()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(
        open("", &root).unwrap_err().kind(),
        ErrorKind::NotFound,
        "only a file token counts"
    );
    let token = fixture.app.accounts().file_token(&root).unwrap();
    let RecordFile::Here(found) = open(&token, &guest()).unwrap() else {
        panic!("there is no bucket");
    };
    assert_eq!(found.file.len, 1);
    fixture.update("posts", id, &json!({"open": true}), &root).unwrap();
    assert!(open("", &guest()).is_ok());
}

#[test]
fn a_new_password_ends_old_tokens_and_needs_the_old_one() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let users = json!({"updateRule": "id = @request.auth.id"});
    fixture.app.collections().update("users", object(&users)).unwrap();
    let password = json!({"email": "a@example.com", "password": "12345678", "passwordConfirm": "12345678"});
    let made = fixture.create("users", &password, &root).unwrap();
    let id = made["id"].as_str().unwrap();
    let before = fixture.stored("users", id).unwrap();
    assert!(
        before.text("password").starts_with("$2a$10$"),
        "as PocketBase writes it"
    );
    assert!(before.text("tokenKey").len() >= 30);
    let own = Caller {
        auth: Some(Arc::new(before.clone())),
        ..Caller::default()
    };
    let wanted = json!({"password": "abcdefgh", "passwordConfirm": "abcdefgh"});
    let error = fixture.update("users", id, &wanted, &own).unwrap_err();
    assert_eq!(code(&error, "oldPassword"), "validation_required");
    let mut wanted = wanted;
    wanted["oldPassword"] = json!("wrong");
    let error = fixture.update("users", id, &wanted, &own).unwrap_err();
    assert_eq!(code(&error, "oldPassword"), "validation_invalid_old_password");
    wanted["oldPassword"] = json!("12345678");
    fixture.update("users", id, &wanted, &own).unwrap();
    let after = fixture.stored("users", id).unwrap();
    assert_ne!(before.text("tokenKey"), after.text("tokenKey"));
    assert!(bcrypt::verify("abcdefgh", after.text("password")).unwrap());
    let error = fixture
        .update("users", id, &json!({"email": "b@example.com", "verified": true}), &own)
        .unwrap_err();
    assert_eq!(code(&error, "email"), "validation_values_mismatch");
    assert_eq!(code(&error, "verified"), "validation_values_mismatch");
}

#[test]
fn an_address_is_shown_to_whom_it_belongs() {
    let fixture = Fixture::new();
    let users = json!({"viewRule": ""});
    fixture.app.collections().update("users", object(&users)).unwrap();
    let password = json!({"email": "a@example.com", "password": "12345678", "passwordConfirm": "12345678"});
    let made = fixture.create("users", &password, &fixture.root()).unwrap();
    let id = made["id"].as_str().unwrap();
    let seen = |caller: &Caller| fixture.app.records().view("users", id, "", caller).unwrap();
    let own = Caller {
        auth: fixture.stored("users", id).map(Arc::new),
        ..Caller::default()
    };
    assert!(!seen(&guest()).contains_key("email"));
    assert_eq!(seen(&own)["email"], "a@example.com");
    for caller in [&guest(), &own, &fixture.root()] {
        let seen = seen(caller);
        assert!(!seen.contains_key("password") && !seen.contains_key("tokenKey"));
    }
}

#[test]
fn the_last_superuser_stays() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let id = root.auth.as_ref().unwrap().id().to_owned();
    let error = fixture.app.records().delete("_superusers", &id, &root).unwrap_err();
    assert_eq!(error.message(), "You can't delete the only existing superuser.");
}

#[test]
fn relations_are_expanded_as_far_as_their_rules_allow() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let public = fixture
        .create("teams", &json!({"name": "p", "public": true}), &root)
        .unwrap();
    let private = fixture.create("teams", &json!({"name": "q"}), &root).unwrap();
    let values = json!({"title": "Hi", "open": true, "team": private["id"], "friends": [private["id"], public["id"]]});
    let post = fixture.create("posts", &values, &root).unwrap();
    let id = post["id"].as_str().unwrap();
    let view = |expand: &str, caller: &Caller| fixture.app.records().view("posts", id, expand, caller).unwrap();
    let seen = view("team,friends,nothing", &guest());
    assert_eq!(
        seen["expand"],
        json!({"friends": [public]}),
        "the private team is left out"
    );
    let seen = view("team.posts_via_team.team", &root);
    assert_eq!(
        seen["expand"]["team"]["expand"]["posts_via_team"][0]["expand"]["team"]["name"],
        "q"
    );
    assert!(!view("nothing", &guest()).contains_key("expand"));
}

#[test]
fn the_limit_of_a_body_is_that_of_its_fields() {
    let fixture = Fixture::new();
    let limit = fixture.app.records().body_limit("posts", 1000, true).unwrap();
    assert_eq!(limit, 1000 + 100 + (5 << 20));
    assert_eq!(
        fixture.app.records().body_limit("nothing", 1, true).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
