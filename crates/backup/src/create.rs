//! Makes a backup: plan → write → publish → prove ([`super::proof`]).

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use bosbase_background::{WORKER, behind};
use bosbase_disk::{Disk, DiskFile};
use jiff::Timestamp;

use crate::archive::{ArchiveWriter, Behind, DatabaseFact, EntryMeta, ManifestHeader, Spool};
use crate::data_dir::DataDir;
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::key::BackupKey;
use crate::packed::PackedNames;
use crate::progress::{Progress, Steps};
use crate::proof::{Checks, Created};
use crate::remote_files::{self, Fetched, Measured, UploadedFile};
pub use crate::report::{CreateReport, Names};
use crate::sources::{DatabaseSnapshot, Found, Walk, is_of_one_file, unreadable};
use crate::storage::{StagedUpload, Storage};

/// The steps of a backup, in order, at each of which a test may kill the process.
pub const CREATE_STEPS: &[&str] = &[
    "create-started",
    "create-databases",
    "create-files",
    "create-written",
    "create-published",
    "create-verified",
];

/// The paths of files that the snapshot's records name, as they are told apart below the data directory
/// (`storage/<collection>/<record>/<file>`).
pub type RequiredFiles<'a> =
    Box<dyn Iterator<Item = Result<String, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>;

/// What a backup is made of.
pub struct Sources<'a> {
    /// The data directory.
    pub data_dir: DataDir,
    /// Its databases, all pinned at the same moment; one of them is `data.db`.
    pub databases: Vec<Box<dyn DatabaseSnapshot>>,
    /// Files that must be in the backup. While it runs the caller lets none of them be removed.
    pub required_files: RequiredFiles<'a>,
    /// Where those of them are that are not on the disk.
    pub remote_files: Option<&'a dyn remote_files::Source>,
}

/// What is going to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePlan {
    /// The new backup's name.
    pub key: BackupKey,
    /// The snapshot's time, UTC.
    pub created: Timestamp,
    /// The databases.
    pub databases: Vec<DatabaseFact>,
    /// How many other files there are now.
    pub files: u64,
    /// All bytes to read of what is on the disk.
    pub bytes: u64,
    /// What lies elsewhere, or somewhat more; `None` where that is not known.
    pub remote_files: Option<Measured>,
}

impl CreatePlan {
    /// What the archive is not going to be longer than, in bytes, unless the data grows meanwhile; `None` where nobody
    /// knows.
    #[must_use]
    pub fn longest_archive(&self) -> Option<u64> {
        let remote_files = self.remote_files?;
        // Each of those has a note beside it.
        let files = self.files.saturating_add(remote_files.files.saturating_mul(2));
        let entries = files.saturating_add(16).saturating_mul(1 << 10);
        let bytes = self.all_bytes();
        Some(bytes.saturating_add(bytes / 64).saturating_add(entries))
    }

    fn all_bytes(&self) -> u64 {
        self.bytes.saturating_add(self.remote_files.unwrap_or_default().bytes)
    }
}

impl fmt::Display for CreatePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} databases, {} files, {} bytes",
            self.key,
            self.databases.len(),
            self.files,
            self.bytes
        )?;
        match self.remote_files {
            Some(Measured { files: 0, .. }) => Ok(()),
            Some(Measured { files, bytes }) => write!(f, "; elsewhere {files} files, {bytes} bytes"),
            None => write!(f, "; elsewhere nobody knows how many"),
        }
    }
}

/// Looks at what there is to do.
///
/// # Errors
/// [`ErrorKind::Io`] if the data directory cannot be read; what [`remote_files::Source::measure`] says.
pub fn plan(disk: &dyn Disk, key: &BackupKey, created: Timestamp, sources: &Sources<'_>) -> Result<CreatePlan> {
    let databases: Vec<_> = sources
        .databases
        .iter()
        .map(|d| DatabaseFact {
            name: d.name().to_owned(),
            size: d.len(),
            pages: d.page_count(),
        })
        .collect();
    let names = databases.iter().map(|d| d.name.clone()).collect();
    let (mut files, mut bytes) = (0, databases.iter().map(|d| d.size).sum());
    for found in Walk::new(disk, &sources.data_dir, names)? {
        if let Found::File(_, on_disk) = found? {
            match disk.metadata(&on_disk) {
                Ok(metadata) => {
                    files += 1;
                    bytes += metadata.len;
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound || is_of_one_file(&e) => {}
                Err(e) => return Err(e).context(|| format!("looking at {}", on_disk.display())),
            }
        }
    }
    let remote_files = match sources.remote_files {
        Some(source) => source.measure()?,
        None => Some(Measured::default()),
    };
    Ok(CreatePlan {
        key: key.clone(),
        created,
        databases,
        files,
        bytes,
        remote_files,
    })
}

/// Writes the backup and lists it, whole and durable. If anything fails, nothing of it is listed. It is proven by
/// [`Created::prove`]; the databases' own checks are under way when this returns. The calling thread has a lower
/// priority from then on.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`]; [`ErrorKind::Vanished`] if a file that must be in it went away meanwhile;
/// [`ErrorKind::Cancelled`], [`ErrorKind::NoSpace`], [`ErrorKind::Io`]; what [`remote_files::Source`] says.
pub fn perform(
    disk: &dyn Disk,
    plan: &CreatePlan,
    sources: Sources<'_>,
    storage: &dyn Storage,
    progress: &dyn Progress,
    steps: &dyn Steps,
) -> Result<Created> {
    // Everything is read twice: once from the data, once from the archive.
    progress.total(plan.all_bytes().saturating_mul(2));
    let mut upload = storage.create(&plan.key, plan.longest_archive())?;
    steps.reached("create-started");
    let written = write(disk, plan, sources, &mut upload, progress, steps)?;
    steps.reached("create-written");
    let backup = upload.publish()?;
    // Opened while nobody else may touch it: this one is proven, also if the name becomes another's.
    let source = storage.open(&plan.key);
    steps.reached("create-published");
    let report = CreateReport {
        backup,
        left_out: written.left_out,
        missing: written.missing,
        withheld: written.withheld,
    };
    Ok(Created::new(report, source, written.checks, written.packed))
}

struct Written {
    left_out: Names,
    missing: Names,
    withheld: u64,
    checks: Checks,
    packed: PackedNames,
}

fn write(
    disk: &dyn Disk,
    plan: &CreatePlan,
    sources: Sources<'_>,
    upload: &mut Box<dyn StagedUpload>,
    progress: &dyn Progress,
    steps: &dyn Steps,
) -> Result<Written> {
    let attempted = || format!("writing the backup {}", plan.key);
    thread::scope(|scope| {
        let out = Behind::start(scope, upload).context(attempted)?;
        let pack = || pack(disk, plan, sources, out, progress, steps);
        let (written, out) = behind("backup-read", WORKER, pack).context(attempted)??;
        out.finish().context(attempted)?;
        Ok(written)
    })
}

fn pack<W: io::Write>(
    disk: &dyn Disk,
    plan: &CreatePlan,
    mut sources: Sources<'_>,
    out: W,
    progress: &dyn Progress,
    steps: &dyn Steps,
) -> Result<(Written, W)> {
    let private = sources.data_dir.state();
    let mut archive = Packing {
        writer: ArchiveWriter::new(out, disk, &private),
        disk,
        progress,
        hasher: RandomState::new(),
        packed: HashSet::new(),
        vanished: HashSet::new(),
        left_out: HashSet::new(),
        told: Names::default(),
        withheld: 0,
        read: 0,
    };
    for database in &mut sources.databases {
        archive.add_database(database.as_mut(), plan.created)?;
    }
    archive.writer.settle()?;
    let required = Required::collect(sources.required_files, disk, &private)?;
    // Each snapshot ends with its check, and nothing else holds it any more: while one is held, the write-ahead log
    // grows, and the files may take long.
    let mut written = Written {
        left_out: Names::default(),
        missing: Names::default(),
        withheld: 0,
        checks: Checks::start(sources.databases)?,
        packed: PackedNames {
            hasher: archive.hasher.clone(),
            hashes: HashSet::new(),
        },
    };
    steps.reached("create-databases");
    let names = plan.databases.iter().map(|d| d.name.clone()).collect();
    for found in Walk::new(disk, &sources.data_dir, names)? {
        match found? {
            Found::File(path, on_disk) => archive.add_file(&path, &on_disk)?,
            Found::LeftOut(path, why) => archive.leave_out(&path, &why),
        }
    }
    let data_dir: &Path = &sources.data_dir;
    match sources.remote_files {
        None => required.each(|name| match archive.require(name, data_dir)? {
            Some(name) => archive.lost(name, &mut written.missing),
            None => Ok(()),
        })?,
        Some(source) => {
            archive.fetch(source, &required, plan, data_dir, &mut written.missing)?;
            progress.total(archive.read.saturating_mul(2));
        }
    }
    archive.writer.settle()?;
    steps.reached("create-files");
    let header = ManifestHeader {
        format: crate::archive::MANIFEST_FORMAT,
        program: format!("bosbase {}", env!("CARGO_PKG_VERSION")),
        created: plan.created,
        files_elsewhere: sources.remote_files.is_some(),
        databases: plan.databases.clone(),
    };
    let (out, _) = archive.writer.finish(&header)?;
    written.packed.hashes = archive.packed;
    (written.left_out, written.withheld) = (archive.told, archive.withheld);
    Ok((written, out))
}

/// An archive on its way, and what is in it so far: a hash of eight bytes per name.
struct Packing<'a, W: io::Write> {
    writer: ArchiveWriter<'a, W>,
    disk: &'a dyn Disk,
    progress: &'a dyn Progress,
    hasher: RandomState,
    packed: HashSet<u64>,
    vanished: HashSet<u64>,
    /// What can't be in it.
    left_out: HashSet<u64>,
    /// The same by name, with the reason.
    told: Names,
    /// How many of it records name.
    withheld: u64,
    /// Bytes read so far.
    read: u64,
}

impl<W: io::Write> Packing<'_, W> {
    fn add_database(&mut self, database: &mut dyn DatabaseSnapshot, created: Timestamp) -> Result<()> {
        let name = database.name().to_owned();
        let path = EntryPath::new(name.clone())
            .map_err(|e| Error::with(ErrorKind::Io, format!("backing up the database {name}"), e))?;
        let len = database.len();
        let meta = EntryMeta {
            len,
            modified: Some(created),
            mode: 0o644,
            is_mixed: true,
        };
        let read = self
            .writer
            .add(&path, &meta, &mut DatabaseReader(database), self.progress)?;
        if read != len {
            return Err(Error::new(
                ErrorKind::Io,
                format!("the snapshot of {name} gave {read} of {len} bytes"),
            ));
        }
        self.read += read;
        self.packed.insert(self.hasher.hash_one(path.as_str()));
        Ok(())
    }

    fn add_file(&mut self, path: &EntryPath, on_disk: &Path) -> Result<()> {
        let hash = self.hasher.hash_one(path.as_str());
        let mut file = match self.disk.open(on_disk) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.vanished.insert(hash);
                return Ok(());
            }
            Err(e) if is_of_one_file(&e) => {
                self.leave_out(path.as_str(), &unreadable(&e));
                return Ok(());
            }
            Err(e) => return Err(e).context(|| format!("opening {}", on_disk.display())),
        };
        self.pack(path, file.as_mut(), hash)
    }

    /// Notes that something can't be in the archive, and why: one file that can't be read keeps no other from being
    /// backed up.
    fn leave_out(&mut self, path: &str, why: &str) {
        if self.left_out.insert(self.hasher.hash_one(path)) {
            self.told.add(format!("{path}: {why}"));
        }
    }

    fn pack(&mut self, path: &EntryPath, file: &mut dyn DiskFile, hash: u64) -> Result<()> {
        let metadata = file.metadata().context(|| format!("looking at {path}"))?;
        let meta = EntryMeta {
            len: metadata.len,
            modified: Timestamp::try_from(metadata.modified).ok(),
            mode: metadata.mode,
            is_mixed: false,
        };
        self.read += self.writer.add(path, &meta, &mut FileReader(file), self.progress)?;
        self.packed.insert(hash);
        Ok(())
    }

    /// Sees to it that a file which a record names is in the archive; gives the name back if it is not on this disk.
    fn require(&mut self, name: String, data_dir: &Path) -> Result<Option<String>> {
        let hash = self.hasher.hash_one(name.as_str());
        if self.packed.contains(&hash) {
            return Ok(None);
        }
        if self.vanished.contains(&hash) || self.left_out.contains(&hash) {
            return Ok(Some(name));
        }
        let Ok(path) = EntryPath::new(name.clone()) else {
            return Ok(Some(name));
        };
        // The folder may have been read before the file was published in it.
        let mut file = match self.disk.open(&path.below(data_dir)) {
            Ok(file) => file,
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
                ) =>
            {
                return Ok(Some(name));
            }
            Err(e) if is_of_one_file(&e) => {
                self.leave_out(&name, &unreadable(&e));
                return Ok(Some(name));
            }
            Err(e) => return Err(e).context(|| format!("opening {path}")),
        };
        self.pack(&path, file.as_mut(), hash)?;
        Ok(None)
    }

    /// A file that a record names is nowhere: since before the backup began, or it went away meanwhile.
    fn lost(&mut self, name: String, missing: &mut Names) -> Result<()> {
        if self.left_out.contains(&self.hasher.hash_one(name.as_str())) {
            self.withheld += 1;
            return Ok(());
        }
        if self.vanished.contains(&self.hasher.hash_one(name.as_str())) {
            return Err(Error::new(
                ErrorKind::Vanished,
                format!("{name} belongs to a record of this backup and was removed while it ran"),
            ));
        }
        missing.add(name);
        Ok(())
    }

    /// Does the same for all of them, with those that are not on this disk fetched from elsewhere.
    fn fetch(
        &mut self,
        source: &dyn remote_files::Source,
        required: &Required<'_>,
        plan: &CreatePlan,
        data_dir: &Path,
        missing: &mut Names,
    ) -> Result<()> {
        remote_files::ahead(source, self.progress, |ahead| {
            required.each(|name| {
                let Some(name) = self.require(name, data_dir)? else {
                    return Ok(());
                };
                let path = EntryPath::new(name.clone()).ok();
                let Some(file) = path.as_ref().and_then(UploadedFile::of) else {
                    return self.lost(name, missing);
                };
                ahead.ask(file)?;
                while ahead.is_full()
                    && let Some(fetched) = ahead.next()?
                {
                    self.pack_fetched(fetched, plan, missing)?;
                }
                Ok(())
            })?;
            while let Some(fetched) = ahead.next()? {
                self.pack_fetched(fetched, plan, missing)?;
            }
            Ok(())
        })
    }

    fn pack_fetched(&mut self, mut fetched: Fetched, plan: &CreatePlan, missing: &mut Names) -> Result<()> {
        let file = &fetched.file;
        let Some(opened) = &mut fetched.opened else {
            return self.lost(file.to_string(), missing);
        };
        // A record may name a file twice, and its note may have been left on the disk.
        if !self.packed.insert(self.hasher.hash_one(file.path().as_str())) {
            return Ok(());
        }
        let meta = EntryMeta {
            len: opened.len,
            modified: opened.modified,
            mode: 0o644,
            is_mixed: false,
        };
        if let (Some(note), Some(path)) = (&opened.note, file.note_path())
            && self.packed.insert(self.hasher.hash_one(path.as_str()))
        {
            let len = note.len() as u64;
            self.read += self
                .writer
                .add(&path, &EntryMeta { len, ..meta }, &mut note.as_slice(), self.progress)?;
        }
        let read = self
            .writer
            .add(file.path(), &meta, &mut opened.contents, self.progress)?;
        if read != opened.len {
            return Err(Error::new(
                ErrorKind::Io,
                format!("fetching {file} gave {read} of {} bytes", opened.len),
            ));
        }
        self.read += read;
        if self.read > plan.all_bytes() {
            self.progress.total(self.read.saturating_mul(2));
        }
        Ok(())
    }
}

/// The names of files that must be in the backup, out of the way until the files have been walked.
struct Required<'a>(Spool<'a>);

impl<'a> Required<'a> {
    fn collect(names: RequiredFiles<'_>, disk: &'a dyn Disk, dir: &Path) -> Result<Self> {
        let attempted = || "listing the files that records name".to_owned();
        let mut spool = Spool::new(disk, dir);
        for name in names {
            let name = name.map_err(|e| Error::with(ErrorKind::Io, attempted(), e))?;
            let len = u32::try_from(name.len()).map_err(|e| Error::with(ErrorKind::Io, attempted(), e))?;
            spool
                .push(&len.to_le_bytes())
                .and_then(|()| spool.push(name.as_bytes()))
                .context(attempted)?;
        }
        Ok(Self(spool))
    }

    fn each(&self, mut visit: impl FnMut(String) -> Result<()>) -> Result<()> {
        let attempted = || "reading the list of files that records name".to_owned();
        let mut reader = io::BufReader::new(self.0.reader());
        let mut left = self.0.len();
        while left > 0 {
            let mut len = [0; 4];
            reader.read_exact(&mut len).context(attempted)?;
            let mut name = vec![0; u32::from_le_bytes(len) as usize];
            reader.read_exact(&mut name).context(attempted)?;
            left = left.saturating_sub(4 + name.len() as u64);
            visit(String::from_utf8(name).map_err(|e| Error::with(ErrorKind::Io, attempted(), e))?)?;
        }
        Ok(())
    }
}

struct DatabaseReader<'a>(&'a mut dyn DatabaseSnapshot);

impl Read for DatabaseReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

struct FileReader<'a>(&'a mut dyn DiskFile);

impl Read for FileReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}
