//! Rows give way to each other in tables that other programs have a hand in.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::sync::Arc;

use bosbase_store::{Collection, CollectionKind, Error, ReadTx, Record, Store, StoreOptions, new_id};
use serde_json::{Map, Value, json};

/// A store with the collection `posts`, and a connection of another program.
struct Posts {
    _dir: tempfile::TempDir,
    store: Store,
    posts: Arc<Collection>,
    beside: rusqlite::Connection,
}

impl Posts {
    /// With fields beside the id, indexes, and what the other program does.
    fn with(fields: Value, indexes: &[&str], beside: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
        let mut posts = (**store.schema().find("users").unwrap()).clone();
        let id = posts.fields.iter().find(|field| field.name == "id").unwrap().clone();
        posts.kind = CollectionKind::Base;
        (posts.id, posts.name) = ("id_posts".to_owned(), "posts".to_owned());
        posts.fields = serde_json::from_value(fields).unwrap();
        posts.fields.insert(0, id);
        posts.indexes = indexes.iter().map(|sql| (*sql).to_owned()).collect();
        posts.options = Map::new();
        store.write(move |tx| tx.create_collection(&posts)).unwrap();
        let posts = Arc::clone(store.schema().find("posts").unwrap());
        let other = rusqlite::Connection::open(dir.path().join("data.db")).unwrap();
        other.execute_batch(beside).unwrap();
        Self {
            _dir: dir,
            store,
            posts,
            beside: other,
        }
    }

    fn record(&self, values: &Value) -> Record {
        let mut values = values.as_object().unwrap().clone();
        values.insert("id".to_owned(), json!(new_id()));
        Record {
            collection: Arc::clone(&self.posts),
            values,
        }
    }

    /// Stores a record for each of `values`, then gives each the values of the next. Says which records are stuck.
    fn rotate(&self, values: &[Value], then: impl FnOnce(&rusqlite::Connection)) -> Result<Vec<Record>, Error> {
        let records: Vec<Record> = values.iter().map(|values| self.record(values)).collect();
        let stored = records.clone();
        let insert = move |tx: &mut bosbase_store::WriteTx<'_>| stored.iter().try_for_each(|one| tx.insert_record(one));
        self.store.write(insert)?;
        then(&self.beside);
        let next = records.iter().skip(1).chain(records.first());
        let rotated: Vec<Record> = records
            .iter()
            .zip(next)
            .map(|(record, next)| {
                let mut values = next.values.clone();
                values.insert("id".to_owned(), json!(record.id()));
                Record {
                    collection: Arc::clone(&record.collection),
                    values,
                }
            })
            .collect();
        let written = rotated.clone();
        let stuck = self.store.write(move |tx| {
            let stuck: Vec<Record> = tx.give_way(&written)?.into_iter().cloned().collect();
            written.iter().try_for_each(|record| tx.update_record(record))?;
            Ok::<_, Error>(stuck)
        })?;
        for record in rotated {
            let now = self.store.read(|tx| tx.record(&self.posts, record.id()))?;
            assert_eq!(now.unwrap().values, record.values);
        }
        Ok(stuck)
    }

    fn rows(&self, sql: &str) -> Vec<Option<String>> {
        let mut statement = self.beside.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn names() -> Value {
    json!([{"id": "1", "name": "name", "type": "text"}])
}

const UNIQUE_NAME: &str = "CREATE UNIQUE INDEX one ON posts (name)";

/// The rows were deleted and inserted again: a table with `ON DELETE CASCADE` lost those that referred to them.
#[test]
fn what_tables_of_others_refer_to_is_not_deleted() {
    let posts = Posts::with(
        names(),
        &[UNIQUE_NAME],
        "CREATE TABLE gone (post TEXT REFERENCES posts(id) ON DELETE CASCADE);
         CREATE TABLE emptied (post TEXT REFERENCES posts(id) ON DELETE SET NULL);
         CREATE TABLE plain (post TEXT REFERENCES posts(id));
         CREATE TABLE named (name TEXT REFERENCES posts(name) ON UPDATE CASCADE);",
    );
    let refer = |beside: &rusqlite::Connection| {
        for table in ["gone", "emptied", "plain"] {
            beside
                .execute(&format!("INSERT INTO {table} SELECT id FROM posts ORDER BY rowid"), [])
                .unwrap();
        }
        beside.execute("INSERT INTO named VALUES ('a')", []).unwrap();
    };
    let stuck = posts.rotate(
        &[json!({"name": "a"}), json!({"name": "b"}), json!({"name": "c"})],
        refer,
    );
    assert!(stuck.unwrap().is_empty());
    let ids = posts.rows("SELECT id FROM posts ORDER BY rowid");
    for table in ["gone", "emptied", "plain"] {
        assert_eq!(
            posts.rows(&format!("SELECT post FROM {table} ORDER BY rowid")),
            ids,
            "{table}"
        );
    }
    // It says what the record that was called so is called now.
    assert_eq!(posts.rows("SELECT name FROM named"), [Some("b".to_owned())]);
}

/// Values that stand in are the database's own business until they are written over.
#[test]
fn no_trigger_of_others_sees_what_stands_in() {
    let posts = Posts::with(
        names(),
        &[UNIQUE_NAME],
        "CREATE TABLE seen (name TEXT);
         CREATE TRIGGER looks AFTER UPDATE ON posts BEGIN INSERT INTO seen VALUES (new.name); END;",
    );
    posts
        .rotate(&[json!({"name": "a"}), json!({"name": "b"})], |_| {})
        .unwrap();
    assert!(posts.rows("SELECT name FROM seen").is_empty());
    // It is there, and runs for the other program.
    posts
        .beside
        .execute("UPDATE posts SET name = 'c' WHERE name = 'b'", [])
        .unwrap();
    assert_eq!(posts.rows("SELECT name FROM seen"), [Some("c".to_owned())]);
}

#[test]
fn references_that_follow_are_found() {
    for (beside, is_found) in [
        ("CREATE TABLE theirs (name TEXT REFERENCES posts(name))", false),
        (
            "CREATE TABLE theirs (name TEXT REFERENCES posts(name) ON DELETE CASCADE ON UPDATE RESTRICT)",
            false,
        ),
        (
            "CREATE TABLE theirs (name TEXT REFERENCES posts(name) ON UPDATE CASCADE)",
            true,
        ),
        (
            "CREATE TABLE \"it's theirs\" (name TEXT REFERENCES posts(name) ON UPDATE SET NULL)",
            true,
        ),
    ] {
        let posts = Posts::with(names(), &[UNIQUE_NAME], beside);
        let look = |tx: &ReadTx<'_>| {
            assert_eq!(tx.has_following_references()?, is_found, "{beside}");
            Ok::<_, Error>(())
        };
        posts.store.read(look).unwrap();
    }
}

#[test]
fn columns_that_are_no_fields_stay() {
    let posts = Posts::with(
        names(),
        &[UNIQUE_NAME],
        "ALTER TABLE posts ADD COLUMN theirs BLOB; ALTER TABLE posts ADD COLUMN made TEXT AS (name || '!') VIRTUAL;",
    );
    let theirs = |beside: &rusqlite::Connection| {
        beside.execute("UPDATE posts SET theirs = name || '?'", []).unwrap();
    };
    posts
        .rotate(&[json!({"name": "a"}), json!({"name": "b"})], theirs)
        .unwrap();
    let held = posts.rows("SELECT theirs || made FROM posts ORDER BY rowid");
    assert_eq!(held, [Some("a?b!".to_owned()), Some("b?a!".to_owned())]);
}

#[test]
fn values_of_every_kind_are_swapped() {
    let of = |kind: &str| json!([{"id": "1", "name": "v", "type": kind}, {"id": "2", "name": "w", "type": "bool"}]);
    let many = json!([{"id": "1", "name": "v", "type": "select", "values": ["a", "b"], "maxSelect": 2},
                      {"id": "2", "name": "w", "type": "bool"}]);
    for (fields, one, two) in [
        (of("number"), json!(1), json!(2.5)),
        (of("bool"), json!(true), json!(false)),
        (of("json"), json!({"a": 1}), json!(["b"])),
        (of("geoPoint"), json!({"lon": 1, "lat": 2}), json!({"lon": 3, "lat": 4})),
        (of("email"), json!("a@example.com"), json!("b@example.com")),
        (many, json!(["a"]), json!(["b", "a"])),
    ] {
        let posts = Posts::with(fields.clone(), &["CREATE UNIQUE INDEX one ON posts (v, w)"], "");
        let values = [json!({"v": one, "w": true}), json!({"v": two, "w": true})];
        let stuck = posts.rotate(&values, |_| {}).unwrap();
        assert!(stuck.is_empty(), "{fields}");
    }
}

#[test]
fn what_expressions_conditions_and_generated_columns_keep_unique_is_swapped() {
    let fields = json!([
        {"id": "1", "name": "name", "type": "text"},
        {"id": "2", "name": "owner", "type": "text"},
        {"id": "3", "name": "main", "type": "bool"},
        {"id": "4", "name": "spare", "type": "bool"},
        {"id": "5", "name": "data", "type": "json"},
    ]);
    let post = |name: &str, main: bool| json!({"name": name, "owner": "o", "main": main, "spare": !main, "data": {"slug": name}});
    for (indexes, beside) in [
        (vec!["CREATE UNIQUE INDEX one ON posts (lower(name))"], ""),
        (
            vec!["CREATE UNIQUE INDEX one ON posts (json_extract(data, '$.slug'))"],
            "",
        ),
        (vec!["CREATE UNIQUE INDEX one ON posts (name) WHERE name != ''"], ""),
        (
            vec![
                "CREATE UNIQUE INDEX one ON posts (owner) WHERE main",
                "CREATE UNIQUE INDEX two ON posts (owner) WHERE spare",
            ],
            "",
        ),
        (
            vec![],
            "ALTER TABLE posts ADD COLUMN made TEXT AS (name || owner) VIRTUAL; CREATE UNIQUE INDEX one ON posts (made)",
        ),
    ] {
        let posts = Posts::with(fields.clone(), &indexes, beside);
        let stuck = posts.rotate(&[post("A", true), post("b", false)], |_| {}).unwrap();
        assert!(stuck.is_empty(), "{indexes:?} {beside}");
    }
}

#[test]
fn a_row_that_can_hold_nothing_else_is_told() {
    let fields = json!([{"id": "1", "name": "rank", "type": "number"}]);
    let checked = "DROP TABLE posts; CREATE TABLE posts (id TEXT PRIMARY KEY, rank NUMERIC UNIQUE CHECK (rank < 3))";
    let posts = Posts::with(fields, &[], checked);
    let (one, two) = (posts.record(&json!({"rank": 1})), posts.record(&json!({"rank": 2})));
    let stored = [one.clone(), two.clone()];
    let insert = move |tx: &mut bosbase_store::WriteTx<'_>| stored.iter().try_for_each(|one| tx.insert_record(one));
    posts.store.write(insert).unwrap();
    let two_id = two.id().to_owned();
    let mut then = [two, one.clone()];
    then[0].values.insert("rank".to_owned(), json!(1));
    then[1].values.insert("rank".to_owned(), json!(2));
    let give_way = move |tx: &mut bosbase_store::WriteTx<'_>| {
        let stuck = tx.give_way(&then)?;
        Ok::<_, Error>(stuck.into_iter().map(|one| one.id().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(posts.store.write(give_way).unwrap(), [two_id, one.id().to_owned()]);
    assert_eq!(
        posts.store.read(|tx| tx.record(&posts.posts, one.id())).unwrap(),
        Some(one)
    );
}
