//! Settings on a real database.

use serde_json::{Value, json};

use super::*;
use crate::app::App;
use crate::options::AppOptions;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn options(dir: &tempfile::TempDir, key: Option<&str>) -> AppOptions {
    AppOptions {
        encryption_key: key.map(str::to_owned),
        ..AppOptions::at(dir.path().join("pb_data"))
    }
}

fn stored_text(app: &App) -> String {
    let text = app.store().read(|tx| tx.param(stored::KEY)).unwrap();
    text.unwrap()
}

fn change(app: &App, patch: &Value) -> Result<()> {
    app.settings().update(patch.as_object().unwrap())
}

#[test]
fn a_change_is_in_force_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::open(options(&dir, None)).unwrap();
    change(
        &app,
        &json!({"meta": {"appName": "Mine"}, "smtp": {"password": "hidden"}}),
    )
    .unwrap();
    assert_eq!(app.settings().get().meta.app_name, "Mine");
    assert!(change(&app, &json!({"meta": {"appName": ""}})).is_err());
    assert_eq!(app.settings().get().meta.app_name, "Mine");
    assert!(!app.settings().public().to_string().contains("hidden"));
    app.close().unwrap();
    let app = App::open(options(&dir, None)).unwrap();
    assert_eq!(app.settings().get().meta.app_name, "Mine");
    assert_eq!(app.settings().get().smtp.password, "hidden");
}

#[test]
fn with_a_key_nothing_lies_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::open(options(&dir, None)).unwrap();
    change(&app, &json!({"s3": {"secret": "very-secret"}})).unwrap();
    assert!(stored_text(&app).contains("very-secret"));
    app.close().unwrap();
    // From the first start with a key on, not from the next change on.
    let app = App::open(options(&dir, Some(KEY))).unwrap();
    assert!(!stored_text(&app).contains("secret"));
    assert_eq!(app.settings().get().s3.secret, "very-secret");
    change(&app, &json!({"meta": {"appName": "Mine"}})).unwrap();
    assert!(!stored_text(&app).contains("Mine"));
    app.close().unwrap();
    assert!(App::open(options(&dir, None)).is_err());
    assert!(App::open(options(&dir, Some(&KEY.to_uppercase()))).is_err());
    let app = App::open(options(&dir, Some(KEY))).unwrap();
    assert_eq!(app.settings().get().meta.app_name, "Mine");
    assert_eq!(app.settings().get().s3.secret, "very-secret");
}

#[test]
fn changes_at_the_same_time_all_count() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::open(options(&dir, None)).unwrap();
    let patches = [
        json!({"meta": {"appName": "Mine"}}),
        json!({"logs": {"maxDays": 9}}),
        json!({"smtp": {"username": "me"}}),
        json!({"backups": {"cron": "0 3 * * *"}}),
    ];
    std::thread::scope(|scope| {
        for patch in &patches {
            scope.spawn(|| change(&app, patch).unwrap());
        }
    });
    let stored: Value = serde_json::from_str(&stored_text(&app)).unwrap();
    assert_eq!(stored["meta"]["appName"], "Mine");
    assert_eq!(stored["logs"]["maxDays"], 9);
    assert_eq!(stored["smtp"]["username"], "me");
    assert_eq!(stored["backups"]["cron"], "0 3 * * *");
}

/// Settings that use nothing of ours lie in the database as PocketBase would write them.
#[test]
fn what_pocketbase_does_not_know_is_stored_only_where_it_was_set() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::open(options(&dir, None)).unwrap();
    change(&app, &json!({"meta": {"appName": "Mine"}})).unwrap();
    let names = |text: &str| {
        let stored: Value = serde_json::from_str(text).unwrap();
        let names = stored["backups"].as_object().unwrap().keys().cloned();
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let plain = names(&stored_text(&app));
    assert_eq!(plain.into_iter().collect::<Vec<_>>(), ["cron", "cronMaxKeep", "s3"]);
    change(&app, &json!({"backups": {"keepWeekly": 4, "verifyCron": ""}})).unwrap();
    assert_eq!(app.settings().public()["backups"]["keepWeekly"], 4);
    assert_eq!(app.settings().public()["backups"]["verifyCron"], "");
    assert!(change(&app, &json!({"backups": {"verifyCron": "often"}})).is_err());
    assert!(change(&app, &json!({"backups": {"keepDaily": -1}})).is_err());
    app.close().unwrap();
    let app = App::open(options(&dir, None)).unwrap();
    assert_eq!(
        (
            app.settings().get().backups.keep_weekly,
            app.settings().get().backups.verify_cron.as_str()
        ),
        (4, "")
    );
    change(&app, &json!({"backups": {"keepWeekly": 0, "verifyCron": "30 4 * * 0"}})).unwrap();
    assert_eq!(names(&stored_text(&app)).len(), 3);
    app.close().unwrap();
}
