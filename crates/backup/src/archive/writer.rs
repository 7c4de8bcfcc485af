//! Writes an archive front to back; what it writes to need not seek.
//!
//! The calling thread reads and writes; workers compress what lies between. A long entry is cut into pieces, short ones
//! are gathered to batches, so that a thread is woken for a few hundred KiB, never for a file. What was handed out is
//! bounded in bytes and put into the archive in the order it was read.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread::{self, JoinHandle};

use bosbase_background::give_way;
use bosbase_disk::Disk;
use jiff::Timestamp;

use super::MANIFEST_PATH;
use super::codec::{Deflater, PIECE};
use super::job::{Done, Job, What};
use super::manifest::{self, ManifestHeader};
use super::sink::Sink;
use super::workers::{self, Queue, Ticket};
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::{NoProgress, Progress, advance};

/// Entries up to this length are compressed in memory, so that their header can tell their sizes.
const WHOLE: u64 = 1 << 20;

/// A batch is handed out when it has so many entries, however short.
const BATCH_ENTRIES: usize = 512;

/// Of a long entry so many pieces are looked at before it is decided how to pack it.
const LOOKED_AT: usize = 4;

/// Bytes that may be with the workers; about as many again for what they make of them.
const IN_FLIGHT: usize = 16 * PIECE;

/// What an entry's header tells beside its contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryMeta {
    /// How long it will be at most, bytes.
    pub len: u64,
    /// Its last change.
    pub modified: Option<Timestamp>,
    /// Permission bits.
    pub mode: u32,
    /// Its beginning says nothing about the rest of it: long databases are compressed even where their first pages
    /// would not shrink.
    pub is_mixed: bool,
}

/// Writes one archive.
pub(crate) struct ArchiveWriter<'a, W: Write> {
    sink: Sink<'a, W>,
    crew: Crew,
    steps: VecDeque<Step>,
    in_flight: usize,
    batch: Vec<(EntryPath, EntryMeta)>,
    batch_lens: Vec<usize>,
    batch_bytes: Vec<u8>,
    /// Buffers to be used again: those that were read into, and those that were packed into.
    read_into: Vec<Vec<u8>>,
    packed_into: Vec<Vec<u8>>,
}

/// What is to be written next, and next but one.
enum Step {
    Entries(Vec<(EntryPath, EntryMeta)>, Ticket<Done>, usize),
    Begin(EntryPath, EntryMeta, bool),
    Piece(Ticket<Done>, usize),
    End(blake3::Hash),
}

impl<'a, W: Write> ArchiveWriter<'a, W> {
    /// Starts an archive. The directory and the manifest of a very long one wait for the end in a file in `spool_dir`.
    pub(crate) fn new(out: W, disk: &'a dyn Disk, spool_dir: &Path) -> Self {
        Self {
            sink: Sink::new(out, disk, spool_dir),
            crew: Crew::new(),
            steps: VecDeque::new(),
            in_flight: 0,
            batch: Vec::new(),
            batch_lens: Vec::new(),
            batch_bytes: Vec::new(),
            read_into: Vec::new(),
            packed_into: Vec::new(),
        }
    }

    /// Adds an entry of at most `meta.len` bytes; returns how many it had. It was read then; it is written a little
    /// later, so what goes wrong with it may be told by a later call.
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
        let mut contents = contents.take(meta.len);
        match usize::try_from(meta.len) {
            Ok(len) if meta.len < WHOLE => self.gather(path, meta, len, &mut contents, progress),
            _ => self.stream(path, meta, &mut contents, progress),
        }
    }

    /// Writes all that was added.
    ///
    /// # Errors
    /// As [`ArchiveWriter::add`].
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.hand_out_batch(false)?;
        while !self.steps.is_empty() {
            self.write_next()?;
        }
        Ok(())
    }

    /// Closes the archive with its manifest and directory; returns what it was written to and its length in bytes.
    ///
    /// # Errors
    /// As [`ArchiveWriter::add`].
    pub(crate) fn finish(mut self, header: &ManifestHeader) -> Result<(W, u64)> {
        self.settle()?;
        let first = manifest::first_line(header)?;
        let path = EntryPath::new(MANIFEST_PATH)
            .map_err(|e| Error::with(ErrorKind::Io, "closing the archive".to_owned(), e))?;
        let lines = self.sink.take_manifest();
        let meta = EntryMeta {
            len: first.len() as u64 + lines.len() + manifest::LAST_LINE.len() as u64,
            modified: Some(header.created),
            mode: 0o644,
            is_mixed: false,
        };
        let mut document = first.as_slice().chain(lines.reader()).chain(manifest::LAST_LINE);
        self.add(&path, &meta, &mut document, &NoProgress)?;
        self.settle()?;
        self.sink.finish()
    }

    /// Takes a short entry into the batch.
    fn gather(
        &mut self,
        path: &EntryPath,
        meta: &EntryMeta,
        most: usize,
        contents: &mut impl Read,
        progress: &dyn Progress,
    ) -> Result<u64> {
        if !self.batch.is_empty() && self.batch_bytes.len() + most > PIECE {
            self.hand_out_batch(true)?;
        }
        let start = self.batch_bytes.len();
        self.batch_bytes.resize(start + most, 0);
        let len =
            fill(contents, &mut self.batch_bytes[start..]).context(|| format!("reading {path} for the archive"))?;
        self.batch_bytes.truncate(start + len);
        self.batch.push((path.clone(), *meta));
        self.batch_lens.push(len);
        if self.batch_bytes.len() >= PIECE || self.batch.len() >= BATCH_ENTRIES {
            self.hand_out_batch(true)?;
        }
        advance(progress, len as u64)?;
        Ok(len as u64)
    }

    /// Cuts a long entry into pieces.
    fn stream(
        &mut self,
        path: &EntryPath,
        meta: &EntryMeta,
        contents: &mut impl Read,
        progress: &dyn Progress,
    ) -> Result<u64> {
        self.hand_out_batch(true)?;
        let (mut hash, mut len) = (blake3::Hasher::new(), 0);
        let mut next = |spare: Vec<u8>| -> Result<Vec<u8>> {
            let mut piece = spare;
            // One that was used before has this length; to fill it with zeros each time would cost as much as reading
            // it.
            piece.resize(PIECE, 0);
            let read = fill(contents, &mut piece).context(|| format!("reading {path} for the archive"))?;
            piece.truncate(read);
            give_way();
            hash.update(&piece);
            give_way();
            len += read as u64;
            advance(progress, read as u64)?;
            Ok(piece)
        };
        let mut beginning = Vec::new();
        while beginning.len() < LOOKED_AT && beginning.last().is_none_or(|p: &Vec<u8>| p.len() == PIECE) {
            let piece = next(self.read_into.pop().unwrap_or_default())?;
            beginning.push(piece);
        }
        let looked_at: Vec<&[u8]> = beginning.iter().map(Vec::as_slice).collect();
        let deflate = meta.is_mixed || self.crew.deflater.worthwhile(&looked_at);
        self.steps.push_back(Step::Begin(path.clone(), *meta, deflate));
        let mut ended = false;
        for piece in beginning {
            ended = piece.len() < PIECE;
            self.hand_out_piece(piece, deflate)?;
        }
        while !ended {
            let piece = next(self.read_into.pop().unwrap_or_default())?;
            ended = piece.len() < PIECE;
            self.hand_out_piece(piece, deflate)?;
        }
        self.steps.push_back(Step::End(hash.finalize()));
        Ok(len)
    }

    fn hand_out_batch(&mut self, more_follows: bool) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut fresh = self.read_into.pop().unwrap_or_default();
        fresh.clear();
        let bytes = std::mem::replace(&mut self.batch_bytes, fresh);
        let what = What::Entries(std::mem::take(&mut self.batch_lens));
        let entries = std::mem::take(&mut self.batch);
        let (ticket, cost) = self.hand_out(bytes, what, more_follows)?;
        self.steps.push_back(Step::Entries(entries, ticket, cost));
        Ok(())
    }

    fn hand_out_piece(&mut self, piece: Vec<u8>, deflate: bool) -> Result<()> {
        let (ticket, cost) = self.hand_out(piece, What::Piece { deflate }, true)?;
        self.steps.push_back(Step::Piece(ticket, cost));
        Ok(())
    }

    /// Gives bytes to the workers, once there is room for them.
    fn hand_out(&mut self, bytes: Vec<u8>, what: What, more_follows: bool) -> Result<(Ticket<Done>, usize)> {
        // Short ones count as well: their names wait with them.
        let cost = bytes.len().max(PIECE);
        while self.in_flight + cost > IN_FLIGHT && !self.steps.is_empty() {
            self.write_next()?;
        }
        self.in_flight += cost;
        let mut packed = self.packed_into.pop().unwrap_or_default();
        packed.clear();
        let job = Job { bytes, packed, what };
        let ticket = self
            .crew
            .hand_out(job, more_follows)
            .context(|| "starting worker threads".to_owned())?;
        Ok((ticket, cost))
    }

    /// Waits for what is to be written next and writes it.
    fn write_next(&mut self) -> Result<()> {
        let attempted = || "compressing for the archive".to_owned();
        let (done, cost) = match self.steps.pop_front() {
            None => return Ok(()),
            Some(Step::Begin(path, meta, deflate)) => return self.sink.begin(path, &meta, deflate),
            Some(Step::End(hash)) => return self.sink.end(&hash),
            Some(Step::Entries(entries, ticket, cost)) => {
                let done = ticket.wait().context(attempted)?;
                self.sink.entries(entries, &done)?;
                (done, cost)
            }
            Some(Step::Piece(ticket, cost)) => {
                let done = ticket.wait().context(attempted)?;
                self.sink.piece(&done)?;
                (done, cost)
            }
        };
        self.in_flight -= cost;
        for (buf, spare) in [(done.bytes, &mut self.read_into), (done.packed, &mut self.packed_into)] {
            // Those of single long entries would keep their memory for good.
            if buf.capacity() <= 2 * PIECE && spare.len() * PIECE < IN_FLIGHT {
                spare.push(buf);
            }
        }
        Ok(())
    }
}

/// The workers; none before there is work for them, and none after it is dropped.
struct Crew {
    queue: Option<Queue<Job, Done>>,
    threads: Vec<JoinHandle<()>>,
    deflater: Deflater,
}

impl Crew {
    fn new() -> Self {
        Self {
            queue: None,
            threads: Vec::new(),
            deflater: Deflater::new(),
        }
    }

    /// Has a job done: by a worker, or right here if it is the only one.
    fn hand_out(&mut self, job: Job, more_follows: bool) -> io::Result<Ticket<Done>> {
        if self.queue.is_none() {
            if !more_follows {
                return Ok(Ticket::Ready(job.perform(&mut self.deflater)));
            }
            self.start()?;
        }
        match &self.queue {
            Some(queue) => Ok(queue.submit(job)),
            None => Ok(Ticket::Ready(job.perform(&mut self.deflater))),
        }
    }

    fn start(&mut self) -> io::Result<()> {
        let (queue, worker) = workers::queue();
        for _ in 0..bosbase_background::workers() {
            let worker: workers::Worker<Job, Done> = worker.clone();
            let started = thread::Builder::new().name("backup-deflate".to_owned()).spawn(move || {
                let mut deflater = Deflater::new();
                worker.run(|job| job.perform(&mut deflater));
            });
            match started {
                Ok(thread) => self.threads.push(thread),
                // Fewer do as well.
                Err(_) if !self.threads.is_empty() => break,
                Err(e) => return Err(e),
            }
        }
        self.queue = Some(queue);
        Ok(())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // One that died was noticed by the thread that waited for its answer.
            let _ = thread.join();
        }
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
                is_mixed: false,
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
            files_elsewhere: false,
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
                is_mixed: false,
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
            files_elsewhere: false,
            databases: Vec::new(),
        };
        writer.finish(&header).unwrap();
        let archive = Archive::open(Arc::new(MemorySource::new(bytes))).unwrap();
        assert_eq!(verify(&archive, &NoProgress).unwrap().bytes, (2 << 20) + 105);
    }
}
