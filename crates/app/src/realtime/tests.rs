//! The hub on a real database: who is told what.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Collection, Record, new_secret};
use serde_json::{Map, Value, json};

use super::*;
use crate::app::App;
use crate::auth::{Purpose, issue};
use crate::caller::Caller;
use crate::error::ErrorKind;
use crate::options::AppOptions;
use crate::records::{Audience as _, RecordAction};

struct Fixture {
    app: App,
    users: Arc<Collection>,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::at(dir.path().join("pb_data"))).unwrap();
        let users = app.store().schema().find("users").unwrap().clone();
        Self { app, users, _dir: dir }
    }

    fn account(&self, collection: &str, id: &str) -> Record {
        let collection = self.app.store().schema().find(collection).unwrap().clone();
        let mut values = Map::new();
        for (name, value) in [
            ("id", json!(id)),
            ("email", json!(format!("{id}@example.com"))),
            ("tokenKey", json!(new_secret())),
            ("password", json!("x")),
        ] {
            values.insert(name.to_owned(), value);
        }
        let record = Record { collection, values };
        self.app
            .store()
            .write(move |tx| {
                tx.insert_record(&record)?;
                let stored = tx.record(&record.collection, record.id())?;
                Ok::<_, crate::Error>(stored.unwrap())
            })
            .unwrap()
    }

    fn listen(&self, name: &str, auth: Option<&Record>) -> Subscriber {
        let subscriber = self.app.realtime().connect(&caller(auth));
        self.app
            .realtime()
            .subscribe(subscriber.id(), &[name.to_owned()], &caller(auth))
            .unwrap();
        subscriber
    }

    fn saved(&self, record: &Record) {
        self.app.realtime().saved(RecordAction::Create, record);
    }
}

/// A request of `account` with a fresh token of its own.
fn caller(account: Option<&Record>) -> Caller {
    let mut caller = Caller {
        auth: account.cloned().map(Arc::new),
        ..Caller::default()
    };
    if let Some(account) = account {
        let token = issue(account, Purpose::Auth, None, true).unwrap();
        caller.authorization = token;
    }
    caller
}

/// The next message, waited for.
fn next(subscriber: &mut Subscriber) -> Option<Message> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match subscriber.try_next() {
            Ok(message) => return Some(message),
            Err(true) => return None,
            Err(false) => assert!(Instant::now() < until, "nothing was said in time"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What was said until now, after everything queued before was told.
fn heard(fixture: &Fixture, subscriber: &mut Subscriber) -> Vec<String> {
    let root = fixture.app.store().schema().find("_superusers").unwrap().clone();
    let stored = fixture
        .app
        .store()
        .read(|tx| tx.record(&root, "marker000000000"))
        .unwrap();
    let marker = stored.unwrap_or_else(|| fixture.account("_superusers", "marker000000000"));
    let mut last = fixture.listen("_superusers/*", Some(&marker));
    fixture.saved(&marker);
    assert!(next(&mut last).is_some());
    std::iter::from_fn(|| subscriber.try_next().ok())
        .map(|message| message.name.to_string())
        .collect()
}

fn data(message: &Message) -> Value {
    serde_json::from_str(&message.data).unwrap()
}

#[test]
fn a_rule_decides_for_each_subscriber() {
    let fixture = Fixture::new();
    let (ann, bob) = (
        fixture.account("users", "ann000000000000"),
        fixture.account("users", "bob000000000000"),
    );
    let root = fixture.account("_superusers", "root00000000000");
    let mut guest = fixture.listen("users/*", None);
    let mut anns = fixture.listen("users/*", Some(&ann));
    let mut bobs = fixture.listen("users/ann000000000000", Some(&bob));
    let mut roots = fixture.listen(
        "_pb_users_auth_/*?options=%7B%22query%22%3A%7B%22fields%22%3A%22id%22%7D%7D",
        Some(&root),
    );
    fixture.saved(&ann);
    let told = next(&mut anns).unwrap();
    assert_eq!(&*told.name, "users/*");
    assert_eq!(data(&told)["action"], "create");
    assert_eq!(data(&told)["record"]["email"], "ann000000000000@example.com");
    assert_eq!(data(&told)["record"].get("tokenKey"), None);
    assert_eq!(
        data(&next(&mut roots).unwrap())["record"],
        json!({"id": "ann000000000000"})
    );
    assert!(heard(&fixture, &mut guest).is_empty());
    assert!(heard(&fixture, &mut bobs).is_empty());
}

/// A message is about the record as it was; had the rule been asked of the record as it is, making a record public
/// would have told everyone what it said before.
#[test]
fn a_record_that_moved_on_is_judged_as_it_was() {
    let fixture = Fixture::new();
    let ann = fixture.account("users", "ann000000000000");
    let mut open = (*fixture.users).clone();
    open.rules.list_rule = Some("name = 'public'".to_owned());
    let old = fixture.users.clone();
    let changed = open.clone();
    fixture
        .app
        .store()
        .write(move |tx| tx.update_collection(&old, &changed).map_err(crate::Error::from))
        .unwrap();
    let with_name = |name: &str| {
        let mut record = ann.clone();
        record.collection = Arc::new(open.clone());
        record.values.insert("name".to_owned(), json!(name));
        record
    };
    let public = with_name("public");
    let stored = public.clone();
    fixture
        .app
        .store()
        .write(move |tx| tx.update_record(&stored).map_err(crate::Error::from))
        .unwrap();
    let mut guest = fixture.listen("users", None);
    fixture.saved(&with_name("secret"));
    fixture.saved(&public);
    assert_eq!(data(&next(&mut guest).unwrap())["record"]["name"], "public");
    assert!(heard(&fixture, &mut guest).is_empty());
}

#[test]
fn a_deletion_is_judged_before_and_told_after() {
    let fixture = Fixture::new();
    let ann = fixture.account("users", "ann000000000000");
    let mut anns = fixture.listen("users/ann000000000000", Some(&ann));
    let prepared = fixture.app.realtime().before_deletion(vec![ann.clone()]);
    let (users, id) = (fixture.users.clone(), ann.id().to_owned());
    fixture
        .app
        .store()
        .write(move |tx| tx.delete_record(&users, &id).map_err(crate::Error::from))
        .unwrap();
    assert!(anns.try_next().is_err(), "not before it is durable");
    prepared.deleted(vec![ann]);
    assert_eq!(data(&next(&mut anns).unwrap())["action"], "delete");
    heard(&fixture, &mut anns);
    assert!(
        anns.client.state().session.is_none(),
        "an account that is gone listens no more"
    );
}

/// What went along although nobody expected it, and what changed before it went, is judged by its last state.
#[test]
fn of_a_deletion_that_was_not_expected_those_hear_who_could_see_the_record() {
    let fixture = Fixture::new();
    let users = json!({"listRule": "verified = true"});
    fixture
        .app
        .collections()
        .update("users", users.as_object().unwrap().clone())
        .unwrap();
    let (seen, unseen) = (
        fixture.account("users", "seen00000000000"),
        fixture.account("users", "unseen000000000"),
    );
    let mut guest = fixture.listen("users/*", None);
    let expected = fixture.app.realtime().before_deletion(vec![seen.clone()]);
    let mut last = fixture.app.store().schema().find("users").unwrap().clone();
    let mut public = seen;
    std::mem::swap(&mut public.collection, &mut last);
    public.values.insert("verified".to_owned(), json!(true));
    expected.deleted(vec![public, unseen]);
    assert_eq!(data(&next(&mut guest).unwrap())["record"]["id"], "seen00000000000");
    assert!(heard(&fixture, &mut guest).is_empty());
}

#[test]
fn the_topic_of_backups_is_for_superusers() {
    let fixture = Fixture::new();
    let ann = fixture.account("users", "ann000000000000");
    let root = fixture.account("_superusers", "root00000000000");
    let stream = fixture.app.realtime().connect(&caller(None));
    for auth in [None, Some(&ann)] {
        let refused = fixture
            .app
            .realtime()
            .subscribe(stream.id(), &[BACKUPS_TOPIC.to_owned()], &caller(auth));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    let mut roots = fixture.listen(BACKUPS_TOPIC, Some(&root));
    fixture
        .app
        .realtime()
        .publish(BACKUPS_TOPIC, &json!({"state": "running"}));
    assert_eq!(data(&next(&mut roots).unwrap()), json!({"state": "running"}));
}

#[test]
fn nobody_takes_over_the_stream_of_another() {
    let fixture = Fixture::new();
    let (ann, bob) = (
        fixture.account("users", "ann000000000000"),
        fixture.account("users", "bob000000000000"),
    );
    let anns = fixture.listen("users/*", Some(&ann));
    for other in [None, Some(&bob)] {
        let refused = fixture.app.realtime().subscribe(anns.id(), &[], &caller(other));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    fixture
        .app
        .realtime()
        .subscribe(anns.id(), &[], &caller(Some(&ann)))
        .unwrap();
    let missing = fixture.app.realtime().subscribe("nobody", &[], &caller(None));
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_client_that_does_not_keep_up_is_cut() {
    let fixture = Fixture::new();
    let root = fixture.account("_superusers", "root00000000000");
    let mut slow = fixture.listen(BACKUPS_TOPIC, Some(&root));
    let megabyte = json!("x".repeat(1 << 20));
    for _ in 0..100 {
        fixture.app.realtime().publish(BACKUPS_TOPIC, &megabyte);
    }
    assert!(fixture.app.realtime().clients().is_empty());
    // What waited is given up with it: it asks for what it missed in any case, and may never read.
    assert!(next(&mut slow).is_none());
}

#[test]
fn a_stream_ends_with_its_reader() {
    let fixture = Fixture::new();
    let stream = fixture.listen("users/*", None);
    assert_eq!(fixture.app.realtime().clients().len(), 1);
    drop(stream);
    assert!(fixture.app.realtime().clients().is_empty());
}

#[test]
fn a_new_password_ends_the_streams_of_the_old_one() {
    let fixture = Fixture::new();
    let ann = fixture.account("users", "ann000000000000");
    let mut anns = fixture.listen("users/*", Some(&ann));
    let renew = || {
        let mut renewed = ann.clone();
        renewed.values.insert("tokenKey".to_owned(), json!(new_secret()));
        let stored = renewed.clone();
        fixture
            .app
            .store()
            .write(move |tx| tx.update_record(&stored).map_err(crate::Error::from))
            .unwrap();
        renewed
    };
    let renewed = renew();
    fixture.app.realtime().saved(RecordAction::Update, &renewed);
    assert_eq!(next(&mut anns), None);
    // And where another process changed it, before anything more is said.
    let mut anns = fixture.listen("users/*", Some(&renewed));
    renew();
    fixture.saved(&renewed);
    assert_eq!(next(&mut anns), None);
}

/// A thousand subscriptions with filters that take long to judge held up every write for as long as a deletion was
/// judged.
#[test]
fn a_deletion_does_not_wait_for_those_who_take_long_to_judge() {
    let fixture = Fixture::new();
    let ann = fixture.account("users", "ann000000000000");
    let mut slow = fixture.listen("users/*", Some(&ann));
    let other = fixture.listen("_superusers/*", None);
    let clients = fixture.app.realtime().clients();
    let told = super::broadcast::of_deletion(
        fixture.app.realtime(),
        &clients,
        &ann,
        Instant::now(),
        &mut super::broadcast::Known::new(),
    );
    assert!(told.is_empty());
    assert!(next(&mut slow).is_none(), "it connects anew and finds out");
    assert!(matches!(other.try_next(), Err(false)));
}
