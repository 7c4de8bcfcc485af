//! What can be set, section by section, with PocketBase's names and defaults.

use bosbase_bucket::BucketConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All settings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// The addresses and subnets that superusers may come from; empty for any.
    #[serde(rename = "superuserIPs")]
    pub superuser_ips: Vec<String>,
    /// How mail is sent.
    pub smtp: SmtpSettings,
    /// Scheduled backups and where backups are kept.
    pub backups: BackupSettings,
    /// Where uploaded files are kept.
    pub s3: S3Settings,
    /// What the application is called and where it is reached.
    pub meta: MetaSettings,
    /// How often clients may ask.
    pub rate_limits: RateLimitSettings,
    /// Which headers tell a client's address.
    pub trusted_proxy: ProxySettings,
    /// Requests made of several.
    pub batch: BatchSettings,
    /// What of requests is logged.
    pub logs: LogSettings,
}

/// `smtp`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct SmtpSettings {
    pub enabled: bool,
    pub port: i64,
    pub host: String,
    pub username: String,
    pub password: String,
    pub auth_method: String,
    pub tls: bool,
    pub local_name: String,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            port: 587,
            host: "smtp.example.com".to_owned(),
            username: String::new(),
            password: String::new(),
            auth_method: String::new(),
            tls: false,
            local_name: String::new(),
        }
    }
}

/// `backups`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BackupSettings {
    /// When backups are made by themselves, a cron expression in UTC; empty for never.
    pub cron: String,
    /// How many of those are kept.
    pub cron_max_keep: i64,
    /// So many of the newest of those are kept as well; not in PocketBase, as what follows.
    pub keep_last: i64,
    /// Of so many of the last days that have any, the newest.
    pub keep_daily: i64,
    /// Of so many of the last weeks that have any, the newest.
    pub keep_weekly: i64,
    /// Of so many of the last months that have any, the newest.
    pub keep_monthly: i64,
    /// When all backups are read back and verified again, a cron expression in UTC; empty for never.
    pub verify_cron: String,
    /// Who is mailed when backups fail; all superusers where it is empty.
    pub alarm_emails: Vec<String>,
    /// What else is told then.
    pub alarm_webhook: WebhookSettings,
    /// After so many hours without a proven backup an alarm goes out; 0 for what the schedule promises.
    pub alarm_after_hours: i64,
    /// The bucket that backups go to where it is enabled.
    pub s3: S3Settings,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            cron: String::new(),
            cron_max_keep: 3,
            keep_last: 0,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
            // Who fears to lose data would not think of asking for it.
            verify_cron: "30 4 * * 0".to_owned(),
            alarm_emails: Vec::new(),
            alarm_webhook: WebhookSettings::default(),
            alarm_after_hours: 0,
            s3: S3Settings::default(),
        }
    }
}

/// `backups.alarmWebhook`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WebhookSettings {
    /// Where alarms are posted to; empty for nowhere. It may hold a secret, and is written to no log.
    pub url: String,
    /// What is shown there as `Authorization: Bearer …`; nothing where it is empty.
    pub secret: String,
}

/// `s3` and `backups.s3`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct S3Settings {
    pub enabled: bool,
    pub bucket: String,
    pub region: String,
    pub endpoint: String,
    pub access_key: String,
    pub secret: String,
    pub force_path_style: bool,
}

impl S3Settings {
    /// The bucket, where it is enabled.
    #[must_use]
    pub fn bucket(&self) -> Option<BucketConfig> {
        self.enabled.then(|| BucketConfig {
            bucket: self.bucket.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            access_key: self.access_key.clone(),
            secret: self.secret.clone(),
            force_path_style: self.force_path_style,
        })
    }
}

/// `meta`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct MetaSettings {
    pub accent_color: String,
    pub app_name: String,
    #[serde(rename = "appURL")]
    pub app_url: String,
    pub sender_name: String,
    pub sender_address: String,
    pub hide_controls: bool,
}

impl Default for MetaSettings {
    fn default() -> Self {
        Self {
            accent_color: "#1055c9".to_owned(),
            app_name: "Acme".to_owned(),
            app_url: "http://localhost:8090".to_owned(),
            sender_name: "Support".to_owned(),
            sender_address: "support@example.com".to_owned(),
            hide_controls: false,
        }
    }
}

/// `rateLimits`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct RateLimitSettings {
    pub rules: Vec<RateLimitRule>,
    #[serde(rename = "excludedIPs")]
    pub excluded_ips: Vec<String>,
    pub enabled: bool,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        let rule = |label: &str, max_requests, duration| RateLimitRule {
            label: label.to_owned(),
            audience: String::new(),
            duration,
            max_requests,
        };
        Self {
            rules: vec![
                rule("*:auth", 2, 3),
                rule("*:create", 20, 5),
                rule("/api/batch", 3, 1),
                rule("/api/", 300, 10),
            ],
            excluded_ips: Vec::new(),
            enabled: false,
        }
    }
}

/// One of `rateLimits.rules`: at most `max_requests` in `duration` seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct RateLimitRule {
    pub label: String,
    pub audience: String,
    pub duration: i64,
    pub max_requests: i64,
}

/// `trustedProxy`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProxySettings {
    /// The headers in which a trusted proxy tells the client's address, in order of preference.
    pub headers: Vec<String>,
    /// Take the leftmost address of a list rather than the rightmost.
    #[serde(rename = "useLeftmostIP")]
    pub use_leftmost_ip: bool,
}

/// `batch`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct BatchSettings {
    pub enabled: bool,
    pub max_requests: i64,
    pub timeout: i64,
    pub max_body_size: i64,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            max_requests: 50,
            timeout: 3,
            max_body_size: 0,
        }
    }
}

/// `logs`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogSettings {
    /// The longest data that one line keeps, in bytes; 0 for the default.
    pub max_data_size: i64,
    /// What all lines may take on disk, in bytes; 0 for the default, 64 MiB. Not in PocketBase.
    pub max_size: i64,
    /// How long lines are kept; 0 keeps none.
    pub max_days: i64,
    /// The least level that is kept (-4 debug, 0 info, 4 warning, 8 error).
    pub min_level: i64,
    /// Whether a line tells the client's address.
    #[serde(rename = "logIP")]
    pub log_ip: bool,
    /// Whether a line tells the record that was logged in.
    pub log_auth_id: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            max_data_size: 0,
            max_size: 0,
            max_days: 5,
            min_level: 0,
            log_ip: true,
            log_auth_id: false,
        }
    }
}

/// What of `backups` PocketBase knows nothing of.
const BACKUPS_OF_OURS: [&str; 8] = [
    "keepLast",
    "keepDaily",
    "keepWeekly",
    "keepMonthly",
    "verifyCron",
    "alarmEmails",
    "alarmWebhook",
    "alarmAfterHours",
];

/// Leaves out of `document` what PocketBase does not know as long as nobody has set it, so that settings which use none
/// of it are PocketBase's to the letter.
pub(super) fn leave_out_defaults(document: &mut Value) {
    let defaults = Settings::default().document();
    if let Some(logs) = document.pointer_mut("/logs").and_then(Value::as_object_mut)
        && logs.get("maxSize") == Some(&Value::from(0))
    {
        logs.remove("maxSize");
    }
    let Some(backups) = document.pointer_mut("/backups").and_then(Value::as_object_mut) else {
        return;
    };
    for name in BACKUPS_OF_OURS {
        if backups.get(name) == defaults.get("backups").and_then(|backups| backups.get(name)) {
            backups.remove(name);
        }
    }
}

impl Settings {
    /// Everything as JSON, secrets included.
    pub(super) fn document(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Everything as JSON but the secrets.
    #[must_use]
    pub fn public(&self) -> Value {
        let mut document = self.document();
        leave_out_defaults(&mut document);
        for (section, secret) in [
            ("/smtp", "password"),
            ("/s3", "secret"),
            ("/backups/s3", "secret"),
            ("/backups/alarmWebhook", "secret"),
        ] {
            if let Some(section) = document.pointer_mut(section).and_then(Value::as_object_mut) {
                section.remove(secret);
            }
        }
        document
    }
}
