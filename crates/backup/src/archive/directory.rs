//! Finds and reads the directory at an archive's end, record by record.

use std::io;
use std::sync::Arc;

use super::entry::{ArchiveEntry, EntryKind, Window, tail};
use super::record::{
    self, CENTRAL, CENTRAL_LEN, DEFLATED, END, END_LEN, END64, END64_LEN, END64_LOCATOR, END64_LOCATOR_LEN,
    FLAGS_ENCRYPTED, LOCAL_LEN, STORED,
};
use crate::entry_path::EntryPath;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{ArchiveSource, read_exact_at};

/// A deflate stream grows by no more than this factor; an entry that claims more lies.
const MAX_RATIO: u64 = 1032;

/// Where the directory lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub offset: u64,
    pub len: u64,
    pub entries: u64,
}

/// Finds the directory from the archive's end. Bytes behind that are passed over, as Go's `archive/zip` does, and so
/// PocketBase: padding, or a signature. They are no part of the archive, and reach as far as a comment could.
pub(super) fn find(source: &dyn ArchiveSource) -> Result<Bounds> {
    let (start, bytes) = tail(source, END_LEN + usize::from(u16::MAX) + END64_LOCATOR_LEN)?;
    let ends = || {
        (0..=bytes.len().saturating_sub(END_LEN))
            .rev()
            .filter(|at| bytes.len() >= at + END_LEN && record::get32(&bytes, *at) == END)
            .map(|at| (at, at + END_LEN + usize::from(record::get16(&bytes, at + 20))))
    };
    // One that ends with the file comes before all others: a comment may hold what looks like an end.
    let at = ends()
        .find(|(_, end)| *end == bytes.len())
        .or_else(|| ends().find(|(_, end)| *end < bytes.len()))
        .map(|(at, _)| at)
        .ok_or_else(|| Error::archive("the file is not a ZIP archive, or its end is missing"))?;
    let end = &bytes[at..];
    if record::get16(end, 4) != 0 || record::get16(end, 6) != 0 || record::get16(end, 8) != record::get16(end, 10) {
        return Err(Error::archive("the archive is split over several files"));
    }
    let mut bounds = Bounds {
        entries: u64::from(record::get16(end, 10)),
        len: u64::from(record::get32(end, 12)),
        offset: u64::from(record::get32(end, 16)),
    };
    let mut directory_end = start + at as u64;
    if let Some(locator) = at.checked_sub(END64_LOCATOR_LEN).map(|from| &bytes[from..at])
        && record::get32(locator, 0) == END64_LOCATOR
    {
        directory_end = record::get64(locator, 8);
        bounds = read_end64(source, directory_end, start + at as u64)?;
    }
    // Nothing may hide between the directory and its end, nor in front of the archive.
    if bounds.offset.checked_add(bounds.len) != Some(directory_end) {
        return Err(Error::archive(
            "the archive is broken: its directory is not where its end says",
        ));
    }
    Ok(bounds)
}

fn read_end64(source: &dyn ArchiveSource, at: u64, end_at: u64) -> Result<Bounds> {
    let broken = || Error::archive("the archive is broken: its ZIP64 end is malformed");
    if at
        .checked_add((END64_LEN + END64_LOCATOR_LEN) as u64)
        .is_none_or(|least| least > end_at)
    {
        return Err(broken());
    }
    let mut bytes = [0; END64_LEN];
    read_exact_at(source, at, &mut bytes)
        .map_err(|e| Error::with(ErrorKind::Io, "reading the end of the archive", e))?;
    let entries = record::get64(&bytes, 32);
    if record::get32(&bytes, 0) != END64
        || record::get32(&bytes, 16) != 0
        || record::get32(&bytes, 20) != 0
        || record::get64(&bytes, 24) != entries
    {
        return Err(broken());
    }
    Ok(Bounds {
        entries,
        len: record::get64(&bytes, 40),
        offset: record::get64(&bytes, 48),
    })
}

/// Reads the directory, one record at a time; ends after the first error.
pub(super) struct Directory {
    window: Window,
    bounds: Bounds,
    at: u64,
    read: u64,
    failed: bool,
}

impl Directory {
    pub(super) fn new(source: Arc<dyn ArchiveSource>, bounds: Bounds) -> Self {
        Self {
            window: Window::new(source, 256 << 10),
            at: bounds.offset,
            bounds,
            read: 0,
            failed: false,
        }
    }

    /// Where the next record begins.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// Reads the record that begins at `position`, which an earlier reading came by.
    pub(super) fn record_at(&mut self, position: u64) -> Result<ArchiveEntry> {
        (self.at, self.read) = (position, 0);
        self.next_record()?.ok_or_else(|| broken("a record is missing"))
    }

    fn next_record(&mut self) -> Result<Option<ArchiveEntry>> {
        let end = self.bounds.offset + self.bounds.len;
        if self.read == self.bounds.entries {
            return if self.at == end {
                Ok(None)
            } else {
                Err(broken("it is longer than its entries"))
            };
        }
        let mut head = [0; CENTRAL_LEN];
        self.take(&mut head)?;
        if record::get32(&head, 0) != CENTRAL {
            return Err(broken("a record is malformed"));
        }
        let (name_len, extra_len) = (
            usize::from(record::get16(&head, 28)),
            usize::from(record::get16(&head, 30)),
        );
        let mut rest = vec![0; name_len + extra_len + usize::from(record::get16(&head, 32))];
        self.take(&mut rest)?;
        if self.at > end {
            return Err(broken("it is shorter than its entries"));
        }
        self.read += 1;
        interpret(
            &head,
            &rest[..name_len],
            &rest[name_len..name_len + extra_len],
            self.bounds.offset,
        )
        .map(Some)
    }

    fn take(&mut self, out: &mut [u8]) -> Result<()> {
        self.window.exact(self.at, out).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => broken("it ends too early"),
            _ => Error::with(ErrorKind::Io, "reading the directory of the archive", e),
        })?;
        self.at += out.len() as u64;
        Ok(())
    }
}

impl Iterator for Directory {
    type Item = Result<ArchiveEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_record();
        self.failed = next.is_err();
        next.transpose()
    }
}

fn broken(why: &str) -> Error {
    Error::archive(format!("the archive's directory is broken: {why}"))
}

/// Makes an entry out of a directory record, or refuses it.
fn interpret(head: &[u8; CENTRAL_LEN], name: &[u8], extra: &[u8], directory: u64) -> Result<ArchiveEntry> {
    let name = std::str::from_utf8(name).map_err(|_| {
        Error::archive(format!(
            "the name {:?} in the archive is not UTF-8",
            String::from_utf8_lossy(name)
        ))
    })?;
    let refuse = |why: &str| Error::archive(format!("the entry {name:?} of the archive {why}"));
    let (flags, method) = (record::get16(head, 8), record::get16(head, 10));
    let (mut packed_len, mut len) = (u64::from(record::get32(head, 20)), u64::from(record::get32(head, 24)));
    let mut offset = u64::from(record::get32(head, 42));
    let extras = record::widen(extra, &mut len, &mut packed_len, &mut offset).ok_or_else(|| refuse("is malformed"))?;

    let (bare, kind) = match name.strip_suffix('/') {
        Some(bare) => (bare, EntryKind::Directory),
        None => (name, EntryKind::File),
    };
    let path = EntryPath::new(bare).map_err(|why| Error::archive(format!("the name {name:?} in the archive {why}")))?;
    if flags & FLAGS_ENCRYPTED != 0 {
        return Err(refuse("is encrypted"));
    }
    if method != STORED && method != DEFLATED {
        return Err(refuse("is compressed in a way that is not supported"));
    }
    if record::get16(head, 34) != 0 {
        return Err(refuse("lies in another file"));
    }
    // The upper half of the attributes is a Unix mode if the archive comes from Unix (3) or macOS (19); a file type
    // there is believed, with any claim of who wrote it.
    let attributes = record::get32(head, 38);
    let unix = matches!(head[5], 3 | 19);
    let mode = attributes >> 16;
    match (mode & 0o170_000, kind) {
        (0, _) | (0o100_000, EntryKind::File) | (0o040_000, EntryKind::Directory) => {}
        (0o120_000, _) => return Err(refuse("is a symbolic link")),
        (0o040_000, EntryKind::File) => return Err(refuse("is a directory by its mode and a file by its name")),
        (0o100_000, EntryKind::Directory) => return Err(refuse("is a file by its mode and a directory by its name")),
        _ => return Err(refuse("is neither a file nor a directory")),
    }
    if kind == EntryKind::Directory && (len != 0 || packed_len > 2) {
        return Err(refuse("is a directory with contents"));
    }
    if method == STORED && packed_len != len {
        return Err(refuse("is stored in another length than its own"));
    }
    if len / MAX_RATIO > packed_len {
        return Err(refuse("claims a length that its data cannot have"));
    }
    let least_end = offset
        .checked_add((LOCAL_LEN + name.len()) as u64)
        .and_then(|at| at.checked_add(packed_len));
    if least_end.is_none_or(|end| end > directory) {
        return Err(refuse("reaches beyond the data of the archive"));
    }
    Ok(ArchiveEntry {
        path,
        kind,
        len,
        packed_len,
        modified: extras.modified.or_else(|| record::from_dos(record::get32(head, 12))),
        mode: (unix && mode & 0o777 != 0).then_some(mode & 0o777),
        is_manifest: extras.is_manifest && name == super::MANIFEST_PATH,
        offset,
        crc: record::get32(head, 16),
        method,
        flags,
    })
}
