//! Bodies, or parts of them, that have to be whole before anything can be done with them.
//!
//! Their beginning is held in memory; what is longer goes to a file, so that clients that stop halfway hold next to
//! nothing. A whole one is read back once the budget of memory has room for what becomes of it.

use std::io::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use bosbase_app::Error;
use bosbase_app::files::Receiving;
use bosbase_app::memory::Share;
use bytes::BytesMut;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::body::too_large;
use super::error::ApiError;
use super::form::{disk_error, unreadable};
use super::state::AppState;
use super::values::Counter;

/// How much of each is held in memory, in bytes.
const HELD: usize = 64 << 10;
/// How much is gathered before it is written, in bytes.
const PIECE: usize = 64 << 10;
/// Each byte that was sent is held about so often until its request is answered: as it was sent, as a value, in a
/// record, in a statement, in the answer.
const COPIES: usize = 6;

/// How long a body of unknown length, or a short one, may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How fast a longer one has to come, in bytes a second.
const SLOWEST: u64 = 16 << 10;

/// How long a body may take to come whose client announced `length` bytes, or may send as many.
pub fn deadline(length: u64) -> Duration {
    BODY_TIMEOUT + Duration::from_secs(length / SLOWEST)
}

/// Bytes that are not all there yet.
#[derive(Default)]
pub struct Gathering {
    held: BytesMut,
    file: Option<Receiving>,
    counter: Counter,
}

/// Bytes that are all there, and what holds the place of what becomes of them.
pub struct Whole {
    /// The bytes.
    pub bytes: Bytes,
    /// Their share of the memory; none for what is small. To be held until the request is answered.
    pub share: Option<Share>,
}

impl Gathering {
    /// Adds a piece.
    pub async fn add(&mut self, state: &AppState, piece: &[u8]) -> Result<(), ApiError> {
        self.counter.add(piece);
        self.held.extend_from_slice(piece);
        if self.held.len() > HELD.max(PIECE) {
            self.put_aside(state).await?;
        }
        Ok(())
    }

    async fn put_aside(&mut self, state: &AppState) -> Result<(), ApiError> {
        let (piece, file) = (self.held.split().freeze(), self.file.take());
        let file = state
            .blocking(move |app| {
                let mut file = match file {
                    Some(file) => file,
                    None => app.files().receive("body").map_err(disk_error)?,
                };
                file.write_all(&piece).map_err(disk_error)?;
                Ok(file)
            })
            .await?;
        self.file = Some(file);
        Ok(())
    }

    /// How many bytes came.
    pub fn len(&self) -> usize {
        let written = self.file.as_ref().map_or(0, Receiving::received);
        usize::try_from(written)
            .unwrap_or(usize::MAX)
            .saturating_add(self.held.len())
    }

    /// What holding it takes until the request is answered, in bytes.
    pub fn weight(&self) -> usize {
        self.len().saturating_mul(COPIES).saturating_add(self.counter.weight())
    }

    /// Whether it has to be counted.
    pub fn is_large(&self) -> bool {
        self.file.is_some() || self.weight() > HELD * COPIES
    }

    /// Whether it has more values than are read into memory, taken for JSON.
    pub fn has_too_many_values(&self) -> bool {
        self.counter.is_too_many()
    }

    /// All of it; its share of the memory is the caller's to take before.
    pub async fn read(self, state: &AppState) -> Result<Bytes, ApiError> {
        let Self { held, file, .. } = self;
        let Some(file) = file else { return Ok(held.freeze()) };
        let whole = state
            .blocking(move |_| {
                let mut whole = file.read_back().map_err(disk_error)?;
                whole.extend_from_slice(&held);
                Ok(whole)
            })
            .await?;
        Ok(whole.into())
    }
}

/// Reads a body of at most `limit` bytes; `announced` is what its client says that it has.
///
/// # Errors
///
/// [`bosbase_app::ErrorKind::TooLarge`] beyond the limit, [`bosbase_app::ErrorKind::Invalid`] where it breaks off or
/// takes too long.
pub async fn gather(state: &AppState, body: Body, limit: u64, announced: Option<u64>) -> Result<Gathering, ApiError> {
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    let reading = async {
        let mut body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
        let mut gathering = Gathering::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if is_too_large(error.as_ref()) {
                    return too_large();
                }
                unreadable().caused_by(error)
            })?;
            if let Ok(piece) = frame.into_data() {
                gathering.add(state, &piece).await?;
            }
        }
        Ok(gathering)
    };
    in_time(announced.unwrap_or(limit), reading).await
}

/// What `reading` yields, unless a body of `length` bytes takes longer than it may.
pub async fn in_time<T>(length: u64, reading: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(deadline(length), reading).await {
        Ok(read) => read,
        Err(_) => Err(Error::invalid("The body of the request took too long to arrive.").into()),
    }
}

/// Waits for the share of the memory that something gathered takes, and reads it.
pub async fn whole(state: &AppState, gathering: Gathering) -> Result<Whole, ApiError> {
    let share = match gathering.is_large() {
        true => Some(state.app.memory().share(gathering.weight()).await?),
        false => None,
    };
    let bytes = gathering.read(state).await?;
    Ok(Whole { bytes, share })
}

/// Whether an error is that a body is longer than it may be.
pub fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
