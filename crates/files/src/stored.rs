//! A stored file that was found, wherever it lies.

use std::ops::Range;
use std::time::SystemTime;

use bosbase_bucket::{Bucket, ErrorKind, Object, PieceReader, Pieces, Spare};
use bosbase_disk::DiskFile;

use super::sniff;

/// A stored file, open for reading.
#[derive(Debug)]
pub struct StoredFile {
    /// Where its bytes come from.
    pub content: Content,
    /// Its length in bytes.
    pub len: u64,
    /// When it was stored.
    pub modified: SystemTime,
    /// What tells it from another of its name, without quotation marks.
    pub etag: String,
    /// Its MIME type.
    pub content_type: String,
}

/// Where a file's bytes come from.
#[derive(Debug)]
pub enum Content {
    /// A file in the data directory.
    Disk(Box<dyn DiskFile>),
    /// An object in a bucket.
    Bucket(Remote),
}

/// An object in a bucket; what it yields is the one that was found, or an error.
#[derive(Debug, Clone)]
pub struct Remote {
    bucket: Bucket,
    object: Object,
}

impl Remote {
    /// A range of its bytes, in pieces. Waits for the bucket without holding a thread; a piece that does not come
    /// within ten seconds is an error.
    #[must_use]
    pub fn pieces(&self, range: Range<u64>) -> Pieces {
        self.bucket.pieces(&self.object, range)
    }

    /// A range of its bytes for who blocks.
    pub(super) fn reader(&self, range: Range<u64>) -> PieceReader {
        self.bucket.reader(&self.object, range)
    }

    /// The bucket that it lies in.
    pub(super) fn bucket(&self) -> &Bucket {
        &self.bucket
    }
}

/// A file that is not in the data directory and may be in the bucket.
#[derive(Debug)]
pub struct Sought {
    pub(super) bucket: Bucket,
    pub(super) key: String,
}

impl Sought {
    /// Looks for it; `None` where it is not there. Asynchronous; answers within ten seconds.
    ///
    /// # Errors
    ///
    /// Where the bucket can't tell.
    pub async fn find(self) -> Result<Option<StoredFile>, bosbase_bucket::Error> {
        let object = match self.bucket.find(&self.key)?.await {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let content_type = if object.content_type.is_empty() {
            // Put there by something that says nothing of types.
            let wanted = object.size.min(sniff::HEAD as u64);
            let whole = object.size <= wanted;
            match wanted {
                0 => sniff::detect(&[], whole).mime,
                _ => {
                    let head = self
                        .bucket
                        .fetch(&self.key, 0..wanted, &object.etag, &Spare::default())?;
                    let head = head.await?;
                    sniff::detect(&head, whole).mime
                }
            }
        } else {
            object.content_type.clone()
        };
        let seconds = u64::try_from(object.modified.as_second()).unwrap_or_default();
        Ok(Some(StoredFile {
            len: object.size,
            modified: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds),
            etag: etag(&object),
            content_type,
            content: Content::Bucket(Remote {
                bucket: self.bucket,
                object,
            }),
        }))
    }
}

fn etag(object: &Object) -> String {
    let etag = object.etag.trim_start_matches("W/").replace('"', "");
    if etag.is_empty() {
        format!("{:x}-{:x}", object.size, object.modified.as_second())
    } else {
        etag
    }
}
