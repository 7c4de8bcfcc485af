//! Opens an archive that nobody vouches for.

use std::io::{self, Read};
use std::sync::Arc;

use super::directory::{self, Bounds, Directory};
use super::entry::{ArchiveEntry, EntryKind, Unpacker};
use super::manifest::{ManifestHeader, ManifestReader};
use super::structure::Structure;
use crate::error::{Context as _, Error, Result};
use crate::progress::{Progress, advance};
use crate::storage::ArchiveSource;

/// The database that makes an archive a backup.
const DATABASE: &str = "data.db";
/// What every SQLite 3 file starts with (https://sqlite.org/fileformat.html).
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// An archive whose structure is checked: all its names are safe and distinct, none of its entries overlap or are of a kind
/// that cannot be restored, and it holds a database. Its contents are not proven until [`Archive::read_all`] ended well.
pub struct Archive {
    source: Arc<dyn ArchiveSource>,
    bounds: Bounds,
    manifest: Option<ArchiveEntry>,
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
        let (mut bytes, mut manifest, mut database) = (0_u64, None, None);
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
            if entry.path.as_str() == DATABASE && entry.kind == EntryKind::File {
                database = Some(entry);
            }
        }
        structure.check()?;
        let archive = Self {
            source,
            bounds,
            manifest,
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
        let mut manifest = match &self.manifest {
            Some(entry) => Some(ManifestReader::new(manifest_unpacker.open(entry)?)?),
            None => None,
        };
        let mut unpacker = self.unpacker(1 << 20);
        let mut checked = Checked {
            entries: 0,
            bytes: 0,
            manifest: None,
        };
        for entry in self.entries() {
            let entry = entry?;
            let mut contents = Hashing {
                inner: unpacker.open(&entry)?,
                hash: blake3::Hasher::new(),
                progress,
            };
            visit(&entry, &mut contents)?;
            io::copy(&mut contents, &mut io::sink()).context(|| format!("reading {} from the archive", entry.path))?;
            checked.entries += 1;
            checked.bytes += entry.len;
            if let Some(manifest) = &mut manifest {
                compare(manifest.next()?, &entry, &contents.hash.finalize())?;
            }
        }
        if let Some(mut manifest) = manifest {
            if let Some(missing) = manifest.next()? {
                return Err(Error::archive(format!(
                    "the archive lacks {}, which its manifest names",
                    missing.path
                )));
            }
            let header = manifest.header().clone();
            for database in &header.databases {
                self.check_named(database.name.as_str(), database.size)?;
            }
            checked.manifest = Some(header);
        }
        Ok(checked)
    }

    fn unpacker(&self, window: usize) -> Unpacker {
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

fn compare(line: Option<super::manifest::ManifestEntry>, entry: &ArchiveEntry, hash: &blake3::Hash) -> Result<()> {
    let Some(line) = line.filter(|line| line.path == entry.path.as_str()) else {
        return Err(Error::archive(format!(
            "the archive's manifest does not name {} in its place",
            entry.path
        )));
    };
    if line.size != entry.len || line.blake3 != hash.to_hex().as_str() {
        return Err(Error::archive(format!(
            "{} is not what the archive's manifest says",
            entry.path
        )));
    }
    Ok(())
}

/// Hashes and counts what passes through.
struct Hashing<'a, R> {
    inner: R,
    hash: blake3::Hasher,
    progress: &'a dyn Progress,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hash.update(&buf[..n]);
        if n > 0 {
            advance(self.progress, n as u64)?;
        }
        Ok(n)
    }
}

/// Reads a whole archive for nothing but the proof.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn verify(archive: &Archive, progress: &dyn Progress) -> Result<Checked> {
    archive.read_all(progress, |_, _| Ok(()))
}
