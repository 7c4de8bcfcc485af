//! What every storage must do, as one test to run against each of them.

use std::io::Write as _;

use super::{ArchiveSource, Identity, Storage, read_exact_at};
use crate::error::ErrorKind;
use crate::key::BackupKey;

/// Runs the whole suite against an empty storage and leaves it empty.
///
/// # Panics
/// If the storage does anything else than it must; this is a test.
#[allow(clippy::unwrap_used, reason = "a test suite, only compiled for tests")]
pub fn run(storage: &dyn Storage) {
    let key = |name: &str| BackupKey::existing(name).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let mut upload = storage.create(&key(name), None).unwrap();
        upload.write_all(bytes).unwrap();
        upload.publish().unwrap()
    };
    let names = || {
        storage
            .list()
            .unwrap()
            .iter()
            .map(|b| b.key.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), [""; 0], "the suite starts with an empty storage");

    // What does not exist.
    assert!(!storage.contains(&key("a.zip")).unwrap());
    assert_eq!(storage.open(&key("a.zip")).err().unwrap().kind(), ErrorKind::NotFound);
    assert_eq!(storage.delete(&key("a.zip")).unwrap_err().kind(), ErrorKind::NotFound);

    // One in the making is invisible, and gone when dropped.
    let mut upload = storage.create(&key("a.zip"), None).unwrap();
    upload.write_all(b"half").unwrap();
    assert_eq!(names(), [""; 0]);
    assert!(!storage.contains(&key("a.zip")).unwrap());
    drop(upload);
    assert_eq!(names(), [""; 0]);

    // One that is published is there whole.
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let info = write("a.zip", &bytes);
    assert_eq!((info.key.as_str(), info.size), ("a.zip", bytes.len() as u64));
    let list = storage.list().unwrap();
    assert_eq!((list.len(), &list[0].key, list[0].size), (1, &info.key, info.size));
    assert!(Identity::from(&list[0]).is(&Identity::from(&info)));
    let source = storage.open(&key("a.zip")).unwrap();
    check_source(source.as_ref(), &bytes);
    // What a list says of it tells it from others, as what it is read by does.
    let listed = || Identity::from(&storage.list().unwrap()[0]);
    assert!(Identity::of(source.as_ref()).is(&listed()));

    // What can be seen before publishing is what was written.
    let mut upload = storage.create(&key("b.zip"), None).unwrap();
    upload.write_all(b"hello").unwrap();
    if let Some(back) = upload.preview().unwrap() {
        check_source(back.as_ref(), b"hello");
    }
    assert_eq!(names(), ["a.zip"], "looking at it publishes nothing");
    upload.publish().unwrap();
    assert!(storage.contains(&key("b.zip")).unwrap());
    assert_ne!(storage.open(&key("b.zip")).unwrap().etag(), source.etag());

    // A name is given once: at the start, and also when two race for it.
    assert_eq!(
        storage.create(&key("a.zip"), None).err().unwrap().kind(),
        ErrorKind::AlreadyExists
    );
    let (mut first, mut second) = (
        storage.create(&key("c.zip"), None).unwrap(),
        storage.create(&key("c.zip"), None).unwrap(),
    );
    first.write_all(b"first").unwrap();
    second.write_all(b"second").unwrap();
    first.publish().unwrap();
    assert_eq!(second.publish().err().unwrap().kind(), ErrorKind::AlreadyExists);
    check_source(storage.open(&key("c.zip")).unwrap().as_ref(), b"first");

    // Another of its name is another.
    storage.delete(&key("a.zip")).unwrap();
    let again = write("a.zip", &bytes[..bytes.len() - 1]);
    assert!(!Identity::of(source.as_ref()).is(&Identity::from(&again)));

    // Deleted is deleted; what was opened before keeps its bytes or fails.
    for name in ["a.zip", "b.zip", "c.zip"] {
        storage.delete(&key(name)).unwrap();
    }
    assert_eq!(names(), [""; 0]);
    let mut buf = [0; 16];
    if read_exact_at(source.as_ref(), 0, &mut buf).is_ok() {
        assert_eq!(buf, bytes[..16]);
    }
}

#[allow(clippy::unwrap_used, reason = "a test suite, only compiled for tests")]
fn check_source(source: &dyn ArchiveSource, bytes: &[u8]) {
    assert_eq!(source.len(), bytes.len() as u64);
    let mut all = vec![0; bytes.len()];
    read_exact_at(source, 0, &mut all).unwrap();
    assert!(all == bytes);
    let middle = bytes.len() / 2;
    let mut half = vec![0; bytes.len() - middle];
    read_exact_at(source, middle as u64, &mut half).unwrap();
    assert!(half == bytes[middle..]);
    assert_eq!(
        source.read_at(bytes.len() as u64, &mut [0; 8]).unwrap(),
        0,
        "nothing behind the end"
    );
    assert!(!source.etag().is_empty() && !source.etag().contains('"'));
}
