//! Logins with a provider: who somebody is elsewhere becomes an account here.
//!
//! It is decided whose account it is ([`linking`]): the one that is linked, the one that is logged in, the one with the
//! confirmed address, or a new one, to which the collection maps the profile ([`sign_up`]) with its picture
//! ([`picture`]).

mod linking;
mod login;
mod picture;
mod sign_up;

use std::sync::Arc;
use std::time::Duration;

use bosbase_courier::Fetcher;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use self::picture::Picture;
use crate::error::{Error, ErrorKind, Result};
use crate::oauth2::Names;

pub use login::Introduced;

/// So many logins ask providers at once …
const ASKING: usize = 64;
/// … and so many download a picture.
const DOWNLOADING: usize = 8;

/// What all logins with providers share.
pub(super) struct Providers {
    /// Names that came with redirects.
    pub(super) names: Names,
    fetcher: OnceCell<Fetcher>,
    asking: Arc<Semaphore>,
    downloading: Semaphore,
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            names: Names::default(),
            fetcher: OnceCell::new(),
            asking: Arc::new(Semaphore::new(ASKING)),
            downloading: Semaphore::new(DOWNLOADING),
        }
    }
}

impl Providers {
    /// Who asks for them. Set up with the first login, on a thread that may wait: it reads the machine's certificates.
    async fn fetcher(&self) -> Result<&Fetcher> {
        let set_up = || async {
            let made = tokio::task::spawn_blocking(Fetcher::new)
                .await
                .map_err(Error::internal)?;
            made.map_err(Error::internal)
        };
        self.fetcher.get_or_try_init(set_up).await
    }

    /// The picture at `url`, of which no more than `limit` bytes and one are kept. Waits for its turn, too, no longer
    /// than one download may take.
    async fn download(&self, fetcher: &Fetcher, url: &str, limit: usize) -> std::result::Result<Picture, String> {
        let turn = tokio::time::timeout(picture::PATIENCE, self.downloading.acquire()).await;
        let _turn = turn.map_err(|_| "too many pictures are on their way")?;
        picture::download(fetcher, url, limit).await
    }

    /// A place among those that ask.
    fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let busy = || {
            let text = "Too many logins wait for their provider; try again later.";
            Error::new(ErrorKind::Unavailable, text).retry_after(Duration::from_secs(10))
        };
        self.asking.clone().try_acquire_owned().map_err(|_| busy())
    }
}
