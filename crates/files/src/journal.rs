//! Which objects a restore put in the bucket, written down before it did: after a crash nobody else knows.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use bosbase_backup::StateDir;
use bosbase_disk::{Disk, DiskFile, FileKind};
use serde::{Deserialize, Serialize};

use super::entries::entries;
use super::removal_batch::RemovalBatch;

/// What is written down, a line each. A last line that is not whole was not acted upon yet.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// The bucket, without who asks there; the first line.
    Place(String),
    /// Collection, record and name of what is about to be put.
    File(String, String, String),
}

/// The notes of a restore that is being staged. All who wait share one sync of the disk.
pub(super) struct RestoreNotes {
    disk: Arc<dyn Disk>,
    state: StateDir,
    path: PathBuf,
    lines: Mutex<Lines>,
    written: Condvar,
}

struct Lines {
    /// The file, unless somebody is writing.
    file: Option<Box<dyn DiskFile>>,
    waiting: Vec<u8>,
    /// Lines added, and lines that are durable.
    added: u64,
    durable: u64,
    failed: bool,
}

impl RestoreNotes {
    /// Begins the notes of the restore `id` into the bucket `place`; durable when it returns. `state` is the folder of
    /// the data directory that is ours alone.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn begin(disk: Arc<dyn Disk>, state: &StateDir, id: &str, place: &str) -> io::Result<Self> {
        let dir = state.restored_objects();
        disk.create_dir_all(&dir)?;
        let path = dir.join(format!("{id}.jsonl"));
        let file = disk.create_new(&path)?;
        disk.sync_dir(&dir)?;
        let notes = Self {
            disk,
            state: state.clone(),
            path,
            lines: Mutex::new(Lines {
                file: Some(file),
                waiting: Vec::new(),
                added: 0,
                durable: 0,
                failed: false,
            }),
            written: Condvar::new(),
        };
        notes.write(&Line::Place(place.to_owned()))?;
        Ok(notes)
    }

    /// Notes a file that is about to be put; durable when it returns.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn note(&self, [collection, record, name]: [&str; 3]) -> io::Result<()> {
        self.write(&Line::File(collection.to_owned(), record.to_owned(), name.to_owned()))
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut lines = self.lock();
        serde_json::to_writer(&mut lines.waiting, line)?;
        lines.waiting.push(b'\n');
        lines.added += 1;
        let mine = lines.added;
        loop {
            if lines.durable >= mine {
                return Ok(());
            }
            if lines.failed {
                return Err(io::Error::other("the notes of a restore can't be written"));
            }
            let Some(mut file) = lines.file.take() else {
                self.written.wait(&mut lines);
                continue;
            };
            let (bytes, upto) = (std::mem::take(&mut lines.waiting), lines.added);
            drop(lines);
            let outcome = file.write_all(&bytes).and_then(|()| file.sync());
            lines = self.lock();
            lines.file = Some(file);
            match &outcome {
                Ok(()) => lines.durable = upto,
                Err(_) => lines.failed = true,
            }
            self.written.notify_all();
            outcome?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock()
    }

    /// The restore is given up: what was put is to be removed unless the data names it.
    ///
    /// # Errors
    ///
    /// Any error of the file system; the next start tries again.
    pub(super) fn give_up(&self) -> io::Result<()> {
        give_up(self.disk.as_ref(), &self.state, &self.path)
    }
}

/// Sees to the notes of restores that processes before this one staged: what they put stays where the restore called
/// `succeeded` is theirs, and is else to be removed unless the data names it. For a process that is alone in the data
/// directory, when no restore waits to be finished.
///
/// # Errors
///
/// Any error of the file system; the next start tries again.
pub(super) fn settle(disk: &dyn Disk, state: &StateDir, succeeded: Option<&str>) -> io::Result<()> {
    let dir = state.restored_objects();
    for entry in entries(disk, &dir)? {
        let entry = entry?;
        let name = entry.name.to_string_lossy();
        let Some(id) = name.strip_suffix(".jsonl").filter(|_| entry.kind == FileKind::File) else {
            continue;
        };
        let path = dir.join(&entry.name);
        if Some(id) == succeeded {
            disk.remove_file(&path)?;
        } else {
            give_up(disk, state, &path)?;
        }
    }
    Ok(())
}

fn give_up(disk: &dyn Disk, state: &StateDir, path: &Path) -> io::Result<()> {
    let mut removal_batch = None;
    for line in BufReader::new(disk.open(path)?).lines() {
        match serde_json::from_str(&line?) {
            Ok(Line::Place(place)) => removal_batch = Some(RemovalBatch::begin(disk, state, place)),
            Ok(Line::File(collection, record, name)) => {
                if let Some(removal_batch) = &mut removal_batch {
                    removal_batch.add(collection, record, name)?;
                }
            }
            // The crash came while it was written.
            Err(_) => break,
        }
    }
    removal_batch.map_or(Ok(()), RemovalBatch::end)?;
    disk.remove_file(path)
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::super::pending;
    use super::*;

    fn pending_in(state: &StateDir) -> usize {
        pending::paths(&RealDisk, &state.pending_objects()).unwrap().len()
    }

    #[test]
    fn what_a_restore_put_is_to_go_unless_it_succeeded() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path().join(".bosbase"));
        for id in ["lost", "done"] {
            let notes = RestoreNotes::begin(Arc::new(RealDisk), &state, id, "http://s3/b").unwrap();
            std::thread::scope(|scope| {
                for n in 0..20 {
                    let notes = &notes;
                    scope.spawn(move || notes.note(["c", "r", &format!("{n}.txt")]).unwrap());
                }
            });
            assert_eq!(
                bosbase_disk::read_all(&RealDisk, &notes.path, 1 << 20)
                    .unwrap()
                    .split(|byte| *byte == b'\n')
                    .count(),
                22
            );
        }
        settle(&RealDisk, &state, Some("done")).unwrap();
        assert_eq!(pending_in(&state), 1);
        settle(&RealDisk, &state, None).unwrap();
        assert_eq!(pending_in(&state), 1, "nothing is left to settle");
    }
}
