//! Archives that must never be restored, made by code: fixtures for this crate's tests and for those from outside.
//!
//! They are put together byte by byte, by nothing that the real writer uses, so that they can lie wherever they like.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;

/// When an archive is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// By [`super::Archive::open`], that is, before an upload is accepted or a restore begins.
    AtOnce,
    /// By reading it whole.
    ByReading,
    /// By the databases' own checks.
    ByDatabase,
}

/// One archive and what is wrong with it.
pub struct Broken {
    /// What is wrong, as part of a file name.
    pub name: &'static str,
    /// When it is found out.
    pub found: Found,
    /// The file.
    pub bytes: Vec<u8>,
}

/// An entry that says what it is told to.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    data: Vec<u8>,
    len: u64,
    crc: u32,
    method: u16,
    flags: u16,
    mode: u32,
    made_by: u8,
    local_name: Option<Vec<u8>>,
    local_method: Option<u16>,
    offset: Option<u32>,
    extra: Vec<u8>,
}

impl Raw {
    fn stored(name: &str, contents: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            data: contents.to_vec(),
            len: contents.len() as u64,
            crc: crc32fast::hash(contents),
            method: 0,
            flags: 0,
            mode: 0o100_644,
            made_by: 3,
            local_name: None,
            local_method: None,
            offset: None,
            extra: Vec::new(),
        }
    }

    fn deflated(name: &str, contents: &[u8]) -> Self {
        Self {
            data: deflate(contents),
            method: 8,
            ..Self::stored(name, contents)
        }
    }
}

fn deflate(contents: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(contents);
    encoder.finish().unwrap_or_default()
}

fn put(out: &mut Vec<u8>, width: usize, value: u64) {
    out.extend_from_slice(&value.to_le_bytes()[..width]);
}

/// The body and the directory of an archive, and the record at its end.
fn zip(entries: &[Raw]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = out.len();
        let local_name = entry.local_name.as_ref().unwrap_or(&entry.name);
        put(&mut out, 4, 0x0403_4b50);
        for value in [
            20,
            u64::from(entry.flags),
            u64::from(entry.local_method.unwrap_or(entry.method)),
        ] {
            put(&mut out, 2, value);
        }
        put(&mut out, 4, 0x5a21_0000);
        put(&mut out, 4, u64::from(entry.crc));
        put(&mut out, 4, entry.data.len() as u64);
        put(&mut out, 4, entry.len);
        put(&mut out, 2, local_name.len() as u64);
        put(&mut out, 2, 0);
        out.extend_from_slice(local_name);
        out.extend_from_slice(&entry.data);

        put(&mut directory, 4, 0x0201_4b50);
        put(&mut directory, 1, 20);
        put(&mut directory, 1, u64::from(entry.made_by));
        for value in [20, entry.flags, entry.method] {
            put(&mut directory, 2, u64::from(value));
        }
        put(&mut directory, 4, 0x5a21_0000);
        put(&mut directory, 4, u64::from(entry.crc));
        put(&mut directory, 4, entry.data.len() as u64);
        put(&mut directory, 4, entry.len);
        put(&mut directory, 2, entry.name.len() as u64);
        put(&mut directory, 2, entry.extra.len() as u64);
        put(&mut directory, 6, 0); // comment, disk, internal attributes
        put(&mut directory, 4, u64::from(entry.mode) << 16);
        put(&mut directory, 4, entry.offset.map_or(offset as u64, u64::from));
        directory.extend_from_slice(&entry.name);
        directory.extend_from_slice(&entry.extra);
    }
    let offset = out.len() as u64;
    out.extend_from_slice(&directory);
    put(&mut out, 4, 0x0605_4b50);
    put(&mut out, 4, 0);
    put(&mut out, 2, entries.len() as u64);
    put(&mut out, 2, entries.len() as u64);
    put(&mut out, 4, directory.len() as u64);
    put(&mut out, 4, offset);
    put(&mut out, 2, 0);
    out
}

/// Starts like a database and is none.
fn database() -> Vec<u8> {
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.extend((0..8000_u32).map(|n| (n % 253) as u8));
    bytes
}

fn text() -> Vec<u8> {
    b"a file of a record, long enough to shrink shrink shrink shrink shrink shrink".to_vec()
}

/// Two entries nothing is wrong with, and the given ones behind them.
fn with(entries: Vec<Raw>) -> Vec<u8> {
    let mut all = vec![
        Raw::deflated("data.db", &database()),
        Raw::deflated("storage/c/r/file.txt", &text()),
    ];
    all.extend(entries);
    zip(&all)
}

/// A manifest over some entries.
fn manifest(entries: &[(&str, &[u8])]) -> Raw {
    let lines: Vec<_> = entries
        .iter()
        .map(|(path, bytes)| {
            format!(
                r#"{{"path":"{path}","size":{},"blake3":"{}"}}"#,
                bytes.len(),
                blake3::hash(bytes).to_hex()
            )
        })
        .collect();
    let text = format!(
        "{{\"format\":1,\"program\":\"fixture\",\"created\":\"2026-11-23T00:00:00Z\",\"databases\":[],\"entries\":[\n{}\n]}}\n",
        lines.join(",\n")
    );
    raw_manifest(text.as_bytes())
}

/// Marked as the archive's own.
fn raw_manifest(text: &[u8]) -> Raw {
    Raw {
        extra: b"bB\0\0".to_vec(),
        ..Raw::deflated(super::MANIFEST_PATH, text)
    }
}

/// An archive that nothing is wrong with but its database, which only looks like one.
#[must_use]
pub fn sound() -> Vec<u8> {
    with(vec![manifest(&[
        ("data.db", &database()),
        ("storage/c/r/file.txt", &text()),
    ])])
}

/// All of them.
#[must_use]
#[allow(clippy::too_many_lines, reason = "a list")]
pub fn all() -> Vec<Broken> {
    use Found::{AtOnce, ByDatabase, ByReading};
    let mut list = Vec::new();
    let mut add = |name, found, bytes| list.push(Broken { name, found, bytes });
    let one = |name: &str| with(vec![Raw::stored(name, b"x")]);
    let whole = with(Vec::new());
    let (db, txt) = (database(), text());

    add("empty", AtOnce, Vec::new());
    add("no-zip", AtOnce, b"this is no archive at all".repeat(40));
    add("truncated", AtOnce, whole[..whole.len() / 2].to_vec());
    add("truncated-by-a-byte", AtOnce, whole[..whole.len() - 1].to_vec());
    add("beginning-cut-off", AtOnce, whole[100..].to_vec());
    add("bytes-in-front", AtOnce, [b"#!/bin/sh\n".as_slice(), &whole].concat());
    add(
        "many-bytes-behind",
        AtOnce,
        [whole.as_slice(), &vec![0; 70_000]].concat(),
    );
    add(
        "another-end-behind",
        AtOnce,
        [whole.as_slice(), &whole[whole.len() - 22..], b"more"].concat(),
    );
    add("no-entries", AtOnce, zip(&[]));
    let mut count = whole.clone();
    let end = count.len() - 22;
    (count[end + 8], count[end + 10]) = (3, 3);
    add("more-entries-announced", AtOnce, count);
    let mut count = whole.clone();
    (count[end + 8], count[end + 10]) = (1, 1);
    add("fewer-entries-announced", AtOnce, count);

    add("no-database", AtOnce, zip(&[Raw::stored("storage/c/r/file.txt", &txt)]));
    add(
        "database-elsewhere",
        AtOnce,
        zip(&[Raw::stored("pb_data/data.db", &db)]),
    );
    add("database-is-empty", AtOnce, zip(&[Raw::stored("data.db", b"")]));
    add(
        "database-is-a-directory",
        AtOnce,
        zip(&[Raw {
            mode: 0o040_755,
            ..Raw::stored("data.db/", b"")
        }]),
    );
    add("database-is-text", AtOnce, zip(&[Raw::deflated("data.db", &txt)]));
    add("database-is-garbage", ByDatabase, whole.clone());

    add("path-traversal", AtOnce, one("../escaped.txt"));
    add("path-traversal-within", AtOnce, one("storage/../../escaped.txt"));
    add("path-traversal-backslash", AtOnce, one("..\\escaped.txt"));
    add("path-absolute", AtOnce, one("/tmp/escaped.txt"));
    add("path-drive-letter", AtOnce, one("C:/escaped.txt"));
    add("path-with-nul", AtOnce, one("storage/a\0b"));
    add("path-with-newline", AtOnce, one("storage/a\nb"));
    add("path-empty", AtOnce, one(""));
    add("path-empty-part", AtOnce, one("storage//a"));
    add("path-dot", AtOnce, one("storage/./a"));
    add("path-too-long", AtOnce, one(&format!("storage/{}", "x".repeat(256))));
    add(
        "path-not-utf8",
        AtOnce,
        with(vec![Raw {
            name: b"storage/\xff\xfe".to_vec(),
            ..Raw::stored("x", b"x")
        }]),
    );

    let link = Raw {
        mode: 0o120_777,
        ..Raw::stored("storage/link", b"/etc/passwd")
    };
    add("symlink", AtOnce, with(vec![link.clone()]));
    add(
        "symlink-by-a-foreign-system",
        AtOnce,
        with(vec![Raw { made_by: 0, ..link }]),
    );
    add(
        "named-pipe",
        AtOnce,
        with(vec![Raw {
            mode: 0o010_644,
            ..Raw::stored("storage/pipe", b"")
        }]),
    );
    add(
        "directory-with-contents",
        AtOnce,
        with(vec![Raw {
            mode: 0o040_755,
            ..Raw::stored("storage/d/", b"x")
        }]),
    );

    add("duplicate", AtOnce, one("storage/c/r/file.txt"));
    add("duplicate-database", AtOnce, with(vec![Raw::stored("data.db", &db)]));
    add("file-in-a-file", AtOnce, one("storage/c/r/file.txt/inner"));
    add("file-over-a-directory", AtOnce, one("storage/c"));
    add(
        "encrypted",
        AtOnce,
        with(vec![Raw {
            flags: 1,
            ..Raw::stored("secret", b"x")
        }]),
    );
    add(
        "unknown-method",
        AtOnce,
        with(vec![Raw {
            method: 12,
            ..Raw::stored("bzip2", b"x")
        }]),
    );

    let zeros = vec![0; 50 << 20];
    let packed = deflate(&zeros);
    let bomb = Raw {
        data: packed,
        len: 1 << 30,
        crc: 0,
        method: 8,
        ..Raw::stored("storage/bomb", b"")
    };
    add(
        "bomb-by-ratio",
        AtOnce,
        with(vec![Raw {
            len: u64::from(u32::MAX) - 1,
            ..bomb.clone()
        }]),
    );
    add(
        "bomb-longer-than-declared",
        ByReading,
        with(vec![Raw { len: 1000, ..bomb }]),
    );
    let shared = Raw::deflated("storage/a", &vec![7; 1 << 20]);
    let again = Raw {
        name: b"storage/b".to_vec(),
        offset: Some(0),
        ..shared.clone()
    };
    add(
        "overlapping",
        AtOnce,
        zip(&[shared, again, Raw::deflated("data.db", &db)]),
    );
    let far = Raw {
        offset: Some(0x7fff_ffff),
        ..Raw::stored("far", b"x")
    };
    add("beyond-the-end", AtOnce, with(vec![far]));

    let txt_entry = Raw::deflated("storage/x", &txt);
    add(
        "wrong-checksum",
        ByReading,
        with(vec![Raw {
            crc: 1,
            ..txt_entry.clone()
        }]),
    );
    add(
        "shorter-than-declared",
        ByReading,
        with(vec![Raw {
            len: txt.len() as u64 + 1,
            ..txt_entry.clone()
        }]),
    );
    add(
        "longer-than-declared",
        ByReading,
        with(vec![Raw {
            len: txt.len() as u64 - 1,
            ..txt_entry.clone()
        }]),
    );
    let mut data = txt_entry.data.clone();
    data.extend_from_slice(b"tail");
    add(
        "bytes-behind-a-stream",
        ByReading,
        with(vec![Raw {
            data,
            ..txt_entry.clone()
        }]),
    );
    let data = txt_entry.data[..txt_entry.data.len() - 4].to_vec();
    add(
        "stream-cut-off",
        ByReading,
        with(vec![Raw {
            data,
            ..txt_entry.clone()
        }]),
    );
    let data = vec![0xff; 40];
    add(
        "stream-is-garbage",
        ByReading,
        with(vec![Raw {
            data,
            ..txt_entry.clone()
        }]),
    );
    let renamed = Raw {
        local_name: Some(b"../../etc/passwd".to_vec()),
        ..txt_entry.clone()
    };
    add("another-name-in-front", ByReading, with(vec![renamed]));
    add(
        "another-method-in-front",
        ByReading,
        with(vec![Raw {
            local_method: Some(0),
            ..txt_entry
        }]),
    );

    let both: [(&str, &[u8]); 2] = [("data.db", &db), ("storage/c/r/file.txt", &txt)];
    let changed: Vec<u8> = txt.iter().map(u8::to_ascii_uppercase).collect();
    add(
        "wrong-digest",
        ByReading,
        with(vec![manifest(&[both[0], ("storage/c/r/file.txt", &changed)])]),
    );
    add(
        "extra-entry",
        ByReading,
        with(vec![Raw::stored("storage/extra", b"x"), manifest(&both)]),
    );
    add(
        "missing-entry",
        ByReading,
        with(vec![manifest(&[both[0], both[1], ("storage/gone", b"x")])]),
    );
    add("manifest-is-garbage", AtOnce, with(vec![raw_manifest(b"{}")]));
    let newer = raw_manifest(b"{\"format\":99,\"entries\":[\n]}\n");
    add("manifest-of-a-newer-format", AtOnce, with(vec![newer]));
    list
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::storage::memory::MemorySource;
    use crate::{Archive, ErrorKind, NoProgress, verify};

    fn open(bytes: Vec<u8>) -> crate::Result<Archive> {
        Archive::open(Arc::new(MemorySource::new(bytes)))
    }

    #[test]
    fn the_sound_one_is_accepted() {
        let checked = verify(&open(sound()).unwrap(), &NoProgress).unwrap();
        assert_eq!(checked.entries, 2);
        assert!(checked.manifest.is_some());
    }

    /// PocketBase keeps the manifest of an archive of ours that it restored among the data, and packs it with the rest.
    #[test]
    fn a_manifest_that_was_unpacked_and_packed_again_is_no_manifest() {
        let stale = Raw {
            extra: Vec::new(),
            ..manifest(&[("data.db", b"something else")])
        };
        let checked = verify(&open(with(vec![stale])).unwrap(), &NoProgress).unwrap();
        assert_eq!((checked.entries, checked.manifest), (3, None));
    }

    #[test]
    fn every_broken_one_is_refused_when_it_should_be_and_says_why() {
        for Broken { name, found, bytes } in all() {
            let refused = match (found, open(bytes)) {
                (Found::AtOnce, result) => result.err(),
                (_, Err(e)) => panic!("{name}: refused at once: {e}"),
                (Found::ByReading, Ok(archive)) => verify(&archive, &NoProgress).err(),
                (Found::ByDatabase, Ok(archive)) => {
                    verify(&archive, &NoProgress).unwrap();
                    continue;
                }
            };
            let error = refused.unwrap_or_else(|| panic!("{name}: not refused {found:?}"));
            assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{name}: {error}");
            eprintln!("{name}: {error}");
        }
    }

    #[test]
    fn an_entry_that_is_not_what_the_manifest_says_has_no_end() {
        let wrong = all().into_iter().find(|b| b.name == "wrong-digest").unwrap();
        let mut whole = Vec::new();
        let result = open(wrong.bytes).unwrap().read_all(&NoProgress, |entry, contents| {
            let mut bytes = Vec::new();
            if contents.read_to_end(&mut bytes).is_ok() {
                whole.push(entry.path.to_string());
            }
            Ok(())
        });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArchive);
        assert_eq!(whole, ["data.db"]);
    }

    #[test]
    fn nothing_is_unpacked_beyond_the_declared_length() {
        let bomb = all()
            .into_iter()
            .find(|b| b.name == "bomb-longer-than-declared")
            .unwrap();
        let mut most = 0;
        let archive = open(bomb.bytes).unwrap();
        let result = archive.read_all(&NoProgress, |entry, contents| {
            let mut buf = vec![0; 1 << 20];
            let mut sum = 0;
            while let Ok(n @ 1..) = contents.read(&mut buf) {
                sum += n as u64;
            }
            assert!(sum <= entry.len);
            most = most.max(sum);
            Ok(())
        });
        assert!(result.is_err() && most > 0);
    }
}
