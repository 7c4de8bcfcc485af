//! The picture of a profile, downloaded for a new account. Its address is a provider's word, perhaps its user's: only
//! the internet is asked for it.

use std::io::Write as _;
use std::time::Duration;

use bosbase_courier::{Fetcher, Question, Reach};
use bosbase_store::{Collection, FieldKind};
use url::Url;

use crate::files::{FileStore, Upload};

/// How long it may take, as in PocketBase.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes of a picture, also where the field accepts more.
const LONGEST: usize = 5 << 20;

/// A picture as it came.
pub(super) struct Picture {
    name: String,
    bytes: Vec<u8>,
}

/// How long a file of the field `name` may be, in bytes; `None` where that is no field of files.
pub(super) fn limit(collection: &Collection, name: &str) -> Option<usize> {
    match collection.field(name).map(|field| &field.kind) {
        Some(FieldKind::File { max_size, .. }) => {
            let limit = usize::try_from(*max_size).ok().filter(|limit| *limit > 0);
            Some(limit.map_or(LONGEST, |limit| limit.min(LONGEST)))
        }
        _ => None,
    }
}

/// Downloads what is at `url`. Of a picture that is longer than `limit` one byte more is kept: the field then says that
/// it is too long. Asynchronous.
///
/// # Errors
///
/// Why there is none, for the log.
pub(super) async fn download(fetcher: &Fetcher, url: &str, limit: usize) -> Result<Picture, String> {
    let failed = |error: bosbase_courier::Error| error.to_string();
    let question = Question::new(url).map_err(failed)?;
    let reply = fetcher
        .ask(&question, Reach::Public, limit, PATIENCE)
        .await
        .map_err(failed)?;
    if !(200..400).contains(&reply.status) {
        return Err(format!("the answer was {}", reply.status));
    }
    if reply.body.is_empty() {
        return Err("the picture is empty".to_owned());
    }
    Ok(Picture {
        name: name_of(url),
        bytes: reply.body,
    })
}

/// The last part of the path.
fn name_of(url: &str) -> String {
    let url = url.parse::<Url>().ok();
    let segments = url.as_ref().and_then(Url::path_segments);
    let last = segments.and_then(|mut segments| segments.rfind(|segment| !segment.is_empty()));
    last.unwrap_or("picture").chars().take(200).collect()
}

impl Picture {
    /// Puts it where uploads are received. Blocks.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn receive(&self, files: &FileStore) -> std::io::Result<Upload> {
        let mut receiving = files.receive(&self.name)?;
        receiving.write_all(&self.bytes)?;
        receiving.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_called_as_the_end_of_its_path() {
        assert_eq!(name_of("https://x.example/a/me.png?size=50&of=/y.gif"), "me.png");
        assert_eq!(name_of("https://x.example/a/"), "a");
        assert_eq!(name_of("https://x.example"), "picture");
    }
}
