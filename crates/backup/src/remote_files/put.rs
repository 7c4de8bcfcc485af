//! Puts the files of a restore elsewhere, beside the threads that unpack them: what they wait for is the network.

use std::io::{self, Read, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};

use parking_lot::{Condvar, Mutex, MutexGuard};

use bosbase_background::{WORKER, step_back};

use super::pool::{NOTICED_WITHIN, Pool, Share};
use super::{AT_A_TIME, About, IN_MEMORY, LEAST, Put, Target, UploadedFile, WHOLE, watch};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::{Progress, cancelled};

/// So many long files may be on their way at a time: each takes the memory of a few parts. More than one, so that a
/// thread that waits for its turn never keeps from working those whom the one that has it waits for.
const LONG: u64 = 2;
/// Of a long one so many bytes are passed on at once.
const BUFFER: usize = 256 << 10;

/// Where unpacked files are handed over, by several threads.
pub(crate) struct Putters<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    tools: &'env Tools<'env>,
    hand_in: Sender<Job>,
    threads: Mutex<usize>,
}

/// A short file, all of whose checks are passed.
struct Job {
    file: UploadedFile,
    about: About,
    bytes: Vec<u8>,
    _share: Share,
}

/// What the threads share.
struct Tools<'a> {
    target: &'a dyn Target,
    progress: &'a dyn Progress,
    queue: Mutex<Receiver<Job>>,
    pool: Pool,
    turns: Pool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    under_way: usize,
    failed: Option<Error>,
}

/// Does work that puts files into `target`: when this returns, all of them are there, or it is an error. All threads
/// have ended then.
pub(crate) fn putting<R>(
    target: &dyn Target,
    progress: &dyn Progress,
    work: impl FnOnce(&Putters<'_, '_>) -> Result<R>,
) -> Result<R> {
    let (hand_in, queue) = mpsc::channel();
    let tools = Tools {
        target,
        progress,
        queue: Mutex::new(queue),
        pool: Pool::new(IN_MEMORY),
        turns: Pool::new(LONG),
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        // The threads end once these two are dropped, also when `work` panics; else the scope would wait for them for
        // ever.
        let _end = End(&tools);
        watch(scope, &tools.pool, progress, || target.interrupt())?;
        let putters = Putters {
            scope,
            tools: &tools,
            hand_in,
            threads: Mutex::new(0),
        };
        let result = work(&putters).and_then(|made| tools.wait_for_all().map(|()| made));
        result.map_err(|e| {
            // What the others say is that they gave up for its sake. Of being interrupted comes any error.
            let first = tools.lock().failed.take();
            tools.close();
            target.interrupt();
            if progress.cancelled() {
                cancelled()
            } else {
                first.unwrap_or(e)
            }
        })
    })
}

struct End<'a>(&'a Tools<'a>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Putters<'_, '_> {
    /// Takes a file's contents, to their end. A long one is there when this returns; a short one has passed all its
    /// checks and gets there later.
    ///
    /// # Errors
    /// What `contents` says; [`ErrorKind::Cancelled`] also if another file failed, whose error is the one that counts.
    pub(crate) fn put(&self, file: UploadedFile, about: About, contents: &mut dyn Read) -> Result<()> {
        if about.len > WHOLE {
            return self.tools.put_long(&file, &about, contents);
        }
        let note = about.note.as_ref().map_or(0, Vec::len) as u64;
        let share = self.tools.share(&self.tools.pool, about.len + note + LEAST)?;
        let mut bytes = Vec::with_capacity(about.len as usize);
        contents
            .read_to_end(&mut bytes)
            .context(|| format!("unpacking {file}"))?;
        self.tools.lock().under_way += 1;
        self.start()?;
        let job = Job {
            file,
            about,
            bytes,
            _share: share,
        };
        self.hand_in
            .send(job)
            .map_err(|_| Error::new(ErrorKind::Io, "the threads that put files elsewhere have ended"))
    }

    /// Starts another thread while there is more to do than there are of them.
    fn start(&self) -> Result<()> {
        let mut threads = self.threads.lock();
        let tools = self.tools;
        if *threads >= AT_A_TIME.min(tools.lock().under_way) {
            return Ok(());
        }
        let started = thread::Builder::new()
            .name("restore-put".to_owned())
            .spawn_scoped(self.scope, move || {
                step_back(WORKER);
                while let Some(job) = tools.job() {
                    // One that dies would be waited for in vain.
                    let put = catch_unwind(AssertUnwindSafe(|| tools.put_short(&job)));
                    let died = |_| {
                        Err(Error::new(
                            ErrorKind::Io,
                            "putting a file elsewhere ended without an outcome",
                        ))
                    };
                    tools.ended(put.unwrap_or_else(died));
                }
            });
        match started {
            Ok(_) => *threads += 1,
            // Fewer do as well.
            Err(_) if *threads > 0 => {}
            Err(e) => return Err(e).context(|| "starting threads that put files elsewhere".to_owned()),
        }
        Ok(())
    }
}

impl Tools<'_> {
    fn job(&self) -> Option<Job> {
        let queue = self.queue.lock();
        // What nobody wants any more may still be waiting there.
        queue.recv().ok().filter(|_| !self.pool.is_closed())
    }

    fn put_short(&self, job: &Job) -> Result<()> {
        let attempted = || format!("putting {}", job.file);
        let mut putting = self.target.begin(&job.file, &job.about)?;
        putting.write_all(&job.bytes).context(attempted)?;
        judge(&job.file, putting.finish()?)
    }

    fn put_long(&self, file: &UploadedFile, about: &About, contents: &mut dyn Read) -> Result<()> {
        let _turn = self.share(&self.turns, 1)?;
        let begun = self.target.begin(file, about);
        let mut putting = begun.map_err(|e| self.fail(e))?;
        let mut buf = vec![0; BUFFER];
        loop {
            let n = match contents.read(&mut buf) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e).context(|| format!("unpacking {file}")),
            };
            let written = putting.write_all(&buf[..n]);
            written
                .context(|| format!("putting {file}"))
                .map_err(|e| self.fail(e))?;
        }
        let finished = putting.finish().and_then(|put| judge(file, put));
        finished.map_err(|e| self.fail(e))
    }

    /// Waits until all that was handed over is there.
    fn wait_for_all(&self) -> Result<()> {
        let mut state = self.lock();
        while state.under_way > 0 {
            if state.failed.is_some() || self.progress.cancelled() {
                return Err(cancelled());
            }
            self.changed.wait_for(&mut state, NOTICED_WITHIN);
        }
        state.failed.as_ref().map_or(Ok(()), |_| Err(cancelled()))
    }

    fn share(&self, pool: &Pool, bytes: u64) -> Result<Share> {
        pool.take(bytes, &|| self.progress.cancelled()).ok_or_else(cancelled)
    }

    fn ended(&self, put: Result<()>) {
        if let Err(e) = put {
            // Those who wait are told by the error that is remembered.
            let _ = self.fail(e);
        }
        self.lock().under_way -= 1;
        self.changed.notify_all();
    }

    /// Remembers the first error and keeps everything else from beginning; what is returned only says that.
    fn fail(&self, error: Error) -> Error {
        self.lock().failed.get_or_insert(error);
        self.close();
        cancelled()
    }

    fn close(&self) {
        self.pool.close();
        self.turns.close();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

fn judge(file: &UploadedFile, put: Put) -> Result<()> {
    match put {
        Put::New | Put::Same => Ok(()),
        Put::Different => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!(
                "{file} is there already with other contents than in the archive, and the present data may need it"
            ),
        )),
    }
}
