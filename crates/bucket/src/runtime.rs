//! The threads on which requests are made, so that blocking callers need none of their own that waits for a socket.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::error::{Error, ErrorKind, Result};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

fn runtime() -> Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _one_at_a_time = STARTING.lock();
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

/// Something on its way, for callers that block ([`Pending::wait`]) and for those that await it, in any runtime.
/// Dropped, it is given up.
#[derive(Debug)]
pub struct Pending<T> {
    receiver: oneshot::Receiver<Result<T>>,
    _task: GivenUp,
}

/// A task that ends with this.
#[derive(Debug)]
struct GivenUp(AbortHandle);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Pending<T> {
    /// Waits for it. Blocks, and must not be called from async code.
    ///
    /// # Errors
    /// What it failed of.
    pub fn wait(self) -> Result<T> {
        self.receiver.blocking_recv().unwrap_or_else(|_| Err(dropped()))
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver)
            .poll(context)
            .map(|outcome| outcome.unwrap_or_else(|_| Err(dropped())))
    }
}

fn dropped() -> Error {
    Error::new(ErrorKind::Failed, "the request was given up")
}

/// Starts `work`.
pub fn start<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<Pending<T>> {
    let (sender, receiver) = oneshot::channel();
    let task = runtime()?.spawn(async move {
        // Nobody waits any more: then there is nobody to tell.
        let _ = sender.send(work.await);
    });
    Ok(Pending {
        receiver,
        _task: GivenUp(task.abort_handle()),
    })
}

/// Does `work` and waits for it. Blocks.
pub fn run<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    start(work)?.wait()
}
