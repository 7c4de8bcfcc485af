//! What can be done with single objects.

use std::fmt;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore as _,
    ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::config::BucketConfig;
use crate::error::{Error, ErrorKind, Result, innermost};
use crate::interrupt::Interrupt;
use crate::listing::Listing;
use crate::pieces::{PieceReader, Pieces};
use crate::runtime::{self, Pending};
use crate::spare::Spare;
use crate::transport::Transport;
use crate::unfinished::{self, Unfinished};
use crate::upload::Upload;

/// The name of the mark that tells who uploaded an object.
pub(crate) const MARK: &str = "bosbase-upload";

/// How often a failed request is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patience {
    /// For work that nobody watches: for up to two minutes, waiting from 0.2 to 10 seconds in between.
    #[default]
    Work,
    /// For somebody who waits for the answer: once more, and no lookup, read, deletion or page of a list takes longer
    /// than ten seconds in all; what is uploaded may take longer by what its length takes at 64 KiB/s.
    Answer,
}

/// So long work goes on making a failed request again.
const PERSISTENCE: Duration = Duration::from_secs(120);

/// The speed that an upload somebody waits for has at least, in bytes per second.
const SLOWEST_WAITED_FOR: u64 = 64 << 10;

impl Patience {
    /// How long one lookup, read or deletion may take, tries and pauses included, or an upload of `len` bytes.
    pub(crate) fn limit(self, len: u64) -> Option<Duration> {
        (self == Self::Answer).then(|| Duration::from_secs(10 + len / SLOWEST_WAITED_FOR))
    }
}

/// What is known of an object apart from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was put there, UTC, in whole seconds.
    pub modified: Timestamp,
    /// Its ETag as the provider sent it, with its quotation marks; empty where there was none.
    pub etag: String,
    /// Its content type; empty where it was not asked for or there is none.
    pub content_type: String,
    /// Its metadata called `original-filename`; empty where it was not asked for or there is none.
    pub original_name: String,
    pub(crate) mark: String,
}

/// What to say of an object that is put in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// Its content type.
    pub content_type: String,
    /// What it was called, kept as its metadata `original-filename`; empty for none.
    pub original_name: String,
}

/// A bucket. All methods block, must not be called from async code, and may be called by several threads. Clones share
/// it.
#[derive(Clone)]
pub struct Bucket {
    pub(crate) inner: Arc<Inner>,
    pub(crate) interrupt: Interrupt,
}

pub(crate) struct Inner {
    pub(crate) config: BucketConfig,
    pub(crate) base: String,
    /// Which bucket it is, for who reads of a failure.
    pub(crate) shown: String,
    /// What to look at where the provider's host is not found.
    advice: String,
    pub(crate) store: AmazonS3,
    /// For completing multipart uploads: asks once, since whether it came through is to be looked up before it asks
    /// again.
    pub(crate) completing: AmazonS3,
    /// The same, but only where there is no object of their key.
    pub(crate) creating: AmazonS3,
    pub(crate) patience: Patience,
    pub(crate) transport: Transport,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.inner.config).finish()
    }
}

impl Bucket {
    /// The bucket that `config` names; asks nobody yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the settings name none.
    pub fn new(config: &BucketConfig, patience: Patience) -> Result<Self> {
        Self::over(&Transport::shared()?, config, patience)
    }

    pub(crate) fn over(transport: &Transport, config: &BucketConfig, patience: Patience) -> Result<Self> {
        let url = config.base()?;
        let advice = config.advice(&url);
        let base = url.as_str().trim_end_matches('/').to_owned();
        let store = |transport: Transport, retry: RetryConfig| {
            AmazonS3Builder::new()
                .with_bucket_name(config.bucket.trim())
                .with_region(config.region.trim())
                .with_access_key_id(&config.access_key)
                .with_secret_access_key(&config.secret)
                .with_endpoint(&base)
                // The address above names the bucket already, in whichever way.
                .with_virtual_hosted_style_request(true)
                .with_conditional_put(S3ConditionalPut::ETagMatch)
                .with_disable_tagging(true)
                .with_disable_bulk_delete(true)
                .with_allow_http(true)
                .with_retry(retry)
                .with_http_connector(transport)
                .build()
                .map_err(|error| Error::new(ErrorKind::Config, innermost(&error)))
        };
        Ok(Self {
            inner: Arc::new(Inner {
                store: store(transport.clone(), retries(patience))?,
                completing: store(transport.clone(), once())?,
                creating: store(transport.creating(), once())?,
                patience,
                base,
                shown: config.shown(),
                advice,
                transport: transport.clone(),
                config: config.clone(),
            }),
            interrupt: Interrupt::default(),
        })
    }

    /// The same bucket, all of whose requests end with [`ErrorKind::Interrupted`] once `interrupt` is fired. An upload
    /// that is given up then still removes its parts, where that takes ten seconds at the most.
    #[must_use]
    pub fn interrupted_by(&self, interrupt: &Interrupt) -> Self {
        Self {
            inner: self.inner.clone(),
            interrupt: interrupt.clone(),
        }
    }

    /// Starts `work`; what it fails of says of which bucket that is.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<Pending<T>> {
        let (inner, interrupt) = (self.inner.clone(), self.interrupt.clone());
        runtime::start(async move {
            let outcome = match select(pin!(work), pin!(interrupt.fired())).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => Err(Error::new(ErrorKind::Interrupted, "it was given up")),
            };
            outcome.map_err(|error| {
                error
                    .looking_up(&inner.advice)
                    .speaking_tls(inner.config.advice_on_tls())
                    .in_(&inner.shown)
            })
        })
    }

    /// Does `work`, as [`Bucket::start`], and waits for it. Blocks.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.start(work)?.wait()
    }

    /// Waits between two tries; `false` where it was interrupted. Blocks.
    pub(crate) fn rest(&self, pause: Duration) -> bool {
        self.run(async move {
            tokio::time::sleep(pause).await;
            Ok(())
        })
        .is_ok()
    }

    /// Which bucket it is: `https://host/bucket`.
    #[must_use]
    pub fn place(&self) -> String {
        self.inner.config.place()
    }

    /// Looks an object up.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn head(&self, key: &str) -> Result<Object> {
        let bucket = self.clone();
        let key = key.to_owned();
        self.run(async move { bucket.look(&key).await })
    }

    /// Begins to look an object up, for async callers as well.
    ///
    /// # Errors
    /// Of waiting for it: as [`Bucket::head`].
    pub fn find(&self, key: &str) -> Result<Pending<Object>> {
        let (bucket, key) = (self.clone(), key.to_owned());
        self.start(async move { bucket.look(&key).await })
    }

    /// A range of an object as a stream, each piece on condition that the object is still the same.
    #[must_use]
    pub fn pieces(&self, object: &Object, range: Range<u64>) -> Pieces {
        let end = range.end.min(object.size);
        Pieces::new(self.clone(), object.key.clone(), object.etag.clone(), range.start, end)
    }

    /// A range of an object, read by who blocks; as [`Bucket::pieces`].
    #[must_use]
    pub fn reader(&self, object: &Object, range: Range<u64>) -> PieceReader {
        PieceReader::new(self.pieces(object, range))
    }

    /// The objects directly below `prefix` (empty, or ending in `/`), in no order. Those of a name that can't be asked
    /// for are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        self.pages(prefix, "/", |object| {
            found.push(object);
            Ok::<_, Error>(())
        })?;
        Ok(found)
    }

    /// All objects anywhere below `prefix`, in pieces of up to 1,000, by key. Those of a name that can't be asked for
    /// are left out.
    ///
    /// # Errors
    /// What `visit` says; [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn each<E: From<Error>>(&self, prefix: &str, visit: impl FnMut(Object) -> Result<(), E>) -> Result<(), E> {
        self.pages(prefix, "", visit)
    }

    fn pages<E: From<Error>>(
        &self,
        prefix: &str,
        delimiter: &'static str,
        mut visit: impl FnMut(Object) -> Result<(), E>,
    ) -> Result<(), E> {
        if !prefix.is_empty() && !prefix.ends_with('/') {
            return Err(Error::new(ErrorKind::Config, "the prefix does not end in a slash").into());
        }
        let mut listing = Listing::new(prefix, delimiter);
        loop {
            let bucket = self.clone();
            let (after, page) = self.run(async move {
                let page = bucket.in_time(listing.next(&bucket.inner)).await;
                let page = page.map_err(|error| absent_bucket(error).while_("listing what there is"))?;
                Ok((listing, page))
            })?;
            page.into_iter().try_for_each(&mut visit)?;
            if after.is_at_end() {
                return Ok(());
            }
            listing = after;
        }
    }

    /// Begins to read a part of an object, into memory from `spare`; with an ETag only if it still is the one that had
    /// it.
    ///
    /// # Errors
    /// Of waiting for it: [`ErrorKind::NotFound`], [`ErrorKind::Replaced`], [`ErrorKind::Denied`],
    /// [`ErrorKind::Failed`].
    pub fn fetch(&self, key: &str, range: Range<u64>, etag: &str, spare: &Spare) -> Result<Pending<Bytes>> {
        let (bucket, key, etag, spare) = (self.clone(), key.to_owned(), etag.to_owned(), spare.clone());
        self.start(async move { bucket.part(&key, range, &etag, &spare).await })
    }

    /// Reads a part of an object, as [`Bucket::fetch`].
    ///
    /// # Errors
    /// As [`Bucket::fetch`].
    pub fn get(&self, key: &str, range: Range<u64>, etag: &str) -> Result<Bytes> {
        self.fetch(key, range, etag, &Spare::default())?.wait()
    }

    /// Puts a small object in the bucket, in place of an earlier one.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn put(&self, key: &str, bytes: Bytes, label: &Label) -> Result<()> {
        let (bucket, path, key) = (self.clone(), path(key)?, key.to_owned());
        let attributes = attributes(label, "");
        self.run(async move {
            let len = bytes.len() as u64;
            let put = || async {
                let options = PutOptions::from(attributes.clone());
                bucket
                    .inner
                    .store
                    .put_opts(&path, PutPayload::from(bytes.clone()), options)
                    .await?;
                Ok(())
            };
            bucket
                .in_time_for(len, persistently(put))
                .await
                .map_err(|error| error.while_(&format!("uploading {key}")))
        })
    }

    /// Begins an upload of unknown length, written as a stream. `expected` bounds its length, in bytes, where that is
    /// known.
    #[must_use]
    pub fn upload(&self, key: &str, expected: Option<u64>, label: &Label) -> Upload {
        Upload::new(self.clone(), key, expected, label)
    }

    /// Deletes an object; one that is not there is as good as deleted.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn delete(&self, key: &str) -> Result<()> {
        let (bucket, path, key) = (self.clone(), path(key)?, key.to_owned());
        self.run(async move {
            let delete = || async { Ok(bucket.inner.store.delete(&path).await?) };
            match bucket.in_time(persistently(delete)).await {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error.while_(&format!("deleting {key}"))),
                _ => Ok(()),
            }
        })
    }

    /// Multipart uploads to exactly `key` that were begun and neither completed nor aborted, by anybody.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider can't list them; [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn unfinished(&self, key: &str) -> Result<Vec<Unfinished>> {
        let (bucket, key) = (self.clone(), key.to_owned());
        self.run(async move { bucket.in_time(unfinished::list(&bucket.inner, &key)).await })
    }

    /// Gives a multipart upload up; its parts are removed. One that is not there is as good as given up.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn abort(&self, key: &str, upload_id: &str) -> Result<()> {
        let (bucket, key, upload_id) = (self.clone(), key.to_owned(), upload_id.to_owned());
        if !self.interrupt.has_fired() {
            return self.run(async move { bucket.in_time(unfinished::abort(&bucket.inner, &key, &upload_id)).await });
        }
        // What was given up is not to leave parts behind, if that does not take long.
        runtime::run(async move {
            let limit = Patience::Answer.limit(0);
            within(limit, unfinished::abort(&bucket.inner, &key, &upload_id)).await
        })
    }

    pub(crate) async fn look(&self, key: &str) -> Result<Object> {
        let path = path(key)?;
        let look = || async {
            let options = GetOptions {
                head: true,
                ..GetOptions::default()
            };
            let found = self.inner.store.get_opts(&path, options).await?;
            let attribute = |name: Attribute| found.attributes.get(&name).map(|v| v.as_ref().to_owned());
            let metadata = |name: &'static str| attribute(Attribute::Metadata(name.into())).unwrap_or_default();
            Ok(Object {
                content_type: attribute(Attribute::ContentType).unwrap_or_default(),
                original_name: decoded(&metadata("original-filename")),
                mark: metadata(MARK),
                ..object(found.meta)
            })
        };
        self.in_time(persistently(look))
            .await
            .map_err(|error| error.while_(&format!("looking for {key}")))
    }

    /// `work`, given up when its time is over.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        within(self.inner.patience.limit(0), work).await
    }

    /// `work` that sends `len` bytes, given up when its time is over.
    pub(crate) async fn in_time_for<T>(&self, len: u64, work: impl Future<Output = Result<T>>) -> Result<T> {
        within(self.inner.patience.limit(len), work).await
    }

    async fn part(&self, key: &str, range: Range<u64>, etag: &str, spare: &Spare) -> Result<Bytes> {
        let path = path(key)?;
        let read = || async {
            let options = GetOptions {
                range: Some(GetRange::Bounded(range.clone())),
                if_match: Some(etag.to_owned()).filter(|etag| !etag.is_empty()),
                ..GetOptions::default()
            };
            let found = self.inner.store.get_opts(&path, options).await?;
            // A provider that passes over the condition is caught here.
            if !etag.is_empty() && found.meta.e_tag.as_deref().is_some_and(|now| now != etag) {
                return Err(Error::new(ErrorKind::Replaced, "the object is not the one that it was"));
            }
            whole(found, range.end - range.start, spare).await
        };
        self.in_time(persistently(read))
            .await
            .map_err(|error| error.while_(&format!("reading {key}")))
    }
}

/// `work`, given up after `limit`.
pub(crate) async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = limit else {
        return work.await;
    };
    let late = |_| Error::new(ErrorKind::Failed, "the provider did not answer in time");
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// The bytes of an answer, which must be as many as were asked for.
async fn whole(found: GetResult, len: u64, spare: &Spare) -> Result<Bytes> {
    let mut stream = found.into_stream();
    let mut bytes = spare.take(usize::try_from(len).unwrap_or_default());
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        if (bytes.len() + piece.len()) as u64 > len {
            return Err(Error::new(
                ErrorKind::Failed,
                "the provider sent more than it was asked for",
            ));
        }
        bytes.extend_from_slice(&piece);
    }
    if (bytes.len() as u64) < len {
        return Err(Error::new(ErrorKind::Failed, "the provider's answer was cut short"));
    }
    Ok(spare.lend(bytes))
}

/// Tries `work` up to three times; each try has the retries of the store below it, which knows a passing failure by its
/// number. What comes back here has another: a body that was damaged on its way is refused as a bad request.
pub(crate) async fn persistently<T, F>(mut work: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    for pause in [100, 1_000] {
        match work().await {
            Err(error) if error.is_passing() && begun.elapsed() < PERSISTENCE => {
                tracing::debug!(%error, "trying again");
                tokio::time::sleep(Duration::from_millis(pause + rand::random_range(0..pause))).await;
            }
            outcome => return outcome,
        }
    }
    work().await
}

fn once() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    }
}

fn retries(patience: Patience) -> RetryConfig {
    let (max_retries, seconds) = match patience {
        // Not by their number: a connection that is refused is refused at once.
        Patience::Work => (1_000, PERSISTENCE.as_secs()),
        Patience::Answer => (1, 5),
    };
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(10),
            base: 2.,
        },
        max_retries,
        retry_timeout: Duration::from_secs(seconds),
    }
}

pub(crate) fn path(key: &str) -> Result<Path> {
    let path = Path::parse(key).map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
    // A key that would be changed on its way names another object.
    if path.as_ref() == key && !key.is_empty() {
        Ok(path)
    } else {
        Err(Error::new(ErrorKind::Config, "the key can't be an object's"))
    }
}

/// Where there is nothing to be found but the bucket itself, that is what is missing.
fn absent_bucket(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound {
        Error::new(ErrorKind::Denied, error.reason())
    } else {
        error
    }
}

/// What stays as it is in metadata, which hold no more than ASCII: what PocketBase leaves (Go's `url.PathEscape`).
const METADATA: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b':')
    .remove(b'=')
    .remove(b'@');

pub(crate) fn attributes(label: &Label, mark: &str) -> Attributes {
    let mut attributes = Attributes::new();
    if !label.content_type.is_empty() {
        attributes.insert(Attribute::ContentType, label.content_type.clone().into());
    }
    if !label.original_name.is_empty() {
        let name = percent_encoding::utf8_percent_encode(&label.original_name, METADATA).to_string();
        attributes.insert(Attribute::Metadata("original-filename".into()), name.into());
    }
    if !mark.is_empty() {
        attributes.insert(Attribute::Metadata(MARK.into()), mark.to_owned().into());
    }
    attributes
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

pub(crate) fn put_options(label: &Label, mark: &str, creating: bool) -> PutOptions {
    PutOptions {
        mode: if creating { PutMode::Create } else { PutMode::Overwrite },
        attributes: attributes(label, mark),
        ..PutOptions::default()
    }
}

fn object(meta: ObjectMeta) -> Object {
    // A list tells milliseconds, an answer about one object does not: what is compared must be the same in both.
    let modified = meta.last_modified.timestamp();
    Object {
        key: meta.location.to_string(),
        size: meta.size,
        modified: Timestamp::from_second(modified).unwrap_or_default(),
        etag: meta.e_tag.unwrap_or_default(),
        content_type: String::new(),
        original_name: String::new(),
        mark: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with a percent sign came back as another.
    #[test]
    fn names_are_written_as_pocketbase_writes_them() {
        let name = "ünï & 100% (1)+x;~$!'=:@,.txt";
        let label = Label {
            original_name: name.to_owned(),
            ..Label::default()
        };
        let attributes = attributes(&label, "");
        let written = attributes
            .get(&Attribute::Metadata("original-filename".into()))
            .unwrap();
        // As PocketBase 0.40.6 was seen to.
        let expected = "%C3%BCn%C3%AF%20&%20100%25%20%281%29+x%3B~$%21%27=:@%2C.txt";
        assert_eq!(written.as_ref(), expected);
        assert_eq!(decoded(expected), name);
    }
}
