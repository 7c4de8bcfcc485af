//! Long entries in pieces that can be unpacked each by itself, so that all cores work on one database.
//!
//! Our own archives say in the manifest where the pieces of a long entry begin ([`Pieces`]). Nobody vouches for that:
//! lengths, CRC-32 and BLAKE3 of the whole decide as ever, and pieces that are none are an invalid archive.

use std::collections::VecDeque;
use std::io::{self, Read};

use bosbase_background::give_way;
use libdeflater::Decompressor;
use serde::{Deserialize, Serialize};

use super::codec::{END, PIECE};
use super::entry::{ArchiveEntry, Unpacker, read_error};
use super::reader::Answer;
use super::record::DEFLATED;
use super::sentinel::{SAID, Sentinel};
use super::workers::Ticket;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::storage::{ArchiveSource, read_exact_at};

/// What the writer compresses at once are parts of a piece: as many, unless there would be too many pieces.
const LEAST_PARTS: usize = 4;
/// The longest piece, in such parts: each is unpacked in memory.
const MOST_PARTS: usize = 16;
/// So many pieces fit into a line of the manifest; entries of more (400 GB) are unpacked front to back.
const MOST_PIECES: u64 = 90_000;

/// Where an entry can be taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pieces {
    /// Unpacked bytes of each piece but the last, which may be shorter.
    pub len: u64,
    /// Packed bytes of each.
    pub packed: Vec<u32>,
}

/// Collects where the pieces of one entry begin while it is written.
pub(super) struct Noted {
    parts_a_piece: usize,
    parts: usize,
    packed: Vec<u32>,
}

impl Noted {
    /// For an entry of at most `len` bytes; `None` if it is too short or too long for it.
    pub(super) fn of(len: u64) -> Option<Self> {
        let mut parts_a_piece = LEAST_PARTS;
        while len.div_ceil((parts_a_piece * PIECE) as u64) > MOST_PIECES {
            parts_a_piece *= 2;
        }
        let is_long = len > (parts_a_piece * PIECE) as u64;
        (is_long && parts_a_piece <= MOST_PARTS).then(|| Self {
            parts_a_piece,
            parts: 0,
            packed: Vec::new(),
        })
    }

    /// The next part was written in so many bytes.
    pub(super) fn part(&mut self, packed: usize) {
        if self.parts.is_multiple_of(self.parts_a_piece) {
            self.packed.push(0);
        }
        self.parts += 1;
        if let Some(last) = self.packed.last_mut() {
            *last += packed as u32;
        }
    }

    /// The pieces of the entry, which had `len` bytes in the end.
    pub(super) fn finish(mut self, len: u64) -> Option<Pieces> {
        let piece = (self.parts_a_piece * PIECE) as u64;
        // An entry that ends where a piece does may have an empty part behind it.
        if self.packed.len() as u64 > len.div_ceil(piece) {
            let empty = self.packed.pop()?;
            *self.packed.last_mut()? += empty;
        }
        (self.packed.len() > 1).then_some(Pieces {
            len: piece,
            packed: self.packed,
        })
    }
}

/// A piece to unpack.
pub(super) struct PieceJob {
    offset: u64,
    packed: usize,
    len: usize,
    /// Its memory is used for the bytes.
    memory: Vec<u8>,
}

/// An unpacked piece.
pub(super) struct PieceDone {
    bytes: Vec<u8>,
    crc: crc32fast::Hasher,
}

/// Unpacks pieces; one per thread.
pub(super) struct PieceUnpacker {
    decompressor: Decompressor,
    sentinel: Sentinel,
    packed: Vec<u8>,
}

impl PieceUnpacker {
    pub(super) fn new() -> Self {
        Self {
            decompressor: Decompressor::new(),
            sentinel: Sentinel::new(),
            packed: Vec::new(),
        }
    }

    pub(super) fn perform(&mut self, source: &dyn ArchiveSource, job: PieceJob) -> Result<PieceDone> {
        self.packed.resize(job.packed, 0);
        read_exact_at(source, job.offset, &mut self.packed).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Error::archive("the archive ends within a piece of an entry"),
            _ => Error::with(ErrorKind::Io, "reading the archive", e),
        })?;
        self.packed.extend_from_slice(self.sentinel.packed());
        give_way();
        let mut bytes = job.memory;
        bytes.resize(job.len + SAID, 0);
        match self.decompressor.deflate_decompress(&self.packed, &mut bytes) {
            Ok(n) if n == bytes.len() && self.sentinel.is(&bytes[job.len..]) => {}
            _ => return Err(Error::archive("a piece of an entry in the archive does not unpack")),
        }
        bytes.truncate(job.len);
        give_way();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes);
        Ok(PieceDone { bytes, crc })
    }
}

/// The contents of an entry whose pieces are unpacked by others. Reading it to its end proves length and checksum.
pub(super) struct PiecedReader<'a, H> {
    entry: &'a ArchiveEntry,
    pieces: &'a Pieces,
    hand_out: H,
    /// Pieces that are being unpacked, in order.
    ahead: VecDeque<Ticket<Answer>>,
    most_ahead: usize,
    next: usize,
    offset: u64,
    current: Vec<u8>,
    taken: usize,
    spare: Vec<Vec<u8>>,
    crc: crc32fast::Hasher,
    ended: bool,
}

impl<'a, H: FnMut(PieceJob) -> Ticket<Answer>> PiecedReader<'a, H> {
    /// Begins, after all that can be told without unpacking was checked.
    pub(super) fn new(
        unpacker: &mut Unpacker,
        entry: &'a ArchiveEntry,
        pieces: &'a Pieces,
        most_ahead: usize,
        hand_out: H,
    ) -> Result<Self> {
        let packed: u64 = pieces.packed.iter().map(|n| u64::from(*n)).sum();
        let longest = (MOST_PARTS * PIECE) as u64;
        let fits = entry.method == DEFLATED
            && (1..=longest).contains(&pieces.len)
            && entry.len.div_ceil(pieces.len) == pieces.packed.len() as u64
            && packed + END.len() as u64 == entry.packed_len
            // Stored blocks take five bytes more for at most 65,535.
            && pieces.packed.iter().all(|n| u64::from(*n) <= pieces.len + pieces.len / 1000 + 1024);
        if !fits {
            return Err(Error::archive(format!(
                "the archive's manifest names pieces of {} that it does not have",
                entry.path
            )));
        }
        let offset = unpacker.check_around(entry, END)?;
        Ok(Self {
            entry,
            pieces,
            hand_out,
            ahead: VecDeque::new(),
            most_ahead: most_ahead.max(1),
            next: 0,
            offset,
            current: Vec::new(),
            taken: 0,
            spare: Vec::new(),
            crc: crc32fast::Hasher::new(),
            ended: false,
        })
    }

    /// Fetches the next piece; `false` after the last.
    fn advance(&mut self) -> Result<bool> {
        self.spare.push(std::mem::take(&mut self.current));
        while self.ahead.len() < self.most_ahead && self.next < self.pieces.packed.len() {
            let packed = self.pieces.packed[self.next] as usize;
            let left = self.entry.len - self.next as u64 * self.pieces.len;
            let job = PieceJob {
                offset: self.offset,
                packed,
                len: left.min(self.pieces.len) as usize,
                memory: self.spare.pop().unwrap_or_default(),
            };
            self.offset += packed as u64;
            self.next += 1;
            self.ahead.push_back((self.hand_out)(job));
        }
        let Some(ticket) = self.ahead.pop_front() else {
            return Ok(false);
        };
        let attempted = || format!("reading {} from the archive", self.entry.path);
        let Answer::Piece(done) = ticket.wait().context(attempted)? else {
            return Err(Error::new(ErrorKind::Io, "the archive's pieces came out of order"));
        };
        let done = done?;
        self.crc.combine(&done.crc);
        (self.current, self.taken) = (done.bytes, 0);
        Ok(true)
    }
}

impl<H: FnMut(PieceJob) -> Ticket<Answer>> Read for PiecedReader<'_, H> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.current.len() && !self.ended {
            if !self.advance()? {
                self.ended = true;
                if self.crc.clone().finalize() != self.entry.crc {
                    let path = &self.entry.path;
                    return Err(Error::archive(format!("the archive is broken: {path} has a wrong checksum")).into());
                }
            }
        }
        if self.ended {
            return Ok(0);
        }
        let n = buf.len().min(self.current.len() - self.taken);
        buf[..n].copy_from_slice(&self.current[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

impl Unpacker {
    /// Compares what stands in front of an entry's data with the directory, and what stands at its end and behind it;
    /// returns where the data begins.
    fn check_around(&mut self, entry: &ArchiveEntry, end: &[u8]) -> Result<u64> {
        let start = self.data_start(entry)?;
        let mut found = [0; END.len()];
        let end_at = start + entry.packed_len - end.len() as u64;
        self.window()
            .exact(end_at, &mut found)
            .map_err(|e| read_error(e, entry))?;
        if found != end {
            return Err(Error::archive(format!(
                "the archive is broken: {} does not end as it should",
                entry.path
            )));
        }
        if !self
            .descriptor_fits(entry, start + entry.packed_len)
            .map_err(|e| read_error(e, entry))?
        {
            return Err(Error::archive(format!(
                "the archive is broken: {} has a wrong checksum behind its data",
                entry.path
            )));
        }
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bosbase_disk::RealDisk;
    use jiff::Timestamp;

    use super::super::manifest::{ManifestHeader, ManifestReader};
    use super::super::{Archive, ArchiveWriter, EntryMeta, verify};
    use super::*;
    use crate::entry_path::EntryPath;
    use crate::progress::NoProgress;
    use crate::storage::memory::MemorySource;

    /// An archive of one database of several pieces, part of it noise.
    fn archive(len: usize) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = b"SQLite format 3\0".to_vec();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while bytes.len() < len {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let word = (state >> 32) as u32;
            match bytes.len() >> 18 & 1 {
                0 => bytes.extend_from_slice(&word.to_le_bytes()),
                _ => bytes.extend_from_slice(b"all work and no play"),
            }
        }
        bytes.truncate(len);
        let dir = tempfile::tempdir().unwrap();
        let mut file = Vec::new();
        let mut writer = ArchiveWriter::new(&mut file, &RealDisk, dir.path());
        let meta = EntryMeta {
            len: len as u64,
            modified: None,
            mode: 0o644,
            is_mixed: true,
        };
        writer
            .add(
                &EntryPath::new("data.db").unwrap(),
                &meta,
                &mut bytes.as_slice(),
                &NoProgress,
            )
            .unwrap();
        let header = ManifestHeader {
            format: 1,
            program: "test".into(),
            created: Timestamp::UNIX_EPOCH,
            files_elsewhere: false,
            databases: Vec::new(),
        };
        writer.finish(&header).unwrap();
        (file, bytes)
    }

    fn parts(file: &[u8]) -> (Archive, ArchiveEntry, Option<Pieces>) {
        let archive = Archive::open(Arc::new(MemorySource::new(file.to_vec()))).unwrap();
        let entry = archive.entries().next().unwrap().unwrap();
        let mut unpacker = archive.unpacker(64 << 10);
        let mut manifest = ManifestReader::new(unpacker.open(archive.manifest_entry().unwrap()).unwrap()).unwrap();
        let pieces = manifest.next().unwrap().unwrap().pieces;
        drop(manifest);
        (archive, entry, pieces)
    }

    fn unpack(source: &Arc<MemorySource>, entry: &ArchiveEntry, pieces: &Pieces) -> Result<Vec<u8>> {
        let mut worker = PieceUnpacker::new();
        let hand_out = |job| Ticket::Ready(Answer::Piece(worker.perform(source.as_ref(), job)));
        let mut unpacker = Unpacker::new(source.clone(), 4096);
        let mut out = Vec::new();
        PiecedReader::new(&mut unpacker, entry, pieces, 3, hand_out)?
            .read_to_end(&mut out)
            .context(String::new)?;
        Ok(out)
    }

    #[test]
    fn pieces_of_any_entry_put_together_are_the_entry() {
        let piece = LEAST_PARTS * PIECE;
        for len in [
            piece,
            piece + 100,
            2 * piece - 1,
            2 * piece,
            3 * piece + PIECE,
            3 * piece + PIECE + 7,
        ] {
            let (file, bytes) = archive(len);
            let (archive, entry, pieces) = parts(&file);
            assert_eq!(pieces.is_some(), len > piece, "{len}");
            if let Some(pieces) = pieces {
                assert_eq!(pieces.packed.len(), len.div_ceil(piece));
                assert!(unpack(&Arc::new(MemorySource::new(file)), &entry, &pieces).unwrap() == bytes);
            }
            assert_eq!(verify(&archive, &NoProgress).unwrap().bytes, len as u64);
        }
    }

    #[test]
    fn pieces_that_are_none_are_an_invalid_archive() {
        let (file, bytes) = archive(3 * LEAST_PARTS * PIECE + 5);
        let (_, entry, pieces) = parts(&file);
        let (pieces, source) = (pieces.unwrap(), Arc::new(MemorySource::new(file)));
        let mut lies = Vec::new();
        let mut lie = |change: fn(&mut Pieces)| {
            let mut lying = pieces.clone();
            change(&mut lying);
            lies.push(lying);
        };
        lie(|p| p.len = 0);
        lie(|p| p.len += 1);
        lie(|p| p.len = u64::MAX);
        lie(|p| p.packed.clear());
        lie(|p| p.packed.push(0));
        lie(|p| p.packed[0] += 1);
        lie(|p| {
            p.packed[0] += 1;
            p.packed[1] -= 1;
        });
        lie(|p| {
            p.packed[0] -= 5;
            p.packed[1] += 5;
        });
        lie(|p| p.packed.swap(0, 3));
        lie(|p| {
            let all: u32 = p.packed.iter().sum();
            p.packed = vec![all, 0, 0, 0];
        });
        for lying in lies {
            match unpack(&source, &entry, &lying) {
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{lying:?}: {error}"),
                // An empty block may belong to the piece before it or to the one behind it.
                Ok(found) => assert!(found == bytes && lying.packed[0] + 5 == pieces.packed[0], "{lying:?}"),
            }
        }
    }

    /// Unpacks a single piece that says of itself that it is `len` bytes long.
    fn unpack_piece(packed: &[u8], len: usize) -> Result<Vec<u8>> {
        let job = PieceJob {
            offset: 0,
            packed: packed.len(),
            len,
            memory: Vec::new(),
        };
        let source = MemorySource::new(packed.to_vec());
        PieceUnpacker::new().perform(&source, job).map(|done| done.bytes)
    }

    /// The sentinel was one known byte in a stored block. A piece that ended the stream itself and had that byte at its
    /// end passed, with anything behind it; so did one whose last block took the sentinel for its own bytes. Both came
    /// out otherwise, or not at all, in every other program.
    #[test]
    fn a_piece_that_says_or_swallows_the_sentinel_is_none() {
        let stored = |is_last: bool, len: u16, bytes: &[u8]| {
            let len = len.to_le_bytes();
            [&[u8::from(is_last), len[0], len[1], !len[0], !len[1]], bytes].concat()
        };
        assert_eq!(unpack_piece(&stored(false, 5, b"hello"), 5).unwrap(), b"hello");
        let refused = |packed: &[u8], len| assert!(unpack_piece(packed, len).is_err(), "{packed:?}");
        let ends_itself = [stored(true, 6, b"hello\xa5"), b"behind the end".to_vec()].concat();
        refused(&ends_itself, 5);
        let ends_itself = [stored(true, 21, b"hello0123456789abcdef"), b"behind the end".to_vec()].concat();
        refused(&ends_itself, 5);
        for swallowed in 1..24 {
            for is_last in [false, true] {
                let packed = stored(is_last, 5 + swallowed, b"hello");
                for more in 0..32 {
                    refused(&packed, 5 + more);
                }
            }
        }
    }

    #[test]
    fn a_bit_changed_where_two_pieces_meet_is_noticed() {
        let (file, _) = archive(2 * LEAST_PARTS * PIECE + 5);
        let (_, entry, pieces) = parts(&file);
        let pieces = pieces.unwrap();
        let mut at = Unpacker::new(Arc::new(MemorySource::new(file.clone())), 4096)
            .data_start(&entry)
            .unwrap() as usize;
        for packed in &pieces.packed {
            at += *packed as usize;
            for bit in 0..16 * 8 {
                let mut broken = file.clone();
                broken[at - 10 + bit / 8] ^= 1 << (bit % 8);
                match unpack(&Arc::new(MemorySource::new(broken.clone())), &entry, &pieces) {
                    Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArchive),
                    // The bits that fill up the byte in front of an empty stored block say nothing, to nobody.
                    Ok(_) => {
                        let archive = Archive::open(Arc::new(MemorySource::new(broken))).unwrap();
                        archive.read_all(&NoProgress, |_, _| Ok(())).unwrap();
                    }
                }
            }
        }
    }
}
