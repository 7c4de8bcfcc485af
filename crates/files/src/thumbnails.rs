//! Thumbnails of stored pictures: made when they are first asked for, and kept beside their picture.
//!
//! One lies at `thumbs_<name>/<size>_<name>` below its record's folder, where PocketBase keeps it, in the data
//! directory or in the bucket, wherever its picture lies. It is only a convenience: where none can be made, the picture
//! is served. It goes with its picture, also when that is removed while the thumbnail is being made.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bosbase_bucket::{Bucket, ErrorKind, Label};
use bosbase_disk::{read_all, write_atomically};
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore};

use super::attributes::Attributes;
use super::local::{LocalFiles, component};
use super::objects::ObjectRemoval;
use super::pending::Removal;
use super::picture::{Picture, Small, is_picture};
use super::place::key;
use super::stored::{Content, Remote, Sought, StoredFile};
use super::thumb_size::ThumbSize;

/// The longest picture that is made small, in bytes.
const LONGEST: u64 = 32 << 20;
/// What all pictures that are being read may take, in MiB ...
const READ_MIB: u32 = 64;
/// ... and what they may take while they are made small, in MiB.
const WORK_MIB: u32 = 192;
/// Each takes so much of it at least, so that a few at a time are worked on.
const LEAST_MIB: u32 = WORK_MIB / 4;
/// After so long the picture is served instead.
const PATIENCE: Duration = Duration::from_secs(30);
/// What could not be made small is not tried again for so long.
const FAILED_FOR: Duration = Duration::from_secs(60);
/// So many of those are remembered.
const MOST_FAILED: usize = 1024;

/// A thumbnail: of which file, and how large.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thumb {
    collection: String,
    record: String,
    file: String,
    size: String,
}

impl Thumb {
    /// A thumbnail of a record's file; `None` where `size` names no size that can be.
    #[must_use]
    pub fn of(collection: &str, record: &str, file: &str, size: &str) -> Option<Self> {
        ThumbSize::parse(size)?;
        [collection, record, file]
            .iter()
            .all(|name| component(name).is_ok())
            .then(|| Self {
                collection: collection.to_owned(),
                record: record.to_owned(),
                file: file.to_owned(),
                size: size.to_owned(),
            })
    }

    /// The name that it is served under.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}_{}", self.size, self.file)
    }

    fn folder(&self) -> String {
        format!("thumbs_{}", self.file)
    }

    fn key(&self) -> String {
        key(
            &self.collection,
            &self.record,
            &format!("{}/{}", self.folder(), self.name()),
        )
    }
}

/// Makes thumbnails and finds those that were made. Clones share it.
#[derive(Clone)]
pub(super) struct Thumbnails {
    inner: Arc<Inner>,
}

struct Inner {
    local: Arc<LocalFiles>,
    objects: ObjectRemoval,
    reading: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// One at a time makes the same.
    turns: Mutex<HashMap<Thumb, Weak<Turn<()>>>>,
    failed: Mutex<HashMap<Thumb, Instant>>,
}

impl Thumbnails {
    pub(super) fn new(local: Arc<LocalFiles>, objects: ObjectRemoval) -> Self {
        Self {
            inner: Arc::new(Inner {
                local,
                objects,
                reading: Arc::new(Semaphore::new(READ_MIB as usize)),
                working: Arc::new(Semaphore::new(WORK_MIB as usize)),
                turns: Mutex::default(),
                failed: Mutex::default(),
            }),
        }
    }

    /// Opens one that lies in the data directory.
    ///
    /// # Errors
    ///
    /// `NotFound`; whatever the file system says.
    pub(super) fn open(&self, thumb: &Thumb) -> io::Result<StoredFile> {
        let dir = self.inner.local.record_dir(&thumb.collection, &thumb.record)?;
        self.inner.local.open_in(&dir.join(thumb.folder()), &thumb.name())
    }

    /// The thumbnail of `picture`, made if it is not there yet; the picture itself where that can't be.
    pub(super) async fn of(&self, picture: StoredFile, thumb: &Thumb) -> Result<StoredFile, StoredFile> {
        if !is_picture(&picture.content_type) {
            return Err(picture);
        }
        // Nobody waits for one that is there.
        if let Some(found) = self.find(&picture, thumb).await {
            return Ok(found);
        }
        if picture.len > LONGEST || self.has_failed(thumb) {
            return Err(picture);
        }
        match tokio::time::timeout(PATIENCE, self.make(&picture, thumb)).await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(error)) => {
                tracing::debug!(%error, thumb = thumb.key(), "no thumbnail can be made");
                Err(picture)
            }
            Err(_) => Err(picture),
        }
    }

    async fn find(&self, picture: &StoredFile, thumb: &Thumb) -> Option<StoredFile> {
        match &picture.content {
            Content::Disk(_) => {
                let (thumbnails, thumb) = (self.clone(), thumb.clone());
                let opened = tokio::task::spawn_blocking(move || thumbnails.open(&thumb)).await;
                opened.ok()?.ok()
            }
            Content::Bucket(object) => {
                let sought = Sought {
                    bucket: object.bucket().clone(),
                    key: thumb.key(),
                };
                sought.find().await.ok()?
            }
        }
    }

    async fn make(&self, picture: &StoredFile, thumb: &Thumb) -> io::Result<StoredFile> {
        let turn = self.turn(thumb).lock_owned().await;
        if let Some(made) = self.find(picture, thumb).await {
            return Ok(made);
        }
        if self.has_failed(thumb) {
            return Err(io::Error::other("it could not be made a moment ago"));
        }
        // The file and the copy that a decoder makes of it.
        let reading = permits(&self.inner.reading, mib(picture.len)).await?;
        let (thumbnails, of, source) = (self.clone(), thumb.clone(), self.source(picture, thumb));
        let content_type = picture.content_type.clone();
        // What has begun goes on also where the client has gone: the next one finds it.
        let work = tokio::spawn(async move {
            let made = thumbnails.work(source, content_type, &of, reading).await;
            if let Err(error) = &made
                && error.kind() == io::ErrorKind::InvalidData
            {
                tracing::warn!(%error, thumb = of.key(), "a picture can't be made small, and is served as it is");
                thumbnails.remember_failed(&of);
            }
            drop(turn);
            made
        });
        work.await.map_err(io::Error::other)??;
        self.find(picture, thumb)
            .await
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    async fn work(
        &self,
        source: Source,
        content_type: String,
        thumb: &Thumb,
        reading: OwnedSemaphorePermit,
    ) -> io::Result<()> {
        let bucket = source.bucket();
        let size = ThumbSize::parse(&thumb.size).ok_or(io::ErrorKind::InvalidInput)?;
        let (bytes, needed, content_type) = blocking(move || {
            let bytes = source.read()?;
            let needed = Picture::look(&bytes, &content_type, size)?.bytes_needed();
            Ok((bytes, needed, content_type))
        })
        .await?;
        if needed > u64::from(WORK_MIB) << 20 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it takes too much memory"));
        }
        // Who works needs no more of what is read, so nobody waits for each other.
        let working = permits(&self.inner.working, mib(needed).max(LEAST_MIB)).await?;
        let (thumbnails, thumb) = (self.clone(), thumb.clone());
        blocking(move || {
            let small = Picture::look(&bytes, &content_type, size)?.shrink()?;
            drop((bytes, working, reading));
            let kept = match bucket {
                None => thumbnails.keep(&thumb, &small),
                Some(bucket) => thumbnails.put(&bucket, &thumb, small),
            };
            kept.inspect_err(|error| tracing::warn!(%error, thumb = thumb.key(), "a thumbnail could not be kept"))
        })
        .await
    }

    /// Puts it beside its picture in the data directory; durable when it returns.
    fn keep(&self, thumb: &Thumb, small: &Small) -> io::Result<()> {
        let local = &self.inner.local;
        let record = local.record_dir(&thumb.collection, &thumb.record)?;
        let picture = record.join(&thumb.file);
        if !local.disk().exists(&picture)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        let dir = record.join(thumb.folder());
        local.make_dir(&dir)?;
        let note = serde_json::to_vec(&Attributes::of_type(small.content_type))?;
        let name = thumb.name();
        write_atomically(local.disk(), &dir.join(format!("{name}{}", Attributes::SUFFIX)), &note)?;
        write_atomically(local.disk(), &dir.join(&name), &small.bytes)?;
        // Who removed the picture meanwhile may have looked for thumbnails before this one was there.
        if local.disk().exists(&picture)? {
            return Ok(());
        }
        local.remove_one(&record, &thumb.file)?;
        local.remove_empty(&record)
    }

    /// Puts it beside its picture in the bucket; acknowledged when it returns.
    fn put(&self, bucket: &Bucket, thumb: &Thumb, small: Small) -> io::Result<()> {
        let label = Label {
            content_type: small.content_type.to_owned(),
            ..Label::default()
        };
        bucket.put(&thumb.key(), small.bytes.into(), &label)?;
        // As above.
        match bucket.head(&key(&thumb.collection, &thumb.record, &thumb.file)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let removal = Removal::Files {
                    collection: thumb.collection.clone(),
                    record: thumb.record.clone(),
                    names: vec![thumb.file.clone()],
                };
                self.inner.objects.postpone(&bucket.place(), &removal)
            }
            _ => Ok(()),
        }
    }

    fn source(&self, picture: &StoredFile, thumb: &Thumb) -> Source {
        match &picture.content {
            Content::Disk(_) => Source::Disk(self.inner.local.clone(), thumb.clone()),
            Content::Bucket(object) => Source::Bucket(object.clone(), picture.len),
        }
    }

    fn turn(&self, thumb: &Thumb) -> Arc<Turn<()>> {
        let mut turns = self.inner.turns.lock();
        if let Some(turn) = turns.get(thumb).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        turns.insert(thumb.clone(), Arc::downgrade(&turn));
        turn
    }

    fn has_failed(&self, thumb: &Thumb) -> bool {
        let failed = self.inner.failed.lock();
        failed.get(thumb).is_some_and(|at| at.elapsed() < FAILED_FOR)
    }

    fn remember_failed(&self, thumb: &Thumb) {
        let mut failed = self.inner.failed.lock();
        if failed.len() >= MOST_FAILED {
            failed.retain(|_, at| at.elapsed() < FAILED_FOR);
        }
        if failed.len() < MOST_FAILED {
            failed.insert(thumb.clone(), Instant::now());
        }
    }
}

/// A picture to be read.
enum Source {
    Disk(Arc<LocalFiles>, Thumb),
    Bucket(Remote, u64),
}

impl Source {
    fn bucket(&self) -> Option<Bucket> {
        match self {
            Self::Disk(..) => None,
            Self::Bucket(object, _) => Some(object.bucket().clone()),
        }
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Disk(local, of) => {
                let path = local.record_dir(&of.collection, &of.record)?.join(&of.file);
                return read_all(local.disk(), &path, LONGEST);
            }
            Self::Bucket(object, len) => object.reader(0..*len).take(LONGEST).read_to_end(&mut bytes)?,
        };
        Ok(bytes)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

async fn permits(of: &Arc<Semaphore>, mib: u32) -> io::Result<OwnedSemaphorePermit> {
    of.clone().acquire_many_owned(mib).await.map_err(io::Error::other)
}

/// Bytes in MiB, rounded up.
fn mib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX)
}
