//! The end of the line: puts what the workers made into the archive, in order, and notes it in directory and manifest.

use std::io::{self, Write};
use std::path::Path;

use bosbase_disk::Disk;

use super::codec::END;
use super::job::{Done, Made, MadeEntry};
use super::manifest;
use super::pieces::{Noted, Pieces};
use super::record::{self, DEFLATED, FLAG_DESCRIPTOR, FLAG_UTF8, Facts, STORED, STREAM_ZIP64_FROM};
use super::spool::Spool;
use super::{EntryMeta, MANIFEST_PATH};
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Error, ErrorKind, Result};

/// Writes the records of one archive.
pub(super) struct Sink<'a, W: Write> {
    out: W,
    count: u64,
    directory: Spool<'a>,
    manifest: Spool<'a>,
    entries: u64,
    /// The entry whose pieces are being written.
    open: Option<Open>,
}

struct Open {
    path: EntryPath,
    facts: Facts,
    crc: crc32fast::Hasher,
    pieces: Option<Noted>,
}

impl<'a, W: Write> Sink<'a, W> {
    pub(super) fn new(out: W, disk: &'a dyn Disk, spool_dir: &Path) -> Self {
        Self {
            out,
            count: 0,
            directory: Spool::new(disk, spool_dir),
            manifest: Spool::new(disk, spool_dir),
            entries: 0,
            open: None,
        }
    }

    /// Writes whole entries.
    pub(super) fn entries(&mut self, entries: Vec<(EntryPath, EntryMeta)>, done: &Done) -> Result<()> {
        let Made::Entries(made) = &done.made else {
            return Err(out_of_order());
        };
        let (mut bytes, mut packed) = (done.bytes.as_slice(), done.packed.as_slice());
        for ((path, meta), made) in entries.into_iter().zip(made) {
            let (own, rest) = bytes.split_at(made.len);
            bytes = rest;
            let (own_packed, rest) = packed.split_at(made.packed_len.unwrap_or(0));
            packed = rest;
            self.entry(&path, &meta, made, made.packed_len.map_or(own, |_| own_packed))?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &EntryPath, meta: &EntryMeta, made: &MadeEntry, contents: &[u8]) -> Result<()> {
        let mut facts = self.facts(path, meta);
        if made.packed_len.is_none() {
            facts.method = STORED;
        }
        (facts.crc, facts.len, facts.packed) = (made.crc, made.len as u64, contents.len() as u64);
        let attempted = || format!("writing {path} to the archive");
        self.write(&facts.local()).context(attempted)?;
        self.write(contents).context(attempted)?;
        self.note(path, &facts, &made.hash, None)
    }

    /// Starts an entry that comes in pieces.
    pub(super) fn begin(&mut self, path: EntryPath, meta: &EntryMeta, deflate: bool) -> Result<()> {
        let mut facts = self.facts(&path, meta);
        facts.flags |= FLAG_DESCRIPTOR;
        facts.zip64 = meta.len >= STREAM_ZIP64_FROM;
        if !deflate {
            facts.method = STORED;
        }
        self.write(&facts.local())
            .context(|| format!("writing {path} to the archive"))?;
        self.open = Some(Open {
            path,
            facts,
            crc: crc32fast::Hasher::new(),
            pieces: Noted::of(meta.len).filter(|_| deflate),
        });
        Ok(())
    }

    /// Writes the next piece of the entry.
    pub(super) fn piece(&mut self, done: &Done) -> Result<()> {
        let (Made::Piece { crc, deflated }, Some(open)) = (&done.made, &mut self.open) else {
            return Err(out_of_order());
        };
        let piece = if *deflated { &done.packed } else { &done.bytes };
        open.facts.len += done.bytes.len() as u64;
        open.facts.packed += piece.len() as u64;
        open.crc.combine(crc);
        if let Some(pieces) = &mut open.pieces {
            pieces.part(piece.len());
        }
        self.count += piece.len() as u64;
        self.out
            .write_all(piece)
            .context(|| format!("writing {} to the archive", open.path))
    }

    /// Ends the entry.
    pub(super) fn end(&mut self, hash: &blake3::Hash) -> Result<()> {
        let Open {
            path,
            mut facts,
            crc,
            pieces,
        } = self.open.take().ok_or_else(out_of_order)?;
        let attempted = || format!("writing {path} to the archive");
        if facts.method == DEFLATED {
            self.write(END).context(attempted)?;
            facts.packed += END.len() as u64;
        }
        facts.crc = crc.finalize();
        self.write(&facts.descriptor()).context(attempted)?;
        let pieces = pieces.and_then(|noted| noted.finish(facts.len));
        self.note(&path, &facts, hash, pieces)
    }

    /// Hands out the manifest's lines so far.
    pub(super) fn take_manifest(&mut self) -> Spool<'a> {
        self.manifest.take()
    }

    /// Writes the directory; returns what the archive was written to and its length in bytes.
    pub(super) fn finish(mut self) -> Result<(W, u64)> {
        let attempted = || "closing the archive".to_owned();
        let offset = self.count;
        io::copy(&mut self.directory.reader(), &mut self.out).context(attempted)?;
        let end = record::end(self.entries, offset, self.directory.len());
        self.count += self.directory.len();
        self.write(&end).and_then(|()| self.out.flush()).context(attempted)?;
        Ok((self.out, self.count))
    }

    fn facts(&self, path: &EntryPath, meta: &EntryMeta) -> Facts {
        Facts {
            name: path.as_str().to_owned(),
            flags: FLAG_UTF8,
            method: DEFLATED,
            crc: 0,
            packed: 0,
            len: 0,
            offset: self.count,
            modified: meta.modified,
            mode: 0o100_000 | meta.mode & 0o777,
            is_manifest: path.as_str() == MANIFEST_PATH,
            zip64: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.count += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn note(&mut self, path: &EntryPath, facts: &Facts, hash: &blake3::Hash, pieces: Option<Pieces>) -> Result<()> {
        self.directory
            .push(&facts.central())
            .context(|| format!("noting {path} in the directory"))?;
        self.entries += 1;
        if facts.is_manifest {
            return Ok(());
        }
        let line = manifest::entry_line(path, facts.len, hash, pieces)?;
        let attempted = || format!("noting {path} in the manifest");
        if self.entries > 1 {
            self.manifest.push(manifest::SEPARATOR).context(attempted)?;
        }
        self.manifest.push(&line).context(attempted)
    }
}

/// Cannot happen; if it did, an archive with other bytes than it says must not come of it.
fn out_of_order() -> Error {
    Error::new(ErrorKind::Io, "the pieces of the archive came out of order")
}
