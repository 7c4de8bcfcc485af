//! Bytes that are collected while an archive is written and needed at its end: the directory, the manifest, names of
//! files.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bosbase_disk::{Disk, DiskFile};
use libdeflater::Decompressor;

use super::codec::{Deflater, END};

/// What is packed at once.
const BLOCK: usize = 256 << 10;

/// Packed bytes are kept in memory up to here; beyond it, in a nameless file.
const IN_MEMORY: usize = 2 << 20;

/// An append-only buffer of bounded memory, that takes as little disk as it can.
pub(crate) struct Spool<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
    len: u64,
    /// Each of [`BLOCK`] bytes, by what is left of it. The first are in the file, the others in `packed`.
    blocks: Vec<u32>,
    file: Option<Box<dyn DiskFile>>,
    in_file: u64,
    packed: Vec<u8>,
    /// What is not a block yet.
    tail: Vec<u8>,
    deflater: Option<Deflater>,
}

impl<'a> Spool<'a> {
    /// A spool whose overflow goes to a file in `dir`.
    pub(crate) fn new(disk: &'a dyn Disk, dir: &Path) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            len: 0,
            blocks: Vec::new(),
            file: None,
            in_file: 0,
            packed: Vec::new(),
            tail: Vec::new(),
            deflater: None,
        }
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        while self.tail.len() + bytes.len() >= BLOCK {
            let (fits, rest) = bytes.split_at(BLOCK - self.tail.len());
            self.tail.extend_from_slice(fits);
            bytes = rest;
            self.pack()?;
        }
        self.tail.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes a block of `tail`.
    fn pack(&mut self) -> io::Result<()> {
        let before = self.packed.len();
        let deflater = self.deflater.get_or_insert_with(Deflater::new);
        deflater.piece(&self.tail, &mut self.packed);
        self.packed.extend_from_slice(END);
        self.blocks.push((self.packed.len() - before) as u32);
        self.tail.clear();
        if self.packed.len() >= IN_MEMORY {
            if self.file.is_none() {
                self.file = Some(self.nameless_file()?);
            }
            if let Some(file) = &mut self.file {
                file.write_all(&self.packed)?;
                self.in_file += self.packed.len() as u64;
                self.packed.clear();
            }
        }
        Ok(())
    }

    /// Hands out what was collected and starts anew.
    pub(crate) fn take(&mut self) -> Self {
        let fresh = Self::new(self.disk, &self.dir);
        std::mem::replace(self, fresh)
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Reads it from its start; may be done more than once.
    pub(crate) fn reader(&self) -> SpoolReader<'_> {
        SpoolReader {
            spool: self,
            next: 0,
            offset: 0,
            current: Vec::new(),
            taken: 0,
            packed: Vec::new(),
            decompressor: Decompressor::new(),
        }
    }

    /// A file that is removed while it is open: however the process ends, nothing of it stays.
    fn nameless_file(&self) -> io::Result<Box<dyn DiskFile>> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        self.disk.create_dir_all(&self.dir)?;
        loop {
            let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = self.dir.join(format!(".spool-{}-{unique}.tmp", std::process::id()));
            match self.disk.create_new(&path) {
                Ok(file) => return self.disk.remove_file(&path).map(|()| file),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }
}

pub(crate) struct SpoolReader<'a> {
    spool: &'a Spool<'a>,
    /// The next block, and where it begins in what is packed; behind the last comes the tail.
    next: usize,
    offset: u64,
    current: Vec<u8>,
    taken: usize,
    packed: Vec<u8>,
    decompressor: Decompressor,
}

impl SpoolReader<'_> {
    /// Unpacks the next block.
    fn advance(&mut self) -> io::Result<()> {
        let spool = self.spool;
        self.current.clear();
        self.taken = 0;
        if let Some(&len) = spool.blocks.get(self.next) {
            self.packed.resize(len as usize, 0);
            match &spool.file {
                Some(file) if self.offset < spool.in_file => fill(file.as_ref(), self.offset, &mut self.packed)?,
                _ => {
                    let start = (self.offset - spool.in_file) as usize;
                    self.packed.copy_from_slice(&spool.packed[start..start + len as usize]);
                }
            }
            self.current.resize(BLOCK, 0);
            if self.decompressor.deflate_decompress(&self.packed, &mut self.current) != Ok(BLOCK) {
                self.current.clear();
                return Err(io::Error::other("what was set aside on the disk has changed there"));
            }
            self.offset += u64::from(len);
        } else if self.next == spool.blocks.len() {
            self.current.extend_from_slice(&spool.tail);
        }
        self.next += 1;
        Ok(())
    }
}

impl Read for SpoolReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.current.len() && self.next <= self.spool.blocks.len() {
            self.advance()?;
        }
        let n = (&self.current[self.taken..]).read(buf)?;
        self.taken += n;
        Ok(n)
    }
}

fn fill(file: &dyn DiskFile, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
    while !buf.is_empty() {
        match file.read_at(offset, buf) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => (offset, buf) = (offset + n as u64, &mut buf[n..]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bosbase_disk::RealDisk;

    /// Numbers that do not shrink to nothing.
    fn number(n: u64) -> [u8; 8] {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()
    }

    #[test]
    fn what_overflows_to_disk_comes_back_in_order_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(&RealDisk, dir.path());
        let mut expected = Vec::new();
        let check = |spool: &Spool<'_>, expected: &[u8]| {
            assert_eq!(spool.len(), expected.len() as u64);
            for _ in 0..2 {
                let mut found = Vec::new();
                spool.reader().read_to_end(&mut found).unwrap();
                assert!(found == expected, "{} bytes", expected.len());
            }
        };
        check(&spool, &expected);
        for n in 0..850_000_u64 {
            spool.push(&number(n)).unwrap();
            expected.extend_from_slice(&number(n));
            if [1, BLOCK / 8 - 1, BLOCK / 8, BLOCK / 4 + 1].contains(&(n as usize + 1)) {
                check(&spool, &expected);
            }
        }
        assert!(spool.in_file > 0 && !spool.packed.is_empty() && !spool.tail.is_empty());
        check(&spool, &expected);
        // Longer than several blocks at once, and what a block is filled by in the middle.
        spool.push(&expected.clone()).unwrap();
        expected.extend_from_within(..);
        check(&spool, &expected);
        assert_eq!(RealDisk.list(dir.path()).unwrap().count(), 0);
        let rest = spool.take();
        check(&rest, &expected);
        check(&spool, &[]);
    }

    #[test]
    fn what_repeats_takes_little_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(&RealDisk, dir.path());
        for n in 0..200_000_u64 {
            spool
                .push(format!("storage/collection/record{n}/picture.png\n").as_bytes())
                .unwrap();
        }
        assert!(spool.len() > 2 * IN_MEMORY as u64);
        assert!(spool.file.is_none(), "{} of {}", spool.packed.len(), spool.len());
    }
}
