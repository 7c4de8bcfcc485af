//! Data directories of other versions and of other programs.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a test")]

use std::path::Path;
use std::sync::Arc;

use bosbase_store::{ErrorKind, Store, StoreOptions, check_application, upgrade_staged};
use rusqlite::Connection;

const OLD: &str = include_str!("fixtures/pocketbase_0.23.12.sql");

fn old_directory(extra: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let database = Connection::open(dir.path().join("data.db")).unwrap();
    database.execute_batch(OLD).unwrap();
    database.execute_batch(extra).unwrap();
    dir
}

fn text(dir: &Path, sql: &str) -> String {
    let database = Connection::open(dir.join("data.db")).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_directory_of_pocketbase_0_23_becomes_one_of_0_40() {
    let dir = old_directory(
        "INSERT INTO _migrations VALUES ('1700000000_mine.js', 1);
         UPDATE _collections SET options = replace(options, 'We noticed a login', 'Someone logged in') WHERE name = 'users';
         CREATE INDEX by_hand ON users (name, created);
         CREATE UNIQUE INDEX twin ON users (email) WHERE email != '';
         CREATE VIEW names AS SELECT * FROM (SELECT id, count(*) AS c FROM users GROUP BY id);
         INSERT INTO _collections (id, type, name, fields, options) VALUES ('v', 'view', 'names',
           '[{\"id\":\"a\",\"name\":\"id\",\"type\":\"text\"},{\"id\":\"b\",\"name\":\"c\",\"type\":\"number\"}]',
           '{\"viewQuery\":\"SELECT id, count(*) AS c FROM users GROUP BY id\"}');",
    );
    assert!(text(dir.path(), "SELECT fields FROM _collections WHERE name = 'users'").contains("\"thumbs\":null"));
    upgrade_staged(dir.path(), &Arc::default()).unwrap();
    assert!(!dir.path().join("data.db-wal").exists());
    assert!(!dir.path().join("data.db-shm").exists());
    assert_eq!(
        text(
            dir.path(),
            "SELECT group_concat(file) FROM (SELECT file FROM _migrations WHERE file > '17' ORDER BY file)"
        ),
        "1700000000_mine.js,1717233556_v0.23_migrate.go,1717233557_v0.23_migrate2.go,1717233558_v0.23_migrate3.go,\
         1717233559_v0.23_migrate4.go,1763020353_update_default_auth_alert_templates.go,1778828400_normalize_indexes.go"
    );
    // The default template is replaced, one's own is kept.
    let options = |name: &str| {
        text(
            dir.path(),
            &format!("SELECT options FROM _collections WHERE name = '{name}'"),
        )
    };
    assert!(options("_superusers").contains("<em>{ALERT_INFO}</em>"));
    assert!(options("users").contains("<p>Someone logged in"));
    let fields = text(dir.path(), "SELECT fields FROM _collections WHERE name = 'users'");
    assert!(
        fields.contains("\"thumbs\":[]") && fields.contains("\"help\":\"\""),
        "{fields}"
    );
    // The index made by hand is listed, the twin of the one on `email` gone.
    let indexes = text(dir.path(), "SELECT indexes FROM _collections WHERE name = 'users'");
    assert!(
        indexes.contains("CREATE INDEX `by_hand` ON `users` (\\n  `name`,\\n  `created`\\n)"),
        "{indexes}"
    );
    assert_eq!(
        text(
            dir.path(),
            "SELECT group_concat(name) FROM sqlite_schema WHERE name IN ('by_hand', 'twin')"
        ),
        "by_hand"
    );
    // A view's count is known to be whole by now.
    let fields = text(dir.path(), "SELECT fields FROM _collections WHERE name = 'names'");
    assert!(fields.contains("\"onlyInt\":true"), "{fields}");
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    assert_eq!(store.schema().find("users").unwrap().indexes.len(), 3);
}

#[test]
fn what_is_older_or_something_else_is_refused_and_left_alone() {
    let older = old_directory("DELETE FROM _migrations WHERE file LIKE '17172%'");
    let error = Store::open(&StoreOptions::new(older.path())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
    assert!(error.detail().contains("PocketBase 0.23 or later"), "{error}");

    let other = tempfile::tempdir().unwrap();
    Connection::open(other.path().join("data.db"))
        .unwrap()
        .execute_batch("CREATE TABLE recipes (id)")
        .unwrap();
    let error = Store::open(&StoreOptions::new(other.path())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidSchema);
    assert_eq!(
        text(other.path(), "SELECT group_concat(name) FROM sqlite_schema"),
        "recipes"
    );

    // An empty file is a database to SQLite, and none to a restore.
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("data.db"), "").unwrap();
    assert_eq!(
        check_application(empty.path()).unwrap_err().kind(),
        ErrorKind::InvalidSchema
    );
    assert!(upgrade_staged(empty.path(), &Arc::default()).is_err());
    assert!(upgrade_staged(&empty.path().join("missing"), &Arc::default()).is_err());
}
