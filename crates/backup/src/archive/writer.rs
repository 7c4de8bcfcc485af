//! Writes an archive front to back; what it writes to need not seek.

use std::io::{self, Read, Write};
use std::path::Path;

use bosbase_disk::Disk;
use jiff::Timestamp;

use super::MANIFEST_PATH;
use super::codec::Deflater;
use super::manifest::{self, ManifestHeader};
use super::record::{self, DEFLATED, FLAG_DESCRIPTOR, FLAG_UTF8, Facts, STORED, STREAM_ZIP64_FROM};
use super::spool::Spool;
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::{Progress, advance};

/// Entries up to this length are compressed in memory, so that their header can tell their sizes.
const WHOLE: usize = 1 << 20;

/// What an entry's header tells beside its contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryMeta {
    /// How long it will be at most, bytes.
    pub len: u64,
    /// Its last change.
    pub modified: Option<Timestamp>,
    /// Permission bits.
    pub mode: u32,
}

/// Writes one archive.
pub(crate) struct ArchiveWriter<'a, W: Write> {
    out: Counted<W>,
    deflater: Deflater,
    buf: Vec<u8>,
    directory: Spool<'a>,
    manifest: Spool<'a>,
    entries: u64,
}

impl<'a, W: Write> ArchiveWriter<'a, W> {
    /// Starts an archive. The directory and the manifest of a very long one wait for the end in a file in `spool_dir`.
    pub(crate) fn new(out: W, disk: &'a dyn Disk, spool_dir: &Path) -> Self {
        Self {
            out: Counted { inner: out, count: 0 },
            deflater: Deflater::new(),
            buf: vec![0; WHOLE],
            directory: Spool::new(disk, spool_dir),
            manifest: Spool::new(disk, spool_dir),
            entries: 0,
        }
    }

    /// Adds an entry of at most `meta.len` bytes; returns how many it had.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::NoSpace`], [`ErrorKind::Cancelled`]; the archive is then unusable.
    pub(crate) fn add(
        &mut self,
        path: &EntryPath,
        meta: &EntryMeta,
        contents: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<u64> {
        let (len, hash) = self.put(path, meta, contents, progress)?;
        let line = manifest::entry_line(path, len, &hash)?;
        let attempted = || format!("noting {path} in the manifest");
        if self.entries > 1 {
            self.manifest.push(manifest::SEPARATOR).context(attempted)?;
        }
        self.manifest.push(&line).context(attempted)?;
        Ok(len)
    }

    /// Closes the archive with its manifest and directory; returns what it was written to and its length in bytes.
    ///
    /// # Errors
    /// As [`ArchiveWriter::add`].
    pub(crate) fn finish(mut self, header: &ManifestHeader) -> Result<(W, u64)> {
        let attempted = || "closing the archive".to_owned();
        let first = manifest::first_line(header)?;
        let path = EntryPath::new(MANIFEST_PATH).map_err(|e| Error::with(ErrorKind::Io, attempted(), e))?;
        let lines = self.manifest.take();
        let meta = EntryMeta {
            len: first.len() as u64 + lines.len() + manifest::LAST_LINE.len() as u64,
            modified: Some(header.created),
            mode: 0o644,
        };
        let mut document = first.as_slice().chain(lines.reader()).chain(manifest::LAST_LINE);
        self.put(&path, &meta, &mut document, &crate::progress::NoProgress)?;
        let directory_offset = self.out.count;
        io::copy(&mut self.directory.reader(), &mut self.out).context(attempted)?;
        let end = record::end(self.entries, directory_offset, self.out.count - directory_offset);
        self.out
            .write_all(&end)
            .and_then(|()| self.out.flush())
            .context(attempted)?;
        Ok((self.out.inner, self.out.count))
    }

    fn put(
        &mut self,
        path: &EntryPath,
        meta: &EntryMeta,
        contents: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<(u64, blake3::Hash)> {
        let attempted = || format!("writing {path} to the archive");
        let mut facts = Facts {
            name: path.as_str().to_owned(),
            flags: FLAG_UTF8,
            method: DEFLATED,
            crc: 0,
            packed: 0,
            len: 0,
            offset: self.out.count,
            modified: meta.modified,
            mode: 0o100_000 | meta.mode & 0o777,
            is_manifest: path.as_str() == MANIFEST_PATH,
            zip64: false,
        };
        let mut contents = contents.take(meta.len);
        let mut buf = std::mem::take(&mut self.buf);
        let first = fill(&mut contents, &mut buf).context(attempted)?;
        let (mut crc, mut hash) = (crc32fast::Hasher::new(), blake3::Hasher::new());
        if first < buf.len() {
            let bytes = &buf[..first];
            crc.update(bytes);
            hash.update(bytes);
            let packed = self.deflater.whole(bytes).context(attempted)?;
            if packed.is_none() {
                facts.method = STORED;
            }
            let packed = packed.as_deref().unwrap_or(bytes);
            (facts.crc, facts.len, facts.packed) = (crc.finalize(), first as u64, packed.len() as u64);
            self.out.write_all(&facts.local()).context(attempted)?;
            self.out.write_all(packed).context(attempted)?;
            advance(progress, first as u64)?;
        } else {
            facts.flags |= FLAG_DESCRIPTOR;
            facts.zip64 = meta.len >= STREAM_ZIP64_FROM;
            if !self.deflater.worthwhile(&buf).context(attempted)? {
                facts.method = STORED;
            }
            self.deflater.reset();
            self.out.write_all(&facts.local()).context(attempted)?;
            let mut filled = first;
            while filled > 0 {
                let piece = &buf[..filled];
                crc.update(piece);
                hash.update(piece);
                facts.len += filled as u64;
                if facts.method == STORED {
                    self.out.write_all(piece).context(attempted)?;
                    facts.packed += filled as u64;
                } else {
                    facts.packed += self.deflater.write(piece, &mut self.out).context(attempted)?;
                }
                advance(progress, filled as u64)?;
                filled = fill(&mut contents, &mut buf).context(attempted)?;
            }
            if facts.method == DEFLATED {
                facts.packed += self.deflater.finish(&mut self.out).context(attempted)?;
            }
            facts.crc = crc.finalize();
            self.out.write_all(&facts.descriptor()).context(attempted)?;
        }
        self.buf = buf;
        self.directory.push(&facts.central()).context(attempted)?;
        self.entries += 1;
        Ok((facts.len, hash.finalize()))
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match source.read(&mut buf[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Knows how far it is.
struct Counted<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.count += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bosbase_disk::RealDisk;

    use super::*;
    use crate::storage::memory::MemorySource;
    use crate::{Archive, NoProgress, verify};

    #[test]
    fn more_entries_than_16_bits_count_are_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArchiveWriter::new(&mut bytes, &RealDisk, dir.path());
        let mut add = |name: String, contents: &[u8]| {
            let meta = EntryMeta {
                len: contents.len() as u64,
                modified: None,
                mode: 0o644,
            };
            writer
                .add(&EntryPath::new(name).unwrap(), &meta, &mut &*contents, &NoProgress)
                .unwrap();
        };
        add("data.db".into(), b"SQLite format 3\0");
        for n in 0..66_000 {
            add(format!("storage/c/{n}/f"), b"x");
        }
        let header = ManifestHeader {
            format: 1,
            program: "test".into(),
            created: Timestamp::UNIX_EPOCH,
            databases: Vec::new(),
        };
        writer.finish(&header).unwrap();
        let archive = Archive::open(Arc::new(MemorySource::new(bytes))).unwrap();
        assert_eq!(archive.entry_count(), 66_002);
        assert_eq!(verify(&archive, &NoProgress).unwrap().entries, 66_001);
    }

    #[test]
    fn a_file_that_grows_or_shrinks_while_it_is_read_stays_within_its_announced_length() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArchiveWriter::new(&mut bytes, &RealDisk, dir.path());
        let mut add = |name: &str, len: u64, mut contents: &[u8]| {
            let meta = EntryMeta {
                len,
                modified: None,
                mode: 0o644,
            };
            writer
                .add(&EntryPath::new(name).unwrap(), &meta, &mut contents, &NoProgress)
                .unwrap()
        };
        let database = [b"SQLite format 3\0".as_slice(), &[0; 3 << 20]].concat();
        assert_eq!(add("data.db", 2 << 20, &database), 2 << 20);
        assert_eq!(add("shrunk", 2 << 20, &database[..100]), 100);
        assert_eq!(add("grown", 5, b"0123456789"), 5);
        let header = ManifestHeader {
            format: 1,
            program: "test".into(),
            created: Timestamp::UNIX_EPOCH,
            databases: Vec::new(),
        };
        writer.finish(&header).unwrap();
        let archive = Archive::open(Arc::new(MemorySource::new(bytes))).unwrap();
        assert_eq!(verify(&archive, &NoProgress).unwrap().bytes, (2 << 20) + 105);
    }
}
