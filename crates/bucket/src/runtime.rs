//! The threads on which requests are made, so that blocking callers need none of their own that waits for a socket.

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

use crate::error::{Error, ErrorKind, Result};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

fn runtime() -> Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let started = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("bucket")
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Failed, format!("starting the threads for requests: {error}")))?;
    Ok(RUNTIME.get_or_init(|| started))
}

/// Something on its way. Dropped, it is given up.
#[derive(Debug)]
pub struct Pending<T> {
    receiver: mpsc::Receiver<Result<T>>,
    task: AbortHandle,
}

impl<T> Pending<T> {
    /// Waits for it. Blocks.
    ///
    /// # Errors
    /// What it failed of.
    pub fn wait(self) -> Result<T> {
        self.receiver
            .recv()
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Failed, "the request was given up")))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts `work`.
pub fn start<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<Pending<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let task = runtime()?.spawn(async move {
        // Nobody waits any more: then there is nobody to tell.
        let _ = sender.send(work.await);
    });
    Ok(Pending {
        receiver,
        task: task.abort_handle(),
    })
}

/// Does `work` and waits for it. Blocks.
pub fn run<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    start(work)?.wait()
}
