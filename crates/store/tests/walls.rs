//! What may stand where: nothing but `src/sqlite/` knows the driver or SQL, and nothing but `sqlite/wal.rs` moves the
//! write-ahead log.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a test")]

use std::path::{Path, PathBuf};

use regex::Regex;

/// The files that may hold SQL text although they are not of the engine, and why.
const SQL_ALLOWED: [&str; 1] = [
    // The API speaks of an index by the statement that makes it. It is taken apart and written out here, and run in
    // `sqlite/`.
    "model/index.rs",
];

/// What SQL looks like in a text.
const SQL: &str = r"(?x)
    \b(SELECT|WITH)\s | \bINSERT\s+(OR\s+\w+\s+)?INTO\b | \bUPDATE\s+\S+\s+SET\b | \bDELETE\s+FROM\b
    | \b(CREATE|DROP|ALTER)\s+(UNIQUE\s+)?(TABLE|INDEX|VIEW|TRIGGER)\b | \bPRAGMA\b | \b(LEFT|INNER)\s+JOIN\b
    | \b(ORDER|GROUP)\s+BY\b | \bWHERE\b | \bIS\s+(NOT\s+)?NULL\b | \bCOALESCE\b | \bjson_(each|extract|array|valid|type)\b
    | \b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b
";

#[test]
fn only_the_engine_knows_the_driver_and_sql() {
    let mut faults = Vec::new();
    for (name, source) in sources() {
        if name.starts_with("sqlite/") {
            continue;
        }
        let mut found = faults_of(&source);
        if SQL_ALLOWED.contains(&name.as_str()) {
            found.retain(|fault| !fault.starts_with("SQL"));
        }
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn one_file_alone_chooses_the_engine() {
    for (name, source) in sources() {
        let knows = Rust::of(&source).code.contains("sqlite::");
        let may_know = name.starts_with("sqlite/") || name == "engine.rs";
        assert!(!knows || may_know, "{name} refers to the engine");
    }
}

#[test]
fn only_the_owner_of_the_write_ahead_log_moves_it() {
    for (name, source) in sources() {
        let rust = Rust::of(&source);
        // Looking at it changes nothing.
        let moves = |text: &String| text.contains("wal_checkpoint") && !text.contains("NOOP");
        let is_moved = rust.texts.iter().any(moves) || rust.code.contains("checkpoint_v2");
        assert_eq!(is_moved, name == "sqlite/wal.rs", "{name}");
    }
}

/// The first three tests would also pass if they found nothing anywhere.
#[test]
fn what_breaks_a_wall_is_found() {
    for (source, expected) in [
        ("use rusqlite::Connection;", "the driver: rusqlite"),
        ("fn f(c: &rusqlite::Connection) {}", "the driver: rusqlite"),
        ("let sql = format!(\"SELECT {x} FROM t\");", "SQL: SELECT {x} FROM t"),
        ("x.push_str(\" WHERE a = ?\");", "SQL:  WHERE a = ?"),
        ("let q = r#\"DELETE FROM `t`\"#;", "SQL: DELETE FROM `t`"),
        ("let s = \"a\\\"b\"; let t = \"x ORDER BY y\";", "SQL: x ORDER BY y"),
    ] {
        assert_eq!(faults_of(source), [expected], "{source}");
    }
    for source in [
        "/// rusqlite is not used, nor is SELECT * FROM t.\nfn f() {}",
        "// \"PRAGMA x\"\nlet c = '\"'; let d = '\\''; let e = \"where the records are\";",
        "let text = \"the order by which they came\";",
    ] {
        assert_eq!(faults_of(source), [""; 0], "{source}");
    }
}

fn faults_of(source: &str) -> Vec<String> {
    let rust = Rust::of(source);
    let mut faults = Vec::new();
    if rust.code.contains("rusqlite") {
        faults.push("the driver: rusqlite".to_owned());
    }
    let sql = Regex::new(SQL).unwrap();
    faults.extend(
        rust.texts
            .iter()
            .filter(|text| sql.is_match(text))
            .map(|text| format!("SQL: {text}")),
    );
    faults
}

/// A source file taken apart: its code without comments and texts, and the texts.
struct Rust {
    code: String,
    texts: Vec<String>,
}

impl Rust {
    fn of(source: &str) -> Self {
        // A comment, a raw text, a text, a character: whichever begins first.
        let parts = Regex::new(
            r##"(?s)//[^\n]*|/\*.*?\*/|r#"(?<raw>.*?)"#|r"(?<plain>[^"]*)"|"(?<text>(?:\\.|[^"\\])*)"|'(?:\\.[^']*|[^'\\])'"##,
        )
        .unwrap();
        let text = |found: &regex::Captures<'_>| {
            let mut kinds = ["raw", "plain", "text"].into_iter();
            kinds
                .find_map(|kind| found.name(kind))
                .map(|text| text.as_str().to_owned())
        };
        Self {
            texts: parts.captures_iter(source).filter_map(|found| text(&found)).collect(),
            code: parts.replace_all(source, " ").into_owned(),
        }
    }
}

/// Every source file of the crate, by its path from `src`.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(
        found.iter().any(|(name, _)| name.starts_with("sqlite/")),
        "{}",
        root.display()
    );
    found
}
