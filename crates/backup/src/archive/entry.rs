//! One entry of an archive and its contents, unpacked and checked as they are read.

use std::io::{self, Read};
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use jiff::Timestamp;

use super::record::{self, DESCRIPTOR, FLAG_DESCRIPTOR, LOCAL, LOCAL_LEN, STORED};
use crate::entry_path::EntryPath;
use crate::error::{Error, Result};
use crate::storage::{ArchiveSource, read_exact_at};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// One entry as the archive's directory describes it; nothing of it is proven before its contents were read to their
/// end.
#[derive(Debug, Clone)]
pub struct ArchiveEntry {
    /// Its path.
    pub path: EntryPath,
    /// What it is.
    pub kind: EntryKind,
    /// Its length in bytes.
    pub len: u64,
    /// Its length in the archive in bytes.
    pub packed_len: u64,
    /// The last change of its contents, UTC to the second (in other programs' archives perhaps local time).
    pub modified: Option<Timestamp>,
    /// Permission bits, where the archive was made on a system that has them.
    pub mode: Option<u32>,
    pub(super) is_manifest: bool,
    pub(super) offset: u64,
    pub(super) crc: u32,
    pub(super) method: u16,
    pub(super) flags: u16,
}

impl ArchiveEntry {
    /// Whether it is a file in no folder.
    pub(crate) fn is_root_file(&self) -> bool {
        self.kind == EntryKind::File && !self.path.as_str().contains('/')
    }
}

/// A piece of the archive in memory: sequential reads hit it, so that small entries do not cost a read each.
pub(super) struct Window {
    source: Arc<dyn ArchiveSource>,
    buf: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    pub(super) fn new(source: Arc<dyn ArchiveSource>, size: usize) -> Self {
        Self {
            source,
            buf: vec![0; size],
            start: 0,
            filled: 0,
        }
    }

    /// The bytes from an offset on, at least one unless the archive ends there.
    pub(super) fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let inside = offset >= self.start && offset < self.start + self.filled as u64;
        if !inside {
            (self.start, self.filled) = (offset, 0);
            loop {
                match self.source.read_at(offset, &mut self.buf) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    other => break self.filled = other?,
                }
            }
        }
        Ok(&self.buf[(offset - self.start) as usize..self.filled])
    }

    /// Exactly `out.len()` bytes from an offset on.
    pub(super) fn exact(&mut self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let bytes = self.at(offset)?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let n = bytes.len().min(out.len());
            out[..n].copy_from_slice(&bytes[..n]);
            offset += n as u64;
            out = &mut out[n..];
        }
        Ok(())
    }
}

/// What reading entries needs, kept from one to the next.
pub(super) struct Unpacker {
    window: Window,
    inflate: Decompress,
}

impl Unpacker {
    pub(super) fn new(source: Arc<dyn ArchiveSource>, window: usize) -> Self {
        Self {
            window: Window::new(source, window),
            inflate: Decompress::new(false),
        }
    }

    /// Opens an entry after comparing its own header with the directory's.
    pub(super) fn open<'a>(&'a mut self, entry: &'a ArchiveEntry) -> Result<EntryReader<'a>> {
        let start = self.data_start(entry)?;
        self.inflate.reset(false);
        Ok(EntryReader {
            unpacker: self,
            entry,
            at: start,
            packed_end: start + entry.packed_len,
            left: entry.len,
            crc: crc32fast::Hasher::new(),
            done: false,
        })
    }

    pub(super) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Where an entry's data begins, after its own header was compared with the directory's.
    pub(super) fn data_start(&mut self, entry: &ArchiveEntry) -> Result<u64> {
        let bad = |why: &str| Error::archive(format!("the archive is broken: {why} at {}", entry.path));
        let mut header = [0; LOCAL_LEN];
        self.window
            .exact(entry.offset, &mut header)
            .map_err(|e| read_error(e, entry))?;
        if record::get32(&header, 0) != LOCAL {
            return Err(bad("there is no header"));
        }
        let flags = record::get16(&header, 6);
        if flags & record::FLAGS_ENCRYPTED != 0 || flags & FLAG_DESCRIPTOR != entry.flags & FLAG_DESCRIPTOR {
            return Err(bad("the header's flags differ from the directory's"));
        }
        if record::get16(&header, 8) != entry.method {
            return Err(bad("the header's method differs from the directory's"));
        }
        let (name_len, extra_len) = (
            usize::from(record::get16(&header, 26)),
            usize::from(record::get16(&header, 28)),
        );
        let mut rest = vec![0; name_len + extra_len];
        let rest_at = entry.offset + LOCAL_LEN as u64;
        self.window
            .exact(rest_at, &mut rest)
            .map_err(|e| read_error(e, entry))?;
        let (name, extra) = rest.split_at(name_len);
        let name = name
            .strip_suffix(b"/")
            .filter(|_| entry.kind == EntryKind::Directory)
            .unwrap_or(name);
        if name != entry.path.as_str().as_bytes() {
            return Err(bad("the header's name differs from the directory's"));
        }
        if flags & FLAG_DESCRIPTOR == 0 {
            let (mut packed, mut len) = (
                u64::from(record::get32(&header, 18)),
                u64::from(record::get32(&header, 22)),
            );
            record::widen(extra, &mut len, &mut packed, &mut 0).ok_or_else(|| bad("the header is malformed"))?;
            if record::get32(&header, 14) != entry.crc || packed != entry.packed_len || len != entry.len {
                return Err(bad("the header's sizes or checksum differ from the directory's"));
            }
        }
        Ok(rest_at + rest.len() as u64)
    }

    /// Whether the checksum behind an entry's data, where there is one, is that of the directory.
    pub(super) fn descriptor_fits(&mut self, entry: &ArchiveEntry, data_end: u64) -> io::Result<bool> {
        if entry.flags & FLAG_DESCRIPTOR == 0 {
            return Ok(true);
        }
        let mut descriptor = [0; 8];
        self.window.exact(data_end, &mut descriptor)?;
        // The signature is optional (APPNOTE 4.3.9.3).
        let at = if record::get32(&descriptor, 0) == DESCRIPTOR {
            4
        } else {
            0
        };
        Ok(record::get32(&descriptor, at) == entry.crc)
    }
}

/// The contents of an entry. Reading it to its end proves length and checksum; never yields more than the declared
/// length.
pub struct EntryReader<'a> {
    unpacker: &'a mut Unpacker,
    entry: &'a ArchiveEntry,
    at: u64,
    packed_end: u64,
    left: u64,
    crc: crc32fast::Hasher,
    done: bool,
}

impl EntryReader<'_> {
    fn broken(&self, why: &str) -> io::Error {
        Error::archive(format!("the archive is broken: {} {why}", self.entry.path)).into()
    }

    /// Unpacks into `out`; 0 at the end of the packed bytes.
    fn unpack(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.unpacker.window.at(self.at)?;
            let most = usize::try_from(self.packed_end - self.at)
                .unwrap_or(usize::MAX)
                .min(input.len());
            if most == 0 && self.at < self.packed_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.entry.method == STORED {
                let n = most.min(out.len());
                out[..n].copy_from_slice(&input[..n]);
                self.at += n as u64;
                return Ok(n);
            }
            let inflate = &mut self.unpacker.inflate;
            let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(&input[..most], out, FlushDecompress::None);
            let consumed = inflate.total_in() - before_in;
            let produced = (inflate.total_out() - before_out) as usize;
            self.at += consumed;
            match status {
                Err(_) => return Err(self.broken("does not unpack")),
                Ok(Status::StreamEnd) if self.at != self.packed_end => {
                    return Err(self.broken("has bytes behind its end"));
                }
                Ok(Status::StreamEnd) => return Ok(produced),
                Ok(_) if produced > 0 => return Ok(produced),
                Ok(_) if consumed == 0 => return Err(self.broken("ends too early")),
                Ok(_) => {}
            }
        }
    }

    /// All declared bytes are out: nothing more may come, and the checksum must fit.
    fn finish(&mut self) -> io::Result<()> {
        // Also drives a deflate stream over its end mark, which may stand behind the last byte.
        if (self.at < self.packed_end || self.entry.method != STORED) && self.unpack_rest()? {
            return Err(self.broken("is longer than declared"));
        }
        if self.crc.clone().finalize() != self.entry.crc {
            return Err(self.broken("has a wrong checksum"));
        }
        if !self.unpacker.descriptor_fits(self.entry, self.packed_end)? {
            return Err(self.broken("has a wrong checksum behind its data"));
        }
        self.done = true;
        Ok(())
    }

    /// `true` if there is a byte more than declared.
    fn unpack_rest(&mut self) -> io::Result<bool> {
        if self.at == self.packed_end && self.unpacker.inflate.total_in() == self.entry.packed_len {
            // All input is taken; a stream that did not say it ends here is found out by asking for more.
            let mut spare = [0; 1];
            let inflate = &mut self.unpacker.inflate;
            let before = inflate.total_out();
            return match inflate.decompress(&[], &mut spare, FlushDecompress::Finish) {
                Ok(Status::StreamEnd) => Ok(inflate.total_out() > before),
                _ => Err(self.broken("ends too early")),
            };
        }
        Ok(self.unpack(&mut [0; 1])? > 0)
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.done || buf.is_empty() {
            return Ok(0);
        }
        let result = self.read_some(buf);
        result.map_err(|e| {
            if e.get_ref().is_some() {
                e
            } else {
                read_error(e, self.entry).into()
            }
        })
    }
}

impl EntryReader<'_> {
    fn read_some(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.finish()?;
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.unpack(&mut buf[..most])?;
        if n == 0 {
            return Err(self.broken("is shorter than declared"));
        }
        self.crc.update(&buf[..n]);
        self.left -= n as u64;
        Ok(n)
    }
}

/// An end where none should be is the archive's fault, all else the storage's.
pub(super) fn read_error(e: io::Error, entry: &ArchiveEntry) -> Error {
    if e.kind() == io::ErrorKind::UnexpectedEof {
        return Error::archive(format!("the archive is broken: it ends within {}", entry.path));
    }
    Error::with(
        crate::ErrorKind::Io,
        format!("reading {} from the archive", entry.path),
        e,
    )
}

/// Reads the last bytes of an archive, at most `most` of them; with the offset they start at.
pub(super) fn tail(source: &dyn ArchiveSource, most: usize) -> Result<(u64, Vec<u8>)> {
    let len = source.len();
    let take = usize::try_from(len).unwrap_or(usize::MAX).min(most);
    let start = len - take as u64;
    let mut bytes = vec![0; take];
    read_exact_at(source, start, &mut bytes)
        .map_err(|e| Error::with(crate::ErrorKind::Io, "reading the end of the archive", e))?;
    Ok((start, bytes))
}
