//! A bucket of an S3-compatible object storage, for blocking callers: small objects, streams in multipart uploads,
//! ranged reads that never mix two objects, and what is needed to clear up after a crash.
//!
//! Requests run on two threads of this crate's own (`runtime`). Each is signed with a digest of its body, so that one
//! damaged on its way is refused and sent again; each is made again, with growing pauses, as long as its failure may
//! pass.
//!
//! ```no_run
//! use std::io::Write as _;
//! use bosbase_bucket::{Bucket, BucketConfig, Label, Patience};
//!
//! let bucket = Bucket::new(
//!     &BucketConfig {
//!         bucket: "backups".to_owned(),
//!         region: "auto".to_owned(),
//!         endpoint: "https://s3.example.com".to_owned(),
//!         access_key: "key".to_owned(),
//!         secret: "secret".to_owned(),
//!         force_path_style: true,
//!     },
//!     Patience::Work,
//! )?;
//! let mut upload = bucket.upload("hello.txt", None, &Label::default());
//! upload.write_all(b"hello")?;
//! let object = upload.finish(true)?;
//! assert_eq!(&bucket.get("hello.txt", 0..5, &object.etag)?[..], b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bucket;
mod config;
mod error;
mod interrupt;
mod listing;
mod moving;
mod parts;
mod pieces;
mod runtime;
#[cfg(test)]
mod scripted;
mod signed;
mod spare;
mod transport;
mod unfinished;
mod upload;

pub use bucket::{Bucket, Label, Object, Patience};
pub use config::BucketConfig;
pub use error::{Error, ErrorKind, Result};
pub use interrupt::Interrupt;
pub use pieces::{PieceReader, Pieces};
pub use runtime::Pending;
pub use spare::Spare;
pub use unfinished::Unfinished;
pub use upload::{Ledger, Upload};
