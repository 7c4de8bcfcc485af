//! Carries backups between the storage and files elsewhere on this machine.

use std::io::{self, Read, Write as _};
use std::path::Path;

use bosbase_backup::BackupInfo;
use bosbase_disk::NewFile;

use super::backups::Backups;
use crate::error::{Error, Result};

/// Bytes copied at a time.
const PIECE: usize = 256 << 10;

/// Called with the bytes done and those to do.
pub type Watch<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Backups {
    /// Copies a backup out to `file`, which must not exist and appears once it is whole and durable.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is no such backup, [`crate::ErrorKind::Invalid`] where the file can't be
    /// written.
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
        let mut target = NewFile::create(self.disk().as_ref(), file).map_err(failed)?;
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
    /// As [`Backups::upload`]; [`crate::ErrorKind::Invalid`] where the file can't be read.
    pub fn import(&self, file: &Path, name: Option<&str>, watch: Watch<'_>) -> Result<BackupInfo> {
        let failed = |error: io::Error| Error::invalid(format!("Can't read {}: {error}.", file.display()));
        let own_name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.map(str::to_owned).or(own_name).unwrap_or_default();
        let source = self.disk().open(file).map_err(failed)?;
        let total = source.metadata().map_err(failed)?.len;
        let source = Watched {
            source,
            done: 0,
            total,
            watch,
        };
        self.upload(&name, Some(total), source)
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
