//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bosbase_app::App;
use tokio::sync::Notify;

use super::error::ApiError;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The application.
    pub app: App,
    /// Whether the server is about to stop or restart.
    pub lifecycle: Arc<Lifecycle>,
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
