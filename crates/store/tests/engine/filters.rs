//! PocketBase's own answers to several hundred filters and rules, recorded by `tests/filters/record.py`, asked again
//! here.

use std::collections::BTreeSet;
use std::sync::Arc;

use bosbase_store::{
    Collection, Error, Filter, Headers, ListQuery, PageRequest, ReadTx, Record, RequestContext, Store, normalize_date,
    superuser_only_part,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::harness::{Engine, collection, create, insert};

#[derive(Deserialize)]
struct Recorded {
    collections: Vec<Value>,
    records: Vec<RecordedRecord>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct RecordedRecord {
    collection: String,
    record: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Case {
    kind: String,
    collection: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    body: Map<String, Value>,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(rename = "as")]
    who: String,
    expected: Value,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../tests/filters/expected.json")).unwrap()
}

fn filled<E: Engine>(recorded: &Recorded) -> (E, Store) {
    let (engine, store) = E::opened();
    let collections: Vec<Collection> = recorded
        .collections
        .iter()
        .map(|definition| {
            let mut collection: Collection = serde_json::from_value(definition.clone()).unwrap();
            if let Some(query) = definition.get("viewQuery") {
                collection.options.insert("viewQuery".into(), query.clone());
            }
            collection
        })
        .collect();
    let rows: Vec<(String, Map<String, Value>)> = recorded
        .records
        .iter()
        .map(|row| {
            let mut values = row.record.clone();
            // Never shown.
            values.insert("tokenKey".into(), values["id"].clone());
            values.insert("password".into(), "a hash".into());
            (row.collection.clone(), values)
        })
        .collect();
    store
        .write::<_, Error>(move |tx| {
            for collection in &collections {
                tx.create_collection(collection)?;
            }
            for (name, values) in &rows {
                let collection = Arc::clone(tx.schema().find(name).unwrap());
                let values = values.clone();
                tx.insert_record(&Record { collection, values })?;
            }
            Ok(())
        })
        .unwrap();
    (engine, store)
}

fn set_list_rule(store: &Store, name: &str, rule: &str) {
    let (name, rule) = (name.to_owned(), rule.to_owned());
    store
        .write::<_, Error>(move |tx| {
            let old = Arc::clone(tx.schema().find(&name).unwrap());
            let mut new = Collection::clone(&old);
            new.rules.list_rule = Some(rule.clone());
            tx.update_collection(&old, &new)
        })
        .unwrap();
}

/// Who asks a case's question.
fn asker(tx: &ReadTx<'_>, who: &str) -> Option<Record> {
    let found = |collection: &str, values: Value| Record {
        collection: Arc::clone(tx.schema().find(collection).unwrap()),
        values: serde_json::from_value(values).unwrap(),
    };
    match who {
        "guest" => None,
        "superuser" => Some(found(
            "_superusers",
            json!({"id": "root00000000000", "email": "a@example.com", "verified": true}),
        )),
        name => {
            let people = tx.schema().find("people").unwrap();
            Some(tx.find_record(people, "name", name, false).unwrap().unwrap())
        }
    }
}

/// What our store says, in the form of the record.
fn answer(tx: &ReadTx<'_>, case: &Case) -> Value {
    let collection = tx.schema().find(&case.collection).unwrap();
    let superuser = case.who == "superuser";
    let context = RequestContext {
        context: "default".into(),
        method: match case.kind.as_str() {
            "update" => "PATCH",
            "create" => "POST",
            _ => "GET",
        }
        .into(),
        query: case.query.clone(),
        headers: Headers::from(Map::from_iter([("x_demo".to_owned(), json!("yes"))])),
        body: case.body.clone(),
        auth: asker(tx, &case.who).map(Arc::new),
    };
    let listed = |rule: Option<String>| {
        if !superuser
            && (rule.is_none()
                || superuser_only_part(&case.filter)
                    .or(superuser_only_part(&case.sort))
                    .is_some())
        {
            return json!({"status": 403});
        }
        let query = ListQuery {
            filter: case.filter.clone(),
            rule: rule.filter(|_| !superuser),
            sort: case.sort.clone(),
            page: PageRequest {
                per_page: 500,
                ..PageRequest::default()
            },
            context: context.clone(),
            allow_hidden: superuser,
            ..ListQuery::default()
        };
        match tx.list_records(collection, &query) {
            Ok(page) => {
                let mut ids: Vec<&str> = page.items.iter().map(Record::id).collect();
                if case.sort.is_empty() {
                    ids.sort_unstable();
                }
                json!({"status": 200, "ids": ids, "total": page.total_items})
            }
            Err(error) => json!({"status": 400, "why": error.to_string()}),
        }
    };
    if case.kind != "filter"
        && !case.rule.is_empty()
        && let Err(error) = tx.validate_rule(collection, &case.rule)
    {
        return json!({"status": 400, "invalid": format!("Invalid rule. Raw error: {}.", error.detail())});
    }
    let candidate = || {
        let mut values = case.body.clone();
        if let Some(Value::String(day)) = values.get_mut("day") {
            *day = normalize_date(day);
        }
        Record {
            collection: Arc::clone(collection),
            values,
        }
    };
    let (allowed, denied) = match case.kind.as_str() {
        "filter" => return listed(collection.rules.list_rule.clone()),
        "rule" => return listed(Some(case.rule.clone())),
        "update" => (tx.record_matches(collection, &case.id, &case.rule, &context), 404),
        "create" => (tx.candidate_matches(&candidate(), &case.rule, &context), 400),
        other => panic!("unknown kind {other}"),
    };
    json!({"status": if allowed.unwrap_or(false) { 200 } else { denied }})
}

pub fn every_recorded_answer_of_pocketbase_is_ours_too<E: Engine>() {
    let recorded = recorded();
    let (_engine, store) = filled::<E>(&recorded);
    let mut wrong = Vec::new();
    for case in &recorded.cases {
        // A client's filter on related records obeys their list rule, which is the one in question when they are of the
        // same collection.
        let related = case.kind == "rule" && !case.filter.is_empty();
        if related {
            set_list_rule(&store, &case.collection, &case.rule);
        }
        let mut ours = store.read::<_, Error>(|tx| Ok(answer(tx, case))).unwrap();
        if related {
            set_list_rule(&store, &case.collection, "");
        }
        let why = ours.as_object_mut().unwrap().remove("why");
        if ours != case.expected {
            let Case {
                kind,
                who,
                rule,
                filter,
                sort,
                body,
                expected,
                ..
            } = case;
            wrong.push(format!(
                "{kind} of {} as {who}: {rule} | {filter} | {sort} | {}\n  theirs {expected}\n  ours   {ours} {}",
                case.collection,
                Value::from(body.clone()),
                why.unwrap_or_default()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} answers differ:\n{}",
        wrong.len(),
        recorded.cases.len(),
        wrong.join("\n")
    );
}

/// Two filters that work must work together: either of them finds what one of them finds, both find nothing beyond
/// that.
pub fn any_two_filters_can_be_combined<E: Engine>() {
    let recorded = recorded();
    let (_engine, store) = filled::<E>(&recorded);
    let known: Vec<Case> = recorded
        .cases
        .iter()
        .filter(|case| case.kind == "filter" && case.collection == "posts" && case.who == "superuser")
        .filter(|case| case.expected["status"] == 200 && case.sort.is_empty() && case.filter.len() < 400)
        .cloned()
        .collect();
    let ids = |answer: &Value| -> BTreeSet<String> { serde_json::from_value(answer["ids"].clone()).unwrap() };
    let pairs = (prop::sample::select(known.clone()), prop::sample::select(known));
    TestRunner::deterministic()
        .run(&pairs, |(one, other)| {
            let combined = |join: &str| Case {
                filter: format!("(\n{}\n) {join} (\n{}\n)", one.filter, other.filter),
                ..one.clone()
            };
            let ask = |case: &Case| store.read::<_, Error>(|tx| Ok(answer(tx, case))).unwrap();
            let (first, second) = (ids(&one.expected), ids(&other.expected));
            let either = ask(&combined("||"));
            prop_assert_eq!(&either["status"], 200, "{}", either);
            prop_assert_eq!(ids(&either), first.union(&second).cloned().collect());
            let both = ask(&combined("&&"));
            prop_assert_eq!(&both["status"], 200, "{}", both);
            prop_assert!(ids(&both).is_subset(&first.intersection(&second).cloned().collect()));
            Ok(())
        })
        .unwrap();
}

/// Filters that the program makes were texts once, into which values were quoted.
pub fn a_made_filter_takes_any_text_for_a_value<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    let texts = [
        "plain",
        "it's \"quoted\"",
        "' || 1 = 1 || '",
        "back\\slash",
        "50%_",
        "ünd\n",
        "Plain",
    ];
    for text in texts {
        insert(&store, &notes, json!({"text": text}));
    }
    let found = |also: Filter| {
        let query = ListQuery {
            also: Some(also),
            ..ListQuery::default()
        };
        let page = store.read(|tx| tx.list_records(&notes, &query)).unwrap();
        let mut found: Vec<String> = page.items.iter().map(|one| one.text("text").to_owned()).collect();
        found.sort_unstable();
        found
    };
    for text in texts {
        assert_eq!(found(Filter::is("text", text)), [text]);
    }
    assert_eq!(found(Filter::is("text:lower", "plain")), ["Plain", "plain"]);
    assert_eq!(
        found(Filter::is_one_of("text", [texts[1], texts[3], "no"])),
        [texts[3], texts[1]]
    );
    assert_eq!(found(Filter::is_one_of("text", [])), [""; 0]);
    assert_eq!(
        found(Filter::is("text", "plain").and(Filter::is_before("text", "a"))),
        [""; 0]
    );
    let both = Filter::is_before("text", "Q").and(Filter::is_before("text", "z"));
    assert_eq!(found(both), [texts[2], texts[4], "Plain"]);
}
