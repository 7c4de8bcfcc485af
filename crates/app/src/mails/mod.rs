//! Mails: what they look like, and that they go where `settings.smtp` says.

mod layout;
mod plain;
mod template;
mod test_email;

use bosbase_courier::{Authentication, Mail, Smtp};

use crate::alarms::Event;
use crate::settings::{Settings, SmtpSettings};

/// Mails an alarm to `address` as `settings` say. One attempt; blocks.
///
/// # Errors
///
/// What the mail server said, or why it could not be reached.
pub(crate) fn send_alarm(settings: &Settings, address: &str, event: &Event) -> Result<(), bosbase_courier::Error> {
    let subject = format!("{}: {}", settings.meta.app_name, event.headline());
    let mut lines = vec![event.text(&settings.meta)];
    for (name, value) in [
        ("Began", &event.started),
        ("Ended", &event.finished),
        ("Job", &event.job),
    ] {
        if !value.is_empty() {
            lines.push(format!("{name}: {value}"));
        }
    }
    lines.push(format!("Application: {}", settings.meta.app_url));
    lines.push("What became of every job: GET /api/backups/status. The server's log says more.".to_owned());
    let paragraphs: Vec<String> = lines
        .iter()
        .map(|line| format!("<p>{}</p>", template::escaped(line)))
        .collect();
    send(
        settings,
        address,
        &subject,
        &paragraphs.join("\n"),
        Some(lines.join("\n")),
    )
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
