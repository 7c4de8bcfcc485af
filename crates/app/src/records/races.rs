//! Somebody else writes between a plan and its performing.

use bosbase_store::Collection;
use serde_json::{Value, json};

use super::change::{Change, Performed, perform};
use super::link::Extras;
use super::plan::{Action, Fixed, Plan, Request, plan};
use super::*;
use crate::app::App;
use crate::caller::Caller;
use crate::options::AppOptions;

struct Fixture {
    app: App,
    root: Caller,
    _dir: tempfile::TempDir,
}

fn body(values: &Value) -> Body {
    Body::from_values(values.as_object().unwrap().clone())
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::at(dir.path().join("pb_data"))).unwrap();
        app.accounts()
            .create_superuser("root@example.com", "password1234")
            .unwrap();
        let superusers = app.store().schema().find(Collection::SUPERUSERS).unwrap().clone();
        let auth: bosbase_store::Result<_> = app
            .store()
            .read(|tx| tx.find_record(&superusers, "email", "root@example.com", false));
        let root = Caller {
            auth: auth.unwrap().map(Arc::new),
            ..Caller::default()
        };
        let fixture = Self { app, root, _dir: dir };
        fixture.define(&json!({
            "name": "teams", "type": "base",
            "fields": [{"name": "name", "type": "text"}, {"name": "open", "type": "bool"}],
        }));
        let teams = fixture.app.collections().get("teams").unwrap().id.clone();
        fixture.define(&json!({
            "name": "posts", "type": "base", "createRule": "team.open = true", "updateRule": "team.open = true",
            "deleteRule": "team.open = true",
            "fields": [
                {"name": "id", "type": "text", "primaryKey": true, "required": true, "system": true, "min": 1, "max": 30,
                    "pattern": "^[a-zA-Z0-9]+$", "autogeneratePattern": "[a-z0-9]{15}"},
                {"name": "title", "type": "text"},
                {"name": "team", "type": "relation", "collectionId": teams, "maxSelect": 1},
            ],
        }));
        fixture
    }

    fn define(&self, definition: &Value) {
        self.app
            .collections()
            .create(definition.as_object().unwrap().clone())
            .unwrap();
    }

    fn redefine(&self, collection: &str, definition: &Value) {
        self.app
            .collections()
            .update(collection, definition.as_object().unwrap().clone())
            .unwrap();
    }

    /// Makes a record and returns its id.
    fn make(&self, collection: &str, values: &Value) -> String {
        let made = self.app.records().create(collection, &body(values), "", &self.root);
        made.unwrap()["id"].as_str().unwrap().to_owned()
    }

    fn set(&self, collection: &str, id: &str, values: &Value) {
        self.app
            .records()
            .update(collection, id, &body(values), "", &self.root)
            .unwrap();
    }

    fn decide(&self, collection: &str, action: Action<'_>, caller: &Caller) -> Change {
        let request = Request {
            collection,
            action,
            caller,
            extras: Extras::default(),
        };
        self.app.records().decide(&request, &mut Fixed::default()).unwrap()
    }

    fn perform(&self, change: Change) -> Result<Performed> {
        self.app.store().write(move |tx| perform(tx, &change))
    }

    fn assert_stale(&self, change: Change) {
        let performed = self.perform(change).unwrap();
        assert!(matches!(performed, Performed::Stale), "{performed:?}");
    }
}

#[test]
fn a_record_that_somebody_changed_is_planned_anew() {
    let fixture = Fixture::new();
    let id = fixture.make("teams", &json!({"name": "a"}));
    let update = || {
        fixture.decide(
            "teams",
            Action::Update(&id, &body(&json!({"open": true}))),
            &fixture.root,
        )
    };
    let delete = || fixture.decide("teams", Action::Delete(&id), &fixture.root);
    let planned = [update(), delete()];
    fixture.set("teams", &id, &json!({"name": "b"}));
    planned.into_iter().for_each(|change| fixture.assert_stale(change));
    let planned = [update(), delete()];
    fixture.app.records().delete("teams", &id, &fixture.root).unwrap();
    planned.into_iter().for_each(|change| fixture.assert_stale(change));
}

#[test]
fn what_has_nothing_to_do_with_a_plan_leaves_it_alone() {
    let fixture = Fixture::new();
    let team = fixture.make("teams", &json!({"name": "a", "open": true}));
    let values = body(&json!({"title": "x", "team": team}));
    let create = fixture.decide("posts", Action::Create(&values), &Caller::default());
    fixture.make("teams", &json!({"name": "b"}));
    fixture.set("teams", &team, &json!({"name": "c"}));
    assert!(matches!(fixture.perform(create).unwrap(), Performed::Saved(..)));
}

#[test]
fn a_collection_that_is_defined_otherwise_by_now_is_planned_for_anew() {
    let fixture = Fixture::new();
    let id = fixture.make("teams", &json!({"name": "a"}));
    let values = body(&json!({"name": "longer than two"}));
    let planned = [
        fixture.decide("teams", Action::Create(&values), &fixture.root),
        fixture.decide("teams", Action::Update(&id, &values), &fixture.root),
        fixture.decide("teams", Action::Delete(&id), &fixture.root),
    ];
    fixture.redefine(
        "teams",
        &json!({"fields": [{"name": "name", "type": "text", "max": 2}]}),
    );
    planned.into_iter().for_each(|change| fixture.assert_stale(change));
}

#[test]
fn no_relation_leads_to_a_record_that_went_meanwhile() {
    let fixture = Fixture::new();
    let (team, other) = (fixture.make("teams", &json!({})), fixture.make("teams", &json!({})));
    let post = fixture.make("posts", &json!({"team": other}));
    let values = body(&json!({"team": team}));
    let planned = [
        fixture.decide("posts", Action::Create(&values), &fixture.root),
        fixture.decide("posts", Action::Update(&post, &values), &fixture.root),
    ];
    fixture.app.records().delete("teams", &team, &fixture.root).unwrap();
    planned.into_iter().for_each(|change| fixture.assert_stale(change));
}

#[test]
fn an_account_does_not_get_an_id_that_another_collection_gave_away_meanwhile() {
    let fixture = Fixture::new();
    fixture.define(&json!({"name": "members", "type": "auth"}));
    let account = |email: &str| json!({"id": "a00000000000001", "email": email, "password": "12345678", "passwordConfirm": "12345678"});
    let values = body(&account("a@example.com"));
    let planned = fixture.decide("users", Action::Create(&values), &fixture.root);
    fixture.make("members", &account("b@example.com"));
    fixture.assert_stale(planned);
}

#[test]
fn ids_do_not_come_to_differ_by_case_alone() {
    let fixture = Fixture::new();
    let values = body(&json!({"id": "Abc"}));
    let planned = fixture.decide("posts", Action::Create(&values), &fixture.root);
    fixture.make("posts", &json!({"id": "aBC"}));
    fixture.assert_stale(planned);
}

#[test]
fn a_rule_that_says_otherwise_by_now_is_obeyed() {
    let fixture = Fixture::new();
    let team = fixture.make("teams", &json!({"open": true}));
    let post = fixture.make("posts", &json!({"team": team}));
    let (made, changed) = (body(&json!({"team": team})), body(&json!({"title": "x"})));
    let guest = Caller::default();
    let planned = [
        fixture.decide("posts", Action::Create(&made), &guest),
        fixture.decide("posts", Action::Update(&post, &changed), &guest),
        fixture.decide("posts", Action::Delete(&post), &guest),
    ];
    fixture.set("teams", &team, &json!({"open": false}));
    planned.into_iter().for_each(|change| fixture.assert_stale(change));
    let refused = fixture.app.records().update("posts", &post, &changed, "", &guest);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn two_superusers_do_not_delete_each_other() {
    let fixture = Fixture::new();
    fixture
        .app
        .accounts()
        .create_superuser("second@example.com", "password1234")
        .unwrap();
    let superusers = fixture.app.collections().get(Collection::SUPERUSERS).unwrap();
    let query = bosbase_store::ListQuery::default();
    let all: bosbase_store::Result<_> = fixture.app.store().read(|tx| tx.list_records(&superusers, &query));
    let planned: Vec<Change> = all
        .unwrap()
        .items
        .iter()
        .map(|record| fixture.decide(Collection::SUPERUSERS, Action::Delete(record.id()), &fixture.root))
        .collect();
    let outcomes: Vec<_> = planned.into_iter().map(|change| fixture.perform(change)).collect();
    assert!(matches!(outcomes[0], Ok(Performed::Deleted(_))));
    let message = outcomes[1].as_ref().unwrap_err().message();
    assert_eq!(message, "You can't delete the only existing superuser.");
}

#[test]
fn files_that_a_deletion_can_reach_only_since_its_plan_are_noted_first() {
    let fixture = Fixture::new();
    let team = fixture.make("teams", &json!({}));
    let planned = fixture.decide("teams", Action::Delete(&team), &fixture.root);
    assert!(planned.removals.collections.is_empty());
    let teams = fixture.app.collections().get("teams").unwrap().id.clone();
    fixture.define(&json!({
        "name": "logos", "type": "base",
        "fields": [
            {"name": "file", "type": "file", "maxSelect": 1},
            {"name": "team", "type": "relation", "collectionId": teams, "maxSelect": 1, "cascadeDelete": true},
        ],
    }));
    fixture.assert_stale(planned);
    let planned = fixture.decide("teams", Action::Delete(&team), &fixture.root);
    let logos = fixture.app.collections().get("logos").unwrap().id.clone();
    assert_eq!(planned.removals.collections, [logos]);
    assert!(matches!(fixture.perform(planned).unwrap(), Performed::Deleted(_)));
}

#[test]
fn a_plan_on_the_view_of_an_open_transaction_sees_what_that_wrote() {
    let fixture = Fixture::new();
    let (app, root) = (fixture.app.clone(), fixture.root.clone());
    let outcome: Result<()> = fixture.app.store().write(move |tx| {
        let team = body(&json!({"id": "team00000000001", "open": true}));
        let post = body(&json!({"team": "team00000000001"}));
        for (collection, values) in [("teams", &team), ("posts", &post)] {
            let request = Request {
                collection,
                action: Action::Create(values),
                caller: &root,
                extras: Extras::default(),
            };
            let Plan { change, values, .. } = plan(tx, app.records().patterns(), &request, &mut Fixed::default())?;
            values.into_result("")?;
            assert!(matches!(perform(tx, &change)?, Performed::Saved(..)));
        }
        Ok(())
    });
    outcome.unwrap();
    let posts = fixture
        .app
        .records()
        .list("posts", &ListRequest::default(), &fixture.root);
    assert_eq!(posts.unwrap().total_items, 1);
}

#[test]
fn those_who_will_hear_are_asked_about_the_records_that_go() {
    let fixture = Fixture::new();
    let teams = fixture.app.collections().get("teams").unwrap().id.clone();
    fixture.define(&json!({
        "name": "players", "type": "base",
        "fields": [{"name": "teams", "type": "relation", "collectionId": teams, "maxSelect": 5, "cascadeDelete": true}],
    }));
    let players = fixture.app.collections().get("players").unwrap().id.clone();
    fixture.define(&json!({
        "name": "shirts", "type": "base",
        "fields": [{"name": "of", "type": "relation", "collectionId": players, "maxSelect": 1, "cascadeDelete": true}],
    }));
    let (a, b) = (fixture.make("teams", &json!({})), fixture.make("teams", &json!({})));
    let goes = fixture.make("players", &json!({"teams": [a]}));
    let stays = fixture.make("players", &json!({"teams": [a, b]}));
    let shirt = fixture.make("shirts", &json!({"of": goes}));
    fixture.make("shirts", &json!({"of": stays}));
    let change = fixture.decide("teams", Action::Delete(&a), &fixture.root);
    let before = change.record().clone();
    let expected: crate::error::Result<_> = fixture.app.store().read(|tx| doomed(tx, Told::of(before)));
    let expected = expected.unwrap().records;
    let Performed::Deleted(deleted) = fixture.perform(change).unwrap() else {
        panic!("it is deleted");
    };
    let ids = |records: &[bosbase_store::Record]| {
        let mut ids: Vec<_> = records.iter().map(|record| record.id().to_owned()).collect();
        ids.sort();
        ids
    };
    let mut all = vec![a, goes, shirt];
    all.sort();
    assert_eq!(ids(&expected), all);
    assert_eq!(ids(&deleted.records.records), all);
    assert_eq!(ids(&deleted.changed.records), [stays]);
}

/// Its files had moved to the folder of the id that it was planned with first: 500.
#[test]
fn a_record_whose_id_its_request_makes_up_keeps_it_when_it_is_planned_anew() {
    let fixture = Fixture::new();
    let values = body(&json!({"id:autogenerate": "x", "title": "a"}));
    let request = Request {
        collection: "posts",
        action: Action::Create(&values),
        caller: &fixture.root,
        extras: Extras::default(),
    };
    let mut fixed = Fixed::default();
    let first = fixture.app.records().decide(&request, &mut fixed).unwrap();
    let again = fixture.app.records().decide(&request, &mut fixed).unwrap();
    assert!(first.record().id().starts_with('x') && first.record().id().len() > 10);
    assert_eq!(first.record().id(), again.record().id());
    let another = fixture.app.records().decide(&request, &mut Fixed::default()).unwrap();
    assert_ne!(first.record().id(), another.record().id());
}
