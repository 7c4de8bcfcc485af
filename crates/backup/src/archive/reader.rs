//! Opens an archive that nobody vouches for.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bosbase_background::{WORKER, behind, give_way};

use super::directory::{self, Bounds, Directory};
use super::entry::{ArchiveEntry, EntryKind, EntryReader, Unpacker};
use super::manifest::{ManifestEntry, ManifestHeader, ManifestReader};
use super::pieces::{PieceDone, PieceJob, PieceUnpacker, PiecedReader};
use super::structure::Structure;
use super::workers::{self, Queue, Ticket, Worker};
use crate::data_dir::DataDir;
use crate::database_format::DatabaseFormat;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::{Progress, advance};
use crate::storage::ArchiveSource;

/// Archives that unpack to less are read by the calling thread alone.
const WORTH_THREADS: u64 = 2 << 20;
/// A worker gets entries until they unpack to so many bytes, or are so many.
const BATCH: u64 = 1 << 20;
const BATCH_ENTRIES: usize = 256;
/// What is read of the archive at once.
const WINDOW: usize = 1 << 20;

/// An archive whose structure is checked: all its names are safe and distinct, none of its entries overlap or are of a
/// kind that cannot be restored, and it holds a database. Its contents are not proven until [`Archive::read_all`] ended
/// well.
pub struct Archive {
    source: Arc<dyn ArchiveSource>,
    bounds: Bounds,
    manifest: Option<ArchiveEntry>,
    /// The databases, and all that lies beside them.
    root_files: usize,
    bytes: u64,
    files_elsewhere: bool,
}

/// Which entries are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of them.
    All,
    /// The files in no folder, as the databases are.
    RootFiles,
    /// All but those.
    Rest,
}

impl Part {
    fn holds(self, entry: &ArchiveEntry) -> bool {
        match self {
            Self::All => true,
            Self::RootFiles => entry.is_root_file(),
            Self::Rest => !entry.is_root_file(),
        }
    }
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

impl Checked {
    /// What was proven of two parts.
    pub(crate) fn and(self, rest: Self) -> Self {
        Self {
            entries: self.entries + rest.entries,
            bytes: self.bytes + rest.bytes,
            manifest: self.manifest.or(rest.manifest),
        }
    }
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
            if entry.path.as_str() == DataDir::DATABASE && entry.kind == EntryKind::File {
                database = Some(entry);
            }
        }
        structure.check()?;
        let mut archive = Self {
            source,
            bounds,
            manifest,
            root_files,
            bytes,
            files_elsewhere: false,
        };
        archive.check_database(&database.ok_or_else(|| Error::archive("the archive holds no data.db"))?)?;
        if let Some(entry) = &archive.manifest {
            let mut unpacker = archive.unpacker(64 << 10);
            let manifest = ManifestReader::new(unpacker.open(entry)?)?;
            archive.files_elsewhere = manifest.header().files_elsewhere;
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

    /// Whether its manifest says that the data keeps its uploaded files elsewhere; its databases may know better.
    pub(crate) fn hints_at_elsewhere(&self) -> bool {
        self.files_elsewhere
    }

    /// When a part needs no more entries to be looked at.
    fn entries_of(&self, part: Part) -> usize {
        match part {
            Part::RootFiles => self.root_files,
            // To the end, where the manifest must end as well.
            Part::All | Part::Rest => usize::MAX,
        }
    }

    /// The entries in the directory's order, without the manifest.
    pub fn entries(&self) -> impl Iterator<Item = Result<ArchiveEntry>> + use<> {
        self.directory()
            .filter(|entry| !entry.as_ref().is_ok_and(|e| e.is_manifest))
    }

    /// Reads every entry to its end, each through `visit`, and proves all of it: lengths, checksums and, where there is
    /// a manifest, that it names exactly these entries with these BLAKE3 hashes. What `visit` leaves unread is read for
    /// it; a reader that reads an entry to its end, where it gets 0, has got what the archive vouches for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArchive`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`], and what `visit` says. What was
    /// visited before is unproven then.
    pub fn read_all(
        &self,
        progress: &dyn Progress,
        visit: impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
    ) -> Result<Checked> {
        self.read_part(Part::All, progress, visit)
    }

    fn read_part(
        &self,
        part: Part,
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
        let mut left = self.entries_of(part);
        for entry in self.entries() {
            if left == 0 {
                break;
            }
            let entry = entry?;
            let line = proof.line(&entry)?;
            if part.holds(&entry) {
                left -= 1;
                read(&mut unpacker, &(entry, line), watch, &mut visit).map(|len| proof.add(len))?;
            }
        }
        proof.finish(part)
    }

    /// Does what [`Archive::read_all`] does on all cores, by threads that have stepped back: entries are visited by
    /// several threads at once and in no order, each thread with a state of its own. An entry that comes in pieces is
    /// visited by the calling thread while the others unpack it. All threads have ended when this returns. Of an
    /// archive that is read in parts, the part that is read last proves that the manifest names nothing else.
    ///
    /// # Errors
    /// As [`Archive::read_all`].
    pub(crate) fn read_all_at_once<S>(
        &self,
        part: Part,
        progress: &dyn Progress,
        state: impl Fn() -> S + Sync,
        visit: impl Fn(&mut S, &ArchiveEntry, &mut dyn Read) -> Result<()> + Sync,
    ) -> Result<Checked> {
        let workers = bosbase_background::workers();
        if self.bytes < WORTH_THREADS || workers < 2 {
            let mut state = state();
            return self.read_part(part, progress, |entry, contents| visit(&mut state, entry, contents));
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
                                let read_one = |waiting| read(&mut unpacker, waiting, watch, &mut visit);
                                Answer::Entries(batch.iter().map(read_one).collect())
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
            let checked = self.prove(part, &queue, workers, watch, &mut visit);
            if checked.is_err() {
                go_on.store(false, Ordering::Relaxed);
            }
            checked
        })
    }

    /// Hands out all entries in batches, or in pieces, and takes the results.
    fn prove(
        &self,
        part: Part,
        queue: &Queue<Task, Answer>,
        workers: usize,
        watch: Watch<'_>,
        visit: &mut impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
    ) -> Result<Checked> {
        let mut manifest_unpacker = self.unpacker(64 << 10);
        let mut proof = Proof::new(self, &mut manifest_unpacker)?;
        let mut headers = self.unpacker(4 << 10);
        let (mut batch, mut bytes, mut tickets) = (Vec::new(), 0, VecDeque::new());
        let (mut entries, mut left) = (self.entries(), self.entries_of(part));
        loop {
            let entry = if left == 0 { None } else { entries.next().transpose()? };
            let at_end = entry.is_none();
            if let Some(entry) = entry {
                let mut line = proof.line(&entry)?;
                if !part.holds(&entry) {
                    continue;
                }
                left -= 1;
                if let Some(pieces) = line.as_mut().and_then(|line| line.pieces.take()) {
                    let hand_out = |job| queue.submit(Task::Piece(job));
                    let pieced = PiecedReader::new(&mut headers, &entry, &pieces, workers + 2, hand_out)?;
                    pass(pieced, &entry, line.as_ref(), watch, visit).map(|len| proof.add(len))?;
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
                proven?.into_iter().for_each(|len| proof.add(len));
            }
            if at_end {
                return proof.finish(part);
            }
        }
    }

    pub(super) fn directory(&self) -> Directory {
        Directory::new(self.source.clone(), self.bounds)
    }

    #[cfg(test)]
    pub(super) fn manifest_entry(&self) -> Option<&ArchiveEntry> {
        self.manifest.as_ref()
    }

    /// Reads one entry by itself, after the archive was proven; its length and checksum are proven to a reader that
    /// reads it to its end.
    ///
    /// # Errors
    /// As [`Archive::read_all`].
    pub(crate) fn read_one<T>(
        &self,
        entry: &ArchiveEntry,
        visit: impl FnOnce(&mut dyn Read) -> Result<T>,
    ) -> Result<T> {
        let mut unpacker = self.unpacker(WINDOW);
        visit(&mut unpacker.open(entry)?)
    }

    pub(super) fn unpacker(&self, window: usize) -> Unpacker {
        Unpacker::new(self.source.clone(), window)
    }

    fn check_database(&self, entry: &ArchiveEntry) -> Result<()> {
        let mut start = [0; DatabaseFormat::MAGIC.len()];
        let read = self.unpacker(4 << 10).open(entry)?.read_exact(&mut start);
        match read {
            Ok(()) if start == *DatabaseFormat::MAGIC => Ok(()),
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

/// What a worker is given.
enum Task {
    Entries(Vec<Waiting>),
    Piece(PieceJob),
}

/// What a worker gives back.
pub(super) enum Answer {
    /// How long each was.
    Entries(Result<Vec<u64>>),
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

/// Reads one entry to its end, through `visit`; returns its length.
fn read(
    unpacker: &mut Unpacker,
    (entry, line): &Waiting,
    watch: Watch<'_>,
    visit: &mut impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
) -> Result<u64> {
    pass(unpacker.open(entry)?, entry, line.as_ref(), watch, visit)
}

/// Passes an entry's contents through `visit` to their end, where they are held against the manifest's line.
fn pass(
    contents: impl Read,
    entry: &ArchiveEntry,
    line: Option<&ManifestEntry>,
    watch: Watch<'_>,
    visit: &mut impl FnMut(&ArchiveEntry, &mut dyn Read) -> Result<()>,
) -> Result<u64> {
    let mut contents = Hashing {
        inner: contents,
        hash: blake3::Hasher::new(),
        entry,
        line,
        ended: false,
        watch,
    };
    visit(entry, &mut contents)?;
    let mut rest = [0; 32 << 10];
    loop {
        match contents.read(&mut rest) {
            Ok(0) => return Ok(entry.len),
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

    fn add(&mut self, len: u64) {
        self.checked.entries += 1;
        self.checked.bytes += len;
    }

    fn finish(mut self, part: Part) -> Result<Checked> {
        if part == Part::RootFiles {
            return Ok(self.checked);
        }
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

/// Hashes and counts what passes through. Its end is only reached by what the manifest says.
struct Hashing<'a, R> {
    inner: R,
    hash: blake3::Hasher,
    entry: &'a ArchiveEntry,
    line: Option<&'a ManifestEntry>,
    ended: bool,
    watch: Watch<'a>,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.watch.check()?;
        let n = self.inner.read(buf)?;
        if n > 0 {
            self.hash.update(&buf[..n]);
            give_way();
            advance(self.watch.progress, n as u64)?;
        } else if !buf.is_empty() && !self.ended {
            let len = self.entry.len;
            let differs =
                |line: &ManifestEntry| line.size != len || line.blake3 != self.hash.finalize().to_hex().as_str();
            if self.line.is_some_and(differs) {
                let path = &self.entry.path;
                return Err(Error::archive(format!("{path} is not what the archive's manifest says")).into());
            }
            self.ended = true;
        }
        Ok(n)
    }
}

/// Reads a whole archive for nothing but the proof, on all cores, behind those who serve.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn verify(archive: &Archive, progress: &dyn Progress) -> Result<Checked> {
    let read = || archive.read_all_at_once(Part::All, progress, || (), |(), _, _| Ok(()));
    behind("backup-verify", WORKER, read).context(|| "starting a thread".to_owned())?
}
