//! A long file written front to back past the system's cache.
//!
//! Hundreds of MB that wait in the cache for one sync at the end make every other sync on that disk wait with them,
//! first of all those of a database's commits. Written past the cache (`O_DIRECT`) they are on the medium when the
//! write returns, in pieces short enough that others come in between. Where the file system can't do that, the file is
//! written like any other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroU64;
use std::time::SystemTime;

use crate::disk::{DiskFile, Metadata};
use crate::memory::memory;
use crate::real::RealFile;

/// Bytes written at once.
const PIECE: usize = 256 << 10;

/// Room is asked for so many bytes ahead at once: found for each piece by itself, it would be an entry in the file
/// system's journal every time, which the next commit writes out and waits for. Not for files that may end before.
const ROOM: u64 = 2 << 20;

/// Of the memory that this process may use, one in so many bytes may hold what was read back of one file.
const READ_BACK_SHARE: u64 = 4;

/// What memory, offset and length of a write past the cache are multiples of; no usual file system asks for more.
const ALIGNMENT: usize = 4096;

/// See the module. What was written is in the file after [`Write::flush`], which also ends the writing past the cache.
#[derive(Debug)]
pub(crate) struct StreamedFile {
    file: File,
    inner: RealFile,
    memory: Vec<u8>,
    /// Where in `memory` the piece begins.
    aligned: usize,
    /// How much of the piece is there.
    filled: usize,
    /// How much of it was written before an error.
    written: usize,
    /// Bytes in the file.
    len: u64,
    /// Up to where room was asked for.
    room: u64,
    direct: bool,
    /// From where on it was written through the cache.
    cached_from: Option<u64>,
    /// How many bytes of what is written are read back, if any are. More would push themselves out of the cache, and
    /// with them what the application reads.
    read_back: Option<u64>,
}

impl StreamedFile {
    /// Takes a file that was just made.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let memory = vec![0; PIECE + ALIGNMENT];
        let aligned = memory.as_ptr().align_offset(ALIGNMENT);
        let direct = aligned <= ALIGNMENT && set_direct(&file, true).is_ok();
        Ok(Self {
            inner: RealFile::new(file.try_clone()?),
            file,
            memory,
            aligned: aligned.min(ALIGNMENT),
            filled: 0,
            written: 0,
            len: 0,
            room: 0,
            direct,
            cached_from: (!direct).then_some(0),
            read_back: None,
        })
    }

    fn write_piece(&mut self) -> io::Result<()> {
        if self.direct && self.len >= ROOM && self.len + self.filled as u64 > self.room {
            // Where it is not to be had this way, the write itself finds it, or says why not.
            let _ = reserve(&self.file, self.len, ROOM);
            self.room = self.len + ROOM;
        }
        let start = self.len - self.written as u64;
        while self.written < self.filled {
            let rest = &self.memory[self.aligned + self.written..self.aligned + self.filled];
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.written += n;
                    self.len += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // It promised what it can't do, or asks for another alignment.
                Err(e) if self.direct && e.kind() == io::ErrorKind::InvalidInput => self.use_cache()?,
                Err(e) => return Err(e),
            }
        }
        if let (true, Some(most)) = (self.direct, self.read_back) {
            self.read_back_piece(start, most);
        }
        (self.filled, self.written) = (0, 0);
        Ok(())
    }

    /// Begins to read the piece at `start` back, if it lies among the first `most` bytes. A piece that lies in the
    /// cache before anybody has read it was written through the cache. Some file systems do that, although they were
    /// asked to write past it: those with a journal of data, or with encryption.
    fn read_back_piece(&mut self, start: u64, most: u64) {
        if matches!(self.inner.read_cached_at(start, &mut [0]), Ok(Some(1..))) {
            self.cached_from.get_or_insert(start);
        } else if let Some(piece) = NonZeroU64::new(self.filled as u64)
            && start < most
        {
            self.inner.fetch(start, piece);
        }
    }

    fn use_cache(&mut self) -> io::Result<()> {
        if self.direct {
            set_direct(&self.file, false)?;
            self.direct = false;
            self.cached_from.get_or_insert(self.len);
            // What was asked for and is not needed.
            self.file.set_len(self.len)?;
        }
        Ok(())
    }

    fn require_flushed(&self) -> io::Result<()> {
        if self.filled == 0 && !self.direct {
            return Ok(());
        }
        Err(io::Error::other("the end of the file was not flushed"))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_direct(file: &File, on: bool) -> io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let mut flags = fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, on);
    Ok(fcntl_setfl(file, flags)?)
}

/// Asks for room behind the end of the file.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    Ok(rustix::fs::fallocate(
        file,
        rustix::fs::FallocateFlags::KEEP_SIZE,
        offset,
        len,
    )?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_direct(_: &File, _: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Write for StreamedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.filled == PIECE {
            self.write_piece()?;
        }
        let n = buf.len().min(PIECE - self.filled);
        let at = self.aligned + self.filled;
        self.memory[at..at + n].copy_from_slice(&buf[..n]);
        self.filled += n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        // The last piece has any length.
        self.use_cache()?;
        self.write_piece()
    }
}

impl Read for StreamedFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.require_flushed()?;
        self.inner.read(buf)
    }
}

impl DiskFile for StreamedFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.require_flushed()?;
        self.inner.read_at(offset, buf)
    }

    fn sync(&self) -> io::Result<()> {
        self.require_flushed()?;
        self.inner.sync()?;
        if let Some(from) = self.cached_from.filter(|_| self.read_back.is_some()) {
            self.inner.forget_cached(from);
        }
        Ok(())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.inner.metadata()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.inner.set_mode(mode)
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.inner.set_modified(time)
    }

    fn read_from_medium(&self) {
        self.inner.read_from_medium();
    }

    fn read_in_portions(&self) {
        self.inner.read_in_portions();
    }

    fn read_back(&mut self) {
        self.read_back = Some(memory() / READ_BACK_SHARE);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    #[cfg(target_os = "linux")]
    use std::path::Path;

    use super::*;
    use crate::{Disk as _, RealDisk};

    fn folders() -> Vec<tempfile::TempDir> {
        // The build folder lies on a disk; what is in memory may not know writes past the cache.
        ["/dev/shm", env!("CARGO_MANIFEST_DIR")]
            .into_iter()
            .filter_map(|dir| tempfile::tempdir_in(dir).ok())
            .collect()
    }

    #[test]
    fn any_length_written_in_any_portions_comes_back() {
        for dir in folders() {
            for (n, len) in [
                0,
                1,
                4095,
                4096,
                PIECE - 1,
                PIECE,
                PIECE + 1,
                3 * PIECE,
                3 * PIECE + 5000,
            ]
            .into_iter()
            .enumerate()
            {
                let bytes: Vec<u8> = (0..len).map(|at| (at * 7 / 3 + n) as u8).collect();
                let path = dir.path().join(n.to_string());
                let mut file = RealDisk.create_streamed(&path).unwrap();
                for portion in bytes.chunks(300_001) {
                    file.write_all(portion).unwrap();
                }
                assert!(len == 0 || file.sync().is_err(), "what is not flushed is not durable");
                file.flush().unwrap();
                file.sync().unwrap();
                assert_eq!(file.metadata().unwrap().len, len as u64);
                assert!(
                    crate::read_all(&RealDisk, &path, usize::MAX as u64).unwrap() == bytes,
                    "{len}"
                );
                let taken = std::fs::metadata(&path).unwrap().blocks() * 512;
                assert!(taken <= len as u64 + (64 << 10), "{taken} bytes for {len}");
                // It goes on as an ordinary file.
                file.write_all(b"more").unwrap();
                file.flush().unwrap();
                assert_eq!(file.metadata().unwrap().len, len as u64 + 4);
            }
        }
    }

    /// On a disk: what is in memory is its own medium.
    #[cfg(target_os = "linux")]
    fn read_back_file(dir: &Path) -> Option<StreamedFile> {
        let path = dir.join("x");
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .unwrap();
        let mut file = StreamedFile::new(file).unwrap();
        file.read_back();
        file.direct.then_some(file)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_read_back_lies_in_the_cache_and_what_was_written_through_it_does_not() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let Some(mut file) = read_back_file(dir.path()) else {
            return;
        };
        file.write_all(&vec![7; 2 * PIECE + 5000]).unwrap();
        file.flush().unwrap();
        if file.cached_from != Some(2 * PIECE as u64) {
            // This file system writes through the cache, although it promised to write past it.
            return;
        }
        let cached = |file: &StreamedFile, at: usize| file.inner.read_cached_at(at as u64, &mut [0]).unwrap().is_some();
        assert!(cached(&file, 2 * PIECE), "the end is written through the cache");
        file.sync().unwrap();
        assert!(!cached(&file, 2 * PIECE), "and read from the medium by whoever is next");
        // It is read beside; nothing says when that has ended.
        for _ in 0..1000 {
            if cached(&file, 0) && cached(&file, PIECE) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the pieces were not read back");
    }

    /// As of a file system that says it writes past the cache, and does not.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_lies_in_the_cache_unread_is_forgotten_as_a_whole() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let Some(mut file) = read_back_file(dir.path()) else {
            return;
        };
        set_direct(&file.file, false).unwrap();
        file.write_all(&vec![7; 2 * PIECE + 5000]).unwrap();
        file.flush().unwrap();
        assert_eq!(file.cached_from, Some(0));
        file.sync().unwrap();
        assert_eq!(file.inner.read_cached_at(0, &mut [0]).unwrap(), None);
        assert_eq!(file.inner.read_cached_at(PIECE as u64, &mut [0]).unwrap(), None);
    }

    #[test]
    fn a_name_that_is_taken_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        RealDisk.create_streamed(&dir.path().join("x")).unwrap();
        let again = RealDisk.create_streamed(&dir.path().join("x")).err().unwrap();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
