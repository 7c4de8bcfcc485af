//! Collections: what a changed definition does to the records that are there.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::sync::Arc;

use bosbase_store::{
    Collection, CollectionKind, Error, ErrorKind, Field, FieldKind, Record, Rules, Store, StoreOptions, Subject,
    new_id, now,
};
use serde_json::{Map, Value, json};

fn field(json: Value) -> Field {
    serde_json::from_value(json).unwrap()
}

fn id_field() -> Field {
    field(
        json!({"id": "text3208210256", "name": "id", "type": "text", "primaryKey": true, "required": true, "system": true}),
    )
}

fn collection(name: &str, fields: Vec<Field>) -> Collection {
    Collection {
        id: format!("id_{name}"),
        name: name.to_owned(),
        kind: CollectionKind::Base,
        system: false,
        fields: [vec![id_field()], fields].concat(),
        indexes: Vec::new(),
        rules: Rules::default(),
        options: Map::new(),
        created: now(),
        updated: now(),
    }
}

fn view(name: &str, query: &str, store: &Store) -> Collection {
    let asked = query.to_owned();
    let fields = store.write(move |tx| tx.view_fields(&asked)).unwrap();
    let mut options = Map::new();
    options.insert("viewQuery".into(), json!(query));
    Collection {
        kind: CollectionKind::View,
        fields,
        options,
        ..collection(name, Vec::new())
    }
}

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    (dir, store)
}

fn create(store: &Store, collection: &Collection) -> Arc<Collection> {
    let (made, id) = (collection.clone(), collection.id.clone());
    store.write(move |tx| tx.create_collection(&made)).unwrap();
    Arc::clone(store.schema().find(&id).unwrap())
}

fn change(store: &Store, old: &Arc<Collection>, new: Collection) -> Result<Arc<Collection>, Error> {
    let (before, id) = (Arc::clone(old), old.id.clone());
    store.write(move |tx| tx.update_collection(&before, &new))?;
    Ok(Arc::clone(store.schema().find(&id).unwrap()))
}

fn insert(store: &Store, collection: &Arc<Collection>, values: Value) -> String {
    let Value::Object(mut values) = values else {
        panic!("values are an object")
    };
    let id = new_id();
    values.insert("id".into(), json!(id));
    let record = Record {
        collection: Arc::clone(collection),
        values,
    };
    store.write(move |tx| tx.insert_record(&record)).unwrap();
    id
}

fn read(store: &Store, collection: &Arc<Collection>, id: &str) -> Record {
    store.read(|tx| tx.record(collection, id)).unwrap().unwrap()
}

#[test]
fn values_of_every_type_come_back_as_they_were() {
    let (_dir, store) = open();
    let all = create(
        &store,
        &collection(
            "every `type`\" ünd'",
            [
                json!({"id":"1","name":"select","type":"text"}),
                json!({"id":"2","name":"q`u\"o'te","type":"editor"}),
                json!({"id":"3","name":"número","type":"number"}),
                json!({"id":"4","name":"b","type":"bool"}),
                json!({"id":"5","name":"d","type":"date"}),
                json!({"id":"6","name":"one","type":"select","values":["a","b"],"maxSelect":1}),
                json!({"id":"7","name":"many","type":"select","values":["a","b"],"maxSelect":2}),
                json!({"id":"8","name":"j","type":"json"}),
                json!({"id":"9","name":"g","type":"geoPoint"}),
                json!({"id":"10","name":"f","type":"file","maxSelect":3}),
            ]
            .map(field)
            .to_vec(),
        ),
    );
    let given = json!({
        "select": "from", "q`u\"o'te": "<p>&'\"`</p>", "número": 5, "b": true, "d": "2024-01-02 03:04:05.678Z", "one": "a",
        "many": ["a", "b"], "j": {"x": [1, 2.5, null, "ü"]}, "g": {"lon": 1.5, "lat": -2}, "f": ["x.png"],
    });
    let id = insert(&store, &all, given.clone());
    let mut expected = given;
    expected["id"] = json!(id);
    assert_eq!(Value::Object(read(&store, &all, &id).values), expected);

    let id = insert(&store, &all, json!({}));
    assert_eq!(
        Value::Object(read(&store, &all, &id).values),
        json!({
            "id": id, "select": "", "q`u\"o'te": "", "número": 0, "b": false, "d": "", "one": "", "many": [], "j": null,
            "g": {"lon": 0, "lat": 0}, "f": [],
        })
    );
}

#[test]
fn a_changed_definition_keeps_the_values_of_the_fields_that_stay() {
    let (_dir, store) = open();
    let mut first = collection(
        "posts",
        [
            json!({"id":"a","name":"name","type":"text"}),
            json!({"id":"b","name":"title","type":"text"}),
            json!({"id":"c","name":"gone","type":"text"}),
            json!({"id":"d","name":"tags","type":"select","values":["x","y"],"maxSelect":1}),
            json!({"id":"e","name":"people","type":"relation","collectionId":"_pb_users_auth_","maxSelect":5}),
        ]
        .map(field)
        .to_vec(),
    );
    first.indexes = vec!["CREATE UNIQUE INDEX idx_name ON posts (name)".into()];
    let first = create(&store, &first);
    let id = insert(
        &store,
        &first,
        json!({"name": "N", "title": "T", "gone": "G", "tags": "x", "people": ["p1", "p2"]}),
    );
    let seen = create(&store, &view("seen", "SELECT id, gone FROM posts", &store));

    let mut second = (*first).clone();
    second.name = "articles".into();
    second.fields = vec![
        id_field(),
        field(json!({"id":"b","name":"name","type":"text"})),
        field(json!({"id":"a","name":"title","type":"text"})),
        field(json!({"id":"d","name":"tags","type":"select","values":["x","y"],"maxSelect":2})),
        field(json!({"id":"e","name":"people","type":"relation","collectionId":"_pb_users_auth_","maxSelect":1})),
        field(json!({"id":"f","name":"new","type":"number"})),
    ];
    second.indexes = vec!["CREATE UNIQUE INDEX idx_name ON posts (title)".into()];
    // A view needs the column that goes: nothing of the change may stay.
    let error = change(&store, &first, second.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema, "{error}");
    assert_eq!(read(&store, &first, &id).text("gone"), "G");
    assert!(store.schema().find("articles").is_none());

    store.write(move |tx| tx.delete_collection(&seen)).unwrap();
    let second = change(&store, &first, second).unwrap();
    let record = read(&store, &second, &id);
    assert_eq!(
        Value::Object(record.values),
        json!({"id": id, "name": "T", "title": "N", "tags": ["x"], "people": "p2", "new": 0})
    );
    let twin = Record {
        collection: Arc::clone(&second),
        values: [("id".to_owned(), json!(new_id())), ("title".to_owned(), json!("N"))]
            .into_iter()
            .collect(),
    };
    let error = store.write(move |tx| tx.insert_record(&twin)).unwrap_err();
    assert_eq!(error.subject(), Some(&Subject::Columns(vec!["title".to_owned()])));

    // Only the spelling changes.
    let third = Collection {
        name: "Articles".into(),
        ..(*second).clone()
    };
    let third = change(&store, &second, third).unwrap();
    assert_eq!(read(&store, &third, &id).text("name"), "T");
}

#[test]
fn an_index_that_sqlite_refuses_is_named_and_undoes_the_change() {
    let (_dir, store) = open();
    let posts = create(
        &store,
        &collection("posts", vec![field(json!({"id":"a","name":"t","type":"text"}))]),
    );
    let mut changed = (*posts).clone();
    changed.indexes = vec![
        "CREATE INDEX i ON posts (t)".into(),
        "CREATE INDEX foo ON posts (nope)".into(),
    ];
    let error = change(&store, &posts, changed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
    assert_eq!(error.subject(), Some(&Subject::Index(1)));
    assert_eq!(
        error.detail(),
        "Failed to create index foo - SQL logic error: no such column: nope (1)."
    );
    assert_eq!(store.schema().find("posts").unwrap().indexes, Vec::<String>::new());
}

#[test]
fn a_view_has_the_fields_of_what_it_selects() {
    let (_dir, store) = open();
    let posts = create(
        &store,
        &collection(
            "every",
            [
                json!({"id":"a","name":"t","type":"text","max":7}),
                json!({"id":"b","name":"n","type":"number"}),
                json!({"id":"c","name":"r1","type":"relation","collectionId":"_pb_users_auth_","maxSelect":1}),
            ]
            .map(field)
            .to_vec(),
        ),
    );
    let id = insert(&store, &posts, json!({"t": "x", "n": 5.5}));
    let seen = create(
        &store,
        &view(
            "v1",
            "select (ROW_NUMBER() OVER()) as id, e.t, n as num, count(*) as c, cast(n as text) as ct, cast(t as int) ci, \
             (select 1) as e, e.id as eid, u.email mail from every e left join users u on u.id = e.r1 group by e.id",
            &store,
        ),
    );
    let kinds: Vec<(&str, &str)> = seen.fields.iter().map(|f| (f.name.as_str(), f.kind.name())).collect();
    assert_eq!(
        kinds,
        [
            ("id", "text"),
            ("t", "text"),
            ("num", "number"),
            ("c", "number"),
            ("ct", "text"),
            ("ci", "number"),
            ("e", "json"),
            ("eid", "relation"),
            ("mail", "email"),
        ]
    );
    assert!(matches!(seen.fields[1].kind, FieldKind::Text { max: 7, .. }));
    assert!(seen.fields[1].id.starts_with("_clone_"));
    let record = read(&store, &seen, "1");
    assert_eq!(
        Value::Object(record.values),
        json!({"id": "1", "t": "x", "num": 5.5, "c": 1, "ct": "5.5", "ci": 0, "e": 1, "eid": id, "mail": ""})
    );

    // A field that the view takes over changes: so does the view's.
    let mut changed = (*posts).clone();
    changed.fields[1] = field(json!({"id":"a","name":"t","type":"text","max":9}));
    change(&store, &posts, changed).unwrap();
    let schema = store.schema();
    assert!(matches!(
        schema.find("v1").unwrap().fields[1].kind,
        FieldKind::Text { max: 9, .. }
    ));

    // A renamed table takes its views along.
    let posts = Arc::clone(schema.find("every").unwrap());
    let renamed = Collection {
        name: "every2".into(),
        ..(*posts).clone()
    };
    change(&store, &posts, renamed).unwrap();
    assert_eq!(read(&store, &seen, "1").text("t"), "x");

    // What a view needs can't be deleted.
    let schema = store.schema();
    let posts = Arc::clone(schema.find("every2").unwrap());
    let error = store.write(move |tx| tx.delete_collection(&posts)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
    assert_eq!(read(&store, &seen, "1").text("t"), "x");
}

#[test]
fn a_views_query_is_refused_in_pocketbases_words() {
    let (_dir, store) = open();
    let posts = create(
        &store,
        &collection("every", vec![field(json!({"id":"a","name":"t","type":"text"}))]),
    );
    insert(&store, &posts, json!({}));
    insert(&store, &posts, json!({}));
    for (query, message) in [
        (
            "select t from every",
            "missing required id column (you can use `(ROW_NUMBER() OVER()) as id` if you don't have one)",
        ),
        (
            "select * from every",
            "wildcard columns (*) are not supported - manually type the collection field names you want the view query to have",
        ),
        (
            "select id, nope from every",
            "SQL logic error: no such column: nope (1)",
        ),
        (
            "select id from every; select 1",
            "multiple statements are not supported",
        ),
        (
            "select id, t || 'a' as conc from every",
            "invalid identifier parts [t || 'a' as conc]",
        ),
        (
            "select 1 as id, t from every",
            "the query could return records with non-unique ids",
        ),
        (
            "select id from every) ; delete from every where (1",
            "unbalanced parenthesis",
        ),
    ] {
        let checked = store.write(move |tx| tx.view_fields(query).and_then(|_| tx.check_view_ids(query)));
        let error = checked.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSchema);
        assert_eq!(error.detail(), message, "{query}");
    }
    assert_eq!(store.read(|tx| tx.count_records(&posts)).unwrap(), 2);
}

#[test]
fn records_that_refer_to_another_are_found() {
    let (_dir, store) = open();
    let posts = create(
        &store,
        &collection(
            "posts",
            [
                json!({"id":"a","name":"one","type":"relation","collectionId":"x","maxSelect":1}),
                json!({"id":"b","name":"many","type":"relation","collectionId":"x","maxSelect":3}),
            ]
            .map(field)
            .to_vec(),
        ),
    );
    let first = insert(&store, &posts, json!({"one": "r1", "many": ["r2", "r3"]}));
    insert(&store, &posts, json!({"one": "r2", "many": []}));
    for (name, id, found) in [("one", "r1", 1), ("many", "r3", 1), ("many", "r1", 0), ("one", "r3", 0)] {
        let field = posts.field(name).unwrap();
        let records = store.read(|tx| tx.records_referencing(&posts, field, id, 10)).unwrap();
        assert_eq!(records.len(), found, "{name} {id}");
        assert!(records.iter().all(|record| record.id() == first));
    }
}
