//! Any bytes as an uploaded archive.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use bosbase_backup::archive::EntryKind;
use bosbase_backup::storage::memory::MemorySource;
use bosbase_backup::{Archive, Checked, Error, ErrorKind, NoProgress, verify};

use crate::memory;

/// What reading takes for any archive: two workers' windows of a mebibyte, their inflaters, the directory's and
/// the manifest's windows, some batches of entries.
const FIXED: usize = 12 << 20;
/// What it may take beside that for each byte of the archive: the bytes themselves, and their names' hashes.
const PER_BYTE: usize = 12;

/// Opens and reads `bytes` as an archive.
///
/// # Panics
/// Unless all of this holds: what is refused is refused as an invalid archive, never as a failing disk; every name
/// stays in its directory, and no two are alike; no entry yields more or less than it declares; reading twice, by one
/// thread and by several, proves the same; memory stays within its bound.
pub fn archive(bytes: &[u8]) {
    memory::within(FIXED + PER_BYTE * bytes.len(), || {
        if let Some(archive) = refused(Archive::open(Arc::new(MemorySource::new(bytes.to_vec())))) {
            look(&archive);
        }
    });
}

/// The value, or nothing where the archive was refused for what it is.
pub(crate) fn refused<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{error}");
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// Holds an archive that opened against all that an open archive promises; returns what reading it proved.
pub(crate) fn look(archive: &Archive) -> Option<Checked> {
    let (mut names, mut bytes) = (BTreeSet::new(), 0_u64);
    let mut database = false;
    for entry in archive.entries() {
        let entry = entry.expect("the directory was read to its end when the archive was opened");
        let name = entry.path.as_str();
        assert!(stays_inside(name), "{name:?} leaves its directory");
        assert!(names.insert(name.to_owned()), "{name:?} is there twice");
        assert!(entry.kind == EntryKind::File || entry.len == 0);
        bytes = bytes.checked_add(entry.len).expect("lengths that can be added up");
        database |= name == "data.db" && entry.kind == EntryKind::File;
    }
    assert!(database, "an archive without a database was opened");
    assert_eq!(bytes, archive.unpacked_len());
    assert_eq!(
        names.len() as u64 + u64::from(archive.has_manifest()),
        archive.entry_count()
    );

    let mut contents = Vec::new();
    let one = refused(archive.read_all(&NoProgress, |entry, reader| {
        let (read, hash) = drain(reader)?;
        assert!(read <= entry.len, "{} yields more than it declares", entry.path);
        contents.push((entry.path.as_str().to_owned(), read, entry.len, hash));
        Ok(())
    }));
    let many = refused(verify(archive, &NoProgress));
    assert_eq!(one, many, "one thread and several do not prove the same");
    if let Some(checked) = &one {
        assert!(contents.iter().all(|(_, read, len, _)| read == len));
        assert_eq!(checked.entries, contents.len() as u64);
        assert_eq!(checked.bytes, bytes);
        assert_eq!(checked.manifest.is_some(), archive.has_manifest());
        assert_eq!(checked.entries, names.len() as u64);
        let mut again = contents.iter();
        archive
            .read_all(&NoProgress, |entry, reader| {
                let known = again.next().expect("as many entries as the first time");
                let (read, hash) = drain(reader)?;
                assert_eq!(
                    (entry.path.as_str(), read, &hash),
                    (known.0.as_str(), known.1, &known.3)
                );
                Ok(())
            })
            .expect("what was proven once is proven again");
    }
    one
}

fn drain(reader: &mut dyn Read) -> Result<(u64, blake3::Hash), Error> {
    let (mut hash, mut read, mut piece) = (blake3::Hasher::new(), 0, vec![0; 64 << 10]);
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok((read, hash.finalize())),
            Ok(n) => {
                read += n as u64;
                hash.update(&piece[..n]);
            }
            Err(error) => {
                return Err(error
                    .downcast::<Error>()
                    .expect("an error that says what is wrong with the archive"));
            }
        }
    }
}

/// Said in another way than the product says it.
fn stays_inside(name: &str) -> bool {
    let mut depth = 0;
    for part in std::path::Path::new(name).components() {
        match part {
            std::path::Component::Normal(_) => depth += 1,
            _ => return false,
        }
    }
    depth > 0 && depth == name.split('/').count() && !name.contains(['\\', '\0'])
}
