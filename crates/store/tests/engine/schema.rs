//! Changes of collections, together with what is stored in them.

use std::sync::Arc;

use bosbase_store::{Collection, CollectionKind, Error, ErrorKind, Store, Subject};
use serde_json::json;

use crate::harness::{Engine, collection, count, create, field, insert};

fn change(store: &Store, old: &Arc<Collection>, new: &Collection) -> Result<Arc<Collection>, Error> {
    let (before, after, id) = (Arc::clone(old), new.clone(), old.id.clone());
    store.write(move |tx| tx.update_collection(&before, &after))?;
    Ok(Arc::clone(store.schema().find(&id).unwrap()))
}

pub fn a_collection_is_made_changed_and_deleted<E: Engine>() {
    let (engine, store) = E::opened();
    let before = store.schema().all().len();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    let kept = insert(&store, &notes, json!({"text": "x"}));
    let mut changed = (*notes).clone();
    "notices".clone_into(&mut changed.name);
    changed
        .fields
        .push(field(json!({"id": "2", "name": "n", "type": "number"})));
    let notices = change(&store, &notes, &changed).unwrap();
    assert!(store.schema().find("notes").is_none());
    let found = store.read(|tx| tx.record(&notices, kept.id())).unwrap().unwrap();
    assert_eq!((found.text("text"), &found.values["n"]), ("x", &json!(0)));
    store.close().unwrap();
    let store = engine.open();
    let notices = Arc::clone(store.schema().find("notices").unwrap());
    assert_eq!(count(&store, &notices), 1);
    store.write(move |tx| tx.delete_collection(&notices)).unwrap();
    assert_eq!(store.schema().all().len(), before);
    create(&store, &collection("notices", &[]));
}

pub fn a_renamed_field_keeps_its_values<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection(
            "notes",
            &[
                json!({"id": "1", "name": "a", "type": "text"}),
                json!({"id": "2", "name": "b", "type": "text"}),
            ],
        ),
    );
    let record = insert(&store, &notes, json!({"a": "1", "b": "2"}));
    let mut changed = (*notes).clone();
    "b".clone_into(&mut changed.fields[1].name);
    "a".clone_into(&mut changed.fields[2].name);
    let notes = change(&store, &notes, &changed).unwrap();
    let found = store.read(|tx| tx.record(&notes, record.id())).unwrap().unwrap();
    assert_eq!((found.text("a"), found.text("b")), ("2", "1"));
}

pub fn a_change_that_fails_leaves_everything_as_it_was<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    let record = insert(&store, &notes, json!({"text": "x"}));
    let (before, schema) = (Arc::clone(&notes), store.schema());
    let failed = store.write(move |tx| {
        let mut changed = (*before).clone();
        changed.fields.truncate(1);
        tx.update_collection(&before, &changed)?;
        tx.create_collection(&collection("more", &[]))?;
        Err::<(), _>(Error::new(ErrorKind::Denied, "testing", "refused"))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(store.schema().all(), schema.all());
    let found = store.read(|tx| tx.record(&notes, record.id())).unwrap().unwrap();
    assert_eq!(found.text("text"), "x");
    create(&store, &collection("more", &[]));
}

pub fn a_refused_index_is_named_by_its_position<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    insert(&store, &notes, json!({"text": "x"}));
    insert(&store, &notes, json!({"text": "x"}));
    for (index, position) in [
        ("CREATE UNIQUE INDEX `of_text` ON `notes` (`text`)", 1),
        ("CREATE INDEX `of_nothing` ON `notes` (`nothing`)", 1),
        ("this is no index", 1),
    ] {
        let mut changed = (*notes).clone();
        changed.indexes = vec!["CREATE INDEX `fine` ON `notes` (`text`)".to_owned(), index.to_owned()];
        let error = change(&store, &notes, &changed).unwrap_err();
        let subject = Subject::Index(position);
        assert_eq!(
            (error.kind(), error.subject()),
            (ErrorKind::InvalidSchema, Some(&subject)),
            "{index}"
        );
    }
    assert!(store.schema().find("notes").unwrap().indexes.is_empty());
}

pub fn a_view_follows_what_it_selects_from<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    let shown = insert(&store, &notes, json!({"text": "shown"}));
    let query = "SELECT id, text FROM notes WHERE text = 'shown'";
    let fields = store.write(move |tx| tx.view_fields(query)).unwrap();
    assert_eq!(
        fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        ["id", "text"]
    );
    let mut view = Collection {
        kind: CollectionKind::View,
        fields,
        ..collection("shown", &[])
    };
    view.options.insert("viewQuery".to_owned(), json!(query));
    let view = create(&store, &view);
    insert(&store, &notes, json!({"text": "hidden"}));
    assert_eq!(count(&store, &view), 1);
    let found = store.read(|tx| tx.record(&view, shown.id())).unwrap().unwrap();
    assert_eq!(found.text("text"), "shown");
    let write = found.clone();
    let error = store.write(move |tx| tx.insert_record(&write)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
    let error = store.write(move |tx| tx.delete_collection(&notes)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
    let error = store.write(|tx| tx.view_fields("SELECT text FROM notes")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
}

pub fn rules_are_checked_before_they_are_stored<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    store
        .read(|tx| {
            tx.validate_rule(&notes, "text ~ 'x' && @request.auth.id != ''")?;
            for rule in ["nothing = 1", "text =", "text = 'x' &&", "@collection.nothing.id = 1"] {
                let error = tx.validate_rule(&notes, rule).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{rule}");
            }
            Ok::<_, Error>(())
        })
        .unwrap();
}
