//! Mails: what they look like, and that they go where `settings.smtp` says.

mod account;
mod layout;
mod outbox;
mod plain;
mod template;
mod test_email;

pub use test_email::SampleMail;

use bosbase_courier::{Authentication, Mail, Smtp};

pub(crate) use self::account::{AccountMail, LoginAlertMail, OneTimePasswordMail};
pub(crate) use self::outbox::Outbox;
use crate::settings::{Settings, SmtpSettings};

/// Mails `lines` of text to `address` as `settings` say, a paragraph each. One attempt; blocks.
///
/// # Errors
///
/// What the mail server said, or why it could not be reached.
pub(crate) fn send_lines(
    settings: &Settings,
    address: &str,
    subject: &str,
    lines: &[String],
) -> Result<(), bosbase_courier::Error> {
    let paragraphs: Vec<String> = lines
        .iter()
        .map(|line| format!("<p>{}</p>", template::escaped(line)))
        .collect();
    let (body, text) = (paragraphs.join("\n"), lines.join("\n"));
    send(settings, address, subject, &body, Some(text))
}

/// Mails `body`, HTML for the inside of a page, with what it says as text where no other `text` is given.
fn send(
    settings: &Settings,
    to: &str,
    subject: &str,
    body: &str,
    text: Option<String>,
) -> Result<(), bosbase_courier::Error> {
    let mail = Mail {
        from_name: settings.meta.sender_name.clone(),
        from: settings.meta.sender_address.clone(),
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: text.unwrap_or_else(|| plain::text_of(body)),
        html: layout::page(body),
    };
    bosbase_courier::send(&server(&settings.smtp), &mail)
}

/// The mail server of the settings.
fn server(smtp: &SmtpSettings) -> Smtp {
    Smtp {
        host: smtp.host.clone(),
        // No other is in force: beyond the range is none, and nobody listens on that.
        port: u16::try_from(smtp.port).unwrap_or_default(),
        username: smtp.username.clone(),
        password: smtp.password.clone(),
        authentication: if smtp.auth_method == "LOGIN" {
            Authentication::Login
        } else {
            Authentication::Plain
        },
        tls: smtp.tls,
        local_name: smtp.local_name.clone(),
    }
}
