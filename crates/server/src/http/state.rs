//! What every handler can reach.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bosbase_app::at_once::{self, Missed};
use bosbase_app::public::PublicFiles;
use bosbase_app::{App, Error};
use bosbase_certificates::HostName;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use super::cors::Origins;
use super::error::ApiError;
use super::slow::SlowReads;
use super::unsent::Unsent;

/// So many requests ask a bucket at a time, each on a thread of its own, which one that does not answer keeps for
/// seconds.
const ASKING: usize = 8;

/// How often a turn to read at once is asked for, after what others have to do each time.
const TRIES: usize = 8;

/// How long a monitoring system waits for what is in the storage of backups before it is told what is remembered.
pub const GLANCE: Duration = Duration::from_secs(3);

/// How long others wait for an answer of the storage of backups: a little longer than it takes to say itself that the
/// bucket is silent.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What requests share.
pub struct Shared {
    /// The application.
    pub app: App,
    /// Whether the server is about to stop or restart.
    pub lifecycle: Arc<Lifecycle>,
    /// Reads that took too long to be done at once.
    pub slow: SlowReads,
    /// What waits for clients that take their time.
    pub unsent: Unsent,
    /// The static files.
    pub public: PublicFiles,
    /// Whose pages may call.
    pub origins: Origins,
    /// Hosts with `www.` that lead to the same without it.
    pub www: Vec<HostName>,
    /// A client with this token reads the metrics. It belongs to the machine: in the settings a restore would bring
    /// back an older one.
    pub metrics_token: Option<String>,
    asking: Arc<Semaphore>,
    prompt: Prompt,
}

/// What the server answers beside the API, and to whom.
#[derive(Clone)]
pub struct Site {
    /// The static files.
    pub public: PublicFiles,
    /// Whose pages may call.
    pub origins: Origins,
    /// Hosts with `www.` that lead to the same without it.
    pub www: Vec<HostName>,
    /// The token that lets a client read the metrics.
    pub metrics_token: Option<String>,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Work that is done on the threads that serve connections.
#[derive(Debug)]
struct Prompt {
    /// How many of them work just now.
    running: AtomicUsize,
    /// How many may: one stays for all else, should a disk keep the others.
    limit: usize,
}

/// A turn at such work; it ends when it is dropped.
struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Prompt {
    /// A turn, if there is one soon: others are through within microseconds, where no disk keeps them, and a hop to
    /// another thread takes longer.
    async fn turn(&self) -> Option<Turn<'_>> {
        for _ in 0..TRIES {
            let others = self.running.fetch_add(1, Ordering::Relaxed);
            let turn = Turn(&self.running);
            if others < self.limit {
                return Some(turn);
            }
            drop(turn);
            tokio::task::yield_now().await;
        }
        None
    }
}

/// The server's way to its end.
#[derive(Debug, Default)]
pub struct Lifecycle {
    draining: AtomicBool,
    patience: AtomicU64,
    changed: Notify,
}

impl Lifecycle {
    /// Begins the end: connections are closed after their answer, event streams at once.
    ///
    /// Requests that are under way have `patience` (whole seconds) to end in.
    pub fn drain(&self, patience: Duration) {
        self.patience.store(patience.as_secs(), Ordering::SeqCst);
        self.draining.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// How long requests may go on once the end has begun.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience.load(Ordering::SeqCst))
    }

    /// Whether the end has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Resolves once the end has begun.
    pub async fn drained(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_draining() {
                return;
            }
            changed.await;
        }
    }
}

impl AppState {
    /// What the requests to `app` share.
    #[must_use]
    pub fn new(app: App, lifecycle: Arc<Lifecycle>, site: Site) -> Self {
        let threads = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
        Self(Arc::new(Shared {
            app,
            lifecycle,
            slow: SlowReads::default(),
            unsent: Unsent::default(),
            public: site.public,
            origins: site.origins,
            www: site.www,
            metrics_token: site.metrics_token,
            asking: Arc::new(Semaphore::new(ASKING)),
            prompt: Prompt {
                running: AtomicUsize::new(0),
                limit: threads.saturating_sub(1),
            },
        }))
    }

    /// What `work` yields where that takes next to no time: then it is done on this very thread, which serves others as
    /// well. Not where it would wait for anything, takes long, or too many threads are at such work: it is for
    /// [`AppState::blocking`] then. It must have no effects: it may have been begun.
    ///
    /// # Errors
    ///
    /// Why it could not be done so.
    pub async fn at_once<T>(
        &self,
        work: impl FnOnce(&App) -> bosbase_app::Result<T>,
    ) -> Result<Result<T, Error>, Missed> {
        let _turn = self.prompt.turn().await.ok_or(Missed::Waits)?;
        let done = at_once::at_once(|| catch_unwind(AssertUnwindSafe(|| work(&self.app))))?;
        Ok(done.unwrap_or_else(|_| Err(Error::internal("a request panicked"))))
    }

    /// As [`AppState::at_once`], and where that can't be as [`AppState::blocking`].
    ///
    /// # Errors
    ///
    /// What `work` returns; a panic in it is a 500.
    pub async fn promptly<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Fn(&App) -> bosbase_app::Result<T> + Send + 'static,
    {
        match self.at_once(&work).await {
            Ok(done) => done.map_err(ApiError::from),
            Err(_) => self.blocking(work).await,
        }
    }

    /// Runs work that may wait for a bucket, as [`AppState::blocking`] does, but a few at a time, and waits no longer
    /// than `patience`: `None` where that is over. What was begun goes on then, and keeps its thread until the bucket's
    /// own time is over.
    ///
    /// # Errors
    ///
    /// What `work` returns; a panic in it is internal.
    pub async fn asking<T, F>(&self, patience: Duration, work: F) -> Result<Option<T>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&App) -> bosbase_app::Result<T> + Send + 'static,
    {
        let (app, asking) = (self.app.clone(), self.asking.clone());
        let asked = async move {
            let turn = asking.acquire_owned().await.map_err(Error::internal)?;
            let work = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work(&app)
            });
            work.await.map_err(Error::internal)?
        };
        tokio::time::timeout(patience, asked).await.ok().transpose()
    }

    /// Runs blocking work of the domain off the async threads.
    ///
    /// # Errors
    ///
    /// What `work` returns; a panic in it is a 500.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&App) -> bosbase_app::Result<T> + Send + 'static,
    {
        let app = self.app.clone();
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(result) => result.map_err(ApiError::from),
            Err(panic) => Err(ApiError::from(bosbase_app::Error::internal(panic))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_given_to_so_many_and_again_when_one_is_over() {
        let prompt = Prompt {
            running: AtomicUsize::new(0),
            limit: 2,
        };
        let (first, second) = (prompt.turn().await, prompt.turn().await);
        assert!(first.is_some() && second.is_some());
        assert!(prompt.turn().await.is_none(), "one thread stays for all else");
        drop(first);
        assert!(prompt.turn().await.is_some());
        drop(second);
        assert_eq!(prompt.running.load(Ordering::Relaxed), 0);
    }
}
