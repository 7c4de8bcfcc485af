@tool
class_name BosBaseSettingsService
extends BosBaseService
## The application's settings. For superusers only.

const _PATH: String = "/api/settings"


## All settings by section; secrets are not shown.
func get_all(p_options: Dictionary = {}) -> Variant:
	return await _send("GET", _PATH, p_options)


## Changes what is named and leaves the rest; answers all.
func update(p_body: Dictionary = {}, p_options: Dictionary = {}) -> Variant:
	return await _send("PATCH", _PATH, p_options, p_body)


## Tries the S3 of a file system, [code]"storage"[/code] or [code]"backups"[/code].
func test_s3(p_filesystem: String = "storage", p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _PATH + "/test/s3", p_options, {"filesystem": p_filesystem})


## Has a mail of the template [code]"verification"[/code], [code]"password-reset"[/code],
## [code]"email-change"[/code], [code]"otp"[/code] or [code]"login-alert"[/code] sent.
func test_email(
	p_collection: String, p_to: String, p_template: String, p_options: Dictionary = {}
) -> Variant:
	var body: Dictionary = {"collection": p_collection, "email": p_to, "template": p_template}
	return await _do("POST", _PATH + "/test/email", p_options, body)


## Has what would tell of a failed backup sent to the webhook of the settings' [code]backups[/code].
## PocketBase has none.
func test_webhook(p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _PATH + "/test/webhook", p_options)
