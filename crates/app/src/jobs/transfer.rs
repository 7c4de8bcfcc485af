//! Carries backups between the storage and files elsewhere on this machine.

use std::io::{self, Read, Write as _};
use std::path::Path;

use bosbase_backup::BackupInfo;
use bosbase_disk::{Disk as _, DiskFile, NewFile, RealDisk, Whom};

use super::backups::Backups;
use crate::error::{Error, Result};

/// Bytes copied at a time.
const PIECE: usize = 256 << 10;

/// Called with the bytes done and those to do.
pub type Watch<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Backups {
    /// Copies a backup out to `file`, which must not exist and appears once it is whole and durable.
    /// Nobody but the user may read it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is no such backup, [`crate::ErrorKind::Invalid`] where the file can't
    /// be written.
    pub fn export(&self, name: &str, file: &Path, watch: Watch<'_>) -> Result<()> {
        let archive = self.open_archive(name)?;
        let failed = |error: io::Error| Error::invalid(format!("Can't write {}: {error}.", file.display()));
        // Said before all is read, and not only when it is to get its name.
        if self.disk().exists(file).map_err(failed)? {
            return Err(Error::invalid(format!(
                "{} exists already. Choose another name.",
                file.display()
            )));
        }
        let mut target = NewFile::create_for(Whom::UserAlone, self.disk().as_ref(), file).map_err(failed)?;
        let (mut position, mut buffer) = (0, vec![0; PIECE]);
        while position < archive.len() {
            let read = archive.read_at(position, &mut buffer).map_err(Error::internal)?;
            if read == 0 {
                return Err(Error::internal(io::Error::from(io::ErrorKind::UnexpectedEof)));
            }
            target.write_all(&buffer[..read]).map_err(failed)?;
            position += read as u64;
            watch(position, archive.len());
        }
        target.publish().map_err(failed)
    }

    /// Takes in a backup from `file` under `name`, or under the file's own name where that is `None`.
    ///
    /// # Errors
    ///
    /// As [`Backups::upload`].
    pub fn import(&self, file: Importing, name: Option<&str>, watch: Watch<'_>) -> Result<BackupInfo> {
        let Importing {
            own_name,
            source,
            total,
        } = file;
        let name = name.map_or(own_name, str::to_owned);
        let source = Watched {
            source,
            done: 0,
            total,
            watch,
        };
        self.upload(&name, Some(total), source)
    }
}

/// A file that a backup is to be taken from, opened by who may read it.
pub struct Importing {
    own_name: String,
    source: Box<dyn DiskFile>,
    total: u64,
}

impl Importing {
    /// Opens `file`.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where it can't be read.
    pub fn open(file: &Path) -> Result<Self> {
        let failed = |error: io::Error| Error::invalid(format!("Can't read {}: {error}.", file.display()));
        let source = RealDisk.open(file).map_err(failed)?;
        Ok(Self {
            own_name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            total: source.metadata().map_err(failed)?.len,
            source,
        })
    }
}

struct Watched<'a, R> {
    source: R,
    done: u64,
    total: u64,
    watch: Watch<'a>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.done += read as u64;
        (self.watch)(self.done, self.total);
        Ok(read)
    }
}
