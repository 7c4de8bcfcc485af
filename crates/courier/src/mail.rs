//! A mail to one address.

use lettre::message::{Mailbox, Message, MultiPart};
use rand::RngExt as _;

use crate::error::{Error, Result};

/// A mail to one address, as text and as HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// The sender's name; may be empty.
    pub from_name: String,
    /// The sender's address.
    pub from: String,
    /// Whom it is to.
    pub to: String,
    /// What it is about; one line.
    pub subject: String,
    /// What it says to who reads no HTML.
    pub text: String,
    /// What it says.
    pub html: String,
}

impl Mail {
    /// The mail as it goes over the wire (RFC 5322).
    ///
    /// # Errors
    /// An address that is none.
    pub(crate) fn message(&self) -> Result<Message> {
        let failed = |error: &dyn std::fmt::Display| Error::new("writing the mail", error);
        let from = self
            .from
            .parse()
            .map_err(|error| failed(&format!("the sender's address {:?}: {error}", self.from)))?;
        let to = self
            .to
            .parse()
            .map_err(|error| failed(&format!("the address {:?}: {error}", self.to)))?;
        let name = one_line(&self.from_name);
        let domain = self.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        Message::builder()
            .from(Mailbox::new((!name.is_empty()).then_some(name), from))
            .to(Mailbox::new(None, to))
            .subject(one_line(&self.subject))
            .message_id(Some(format!("<{:032x}@{domain}>", rand::rng().random::<u128>())))
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))
            .map_err(|error| failed(&error))
    }
}

/// `text` without what would end a header.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            from_name: "Ä, \"b\"".to_owned(),
            from: "a@example.com".to_owned(),
            to: "b@example.com".to_owned(),
            subject: "One\r\nBcc: c@example.com".to_owned(),
            text: "text".to_owned(),
            html: "<p>html</p>".to_owned(),
        }
    }

    #[test]
    fn no_name_or_subject_adds_a_header() {
        let text = String::from_utf8(mail().message().unwrap().formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Subject: One  Bcc: c@example.com"), "{head}");
        assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
        assert!(
            head.contains("To: b@example.com") && head.contains("Message-ID: <"),
            "{head}"
        );
        assert!(head.contains("@example.com>"), "{head}");
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let wrong = Mail {
            to: "nobody".to_owned(),
            ..mail()
        };
        let error = wrong.message().unwrap_err().to_string();
        assert!(error.contains("\"nobody\""), "{error}");
    }
}
