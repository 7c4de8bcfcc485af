//! Which settings are refused, with PocketBase's codes.

use std::sync::LazyLock;

use regex::Regex;

use super::sections::{
    BackupSettings, BatchSettings, LogSettings, MetaSettings, RateLimitRule, RateLimitSettings, S3Settings, Settings,
    SmtpSettings, WebhookSettings,
};
use crate::error::{FieldErrors, Result};
use crate::formats::{Subnet, is_email, is_host, is_url};
use crate::schedule::Schedule;

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    // A route with its method, a path or its beginning, an action of a collection or of any, or a bare name.
    Regex::new(r"^(\w+ /[\w/-]*|/[\w/-]*|\w+:\w+|\*:\w+|\w+)$").expect("the expression is constant and valid")
});

/// How long at most the newest proven backup may be waited for, in hours: ten years.
const MOST_HOURS: i64 = 87_600;

/// Refuses settings that can't be put in force.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] with what is wrong by section and field.
pub(super) fn validate(settings: &Settings) -> Result<()> {
    let mut errors = FieldErrors::new();
    errors.nest("superuserIPs", subnets(&settings.superuser_ips));
    errors.nest("smtp", smtp(&settings.smtp));
    errors.nest("backups", backups(&settings.backups));
    errors.nest("s3", s3(&settings.s3));
    errors.nest("meta", meta(&settings.meta));
    errors.nest("rateLimits", rate_limits(&settings.rate_limits));
    errors.nest("batch", batch(&settings.batch));
    errors.nest("logs", logs(&settings.logs));
    errors.into_result("An error occurred while saving the new settings.")
}

fn smtp(smtp: &SmtpSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if smtp.enabled {
        require(&mut errors, "host", &smtp.host);
        if smtp.port == 0 {
            errors.add_required("port");
        }
    }
    host(&mut errors, "host", &smtp.host);
    host(&mut errors, "localName", &smtp.local_name);
    at_least(&mut errors, "port", smtp.port, 0);
    if !matches!(smtp.auth_method.as_str(), "" | "PLAIN" | "LOGIN") {
        errors.add("authMethod", "validation_in_invalid", "Must be a valid value.");
    }
    errors
}

fn backups(backups: &BackupSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    errors.nest("s3", s3(&backups.s3));
    if !backups.cron.is_empty() {
        if let Err(problem) = Schedule::validate(&backups.cron) {
            errors.add("cron", "validation_invalid_cron", &problem);
        }
        if backups.cron_max_keep == 0 {
            errors.add_required("cronMaxKeep");
        }
    }
    if !backups.verify_cron.is_empty()
        && let Err(problem) = Schedule::validate(&backups.verify_cron)
    {
        errors.add("verifyCron", "validation_invalid_cron", &problem);
    }
    for (field, value) in [
        ("keepLast", backups.keep_last),
        ("keepDaily", backups.keep_daily),
        ("keepWeekly", backups.keep_weekly),
        ("keepMonthly", backups.keep_monthly),
    ] {
        at_least(&mut errors, field, value, 0);
    }
    errors.nest("alarmEmails", addresses(&backups.alarm_emails));
    errors.nest("alarmWebhook", webhook(&backups.alarm_webhook));
    at_least(&mut errors, "alarmAfterHours", backups.alarm_after_hours, 0);
    if backups.alarm_after_hours > MOST_HOURS {
        errors.add_max("alarmAfterHours", MOST_HOURS);
    }
    // As in PocketBase, none is as good as unset; it only has to be set where there is a schedule.
    if backups.cron_max_keep != 0 {
        at_least(&mut errors, "cronMaxKeep", backups.cron_max_keep, 1);
    }
    errors
}

fn addresses(list: &[String]) -> FieldErrors {
    let mut errors = FieldErrors::new();
    for (index, address) in list.iter().enumerate() {
        if !is_email(address) {
            errors.add(
                &index.to_string(),
                "validation_is_email",
                "Must be a valid email address.",
            );
        }
    }
    errors
}

fn webhook(webhook: &WebhookSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if !webhook.url.is_empty() && bosbase_courier::Webhook::new(&webhook.url, "").is_err() {
        let message = "Must be a URL that begins with http:// or https://.";
        errors.add("url", "validation_is_url", message);
    }
    if !webhook.secret.chars().all(|c| c.is_ascii_graphic()) {
        errors.add("secret", "validation_match_invalid", "Must be in a valid format.");
    }
    errors
}

fn s3(s3: &S3Settings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if s3.enabled {
        for (field, value) in [
            ("endpoint", &s3.endpoint),
            ("bucket", &s3.bucket),
            ("region", &s3.region),
            ("accessKey", &s3.access_key),
            ("secret", &s3.secret),
        ] {
            require(&mut errors, field, value);
        }
    }
    url(&mut errors, "endpoint", &s3.endpoint);
    // All of a request would be part of it, and go to one address of a service that is no bucket.
    if errors.is_empty() && s3.endpoint.contains(['?', '#']) {
        errors.add("endpoint", "validation_is_url", "Must be a valid URL without a query.");
    }
    errors
}

fn meta(meta: &MetaSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    for (field, value) in [
        ("appName", &meta.app_name),
        ("appURL", &meta.app_url),
        ("senderName", &meta.sender_name),
        ("senderAddress", &meta.sender_address),
    ] {
        require(&mut errors, field, value);
    }
    for (field, value) in [("appName", &meta.app_name), ("senderName", &meta.sender_name)] {
        if value.len() > 255 {
            errors.add_length(field, 1, 255);
        }
    }
    url(&mut errors, "appURL", &meta.app_url);
    if !meta.sender_address.is_empty() && !is_email(&meta.sender_address) {
        errors.add("senderAddress", "validation_is_email", "Must be a valid email address.");
    }
    if !meta.accent_color.is_empty() {
        let digits = meta.accent_color.strip_prefix('#').unwrap_or_default();
        if meta.accent_color.len() != 7 {
            errors.add_length("accentColor", 7, 7);
        } else if digits.len() != 6 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            errors.add(
                "accentColor",
                "validation_is_hex_color",
                "Must be a valid hexadecimal color code.",
            );
        }
    }
    errors
}

fn rate_limits(limits: &RateLimitSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if limits.enabled && limits.rules.is_empty() {
        errors.add_required("rules");
    }
    let mut rules = FieldErrors::new();
    for (index, rule) in limits.rules.iter().enumerate() {
        rules.nest(&index.to_string(), rate_limit(rule));
    }
    if rules.is_empty()
        && let Some((index, rule)) = first_conflict(&limits.rules)
    {
        let mut label = FieldErrors::new();
        label.add_with(
            "label",
            "validation_conflicting_rate_limit_rule",
            &format!(
                "Rate limit rule configuration with label {} already exists or conflicts with another rule.",
                rule.label
            ),
            &serde_json::json!({ "label": rule.label }),
        );
        rules.nest(&index.to_string(), label);
    }
    errors.nest("rules", rules);
    errors.nest("excludedIPs", subnets(&limits.excluded_ips));
    errors
}

fn rate_limit(rule: &RateLimitRule) -> FieldErrors {
    let mut errors = FieldErrors::new();
    require(&mut errors, "label", &rule.label);
    if !rule.label.is_empty() && !LABEL.is_match(&rule.label) {
        errors.add("label", "validation_match_invalid", "Must be in a valid format.");
    }
    for (field, value) in [("maxRequests", rule.max_requests), ("duration", rule.duration)] {
        if value == 0 {
            errors.add_required(field);
        }
        at_least(&mut errors, field, value, 1);
    }
    if !matches!(rule.audience.as_str(), "" | "@guest" | "@auth") {
        errors.add("audience", "validation_in_invalid", "Must be a valid value.");
    }
    errors
}

/// The first rule that says of the same requests what one before it does.
fn first_conflict(rules: &[RateLimitRule]) -> Option<(usize, &RateLimitRule)> {
    let key = |rule: &RateLimitRule| format!("{}@@{}", rule.label, rule.audience);
    rules.iter().enumerate().find(|(index, rule)| {
        let own = key(rule);
        rules[..*index].iter().any(|earlier| {
            let earlier = key(earlier);
            earlier.starts_with(&own) || own.starts_with(&earlier)
        })
    })
}

fn batch(batch: &BatchSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    for (field, value) in [("maxRequests", batch.max_requests), ("timeout", batch.timeout)] {
        if batch.enabled && value == 0 {
            errors.add_required(field);
        }
        at_least(&mut errors, field, value, 0);
    }
    at_least(&mut errors, "maxBodySize", batch.max_body_size, 0);
    errors
}

fn logs(logs: &LogSettings) -> FieldErrors {
    let mut errors = FieldErrors::new();
    at_least(&mut errors, "maxDays", logs.max_days, 0);
    at_least(&mut errors, "maxDataSize", logs.max_data_size, 0);
    // Less would hold no more than a moment.
    at_least(&mut errors, "maxSize", logs.max_size, 1 << 20);
    errors
}

fn subnets(list: &[String]) -> FieldErrors {
    let mut errors = FieldErrors::new();
    for (index, text) in list.iter().enumerate() {
        if Subnet::parse(text).is_none() {
            // The code is spelled as PocketBase spells it.
            errors.add(
                &index.to_string(),
                "validation_invlaid_ip_or_subnet",
                "Invalid IP or CIDR subnet.",
            );
        }
    }
    errors
}

fn require(errors: &mut FieldErrors, field: &str, value: &str) {
    if value.trim().is_empty() {
        errors.add_required(field);
    }
}

fn at_least(errors: &mut FieldErrors, field: &str, value: i64, threshold: i64) {
    if value < threshold && value != 0 {
        errors.add_min(field, threshold);
    }
}

fn host(errors: &mut FieldErrors, field: &str, value: &str) {
    if !value.is_empty() && !is_host(value) {
        errors.add(field, "validation_is_host", "Must be a valid IP address or DNS name.");
    }
}

fn url(errors: &mut FieldErrors, field: &str, value: &str) {
    if !value.is_empty() && !is_url(value) {
        errors.add(field, "validation_is_url", "Must be a valid URL.");
    }
}
