//! The bucket as a storage, against a real S3 server: `./check bucket` starts one and names it in `BOSBASE_TEST_S3_*`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::io::Write as _;
use std::sync::Arc;

use bosbase_backup::storage::{ArchiveSource, conformance};
use bosbase_backup::{BackupKey, BucketStorage, ErrorKind, Notes, Storage};
use bosbase_bucket::{Bucket, BucketConfig, Label, Patience};
use bosbase_disk::RealDisk;

fn variable(name: &str) -> String {
    std::env::var(format!("BOSBASE_TEST_S3_{name}")).unwrap_or_else(|_| panic!("BOSBASE_TEST_S3_{name} is not set"))
}

fn config() -> BucketConfig {
    BucketConfig {
        bucket: variable("BUCKET"),
        region: "us-east-1".to_owned(),
        endpoint: variable("ENDPOINT"),
        access_key: variable("ACCESS_KEY"),
        secret: variable("SECRET"),
        force_path_style: true,
    }
}

fn key(name: &str) -> BackupKey {
    BackupKey::existing(name).unwrap()
}

/// Removes all that lies in the bucket.
fn emptied() -> Bucket {
    let bucket = Bucket::new(&config(), Patience::Answer).unwrap();
    let mut keys = Vec::new();
    bucket
        .each("", |object| {
            keys.push(object.key);
            Ok::<_, bosbase_bucket::Error>(())
        })
        .unwrap();
    keys.iter().for_each(|key| bucket.delete(key).unwrap());
    bucket
}

fn storage(dir: &tempfile::TempDir) -> BucketStorage {
    let notes = Notes::new(Arc::new(RealDisk), dir.path().join("notes"));
    BucketStorage::new(&config(), notes).unwrap()
}

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

fn read_all(source: &dyn ArchiveSource, piece: usize) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match source.read_at(all.len() as u64, &mut buffer).unwrap() {
            0 => return all,
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
}

// One test, for there is one bucket.
#[test]
fn a_bucket_is_a_storage() {
    let bucket = emptied();
    let dir = tempfile::tempdir().unwrap();
    let storage = storage(&dir);
    conformance::run(&storage);

    // What lies beside the backups is none: no other files, nothing in folders.
    for other in ["notes.txt", "collection/record/a.zip", ".hidden.zip"] {
        bucket
            .put(other, bytes::Bytes::from_static(b"x"), &Label::default())
            .unwrap();
    }
    assert_eq!(storage.list().unwrap(), []);

    // Long ones go in parts, and read back the same in any order, by several threads.
    let bytes = noise((37 << 20) + 12_345);
    let mut upload = storage.create(&key("long.zip"), Some(40 << 20)).unwrap();
    for piece in bytes.chunks(1 << 20) {
        upload.write_all(piece).unwrap();
    }
    assert_eq!(storage.list().unwrap(), []);
    let info = upload.publish().unwrap();
    assert_eq!(info.size, bytes.len() as u64);
    assert_eq!(std::fs::read_dir(dir.path().join("notes")).unwrap().count(), 0);
    let source = storage.open(&key("long.zip")).unwrap();
    assert!(read_all(source.as_ref(), 100_000) == bytes);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (source, bytes) = (&source, &bytes);
            scope.spawn(move || {
                for step in 0..20 {
                    let at = (thread * 7 + step * 13) * 131_071 % (bytes.len() - 70_000);
                    let mut buffer = vec![0; 70_000];
                    let n = source.read_at(at as u64, &mut buffer).unwrap();
                    assert!(n > 0 && buffer[..n] == bytes[at..at + n]);
                }
            });
        }
    });

    // One that is replaced in the middle is never mixed with what replaced it.
    let source = storage.open(&key("long.zip")).unwrap();
    source.read_at(0, &mut [0; 10]).unwrap();
    let mut other = bucket.upload("long.zip", None, &Label::default());
    other.write_all(&noise(30 << 20)[1..]).unwrap();
    other.finish(false).unwrap();
    let error = source.read_at(20 << 20, &mut [0; 10]).unwrap_err();
    assert!(error.to_string().contains("not the one"), "{error}");

    // A second of the same name is refused also where both went in parts.
    let mut first = storage.create(&key("twice.zip"), None).unwrap();
    let mut second = storage.create(&key("twice.zip"), None).unwrap();
    first.write_all(&bytes[..20 << 20]).unwrap();
    second.write_all(&bytes[1..20 << 20]).unwrap();
    first.publish().unwrap();
    assert_eq!(second.publish().unwrap_err().kind(), ErrorKind::AlreadyExists);
    let kept = storage.open(&key("twice.zip")).unwrap();
    assert!(read_all(kept.as_ref(), 1 << 20) == bytes[..20 << 20]);

    // Wrong keys and a bucket that is not there are told of, and neither key is.
    let wrong = BucketConfig {
        secret: "another-secret".to_owned(),
        ..config()
    };
    let absent = BucketConfig {
        bucket: "no-such-bucket".to_owned(),
        ..config()
    };
    for config in [wrong, absent] {
        let notes = Notes::new(Arc::new(RealDisk), dir.path().join("notes"));
        let error = BucketStorage::new(&config, notes).unwrap().list().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("another-secret") && !text.contains(&config.access_key),
            "{text}"
        );
    }
    emptied();
}
