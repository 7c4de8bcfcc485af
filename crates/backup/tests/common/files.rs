//! Files elsewhere, in memory: with calls that fail, and that hang until they are interrupted.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use jiff::Timestamp;

use bosbase_backup::remote_files::{About, Measured, Opened, Put, Putting, Source, Target, UploadedFile};
use bosbase_backup::restore::StagedCheck;
use bosbase_backup::{Error, ErrorKind, Result};

/// A place for uploaded files that forgets them with its process. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryFiles(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    interrupted: Condvar,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, MemoryFile>,
    /// Keys that a restore has put there and that are not settled on: the implementation's durable notes.
    noted: Vec<String>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    is_interrupted: bool,
    under_way: usize,
    most_under_way: usize,
    is_abandoned: bool,
    delay: Duration,
    meanwhile: Option<Meanwhile>,
    hangs: bool,
    expected: Option<BTreeMap<String, MemoryFile>>,
    only_short: bool,
}

/// Something to do when the fault comes.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// One file there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFile {
    /// Its contents.
    pub bytes: Vec<u8>,
    /// When it was stored.
    pub modified: Option<Timestamp>,
    /// What is noted of it.
    pub note: Option<Vec<u8>>,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The network is gone from that call on.
    Unreachable,
    /// That call fails, the next ones do not.
    Once,
    /// That call takes until it is interrupted.
    Hang,
    /// That call panics.
    Panic,
}

impl MemoryFiles {
    /// Puts a file there, as the application would.
    pub fn add(&self, key: &str, bytes: &[u8], note: Option<&[u8]>) {
        let file = MemoryFile {
            bytes: bytes.to_vec(),
            modified: Timestamp::from_second(1_700_000_000).ok(),
            note: note.map(<[u8]>::to_vec),
        };
        self.lock().objects.insert(key.to_owned(), file);
    }

    /// All files by their key.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, MemoryFile> {
        self.lock().objects.clone()
    }

    /// Lets call number `at`, counted from 1, go wrong.
    pub fn arm(&self, at: u64, fault: Fault) {
        let mut state = self.lock();
        (state.calls, state.fault) = (0, Some((at, fault)));
    }

    /// Whether something hangs.
    #[must_use]
    pub fn hangs(&self) -> bool {
        self.lock().hangs
    }

    /// Lets nothing be published but these files.
    pub fn check_against(&self, files: BTreeMap<String, MemoryFile>) {
        self.lock().expected = Some(files);
    }

    /// Counts the calls for short files alone.
    pub fn only_short(&self, only: bool) {
        self.lock().only_short = only;
    }

    /// Does something when the fault comes.
    pub fn meanwhile(&self, then: impl FnOnce() + Send + 'static) {
        self.lock().meanwhile = Some(Box::new(then));
    }

    /// Lets every call take so long.
    pub fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// How many calls there were since it was armed.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// How many calls were under way at a time, at most.
    #[must_use]
    pub fn most_under_way(&self) -> usize {
        self.lock().most_under_way
    }

    /// What the next start does, once it knows whether the restore succeeded: the network is back, and what was put for
    /// nothing is removed.
    pub fn restart(&self, restored: bool) {
        let mut state = self.lock();
        (state.fault, state.meanwhile) = (None, None);
        (state.is_interrupted, state.is_abandoned, state.hangs) = (false, false, false);
        let noted = std::mem::take(&mut state.noted);
        if !restored {
            noted.iter().for_each(|key| drop(state.objects.remove(key)));
        }
    }

    fn call(&self, what: &str) -> Result<()> {
        let mut state = self.lock();
        state.calls += 1;
        let (now, delay) = (state.calls, state.delay);
        let fault = state.fault.filter(|(at, fault)| match fault {
            Fault::Unreachable => *at <= now,
            _ => *at == now,
        });
        state.under_way += 1;
        state.most_under_way = state.most_under_way.max(state.under_way);
        let meanwhile = fault.and_then(|_| state.meanwhile.take());
        drop(state);
        meanwhile.into_iter().for_each(|then| then());
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let mut state = self.lock();
        state.under_way -= 1;
        let failed = |why: &str| Err(Error::new(ErrorKind::Unreachable, format!("{what}: {why}")));
        match fault.map(|(_, fault)| fault) {
            None => Ok(()),
            Some(Fault::Unreachable | Fault::Once) => failed("the connection was refused"),
            Some(Fault::Panic) => {
                drop(state);
                panic!("on purpose")
            }
            Some(Fault::Hang) => {
                state.hangs = true;
                while !state.is_interrupted {
                    self.0.interrupted.wait(&mut state);
                }
                failed("it was interrupted")
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    fn wake(&self) {
        self.lock().is_interrupted = true;
        self.0.interrupted.notify_all();
    }
}

impl Source for MemoryFiles {
    fn measure(&self) -> Result<Option<Measured>> {
        self.call("measuring")?;
        let state = self.lock();
        Ok(Some(Measured {
            files: state.objects.len() as u64,
            bytes: state.objects.values().map(|file| file.bytes.len() as u64).sum(),
        }))
    }

    fn open(&self, file: &UploadedFile) -> Result<Option<Opened>> {
        self.call("opening")?;
        let found = self.lock().objects.get(file.key()).cloned();
        Ok(found.map(|file| Opened {
            len: file.bytes.len() as u64,
            modified: file.modified,
            note: file.note,
            contents: Box::new(Fetching(self.clone(), Cursor::new(file.bytes))),
        }))
    }

    fn interrupt(&self) {
        self.wake();
    }
}

/// A file that is read over the network, 100,000 bytes a request.
struct Fetching(MemoryFiles, Cursor<Vec<u8>>);

impl Read for Fetching {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.call("reading")?;
        let most = buf.len().min(100_000);
        self.1.read(&mut buf[..most])
    }
}

impl Target for MemoryFiles {
    fn begin(&self, file: &UploadedFile, about: &About) -> Result<Box<dyn Putting + '_>> {
        if about.len <= 1 << 20 || !self.lock().only_short {
            self.call("beginning")?;
        }
        Ok(Box::new(Uploading {
            files: self,
            key: file.key().to_owned(),
            about: about.clone(),
            bytes: Vec::new(),
        }))
    }

    fn settle(&self) -> Result<()> {
        self.call("settling")
    }

    fn abandon(&self) -> Result<()> {
        self.call("abandoning")?;
        let mut state = self.lock();
        state.is_abandoned = true;
        for key in std::mem::take(&mut state.noted) {
            state.objects.remove(&key);
        }
        Ok(())
    }

    fn interrupt(&self) {
        self.wake();
    }
}

struct Uploading<'a> {
    files: &'a MemoryFiles,
    key: String,
    about: About,
    bytes: Vec<u8>,
}

impl Write for Uploading<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.about.len <= 1 << 20 || !self.files.lock().only_short {
            self.files.call("writing")?;
        }
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Putting for Uploading<'_> {
    fn finish(self: Box<Self>) -> Result<Put> {
        if self.about.len <= 1 << 20 || !self.files.lock().only_short {
            self.files.call("finishing")?;
        }
        let mut state = self.files.lock();
        assert!(
            !state.is_abandoned,
            "{} is put after the restore was abandoned",
            self.key
        );
        if let Some(there) = state.objects.get(&self.key) {
            return Ok(if there.bytes == self.bytes {
                Put::Same
            } else {
                Put::Different
            });
        }
        assert_eq!(self.bytes.len() as u64, self.about.len, "{}", self.key);
        if let Some(expected) = state.expected.as_ref().and_then(|files| files.get(&self.key)) {
            assert!(expected.bytes == self.bytes, "{} is not what it was", self.key);
        }
        state.noted.push(self.key.clone());
        let file = MemoryFile {
            bytes: self.bytes,
            modified: self.about.modified,
            note: self.about.note,
        };
        state.objects.insert(self.key, file);
        Ok(Put::New)
    }
}

/// Databases that say that the uploaded files belong elsewhere.
pub struct RemoteFiles(pub MemoryFiles);

impl StagedCheck for RemoteFiles {
    fn check_and_upgrade(
        &self,
        dir: &Path,
        _: &Arc<AtomicBool>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert!(dir.join("data.db").is_file());
        Ok(())
    }

    fn files_elsewhere(&self, dir: &Path, id: &str) -> Result<Option<Box<dyn Target>>> {
        assert!(dir.join("data.db").is_file() && !id.is_empty());
        Ok(Some(Box::new(self.0.clone())))
    }
}
