//! Records asked for by rules and filters, over a store that was just made.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a failed unwrap fails the test; the names document it"
)]

use std::sync::Arc;

use bosbase_store::{Collection, ErrorKind, ListQuery, PageRequest, Record, RequestContext, Store, StoreOptions};
use serde_json::{Map, Value, json};

fn collection(definition: Value) -> Collection {
    serde_json::from_value(definition).unwrap()
}

/// Posts, and comments on them, in a store of its own.
fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let id = json!({"id": "text1", "name": "id", "type": "text", "primaryKey": true, "required": true, "system": true});
    let posts = collection(json!({
        "id": "pbc_posts", "name": "posts", "type": "base", "listRule": "",
        "fields": [
            id,
            {"id": "text2", "name": "title", "type": "text"},
            {"id": "text3", "name": "secret", "type": "text", "hidden": true},
            {"id": "number1", "name": "count", "type": "number"},
        ],
    }));
    let comments = collection(json!({
        "id": "pbc_comments", "name": "comments", "type": "base", "listRule": null,
        "fields": [
            id,
            {"id": "text4", "name": "text", "type": "text"},
            {"id": "relation1", "name": "post", "type": "relation", "collectionId": "pbc_posts", "maxSelect": 1},
        ],
    }));
    store
        .write::<_, bosbase_store::Error>(move |tx| {
            tx.create_collection(&posts)?;
            tx.create_collection(&comments)?;
            for (collection, values) in [
                ("posts", json!({"id": "a", "title": "One", "secret": "x", "count": 1})),
                ("posts", json!({"id": "b", "title": "Two", "secret": "y", "count": 2})),
                ("posts", json!({"id": "c", "title": "", "secret": "", "count": 3})),
                ("comments", json!({"id": "k", "text": "hi", "post": "a"})),
                ("comments", json!({"id": "l", "text": "hi", "post": "a"})),
                ("comments", json!({"id": "m", "text": "ho", "post": "b"})),
                ("comments", json!({"id": "n", "text": "hi", "post": "b"})),
            ] {
                let collection = Arc::clone(tx.schema().find(collection).unwrap());
                let values: Map<String, Value> = serde_json::from_value(values).unwrap();
                tx.insert_record(&Record { collection, values })?;
            }
            Ok(())
        })
        .unwrap();
    (dir, store)
}

fn ids(store: &Store, query: &ListQuery) -> Result<String, bosbase_store::Error> {
    store.read(|tx| {
        let posts = tx.schema().find("posts").unwrap();
        let page = tx.list_records(posts, query)?;
        Ok(page.items.iter().map(Record::id).collect())
    })
}

#[test]
fn a_list_is_filtered_sorted_counted_and_paged() {
    let (_dir, store) = store();
    let query = ListQuery {
        filter: "count > 0".into(),
        sort: "-count".into(),
        page: PageRequest {
            per_page: 2,
            ..PageRequest::default()
        },
        ..ListQuery::default()
    };
    assert_eq!(ids(&store, &query).unwrap(), "cb");
    assert_eq!(
        ids(
            &store,
            &ListQuery {
                page: PageRequest { page: 2, ..query.page },
                ..query.clone()
            }
        )
        .unwrap(),
        "a"
    );
    let (total, pages) = store
        .read::<_, bosbase_store::Error>(|tx| {
            let page = tx.list_records(tx.schema().find("posts").unwrap(), &query)?;
            Ok((page.total_items, page.total_pages))
        })
        .unwrap();
    assert_eq!((total, pages), (3, 2));
}

#[test]
fn every_one_of_several_must_match_unless_any_is_enough() {
    let (_dir, store) = store();
    for (filter, expected) in [
        ("comments_via_post.text = 'hi'", "a"),
        ("comments_via_post.text ?= 'hi'", "ab"),
        ("comments_via_post.text ?= 'ho'", "b"),
    ] {
        let query = ListQuery {
            filter: filter.into(),
            sort: "id".into(),
            allow_hidden: true,
            ..ListQuery::default()
        };
        assert_eq!(ids(&store, &query).unwrap(), expected, "{filter}");
    }
}

#[test]
fn what_a_client_may_not_see_it_may_not_filter_or_sort_by() {
    let (_dir, store) = store();
    for (filter, sort) in [
        ("secret = 'x'", ""),
        ("", "secret"),
        ("comments_via_post.text ?= 'hi'", ""),
        ("@collection.comments.text ?= 'hi'", ""),
        ("@request.method = ''", ""),
    ] {
        let query = ListQuery {
            filter: filter.into(),
            sort: sort.into(),
            ..ListQuery::default()
        };
        assert_eq!(
            ids(&store, &query).unwrap_err().kind(),
            ErrorKind::InvalidQuery,
            "{filter}{sort}"
        );
        let as_superuser = ListQuery {
            allow_hidden: true,
            ..query
        };
        ids(&store, &as_superuser).unwrap();
    }
    let rule = ListQuery {
        rule: Some("secret = 'x'".into()),
        ..ListQuery::default()
    };
    assert_eq!(ids(&store, &rule).unwrap(), "a");
}

#[test]
fn a_filter_that_joins_more_than_the_database_can_is_refused() {
    let (_dir, store) = store();
    let joining = |tables: usize| ListQuery {
        filter: (0..tables)
            .map(|n| format!("@collection.posts:a{n}.id ?!= ''"))
            .collect::<Vec<_>>()
            .join("||"),
        allow_hidden: true,
        page: PageRequest::first(1),
        ..ListQuery::default()
    };
    assert!(ids(&store, &joining(10)).is_ok());
    assert_eq!(ids(&store, &joining(70)).unwrap_err().kind(), ErrorKind::InvalidQuery);
}

#[test]
fn a_record_is_judged_before_it_is_stored() {
    let (_dir, store) = store();
    let context = RequestContext {
        body: serde_json::from_value(json!({"title": "New"})).unwrap(),
        ..RequestContext::default()
    };
    store
        .read::<_, bosbase_store::Error>(|tx| {
            let posts = tx.schema().find("posts").unwrap();
            let candidate = Record {
                collection: Arc::clone(posts),
                values: serde_json::from_value(json!({"title": "New", "count": 7})).unwrap(),
            };
            for (rule, expected) in [
                ("", true),
                ("title = 'New' && count = 7", true),
                ("id != ''", true),
                (
                    "@request.body.title:isset = true && @request.body.count:isset = false",
                    true,
                ),
                ("@request.body.title = title", true),
                ("count < 7", false),
                ("@request.auth.id != ''", false),
                ("@collection.posts.title ?= 'One'", true),
                ("@collection.posts.title ?= 'New'", false),
            ] {
                assert_eq!(tx.candidate_matches(&candidate, rule, &context)?, expected, "{rule}");
            }
            assert!(tx.candidate_matches(&candidate, "nope = 1", &context).is_err());
            let nobody_refers_to_it_yet = "comments_via_post.id = ''";
            assert!(
                tx.candidate_matches(&candidate, nobody_refers_to_it_yet, &context)
                    .is_err()
            );
            assert!(tx.record_matches(posts, "a", "title = 'One'", &context)?);
            let mut was = tx.record(posts, "a")?.unwrap();
            was.values.insert("title".into(), "Before".into());
            let told = |filter: &str| ListQuery {
                rule: Some("title = 'Before' && comments_via_post.text = 'hi'".into()),
                filter: filter.into(),
                ..ListQuery::default()
            };
            assert!(tx.state_matches(&was, &told("count = 1"))?);
            assert!(!tx.state_matches(&was, &told("count = 2"))?);
            assert!(tx.state_matches(&was, &told("secret = 'x'")).is_err());
            was.values.insert("id".into(), "gone".into());
            assert!(!tx.state_matches(&was, &told(""))?);
            assert!(!tx.record_matches(posts, "b", "title = 'One'", &context)?);
            assert!(!tx.record_matches(posts, "missing", "", &context)?);
            assert!(tx.validate_rule(posts, "@request.auth.anything = title").is_ok());
            let error = tx.validate_rule(posts, "missing = 1").unwrap_err();
            assert_eq!(
                error.detail(),
                "invalid left operand \"missing\" - unknown field \"missing\""
            );
            Ok(())
        })
        .unwrap();
}
