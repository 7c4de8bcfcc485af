//! Opens an archive that nobody vouches for.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::directory::{self, Bounds, Directory};
use super::entry::{ArchiveEntry, EntryKind, EntryReader, Unpacker};
use super::manifest::{ManifestEntry, ManifestHeader, ManifestReader};
use super::pieces::{PieceDone, PieceJob, PieceUnpacker, PiecedReader};
use super::structure::Structure;
use super::workers::{self, Queue, Ticket, Worker};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::{Progress, advance};
use crate::storage::ArchiveSource;

/// The database that makes an archive a backup.
const DATABASE: &str = "data.db";
/// What every SQLite 3 file starts with (https://sqlite.org/fileformat.html).
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Archives that unpack to less are read by the calling thread alone.
const WORTH_THREADS: u64 = 2 << 20;
/// A worker gets entries until they unpack to so many bytes, or are so many.
const BATCH: u64 = 1 << 20;
const BATCH_ENTRIES: usize = 256;
/// What is read of the archive at once.
const WINDOW: usize = 1 << 20;

/// An archive whose structure is checked: all its names are safe and distinct, none of its entries overlap or are of a kind
/// that cannot be restored, and it holds a database. Its contents are not proven until [`Archive::read_all`] ended well.
pub struct Archive {
    source: Arc<dyn ArchiveSource>,
    bounds: Bounds,
    manifest: Option<ArchiveEntry>,
    root_files: usize,
    bytes: u64,
}

/// What reading a whole archive proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Entries read, without the manifest.
    pub entries: u64,
    /// Their bytes, unpacked.
    pub bytes: u64,
    /// The manifest all of them were compared with by BLAKE3; without one there were only the CRC-32 to compare.
    pub manifest: Option<ManifestHeader>,
}

impl Archive {
    /// Checks an archive's structure; reads its directory and one entry's beginning, not its contents.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArchive`] for all that is wrong with it; [`ErrorKind::Io`] if it cannot be read.
    pub fn open(source: Arc<dyn ArchiveSource>) -> Result<Self> {
        let bounds = directory::find(source.as_ref())?;
        let mut structure = Structure::new(bounds.entries)?;
        let (mut bytes, mut root_files, mut manifest, mut database) = (0_u64, 0, None, None);
        for (index, entry) in Directory::new(source.clone(), bounds).enumerate() {
            let entry = entry?;
            structure.add(&entry);
            let is_last = index as u64 + 1 == bounds.entries;
            if entry.is_manifest {
                if !is_last {
                    return Err(Error::archive("something was added to the archive behind its manifest"));
                }
                manifest = Some(entry);
                continue;
            }
            bytes = bytes.saturating_add(entry.len);
            root_files += usize::from(entry.is_root_file());
            if entry.path.as_str() == DATABASE && entry.kind == EntryKind::File {
                database = Some(entry);
            }
        }
        structure.check()?;
        let archive = Self {
            source,
            bounds,
            manifest,
            root_files,
            bytes,
        };
        archive.check_database(&database.ok_or_else(|| Error::archive("the archive holds no data.db"))?)?;
        if let Some(entry) = &archive.manifest {
            ManifestReader::new(archive.unpacker(64 << 10).open(entry)?)?;
        }
        Ok(archive)
    }

    /// All bytes it unpacks to.
    #[must_use]
    pub fn unpacked_len(&self) -> u64 {
        self.bytes
    }

    /// How many entries it has, the manifest included.
    #[must_use]
    pub fn entry_count(&self) -> u64 {
        self.bounds.entries
    }

    /// `true` if it was made by this program.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        self.manifest.is_some()
    }

    /// How many files lie at its root, as the databases do and whatever a database takes for its own.
    pub(crate) fn root_files(&self) -> usize {
        self.root_files
    }

    /// The entries in the directory's order, without the manifest.
    pub fn entries(&self) -> impl Iterator<Item = Result<ArchiveEntry>> + use<> {
        Directory::new(self.source.clone(), self.bounds).filter(|entry| !entry.as_ref().is_ok_and(|e| e.is_manifest))
    }

    /// Reads every entry to its end, each through `visit`, and proves all of it: lengths, checksums and, where there is a
    /// manifest, that it names exactly these entries with these BLAKE3 hashes. What `visit` leaves unread is read for it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArchive`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`], and what `visit` says. What was visited
    /// before is unproven then.
    pub fn read_all(
        &self,
        progress: &dyn Progress,
        mut visit: impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
    ) -> Result<Checked> {
        progress.total(self.bytes);
        let mut manifest_unpacker = self.unpacker(64 << 10);
        let mut proof = Proof::new(self, &mut manifest_unpacker)?;
        let mut unpacker = self.unpacker(WINDOW);
        let go_on = AtomicBool::new(true);
        let watch = Watch {
            progress,
            go_on: &go_on,
        };
        for entry in self.entries() {
            let entry = entry?;
            let line = proof.line(&entry)?;
            let hash = read(&mut unpacker, &entry, watch, &mut visit)?;
            proof.add(&entry, line.as_ref(), &hash)?;
        }
        proof.finish()
    }

    /// Does what [`Archive::read_all`] does on all cores, below the caller's priority: entries are visited by several threads
    /// at once and in no order, each thread with a state of its own. An entry that comes in pieces is visited by the calling
    /// thread while the others unpack it. All threads have ended when this returns.
    ///
    /// # Errors
    /// As [`Archive::read_all`].
    pub(crate) fn read_all_at_once<S>(
        &self,
        progress: &dyn Progress,
        state: impl Fn() -> S + Sync,
        visit: impl Fn(&mut S, &ArchiveEntry, &mut dyn Read) -> Result<()> + Sync,
    ) -> Result<Checked> {
        let workers = workers::count();
        if self.bytes < WORTH_THREADS || workers < 2 {
            let mut state = state();
            return self.read_all(progress, |entry, contents| visit(&mut state, entry, contents));
        }
        progress.total(self.bytes);
        let go_on = AtomicBool::new(true);
        thread::scope(|scope| {
            let watch = Watch {
                progress,
                go_on: &go_on,
            };
            let (queue, worker) = workers::queue();
            for n in 0..workers {
                let worker: Worker<Task, Answer> = worker.clone();
                let (state, visit) = (&state, &visit);
                let started = thread::Builder::new()
                    .name("backup-inflate".to_owned())
                    .spawn_scoped(scope, move || {
                        let (mut unpacker, mut pieces, mut state) =
                            (self.unpacker(WINDOW), PieceUnpacker::new(), state());
                        worker.run(|task| match task {
                            Task::Piece(job) => {
                                Answer::Piece(watch.check().and_then(|()| pieces.perform(self.source.as_ref(), job)))
                            }
                            Task::Entries(batch) => {
                                let mut visit =
                                    |entry: &ArchiveEntry, contents: &mut dyn Read| visit(&mut state, entry, contents);
                                let read_one = |(entry, line): Waiting| {
                                    read(&mut unpacker, &entry, watch, &mut visit).map(|hash| (entry, line, hash))
                                };
                                Answer::Entries(batch.into_iter().map(read_one).collect())
                            }
                        });
                    });
                match started {
                    Ok(_) => {}
                    // Fewer do as well.
                    Err(_) if n > 0 => break,
                    Err(e) => return Err(e).context(|| "starting worker threads".to_owned()),
                }
            }
            let mut state = state();
            let mut visit = |entry: &ArchiveEntry, contents: &mut dyn Read| visit(&mut state, entry, contents);
            let checked = self.prove(&queue, workers, watch, &mut visit);
            if checked.is_err() {
                go_on.store(false, Ordering::Relaxed);
            }
            checked
        })
    }

    /// Hands out all entries in batches, or in pieces, and takes the results.
    fn prove(
        &self,
        queue: &Queue<Task, Answer>,
        workers: usize,
        watch: Watch<'_>,
        visit: &mut impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
    ) -> Result<Checked> {
        let mut manifest_unpacker = self.unpacker(64 << 10);
        let mut proof = Proof::new(self, &mut manifest_unpacker)?;
        let mut headers = self.unpacker(4 << 10);
        let (mut batch, mut bytes, mut tickets) = (Vec::new(), 0, VecDeque::new());
        let mut entries = self.entries();
        loop {
            let entry = entries.next().transpose()?;
            let at_end = entry.is_none();
            if let Some(entry) = entry {
                let mut line = proof.line(&entry)?;
                if let Some(pieces) = line.as_mut().and_then(|line| line.pieces.take()) {
                    let hand_out = |job| queue.submit(Task::Piece(job));
                    let pieced = PiecedReader::new(&mut headers, &entry, &pieces, workers + 2, hand_out)?;
                    let hash = pass(pieced, &entry, watch, visit)?;
                    proof.add(&entry, line.as_ref(), &hash)?;
                } else {
                    bytes += entry.len;
                    batch.push((entry, line));
                }
            }
            if bytes >= BATCH || batch.len() >= BATCH_ENTRIES || at_end {
                tickets.push_back(queue.submit(Task::Entries(std::mem::take(&mut batch))));
                bytes = 0;
            }
            while tickets.len() > 2 * workers || at_end {
                let Some(ticket): Option<Ticket<Answer>> = tickets.pop_front() else {
                    break;
                };
                let Answer::Entries(proven) = ticket.wait().context(|| "reading the archive".to_owned())? else {
                    return Err(Error::new(ErrorKind::Io, "the archive's entries came out of order"));
                };
                for (entry, line, hash) in proven? {
                    proof.add(&entry, line.as_ref(), &hash)?;
                }
            }
            if at_end {
                return proof.finish();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn manifest_entry(&self) -> Option<&ArchiveEntry> {
        self.manifest.as_ref()
    }

    pub(super) fn unpacker(&self, window: usize) -> Unpacker {
        Unpacker::new(self.source.clone(), window)
    }

    fn check_database(&self, entry: &ArchiveEntry) -> Result<()> {
        let mut start = [0; SQLITE_MAGIC.len()];
        let read = self.unpacker(4 << 10).open(entry)?.read_exact(&mut start);
        match read {
            Ok(()) if start == *SQLITE_MAGIC => Ok(()),
            Err(e) if !matches!(e.kind(), io::ErrorKind::UnexpectedEof) => {
                Err(e).context(|| "reading data.db from the archive".to_owned())
            }
            _ => Err(Error::archive("the archive's data.db is not a SQLite database")),
        }
    }

    fn check_named(&self, name: &str, size: u64) -> Result<()> {
        // The databases come first; of a whole archive only these few records are read again.
        for entry in self.entries() {
            let entry = entry?;
            if entry.path.as_str() == name {
                if entry.len == size {
                    return Ok(());
                }
                break;
            }
        }
        Err(Error::archive(format!(
            "the archive's {name} is not of the length that its manifest names"
        )))
    }
}

/// An entry to read, and its line in the manifest.
type Waiting = (ArchiveEntry, Option<ManifestEntry>);
/// The same after it was read, and what its bytes hash to.
type Proven = (ArchiveEntry, Option<ManifestEntry>, blake3::Hash);

/// What a worker is given.
enum Task {
    Entries(Vec<Waiting>),
    Piece(PieceJob),
}

/// What a worker gives back.
pub(super) enum Answer {
    Entries(Result<Vec<Proven>>),
    Piece(Result<PieceDone>),
}

/// Who watches the reading, and whether it still has a purpose.
#[derive(Clone, Copy)]
struct Watch<'a> {
    progress: &'a dyn Progress,
    go_on: &'a AtomicBool,
}

impl Watch<'_> {
    fn check(&self) -> Result<()> {
        if self.go_on.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Another thread's error is the one that is told.
        Err(Error::new(ErrorKind::Cancelled, "reading the archive was given up"))
    }
}

/// Reads one entry to its end, through `visit`.
fn read(
    unpacker: &mut Unpacker,
    entry: &ArchiveEntry,
    watch: Watch<'_>,
    visit: &mut impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
) -> Result<blake3::Hash> {
    pass(unpacker.open(entry)?, entry, watch, visit)
}

/// Passes an entry's contents through `visit` to their end.
fn pass(
    contents: impl Read,
    entry: &ArchiveEntry,
    watch: Watch<'_>,
    visit: &mut impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
) -> Result<blake3::Hash> {
    let mut contents = Hashing {
        inner: contents,
        hash: blake3::Hasher::new(),
        watch,
    };
    visit(entry, &mut contents)?;
    let mut rest = [0; 32 << 10];
    loop {
        match contents.read(&mut rest) {
            Ok(0) => return Ok(contents.hash.finalize()),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e).context(|| format!("reading {} from the archive", entry.path)),
        }
    }
}

/// Holds what was read against the manifest, entry by entry.
struct Proof<'a> {
    archive: &'a Archive,
    manifest: Option<ManifestReader<EntryReader<'a>>>,
    checked: Checked,
}

impl<'a> Proof<'a> {
    fn new(archive: &'a Archive, unpacker: &'a mut Unpacker) -> Result<Self> {
        let manifest = match &archive.manifest {
            Some(entry) => Some(ManifestReader::new(unpacker.open(entry)?)?),
            None => None,
        };
        let checked = Checked {
            entries: 0,
            bytes: 0,
            manifest: None,
        };
        Ok(Self {
            archive,
            manifest,
            checked,
        })
    }

    /// The next line of the manifest, which must be about this entry; `None` without a manifest.
    fn line(&mut self, entry: &ArchiveEntry) -> Result<Option<ManifestEntry>> {
        let Some(manifest) = &mut self.manifest else {
            return Ok(None);
        };
        match manifest.next()? {
            Some(line) if line.path == entry.path.as_str() => Ok(Some(line)),
            _ => Err(Error::archive(format!(
                "the archive's manifest does not name {} in its place",
                entry.path
            ))),
        }
    }

    fn add(&mut self, entry: &ArchiveEntry, line: Option<&ManifestEntry>, hash: &blake3::Hash) -> Result<()> {
        self.checked.entries += 1;
        self.checked.bytes += entry.len;
        match line {
            Some(line) if line.size != entry.len || line.blake3 != hash.to_hex().as_str() => Err(Error::archive(
                format!("{} is not what the archive's manifest says", entry.path),
            )),
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Checked> {
        if let Some(mut manifest) = self.manifest {
            if let Some(missing) = manifest.next()? {
                return Err(Error::archive(format!(
                    "the archive lacks {}, which its manifest names",
                    missing.path
                )));
            }
            let header = manifest.header().clone();
            for database in &header.databases {
                self.archive.check_named(database.name.as_str(), database.size)?;
            }
            self.checked.manifest = Some(header);
        }
        Ok(self.checked)
    }
}

/// Hashes and counts what passes through.
struct Hashing<'a, R> {
    inner: R,
    hash: blake3::Hasher,
    watch: Watch<'a>,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.watch.check()?;
        let n = self.inner.read(buf)?;
        self.hash.update(&buf[..n]);
        if n > 0 {
            advance(self.watch.progress, n as u64)?;
        }
        Ok(n)
    }
}

/// Reads a whole archive for nothing but the proof, on all cores.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn verify(archive: &Archive, progress: &dyn Progress) -> Result<Checked> {
    archive.read_all_at_once(progress, || (), |(), _, _| Ok(()))
}
