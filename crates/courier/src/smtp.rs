//! One mail to one SMTP server (RFC 5321), as PocketBase's settings describe it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;

use crate::error::{Error, Result};
use crate::mail::Mail;
use crate::trust;

/// Within so long a connection is made ...
const CONNECT: Duration = Duration::from_secs(10);
/// ... and the mail is accepted. Servers that look a mail over take their time to say yes.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(60);

/// How one logs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Authentication {
    /// RFC 4616.
    #[default]
    Plain,
    /// What Microsoft's servers want.
    Login,
}

/// A server that takes mails.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Smtp {
    /// Its name or address; its certificate has to be for that.
    pub host: String,
    /// Its port: 465 mostly where `tls` is set, 587 or 25 where it is not.
    pub port: u16,
    /// With the password, whom to log in as; nobody logs in where both are empty.
    pub username: String,
    /// The password.
    pub password: String,
    /// How to log in.
    pub authentication: Authentication,
    /// Whether it speaks TLS from the first byte. If not, the connection is encrypted where it offers that (STARTTLS).
    pub tls: bool,
    /// What we call ourselves (EHLO); `localhost` where it is empty.
    pub local_name: String,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Hands `mail` to the server. One attempt, of no more than a minute. A password goes over a connection that is
/// encrypted, or does not leave the machine.
///
/// # Errors
/// What the server said, or why it could not be reached; never the password.
pub fn send(smtp: &Smtp, mail: &Mail) -> Result<()> {
    let message = mail.message()?;
    crate::within(ACCEPT_TIMEOUT, deliver(smtp, &message)).map_err(|error| error.without(&smtp.secrets()))
}

async fn deliver(smtp: &Smtp, message: &lettre::Message) -> Result<()> {
    let local_name = match smtp.local_name.as_str() {
        "" => "localhost",
        name => name,
    };
    let hello = ClientId::Domain(local_name.to_owned());
    let wrapped = if smtp.tls {
        Some(trust::smtp_parameters(&smtp.host)?)
    } else {
        None
    };
    let address = (smtp.host.as_str(), smtp.port);
    let mut server = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &hello, wrapped, None)
        .await
        .map_err(|error| Error::new("connecting to the mail server", error))?;
    if server.can_starttls() {
        server
            .starttls(trust::smtp_parameters(&smtp.host)?, &hello)
            .await
            .map_err(|error| Error::new("encrypting the connection to the mail server", error))?;
    }
    if !(smtp.username.is_empty() && smtp.password.is_empty()) {
        log_in(smtp, &mut server).await?;
    }
    let sent = server.send(message.envelope(), &message.formatted()).await;
    sent.map_err(|error| Error::new("handing the mail to the mail server", error))?;
    // It has the mail; how it says goodbye changes nothing.
    let _ = server.quit().await;
    Ok(())
}

async fn log_in(smtp: &Smtp, server: &mut AsyncSmtpConnection) -> Result<()> {
    let doing = "logging in to the mail server";
    if !server.is_encrypted() && !is_this_machine(&smtp.host) {
        server.abort().await;
        let reason =
            "the connection is not encrypted, and the server does not offer to (STARTTLS); the password is not sent";
        return Err(Error::new(doing, reason));
    }
    let mechanism = match smtp.authentication {
        Authentication::Plain => Mechanism::Plain,
        Authentication::Login => Mechanism::Login,
    };
    if !server.server_info().supports_auth_mechanism(mechanism) {
        server.abort().await;
        let reason = format!(
            "the server offers no login by {mechanism}; choose the other method, or leave user and password empty if it wants none"
        );
        return Err(Error::new(doing, reason));
    }
    let credentials = Credentials::new(smtp.username.clone(), smtp.password.clone());
    match server.auth(&[mechanism], &credentials).await {
        Ok(_) => Ok(()),
        Err(error) => {
            server.abort().await;
            Err(Error::new(doing, error))
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

impl Smtp {
    /// The password, as it is and in the forms in which it is sent.
    fn secrets(&self) -> Vec<String> {
        if self.password.is_empty() {
            return Vec::new();
        }
        let plain = format!("\0{}\0{}", self.username, self.password);
        vec![
            STANDARD.encode(plain),
            STANDARD.encode(&self.password),
            self.password.clone(),
        ]
    }
}
