//! A file on its way in: first under a temporary name, then beside its record.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bosbase_disk::{Disk, DiskFile};

use super::name::stored_name;
use super::sniff::{self, Detected};

/// So much of their disk, in bytes, is left to the databases: what is on its way may never arrive.
const LEFT: u64 = 8 << 20;

/// A file that is being received. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Receiving {
    temporary: Temporary,
    file: Box<dyn DiskFile>,
    /// A directory on the disk that the databases are on.
    state_dir: PathBuf,
    original_name: String,
    head: Vec<u8>,
    len: u64,
}

/// A temporary file that is removed unless it was moved away.
#[derive(Debug)]
struct Temporary {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already where it was placed. Anything else is found and removed at the next start.
        let _ = self.disk.remove_file(&self.path);
    }
}

impl Receiving {
    pub(super) fn start(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        state_dir: PathBuf,
        original_name: &str,
    ) -> io::Result<Self> {
        let file = disk.create_new(&path)?;
        Ok(Self {
            temporary: Temporary { disk, path },
            file,
            state_dir,
            original_name: original_name.to_owned(),
            head: Vec::new(),
            len: 0,
        })
    }

    /// How many bytes were received.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.len
    }

    /// Reads what was received, see [`DiskFile::read_at`].
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, buffer)
    }

    /// All that was received, for what was put aside only until it is whole.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn read_back(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.len).unwrap_or(usize::MAX)];
        let mut read = 0;
        while read < bytes.len() {
            match self.file.read_at(read as u64, &mut bytes[read..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        Ok(bytes)
    }

    /// Ends the file: its contents are durable, its type is known. Blocks until the disk has it.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn finish(self) -> io::Result<Upload> {
        self.file.sync()?;
        let Detected { mime, extension } = self.detected();
        let name = stored_name(&self.original_name, &extension);
        Ok(self.named(name, mime))
    }

    /// The same for a file that was stored before and comes back under its `name`. An empty `content_type` is told from
    /// its contents.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn finish_as(self, name: &str, content_type: &str) -> io::Result<Upload> {
        self.file.sync()?;
        let mime = match content_type {
            "" => self.detected().mime,
            known => known.to_owned(),
        };
        Ok(self.named(name.to_owned(), mime))
    }

    fn detected(&self) -> Detected {
        sniff::detect(&self.head, self.len <= self.head.len() as u64)
    }

    fn named(self, name: String, content_type: String) -> Upload {
        Upload {
            name,
            original_name: self.original_name,
            content_type,
            len: self.len,
            temporary: self.temporary,
            place: OnceLock::new(),
        }
    }
}

impl Write for Receiving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.temporary.disk.space_left(&self.state_dir);
        // What can't be asked is no reason to refuse it: the write itself tells.
        if left.is_ok_and(|left| left < LEFT.saturating_add(bytes.len() as u64)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.file.write(bytes)?;
        let wanted = sniff::HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..written.min(wanted)]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that was received whole and belongs to no record yet. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    name: String,
    original_name: String,
    content_type: String,
    len: u64,
    temporary: Temporary,
    /// The bucket that it was put in.
    place: OnceLock<String>,
}

impl Upload {
    /// The name it will be stored under: harmless as a path, and unique by its random part.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What who sent it calls it.
    #[must_use]
    pub fn original_name(&self) -> &str {
        &self.original_name
    }

    /// Its MIME type, told from its contents.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no contents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it was put in the bucket `place`.
    pub(super) fn lies_in(&self, place: &str) -> bool {
        self.place.get().is_some_and(|known| known == place)
    }

    /// Says that it was put in the bucket `place`.
    pub(super) fn set_place(&self, place: String) {
        // Where the bucket changed meanwhile it is put in the new one once more, at worst.
        let _ = self.place.set(place);
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.temporary.path
    }
}
