//! Logins on a real database: who gets in, and who does not.

use std::sync::Arc;

use bosbase_store::{Collection, Record, Store, StoreOptions, new_secret};
use serde_json::{Map, Value, json};

use super::*;
use crate::app::App;
use crate::auth::{Purpose, issue};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::options::AppOptions;

struct Fixture {
    app: App,
    _dir: tempfile::TempDir,
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Fixture {
    /// An application whose `users` log in by email or name; there is one, `ann`.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::at(dir.path().join("pb_data"))).unwrap();
        let fixture = Self { app, _dir: dir };
        fixture.change(|users| {
            for field in &mut users.fields {
                if let bosbase_store::FieldKind::Password { cost, .. } = &mut field.kind {
                    *cost = 4;
                }
            }
            users.options.insert(
                "passwordAuth".to_owned(),
                json!({"enabled": true, "identityFields": ["email", "name"]}),
            );
            users
                .indexes
                .push("CREATE UNIQUE INDEX `by_name` ON `users` (`name` COLLATE NOCASE)".to_owned());
        });
        let collection = fixture.users();
        let values = object(&json!({
            "id": "ann000000000000", "email": "ann@example.com", "name": "Ann", "tokenKey": new_secret(),
            "password": fixture.app.passwords().hash(&collection, "password", "right-one").unwrap(),
        }));
        let record = Record { collection, values };
        fixture
            .app
            .store()
            .write(move |tx| tx.insert_record(&record).map_err(Error::from))
            .unwrap();
        fixture
    }

    fn users(&self) -> Arc<Collection> {
        self.app.store().schema().find("users").unwrap().clone()
    }

    fn change(&self, how: impl FnOnce(&mut Collection)) {
        let old = self.users();
        let mut new = (*old).clone();
        how(&mut new);
        self.app
            .store()
            .write(move |tx| tx.update_collection(&old, &new).map_err(Error::from))
            .unwrap();
    }

    fn option(&self, name: &str, value: Value) {
        let name = name.to_owned();
        self.change(|users| {
            users.options.insert(name, value);
        });
    }

    fn login(&self, body: &Value) -> Result<Authenticated, Error> {
        let login = self
            .app
            .accounts()
            .log_in_with_password("users", object(body), &Caller::default())?;
        match login {
            Login::Done(who) => Ok(who),
            Login::SecondFactor(session) => Err(Error::new(ErrorKind::Unauthenticated, session)),
        }
    }

    /// Logs the superuser `root@example.com` in with the first password.
    fn log_in_root(&self) -> Result<Authenticated, Error> {
        let body = object(&json!({"identity": "root@example.com", "password": "root-password"}));
        let accounts = self.app.accounts();
        accounts
            .log_in_with_password("_superusers", body, &Caller::default())
            .map(done)
    }

    fn log_in_right(&self) -> Result<Authenticated, Error> {
        self.login(&json!({"identity": "ann@example.com", "password": "right-one"}))
    }
}

fn done(login: Login) -> Authenticated {
    match login {
        Login::Done(who) => who,
        Login::SecondFactor(_) => panic!("a second factor is wanted"),
    }
}

#[test]
fn the_right_password_gets_a_token_that_is_good_until_the_key_changes() {
    let fixture = Fixture::new();
    let who = fixture.log_in_right().unwrap();
    let found = fixture.app.sessions().authenticate(&who.token, "").unwrap().unwrap();
    assert_eq!(found.id(), "ann000000000000");
    assert!(
        fixture
            .app
            .sessions()
            .authenticate_file_token(&who.token, "")
            .unwrap()
            .is_none()
    );
    let mut changed = Record::clone(&found);
    changed.values.insert("tokenKey".to_owned(), json!(new_secret()));
    fixture
        .app
        .store()
        .write(move |tx| tx.update_record(&changed).map_err(Error::from))
        .unwrap();
    assert!(fixture.app.sessions().authenticate(&who.token, "").unwrap().is_none());
}

#[test]
fn a_token_that_is_remembered_is_good_until_another_process_writes_its_account() {
    let fixture = Fixture::new();
    let who = fixture.log_in_right().unwrap();
    let is_good = || fixture.app.sessions().authenticate(&who.token, "").unwrap();
    let first = is_good().unwrap();
    assert!(Arc::ptr_eq(&first, &is_good().unwrap()), "it is not looked up again");
    let options = StoreOptions {
        mends: false,
        ..StoreOptions::new(fixture.app.data_dir().to_path_buf())
    };
    let other = Store::open(&options).unwrap();
    let write = |name: &str, value: String| {
        let mut changed = Record::clone(&who.record);
        changed.values.insert(name.to_owned(), json!(value));
        let written: Result<(), bosbase_store::Error> = other.write(move |tx| tx.update_record(&changed));
        written.unwrap();
        std::thread::sleep(Store::HEARS_OF_OTHERS);
    };
    write("name", "Anna".to_owned());
    assert_eq!(is_good().unwrap().text("name"), "Anna");
    write("tokenKey", new_secret());
    assert!(is_good().is_none());
    other.close().unwrap();
}

#[test]
fn a_token_that_is_remembered_ends_in_time_and_serves_its_purpose_alone() {
    let fixture = Fixture::new();
    let who = fixture.log_in_right().unwrap();
    let short = issue(&who.record, Purpose::Auth, Some(1), true).unwrap();
    let authenticate = || fixture.app.sessions().authenticate(&short, "").unwrap();
    assert!(authenticate().is_some());
    assert!(
        fixture
            .app
            .sessions()
            .authenticate_file_token(&short, "")
            .unwrap()
            .is_none()
    );
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while authenticate().is_some() {
        assert!(std::time::Instant::now() < until, "it goes on being good");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn nothing_else_does_and_all_failures_look_alike() {
    let fixture = Fixture::new();
    for (identity, password) in [
        ("ann@example.com", "wrong-one"),
        ("bob@example.com", "right-one"),
        ("ANN@example.com", "right-one"),
        ("ann000000000000", "right-one"),
        ("ann@example.com", "right-one "),
    ] {
        let error = fixture
            .login(&json!({"identity": identity, "password": password}))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{identity} {password}");
        assert_eq!(error.message(), "Failed to authenticate.");
        assert!(error.data().is_empty());
    }
}

#[test]
fn an_index_without_regard_to_case_makes_a_login_without_it() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .login(&json!({"identity": "aNN", "password": "right-one"}))
            .is_ok()
    );
    let by_field = json!({"identity": "ann", "password": "right-one", "identityField": "name"});
    assert!(fixture.login(&by_field).is_ok());
    let by_other = json!({"identity": "ann", "password": "right-one", "identityField": "email"});
    assert!(fixture.login(&by_other).is_err());
}

/// Two accounts could share what no index keeps unique; whose password counts would be a matter of luck.
#[test]
fn a_field_without_a_unique_index_identifies_nobody() {
    let fixture = Fixture::new();
    fixture.change(|users| users.indexes.retain(|index| !index.contains("by_name")));
    assert!(
        fixture
            .login(&json!({"identity": "Ann", "password": "right-one"}))
            .is_err()
    );
}

#[test]
fn a_collection_decides_who_may_log_in_and_how() {
    let fixture = Fixture::new();
    fixture.option("authRule", json!("verified = true"));
    assert_eq!(fixture.log_in_right().unwrap_err().kind(), ErrorKind::Forbidden);
    fixture.option(
        "authRule",
        json!("email = 'ann@example.com' && @request.context = 'password'"),
    );
    assert!(fixture.log_in_right().is_ok());
    fixture.option("authRule", json!("no.such.thing ="));
    assert_eq!(fixture.log_in_right().unwrap_err().kind(), ErrorKind::Forbidden);
    fixture.option("authRule", Value::Null);
    assert_eq!(fixture.log_in_right().unwrap_err().kind(), ErrorKind::Forbidden);
    fixture.option("authRule", json!(""));
    fixture.option("passwordAuth", json!({"enabled": false, "identityFields": ["email"]}));
    assert_eq!(fixture.log_in_right().unwrap_err().kind(), ErrorKind::Forbidden);
}

#[test]
fn one_factor_never_opens_what_asks_for_two() {
    let fixture = Fixture::new();
    fixture.option("mfa", json!({"enabled": true, "duration": 600, "rule": ""}));
    assert_eq!(fixture.log_in_right().unwrap_err().kind(), ErrorKind::Unauthenticated);
    fixture.option(
        "mfa",
        json!({"enabled": true, "duration": 600, "rule": "no.such.thing ="}),
    );
    assert!(
        fixture.log_in_right().is_err(),
        "a rule that can't be read excuses nobody"
    );
    fixture.option(
        "mfa",
        json!({"enabled": true, "duration": 600, "rule": "verified = true"}),
    );
    assert!(
        fixture.log_in_right().is_ok(),
        "the rule asks a second factor of others only"
    );
}

#[test]
fn a_token_to_impersonate_is_answered_as_it_is() {
    let fixture = Fixture::new();
    fixture
        .app
        .accounts()
        .create_superuser("root@example.com", "root-password")
        .unwrap();
    let root = fixture.log_in_root().unwrap();
    let as_caller = |record: &Record| Caller {
        auth: Some(Arc::new(record.clone())),
        ..Caller::default()
    };
    let impersonate = |caller: &Caller| {
        fixture
            .app
            .accounts()
            .impersonate("users", "ann000000000000", &Map::new(), caller)
    };
    assert_eq!(
        impersonate(&Caller::default()).unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
    let ann = fixture.log_in_right().unwrap();
    assert_eq!(
        impersonate(&as_caller(&ann.record)).unwrap_err().kind(),
        ErrorKind::Forbidden
    );
    let borrowed = impersonate(&as_caller(&root.record)).unwrap();
    let renewed = fixture
        .app
        .accounts()
        .refresh("users", &borrowed.token, &as_caller(&ann.record))
        .unwrap();
    assert_eq!(renewed.token, borrowed.token);
    let elsewhere = fixture
        .app
        .accounts()
        .refresh("_superusers", &ann.token, &as_caller(&ann.record));
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[test]
fn a_superuser_from_an_address_that_is_not_admitted_is_nobody() {
    let fixture = Fixture::new();
    fixture
        .app
        .accounts()
        .create_superuser("root@example.com", "root-password")
        .unwrap();
    let root = fixture.log_in_root().unwrap();
    fixture
        .app
        .settings()
        .update(&object(&json!({"superuserIPs": ["10.0.0.0/8"]})))
        .unwrap();
    assert!(
        fixture
            .app
            .sessions()
            .authenticate(&root.token, "10.1.2.3")
            .unwrap()
            .is_some()
    );
    assert!(
        fixture
            .app
            .sessions()
            .authenticate(&root.token, "11.1.2.3")
            .unwrap()
            .is_none()
    );
    assert!(fixture.app.sessions().authenticate(&root.token, "").unwrap().is_none());
    let ann = fixture.log_in_right().unwrap();
    assert!(
        fixture
            .app
            .sessions()
            .authenticate(&ann.token, "11.1.2.3")
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_superusers_new_password_ends_their_sessions() {
    let fixture = Fixture::new();
    let app = &fixture.app;
    assert!(!app.accounts().has_superuser().unwrap());
    for (email, password) in [("nobody", "long-enough"), ("root@example.com", "short"), ("", "")] {
        assert!(
            app.accounts().upsert_superuser(email, password).is_err(),
            "{email} {password}"
        );
    }
    assert!(
        app.accounts()
            .update_superuser("root@example.com", "root-password")
            .is_err()
    );
    app.accounts()
        .upsert_superuser("root@example.com", "root-password")
        .unwrap();
    assert!(app.accounts().has_superuser().unwrap());
    assert!(
        app.accounts()
            .create_superuser("root@example.com", "root-password")
            .is_err()
    );
    let before = fixture.log_in_root().unwrap();
    app.accounts()
        .upsert_superuser("root@example.com", "other-password")
        .unwrap();
    assert!(app.sessions().authenticate(&before.token, "").unwrap().is_none());
    assert!(fixture.log_in_root().is_err());
    assert!(
        app.accounts().delete_superuser("root@example.com").is_err(),
        "the last one stays"
    );
    app.accounts()
        .create_superuser("second@example.com", "root-password")
        .unwrap();
    app.accounts().delete_superuser("root@example.com").unwrap();
    assert!(app.accounts().delete_superuser("root@example.com").is_err());
}

/// PocketBase's first-run page leaves an account behind that nobody has the password of.
#[test]
fn the_installers_account_is_nobody_and_goes() {
    let fixture = Fixture::new();
    let app = &fixture.app;
    let collection = app.store().schema().find("_superusers").unwrap().clone();
    let values = object(&json!({
        "id": "installer000000", "email": "__pbinstaller@example.com", "tokenKey": new_secret(), "password": "x",
    }));
    let installer = Record {
        collection: collection.clone(),
        values,
    };
    app.store()
        .write(move |tx| tx.insert_record(&installer).map_err(Error::from))
        .unwrap();
    assert!(!app.accounts().has_superuser().unwrap());
    app.accounts()
        .create_superuser("root@example.com", "root-password")
        .unwrap();
    let left = app.store().read(|tx| tx.count_records(&collection)).unwrap();
    assert_eq!(left, 1);
}

/// The stand-in for an account that does not exist took as long as a new hash, while hashes that were stored before are
/// of another work factor.
#[test]
fn logins_take_as_long_as_the_costliest_hash_that_is_stored_or_would_be() {
    let fixture = Fixture::new();
    let set = |to: i64| {
        fixture.change(|users| {
            for field in &mut users.fields {
                if let bosbase_store::FieldKind::Password { cost, .. } = &mut field.kind {
                    *cost = to;
                }
            }
        });
    };
    let paid = |app: &App| app.passwords().highest_cost(app.store(), &fixture.users()).unwrap();
    set(6);
    assert_eq!(paid(&fixture.app), 6, "what would be stored");
    fixture
        .app
        .passwords()
        .hash(&fixture.users(), "password", "another")
        .unwrap();
    set(4);
    assert_eq!(paid(&fixture.app), 6, "what was stored since");
    fixture.log_in_right().unwrap();
    set(5);
    let other = crate::auth::Passwords::default();
    assert_eq!(other.highest_cost(fixture.app.store(), &fixture.users()).unwrap(), 5);
    set(4);
    let mut ann = fixture
        .app
        .store()
        .read(|tx| tx.record(&fixture.users(), "ann000000000000"))
        .unwrap()
        .unwrap();
    set(8);
    let hash = fixture
        .app
        .passwords()
        .hash(&fixture.users(), "password", "right-one")
        .unwrap();
    set(4);
    ann.collection = fixture.users();
    ann.values.insert("password".to_owned(), json!(hash));
    fixture
        .app
        .store()
        .write(move |tx| tx.update_record(&ann).map_err(Error::from))
        .unwrap();
    let after_a_start = crate::auth::Passwords::default();
    assert_eq!(
        after_a_start
            .highest_cost(fixture.app.store(), &fixture.users())
            .unwrap(),
        8,
        "what is stored"
    );
    fixture.log_in_right().unwrap();
}
