//! Carries messages out of the house: a mail over SMTP ([`send`]), JSON to a webhook ([`post`]), a question over HTTP
//! ([`Fetcher::ask`]).
//!
//! Each is one attempt, with an end to it whatever the other side does; who wants more of them calls again. None lets a
//! secret into what it says went wrong. Mails and webhooks block; questions are asynchronous.
//!
//! ```no_run
//! use bosbase_courier::{Mail, Smtp, send};
//!
//! let smtp = Smtp {
//!     host: "smtp.example.com".to_owned(),
//!     port: 587,
//!     username: "me".to_owned(),
//!     password: "secret".to_owned(),
//!     ..Smtp::default()
//! };
//! send(
//!     &smtp,
//!     &Mail {
//!         from_name: "Acme".to_owned(),
//!         from: "acme@example.com".to_owned(),
//!         to: "you@example.com".to_owned(),
//!         subject: "Hello".to_owned(),
//!         text: "Hello.".to_owned(),
//!         html: "<p>Hello.</p>".to_owned(),
//!     },
//! )?;
//! # Ok::<(), bosbase_courier::Error>(())
//! ```

mod error;
mod fetch;
mod mail;
mod reach;
mod smtp;
mod trust;
mod webhook;

pub use error::{Error, Result};
pub use fetch::{Fetcher, Question, Reach, Reply};
pub use mail::Mail;
pub use smtp::{Authentication, Smtp, send};
pub use webhook::{Webhook, post};

use std::future::Future;
use std::time::Duration;

/// Does `work`, for at most `patience`. Blocks.
fn within<T>(patience: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("starting to send", error))?;
    let outcome = runtime.block_on(async { tokio::time::timeout(patience, work).await });
    // The look-up of a name can't be interrupted; nobody waits for it.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|_| {
        Err(Error::new(
            "sending",
            format!("no end to it within {} seconds", patience.as_secs()),
        ))
    })
}

/// `error` and what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
