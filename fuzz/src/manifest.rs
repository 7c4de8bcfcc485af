//! Any bytes as the manifest of an archive.

use std::sync::Arc;

use bosbase_backup::Archive;
use bosbase_backup::archive::MANIFEST_PATH;
use bosbase_backup::storage::memory::MemorySource;
use serde_json::Value;

use crate::archive::{look, refused};
use crate::{memory, zip};

/// What the archive holds beside its manifest, in its order.
const CONTENTS: [(&str, &[u8]); 4] = [
    ("data.db", b"SQLite format 3\0 and the rest of a page"),
    ("auxiliary.db", b""),
    ("storage/c/r/\u{fc} \"quoted\".txt", b"hello"),
    ("storage/c/r/empty", b""),
];

/// As in [`crate::archive()`]; the contents are a few bytes.
const LIMIT: usize = 12 << 20;

/// Opens and reads an archive whose manifest is `bytes`.
///
/// # Panics
/// Unless all of [`crate::archive()`]'s promises hold and, where the archive is proven, its manifest does name exactly
/// what the archive holds, in its order, with lengths and hashes: as told by another reader of JSON.
pub fn manifest(bytes: &[u8]) {
    manifest_is_proven(bytes);
}

/// [`manifest`], telling whether the archive was proven.
pub fn manifest_is_proven(bytes: &[u8]) -> bool {
    memory::within(LIMIT + 12 * bytes.len(), || {
        let mut entries = CONTENTS.to_vec();
        entries.push((MANIFEST_PATH, bytes));
        let source = MemorySource::new(zip::stored(&entries));
        let Some(archive) = refused(Archive::open(Arc::new(source))) else {
            return false;
        };
        assert!(archive.has_manifest(), "the manifest was taken for something else");
        let Some(checked) = look(&archive) else { return false };
        let header = checked.manifest.expect("a proof without the manifest");
        assert!(header.format <= 1, "a newer format was read as if it were known");
        for database in &header.databases {
            let known = CONTENTS.iter().find(|(name, _)| *name == database.name);
            assert_eq!(
                known.map(|(_, contents)| contents.len() as u64),
                Some(database.size),
                "the manifest names the database {:?}",
                database.name
            );
        }
        assert_lines(bytes);
        true
    })
}

fn assert_lines(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("a manifest that is text");
    let lines: Vec<Value> = text
        .lines()
        .skip(1)
        .take(CONTENTS.len())
        .map(|line| serde_json::from_str(line.strip_suffix(',').unwrap_or(line)).expect("a line that is JSON"))
        .collect();
    assert_eq!(lines.len(), CONTENTS.len());
    for (line, (name, contents)) in lines.iter().zip(CONTENTS) {
        assert_eq!(line["path"], name);
        assert_eq!(line["size"], contents.len());
        assert_eq!(line["blake3"], blake3::hash(contents).to_hex().as_str());
    }
}

/// The manifest that [`manifest`]'s archive ought to have.
#[must_use]
pub fn good_manifest() -> String {
    let entries: Vec<String> = CONTENTS
        .iter()
        .map(|(path, contents)| {
            let (path, size, hash) = (Value::from(*path), contents.len(), blake3::hash(contents).to_hex());
            format!("{{\"path\":{path},\"size\":{size},\"blake3\":\"{hash}\"}}")
        })
        .collect();
    let databases = r#"[{"name":"data.db","size":39,"pages":1},{"name":"auxiliary.db","size":0,"pages":0}]"#;
    format!(
        "{{\"format\":1,\"program\":\"bosbase 0.1.0\",\"created\":\"2026-11-23T06:00:00Z\",\"databases\":{databases},\"entries\":[\n{}\n]}}\n",
        entries.join(",\n")
    )
}
