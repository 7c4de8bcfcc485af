//! Backups made of a folder, read back by this crate and by other unzippers.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bosbase_backup::{Archive, BackupKey, DataDir, ErrorKind, NoProgress, Sources, Storage, verify};

use common::{Bytes, noise, open};

fn fill(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("storage/abc/r1/note.txt", b"hello".to_vec()),
        ("storage/abc/r1/empty", Vec::new()),
        ("storage/abc/r2/ünïcode 名.bin", noise(70_000)),
        ("storage/abc/r2/big_noise.bin", noise(3 << 20)),
        ("storage/abc/r2/big_text.txt", b"all work and no play ".repeat(200_000)),
        ("storage/abc/r3/exactly_a_mebibyte", noise(1 << 20)),
        ("types.d.ts", b"declare".to_vec()),
    ];
    for (name, bytes) in &files {
        common::put(dir, name, bytes);
    }
    for private in [
        "data.db",
        "data.db-wal",
        "data.db-shm",
        "auxiliary.db-journal",
        "backups/old.zip",
        ".bosbase/undo/x/data.db",
        ".pb_temp_to_delete/x",
        ".autocert_cache/x",
        "lost+found/x",
        "storage/.bosbase-undo-1/abc/x",
        "storage/abc/.x.1.tmp",
    ] {
        common::put(dir, private, b"live");
    }
    std::os::unix::fs::symlink("/etc/passwd", dir.join("storage/abc/link")).unwrap();
    files
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect()
}

fn sources(dir: &Path, required_files: Vec<String>) -> Sources<'static> {
    Sources {
        data_dir: DataDir::at(dir),
        databases: vec![
            Bytes::database("data.db", 5_000_000),
            Bytes::database("auxiliary.db", 100),
        ],
        required_files: Box::new(required_files.into_iter().map(Ok)),
        remote_files: None,
    }
}

fn make(
    dir: &Path,
    name: &str,
    required_files: Vec<String>,
) -> bosbase_backup::Result<(bosbase_backup::CreateReport, bosbase_backup::Proof)> {
    common::make(dir, name, sources(dir, required_files))
}

#[test]
fn a_backup_holds_the_databases_and_every_file_and_nothing_private() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = fill(dir.path());
    let (report, proof) = make(
        dir.path(),
        "a.zip",
        vec!["storage/abc/r1/note.txt".into(), "storage/abc/gone/x".into()],
    )
    .unwrap();
    assert_eq!(report.missing.first, ["storage/abc/gone/x"]);
    assert_eq!(report.left_out.first, ["storage/abc/link: it is a symbolic link"]);
    for database in [
        Bytes::database("data.db", 5_000_000),
        Bytes::database("auxiliary.db", 100),
    ] {
        expected.insert(database.0.to_owned(), database.1);
    }
    let archive = open(dir.path(), "a.zip").unwrap();
    let mut found = BTreeMap::new();
    let checked = archive
        .read_all(&NoProgress, |entry, contents| {
            let mut bytes = Vec::new();
            contents.read_to_end(&mut bytes).unwrap();
            found.insert(entry.path.to_string(), bytes);
            Ok(())
        })
        .unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(found == expected);
    let manifest = checked.manifest.unwrap();
    assert_eq!(manifest.databases.len(), 2);
    assert_eq!(checked.entries, expected.len() as u64);
    assert!(
        report.backup.size < proof.checked.bytes * 3 / 4,
        "text and database shrink: {}",
        report.backup.size
    );
}

#[test]
fn other_unzippers_accept_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let expected = fill(dir.path());
    make(dir.path(), "a.zip", Vec::new()).unwrap();
    let archive = dir.path().join("backups/a.zip");
    let script =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])";
    let mut ran = 0;
    for (program, arguments) in [
        ("unzip", vec!["-tqq"]),
        ("7z", vec!["t"]),
        ("python3", vec!["-c", script]),
    ] {
        let mut command = Command::new(program);
        command.args(arguments).arg(&archive);
        if program == "python3" {
            command.arg(dir.path().join("out"));
        }
        match command.output() {
            Err(_) => eprintln!("SKIPPED: {program} is not installed"),
            Ok(output) => {
                assert!(
                    output.status.success(),
                    "{program}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
                ran += 1;
            }
        }
    }
    assert!(ran > 0, "not a single other unzipper is installed");
    if dir.path().join("out").exists() {
        for (name, bytes) in expected {
            assert!(
                std::fs::read(dir.path().join("out").join(&name)).unwrap() == bytes,
                "{name}"
            );
        }
    }
}

#[test]
fn a_name_that_is_taken_stays_with_its_backup() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    make(dir.path(), "a.zip", Vec::new()).unwrap();
    let before = std::fs::read(dir.path().join("backups/a.zip")).unwrap();
    assert_eq!(
        make(dir.path(), "a.zip", Vec::new()).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert!(std::fs::read(dir.path().join("backups/a.zip")).unwrap() == before);
}

#[test]
fn every_flipped_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("storage/c/r")).unwrap();
    std::fs::write(dir.path().join("storage/c/r/f.txt"), b"hello hello hello hello").unwrap();
    let storage = common::storage(dir.path());
    let mut sources = sources(dir.path(), Vec::new());
    sources.databases = vec![Bytes::database("data.db", 3000)];
    let key = BackupKey::existing("a.zip").unwrap();
    common::make(dir.path(), "a.zip", sources).unwrap();
    let path = dir.path().join("backups/a.zip");
    let whole = std::fs::read(&path).unwrap();
    let verify = || Archive::open(Arc::from(storage.open(&key)?)).and_then(|a| verify(&a, &NoProgress));
    let good = verify().unwrap();
    let mut unnoticed = Vec::new();
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        std::fs::write(&path, &broken).unwrap();
        match verify() {
            Ok(checked) if checked == good => unnoticed.push(at),
            // The mark that makes the last entry the manifest; all contents are still as they were.
            Ok(checked) if checked.manifest.is_none() && checked.entries == good.entries + 1 => unnoticed.push(at),
            Ok(_) => panic!("byte {at} changed what was found"),
            Err(e) => assert_eq!(e.kind(), ErrorKind::InvalidArchive, "byte {at}: {e}"),
        }
    }
    // Versions, times and attributes say nothing about the contents: at most that many bytes a header.
    assert!(
        unnoticed.len() < 3 * 60,
        "{} of {} bytes may be changed: {unnoticed:?}",
        unnoticed.len(),
        whole.len()
    );
    for len in 0..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(verify().unwrap_err().kind(), ErrorKind::InvalidArchive, "cut at {len}");
    }
}
