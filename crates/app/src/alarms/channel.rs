//! The ways on which alarms go out.

use serde::{Deserialize, Serialize};

/// A way on which alarms go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Mail, to each recipient by itself.
    Mail,
    /// A webhook.
    Webhook,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Mail, Self::Webhook];

    /// The setting that names where it leads.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Mail => "a mail server",
            Self::Webhook => "a webhook",
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}
