//! Views of the data: of one moment, and of what was stored.

use std::sync::mpsc::channel;
use std::time::Duration;

use bosbase_store::{Error, ErrorKind, ListQuery, Meter, PageRequest, Record, Requester};
use serde_json::{Value, json};

use crate::harness::{Engine, collection, count, create, insert};

pub fn a_view_is_of_one_moment_whatever_is_written_meanwhile<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    insert(&store, &notes, json!({"text": "before"}));
    store
        .read(|tx| {
            assert_eq!(tx.count_records(&notes)?, 1);
            insert(&store, &notes, json!({"text": "meanwhile"}));
            let mut other = (*notes).clone();
            other.rules.list_rule = Some(String::new());
            let before = notes.clone();
            store.write(move |tx| tx.update_collection(&before, &other))?;
            assert_eq!(tx.count_records(&notes)?, 1);
            assert_eq!(tx.schema().find("notes").unwrap().rules.list_rule, None);
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(count(&store, &notes), 2);
    assert_eq!(
        store.schema().find("notes").unwrap().rules.list_rule.as_deref(),
        Some("")
    );
}

pub fn a_view_waits_for_no_write<E: Engine>() {
    let (_engine, store) = E::opened();
    let (begun, running) = channel();
    let (end, ended) = channel::<()>();
    let ended = std::sync::Mutex::new(ended);
    std::thread::scope(|scope| {
        let write = scope.spawn(|| {
            store.write(move |tx| {
                tx.set_param("a", "1")?;
                let _ = begun.send(());
                let _ = ended.lock().unwrap().recv_timeout(Duration::from_secs(20));
                Ok::<_, Error>(())
            })
        });
        running.recv().unwrap();
        assert_eq!(store.read(|tx| tx.param("a")).unwrap(), None);
        drop(end);
        write.join().unwrap().unwrap();
    });
    assert_eq!(store.read(|tx| tx.param("a")).unwrap().as_deref(), Some("1"));
}

pub fn values_come_back_as_they_were_stored<E: Engine>() {
    let (_engine, store) = E::opened();
    let fields = [
        json!({"id": "1", "name": "select", "type": "text"}),
        json!({"id": "2", "name": "q`u\"o'te", "type": "editor"}),
        json!({"id": "3", "name": "número", "type": "number"}),
        json!({"id": "4", "name": "b", "type": "bool"}),
        json!({"id": "5", "name": "d", "type": "date"}),
        json!({"id": "6", "name": "many", "type": "select", "values": ["a", "b"], "maxSelect": 2}),
        json!({"id": "7", "name": "j", "type": "json"}),
        json!({"id": "8", "name": "g", "type": "geoPoint"}),
    ];
    let all = create(&store, &collection("every `type`\" ünd'", &fields));
    for (given, expected) in [
        (
            json!({
                "select": "from\u{1F600}", "q`u\"o'te": "<p>&'\"`</p>\n", "número": -5.25, "b": true,
                "d": "2024-01-02 03:04:05.678Z", "many": ["a", "b"], "j": {"x": [1, 2.5, null, "ü"]},
                "g": {"lon": 1.5, "lat": -2},
            }),
            None,
        ),
        (
            json!({"número": 9_007_199_254_740_992_i64, "j": [], "many": ["b"]}),
            Some(json!({
                "select": "", "q`u\"o'te": "", "número": 9_007_199_254_740_992_i64, "b": false, "d": "", "many": ["b"], "j": [],
                "g": {"lon": 0, "lat": 0},
            })),
        ),
        (
            json!({}),
            Some(json!({
                "select": "", "q`u\"o'te": "", "número": 0, "b": false, "d": "", "many": [], "j": null,
                "g": {"lon": 0, "lat": 0},
            })),
        ),
    ] {
        let mut expected = expected.unwrap_or_else(|| given.clone());
        let stored = insert(&store, &all, given);
        expected["id"] = json!(stored.id());
        let found = store.read(|tx| tx.record(&all, stored.id())).unwrap().unwrap();
        assert_eq!(Value::Object(found.values), expected);
    }
}

pub fn records_are_found_by_ids_and_by_fields<E: Engine>() {
    let (_engine, store) = E::opened();
    let mut people = collection(
        "people",
        &[
            json!({"id": "1", "name": "name", "type": "text"}),
            json!({"id": "2", "name": "friends", "type": "relation", "collectionId": "id_people", "maxSelect": 9}),
        ],
    );
    people.indexes = vec!["CREATE UNIQUE INDEX `by_name` ON `people` (`name` COLLATE NOCASE)".to_owned()];
    let people = create(&store, &people);
    let ann = insert(&store, &people, json!({"name": "Ann"}));
    let bob = insert(&store, &people, json!({"name": "Bob", "friends": [ann.id()]}));
    store
        .read(|tx| {
            let ids = [bob.id(), "nobody", ann.id()].map(str::to_owned);
            let mut found: Vec<_> = tx
                .records_by_ids(&people, &ids)?
                .iter()
                .map(|one| one.id().to_owned())
                .collect();
            found.sort_unstable();
            let mut expected = [ann.id(), bob.id()];
            expected.sort_unstable();
            assert_eq!(found, expected);
            let by_name = |name, any_case| tx.find_record(&people, "name", name, any_case);
            assert_eq!(by_name("Ann", false)?.as_ref().map(Record::id), Some(ann.id()));
            assert!(by_name("aNN", false)?.is_none());
            assert_eq!(by_name("aNN", true)?.as_ref().map(Record::id), Some(ann.id()));
            assert!(by_name("' OR 1=1 --", true)?.is_none());
            let friends = people.field("friends").unwrap();
            let referring = tx.records_referencing(&people, friends, ann.id(), 10)?;
            assert_eq!(referring.iter().map(Record::id).collect::<Vec<_>>(), [bob.id()]);
            assert!(tx.find_record(&people, "nothing", "x", false).is_err());
            Ok::<_, Error>(())
        })
        .unwrap();
}

pub fn pages_are_cut_and_counted<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "n", "type": "number"})]),
    );
    for n in 0..7 {
        insert(&store, &notes, json!({"n": n}));
    }
    let query = |page, per_page| ListQuery {
        sort: "-n".to_owned(),
        filter: "n > 0".to_owned(),
        page: PageRequest {
            page,
            per_page,
            skip_total: false,
        },
        ..ListQuery::default()
    };
    let page = |query: &ListQuery| {
        let page = store.read(|tx| tx.list_records(&notes, query)).unwrap();
        let numbers: Vec<i64> = page.items.iter().map(|one| one.values["n"].as_i64().unwrap()).collect();
        (page.page, page.per_page, page.total_items, page.total_pages, numbers)
    };
    assert_eq!(page(&query(1, 4)), (1, 4, 6, 2, vec![6, 5, 4, 3]));
    assert_eq!(page(&query(2, 4)), (2, 4, 6, 2, vec![2, 1]));
    assert_eq!(page(&query(3, 4)), (3, 4, 6, 2, vec![]));
    assert_eq!(page(&query(0, 0)), (1, 30, 6, 1, vec![6, 5, 4, 3, 2, 1]));
    assert_eq!(page(&query(u64::MAX, u64::MAX)).1, 1_000);
    let uncounted = ListQuery {
        page: PageRequest::first(2),
        ..query(1, 2)
    };
    assert_eq!(page(&uncounted), (1, 2, -1, -1, vec![6, 5]));
}

/// The total of a whole collection is remembered between two commits.
pub fn a_total_counts_all_that_was_acknowledged_before<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(&store, &collection("notes", &[]));
    let others = create(&store, &collection("others", &[]));
    let total = |of| {
        let page = store.read(|tx| tx.list_records(of, &ListQuery::default())).unwrap();
        page.total_items
    };
    std::thread::scope(|scope| {
        let (end, ended) = channel::<()>();
        // Others ask all the time, so that a number is kept at any moment.
        let asking = scope.spawn(|| {
            let ended = ended;
            let mut last = 0;
            while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                let now = total(&notes);
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
        let mut ids = Vec::new();
        for round in 1..=50 {
            ids.push(insert(&store, &notes, json!({})).id().to_owned());
            assert_eq!((total(&notes), total(&others)), (round, 0));
            let failed: Result<(), Error> = store.write(|tx| {
                tx.set_param("a", "b")?;
                Err(Error::new(ErrorKind::Closed, "a test", "undone"))
            });
            assert!(failed.is_err());
            assert_eq!(total(&notes), round);
        }
        drop(end);
        asking.join().unwrap();
        for (gone, id) in (1..).zip(ids) {
            let of = notes.clone();
            store.write(move |tx| tx.delete_record(&of, &id)).unwrap();
            assert_eq!(total(&notes), 50 - gone);
        }
    });
    assert_eq!(total(&notes), total(&notes));
}

pub fn a_meter_ends_what_reads_too_much<E: Engine>() {
    struct Full;
    impl Meter for Full {
        fn add(&self, bytes: usize) -> bool {
            bytes < 10_000
        }
    }
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection(
            "notes",
            &[json!({"id": "1", "name": "text", "type": "text", "max": 20_000})],
        ),
    );
    let listed = || {
        store.read_list(&Requester::default(), &Full, |tx| {
            let page = tx.list_records(&notes, &ListQuery::default())?;
            Ok::<_, Error>(page.items.len())
        })
    };
    insert(&store, &notes, json!({"text": "x"}));
    assert_eq!(listed().unwrap(), 1);
    insert(&store, &notes, json!({"text": "x".repeat(20_000)}));
    assert_eq!(listed().unwrap_err().kind(), ErrorKind::TooLarge);
}
