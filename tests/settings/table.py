"""What becomes of each setting: a check of its own, or the test elsewhere that would fail without it.

A setting that a server shows and that is not here fails the tests, and so does one that is here and not shown.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A function of checks.py: it sets the setting, and sees that it is in force or was refused."""

    name: str


@dataclass(frozen=True)
class Covered:
    """A test of another suite, `folder/file.py::name` or `dashboard/tests/file.mjs::name`, which sets it and would fail without it."""

    name: str


MAIL = Covered("alarms/test_mail.py::test_it_logs_in_and_encrypts_as_the_settings_say")
FILES = Covered("s3/test_files_in_a_bucket.py::test_files_are_kept_served_changed_and_deleted_there")
BACKUPS = Covered("s3/test_backups_in_a_bucket.py::test_everything_that_can_be_done_with_a_backup")
KEPT = Covered("backups/test_watch.py::test_retention_keeps_the_newest_of_each_day_and_says_what_it_deleted")
ALARMS = Covered("alarms/test_alarms.py::test_a_scheduled_backup_that_fails_is_told_by_mail_and_webhook_and_so_is_its_end")

SETTINGS = {
    "meta.appName": Check("a_mail_names_the_application"),
    "meta.appURL": Check("a_mail_names_the_application"),
    "meta.senderName": Check("a_mail_names_its_sender"),
    "meta.senderAddress": Check("a_mail_names_its_sender"),
    "meta.accentColor": Covered("dashboard/tests/safety.test.mjs::the application's own colour is the dashboard's"),
    "meta.hideControls": Covered("dashboard/tests/data.test.mjs::where the application hides its controls, rules are not offered"),
    "smtp.enabled": Covered("alarms/test_mail.py::test_without_a_mail_server_nothing_is_sent_and_it_says_so"),
    "smtp.host": MAIL,
    "smtp.port": MAIL,
    "smtp.username": MAIL,
    "smtp.authMethod": MAIL,
    "smtp.tls": MAIL,
    "smtp.localName": Check("the_mail_server_is_greeted_by_name"),
    **{f"s3.{name}": FILES for name in ("enabled", "bucket", "region", "endpoint", "accessKey", "forcePathStyle")},
    **{f"backups.s3.{name}": BACKUPS for name in ("enabled", "bucket", "region", "endpoint", "accessKey", "forcePathStyle")},
    "backups.cron": Check("a_schedule_makes_a_cron_job"),
    "backups.cronMaxKeep": Covered("backups/test_wire.py::test_scheduled_backups_keep_the_newest_and_leave_the_others"),
    "backups.keepLast": Check("scheduled_backups_are_kept"),
    "backups.keepDaily": KEPT,
    "backups.keepWeekly": Check("scheduled_backups_are_kept"),
    "backups.keepMonthly": Check("scheduled_backups_are_kept"),
    "backups.verifyCron": Covered("backups/test_watch.py::test_a_scrub_is_scheduled_by_itself_and_can_be_set_or_switched_off"),
    "backups.alarmEmails": Covered("alarms/test_alarms.py::test_whom_the_settings_name_is_mailed_in_place_of_the_superusers"),
    "backups.alarmWebhook.url": ALARMS,
    "backups.alarmAfterHours": Covered("alarms/test_alarms.py::test_an_old_backup_is_told_once_a_day_and_a_young_one_is_its_end"),
    "batch.enabled": Check("a_batch_is_made_or_refused"),
    "batch.maxRequests": Check("a_batch_has_its_limits"),
    "batch.timeout": Covered("limits/test_batches.py::test_a_batch_that_takes_too_long_ends_and_others_write"),
    "batch.maxBodySize": Check("a_batch_has_its_limits"),
    "logs.maxDays": Check("old_lines_of_the_log_go"),
    "logs.minLevel": Check("lines_below_the_level_are_not_kept"),
    "logs.logIP": Check("a_line_tells_what_it_may"),
    "logs.logAuthId": Check("a_line_tells_what_it_may"),
    "logs.maxDataSize": Check("a_line_is_as_long_as_it_may"),
    "rateLimits.enabled": Check("requests_are_limited"),
    "rateLimits.rules[].label": Check("requests_are_limited"),
    "rateLimits.rules[].audience": Check("requests_are_limited_by_audience"),
    "rateLimits.rules[].duration": Check("requests_are_limited_for_a_while"),
    "rateLimits.rules[].maxRequests": Check("requests_are_limited"),
    "rateLimits.excludedIPs": Check("excluded_addresses_are_not_limited"),
    "trustedProxy.headers": Check("a_proxy_tells_the_address"),
    "trustedProxy.useLeftmostIP": Check("a_proxy_tells_the_address"),
    "superuserIPs": Check("superusers_come_from_their_addresses"),
}

AUTH = {
    "users.authRule": Check("a_rule_decides_who_logs_in"),
    "users.manageRule": Check("a_rule_decides_who_manages"),
    "users.authAlert.enabled": Check("a_new_place_is_told_of"),
    "users.authAlert.emailTemplate.subject": Check("a_new_place_is_told_of"),
    "users.authAlert.emailTemplate.body": Check("a_new_place_is_told_of"),
    "users.passwordAuth.enabled": Check("password_logins_can_be_switched_off"),
    "users.passwordAuth.identityFields": Check("a_login_goes_by_its_fields"),
    "users.oauth2.enabled": Check("oauth2_works"),
    "users.oauth2.providers": Check("oauth2_works"),
    **{f"users.oauth2.mappedFields.{name}": Check("oauth2_works") for name in ("id", "name", "username", "avatarURL")},
    "users.mfa.enabled": Check("a_second_factor_works_or_is_refused"),
    "users.mfa.duration": Check("a_second_factor_works_or_is_refused"),
    "users.mfa.rule": Check("a_second_factor_works_or_is_refused"),
    "users.otp.enabled": Check("one_time_passwords_work_or_are_refused"),
    "users.otp.duration": Check("one_time_passwords_work_or_are_refused"),
    "users.otp.length": Check("one_time_passwords_work_or_are_refused"),
    "users.otp.emailTemplate.subject": Check("one_time_passwords_work_or_are_refused"),
    "users.otp.emailTemplate.body": Check("one_time_passwords_work_or_are_refused"),
    "users.authToken.duration": Check("a_token_lasts_as_long_as_it_is_said"),
    "users.fileToken.duration": Check("a_token_lasts_as_long_as_it_is_said"),
    "users.passwordResetToken.duration": Check("passwords_are_reset_or_it_is_said_that_they_are_not"),
    "users.resetPasswordTemplate.subject": Check("passwords_are_reset_or_it_is_said_that_they_are_not"),
    "users.resetPasswordTemplate.body": Check("passwords_are_reset_or_it_is_said_that_they_are_not"),
    "users.emailChangeToken.duration": Check("addresses_are_changed_or_it_is_said_that_they_are_not"),
    "users.confirmEmailChangeTemplate.subject": Check("addresses_are_changed_or_it_is_said_that_they_are_not"),
    "users.confirmEmailChangeTemplate.body": Check("addresses_are_changed_or_it_is_said_that_they_are_not"),
    "users.verificationToken.duration": Check("addresses_are_verified_or_it_is_said_that_they_are_not"),
    "users.verificationTemplate.subject": Check("addresses_are_verified_or_it_is_said_that_they_are_not"),
    "users.verificationTemplate.body": Check("addresses_are_verified_or_it_is_said_that_they_are_not"),
}

SECRETS = {
    "smtp.password": MAIL,
    "s3.secret": FILES,
    "backups.s3.secret": BACKUPS,
    "backups.alarmWebhook.secret": ALARMS,
}
"""What a server never shows, and takes."""
