//! Fetches files for a backup ahead of the thread that packs them: a round trip each would take hours for a hundred
//! thousand.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, Scope};

use parking_lot::Mutex;

use bosbase_background::{WORKER, step_back};

use super::pool::{NOTICED_WITHIN, Pool, Share};
use super::{AT_A_TIME, IN_MEMORY, LEAST, Opened, Source, UploadedFile, WHOLE, watch};
use crate::data_dir::NOTE_LIMIT;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::{Progress, cancelled};

/// So many files may be asked for and not yet taken.
const ASKED: usize = 2 * AT_A_TIME;

/// What was asked for. A short file is in memory; a long one is read by who takes it.
pub(crate) struct Fetched {
    pub file: UploadedFile,
    /// `None` if it is not there.
    pub opened: Option<Opened>,
    _share: Option<Share>,
}

/// Files that are on their way, in whichever order they arrive.
pub(crate) struct Ahead<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    tools: &'env Tools<'env>,
    progress: &'env dyn Progress,
    found: Receiver<Result<Fetched>>,
    finder: Sender<Result<Fetched>>,
    threads: usize,
    under_way: usize,
}

/// What the threads share.
struct Tools<'a> {
    source: &'a dyn Source,
    pool: Pool,
    ask: Mutex<Option<Sender<UploadedFile>>>,
    asked: Mutex<Receiver<UploadedFile>>,
}

/// Does work that fetches files from `source`. All threads have ended when this returns.
pub(crate) fn ahead<R>(
    source: &dyn Source,
    progress: &dyn Progress,
    work: impl FnOnce(&mut Ahead<'_, '_>) -> Result<R>,
) -> Result<R> {
    let (ask, asked) = mpsc::channel();
    let tools = Tools {
        source,
        pool: Pool::new(IN_MEMORY),
        ask: Mutex::new(Some(ask)),
        asked: Mutex::new(asked),
    };
    thread::scope(|scope| {
        // Also when `work` panics the threads must end, or the scope would wait for them for ever.
        let _end = End(&tools);
        watch(scope, &tools.pool, progress, || source.interrupt())?;
        let (finder, found) = mpsc::channel();
        let result = work(&mut Ahead {
            scope,
            tools: &tools,
            progress,
            found,
            finder,
            threads: 0,
            under_way: 0,
        });
        result.map_err(|e| {
            source.interrupt();
            // Of being interrupted comes any error.
            if progress.cancelled() { cancelled() } else { e }
        })
    })
}

struct End<'a>(&'a Tools<'a>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.pool.close();
        self.0.ask.lock().take();
    }
}

impl Ahead<'_, '_> {
    /// Asks for a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if not a single thread can be started.
    pub(crate) fn ask(&mut self, file: UploadedFile) -> Result<()> {
        if self.threads < AT_A_TIME && self.threads <= self.under_way {
            self.start()?;
        }
        let ask = self.tools.ask.lock();
        // The threads take jobs for as long as there may be any.
        if ask.as_ref().is_some_and(|ask| ask.send(file).is_ok()) {
            self.under_way += 1;
        }
        Ok(())
    }

    /// `true` if something must be taken before more is asked for.
    pub(crate) fn is_full(&self) -> bool {
        self.under_way >= ASKED
    }

    /// Waits for one of the files; `None` if nothing is under way.
    ///
    /// # Errors
    /// What [`Source::open`] or reading says; [`ErrorKind::Cancelled`].
    pub(crate) fn next(&mut self) -> Result<Option<Fetched>> {
        if self.under_way == 0 {
            return Ok(None);
        }
        loop {
            match self.found.recv_timeout(NOTICED_WITHIN) {
                Ok(found) => {
                    self.under_way -= 1;
                    return found.map(Some);
                }
                Err(RecvTimeoutError::Timeout) if self.progress.cancelled() => return Err(cancelled()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Io, "the threads that fetch files have ended"));
                }
            }
        }
    }

    fn start(&mut self) -> Result<()> {
        let (tools, finder) = (self.tools, self.finder.clone());
        let started = thread::Builder::new()
            .name("backup-fetch".to_owned())
            .spawn_scoped(self.scope, move || {
                step_back(WORKER);
                while let Some(file) = tools.job() {
                    // One that dies would be waited for in vain.
                    let found = catch_unwind(AssertUnwindSafe(|| tools.fetch(file)));
                    let died = |_| Err(Error::new(ErrorKind::Io, "fetching a file ended without an outcome"));
                    if finder.send(found.unwrap_or_else(died)).is_err() {
                        break;
                    }
                }
            });
        match started {
            Ok(_) => self.threads += 1,
            // Fewer do as well.
            Err(_) if self.threads > 0 => {}
            Err(e) => return Err(e).context(|| "starting threads that fetch files".to_owned()),
        }
        Ok(())
    }
}

impl Tools<'_> {
    fn job(&self) -> Option<UploadedFile> {
        let asked = self.asked.lock();
        // What nobody wants any more may still be waiting there.
        asked.recv().ok().filter(|_| !self.pool.is_closed())
    }

    fn fetch(&self, file: UploadedFile) -> Result<Fetched> {
        let Some(mut opened) = self.source.open(&file)? else {
            return Ok(Fetched {
                file,
                opened: None,
                _share: None,
            });
        };
        opened.note.take_if(|note| note.len() as u64 > NOTE_LIMIT);
        let note = opened.note.as_ref().map_or(0, Vec::len) as u64;
        // A long one counts as what it holds before it is read.
        let cost = opened.len.min(WHOLE) + note + LEAST;
        let share = self.pool.take(cost, &|| false).ok_or_else(cancelled)?;
        if opened.len <= WHOLE {
            let mut bytes = Vec::with_capacity(opened.len as usize);
            (&mut opened.contents)
                .take(opened.len)
                .read_to_end(&mut bytes)
                .context(|| format!("fetching {file}"))?;
            opened.contents = Box::new(Cursor::new(bytes));
        }
        Ok(Fetched {
            file,
            opened: Some(opened),
            _share: Some(share),
        })
    }
}
