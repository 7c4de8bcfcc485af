//! Has a long file synced while it is still being written, so that the sync at the end finds little to do.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, Scope, ScopedJoinHandle};

use bosbase_disk::Disk;

/// After so many bytes the file is synced once more.
const EVERY: usize = 16 << 20;

/// Writes on to a file that another thread syncs now and then. Dropped, it lets that thread end.
pub(super) struct WriteBack<'scope, W> {
    out: W,
    unsynced: usize,
    /// Has room for one: a wish that waits stands for all that came since.
    wishes: Option<SyncSender<()>>,
    thread: Option<ScopedJoinHandle<'scope, io::Result<()>>>,
}

impl<'scope, W: Write> WriteBack<'scope, W> {
    /// For the file at `path`, which `out` writes to.
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        disk: &'env dyn Disk,
        path: &'env Path,
        out: W,
    ) -> io::Result<Self> {
        let (wishes, wished) = mpsc::sync_channel::<()>(1);
        let thread = thread::Builder::new()
            .name("restore-sync".to_owned())
            .spawn_scoped(scope, move || wished.iter().try_for_each(|()| disk.open(path)?.sync()))?;
        Ok(Self {
            out,
            unsynced: 0,
            wishes: Some(wishes),
            thread: Some(thread),
        })
    }

    /// Ends the syncing.
    ///
    /// # Errors
    /// What a sync said: a later one would not say it again.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.wishes = None;
        match self.thread.take().map(ScopedJoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            _ => Err(io::Error::other("the syncing thread died")),
        }
    }
}

impl<W: Write> Write for WriteBack<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.out.write(buf)?;
        self.unsynced += n;
        if self.unsynced >= EVERY {
            self.unsynced = 0;
            // Neither one that is waiting already nor a thread that has failed, which `finish` tells, is to stop the
            // writing.
            let _ = self.wishes.as_ref().map(|wishes| wishes.try_send(()));
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    #[test]
    fn what_is_written_is_there_and_a_sync_that_fails_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.db");
        let write = |synced: &Path| {
            let mut file = RealDisk.create_new(&path).unwrap();
            thread::scope(|scope| {
                let mut out = WriteBack::start(scope, &RealDisk, synced, &mut file)?;
                for n in 0..40_u8 {
                    out.write_all(&vec![n; 1 << 20])?;
                }
                out.finish()
            })
        };
        write(&path).unwrap();
        let bytes = bosbase_disk::read_all(&RealDisk, &path, u64::MAX).unwrap();
        assert!(
            bytes.len() == 40 << 20
                && bytes
                    .chunks(1 << 20)
                    .zip(0..)
                    .all(|(chunk, n)| chunk.iter().all(|b| *b == n))
        );
        RealDisk.remove_file(&path).unwrap();
        assert_eq!(
            write(&dir.path().join("missing")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
