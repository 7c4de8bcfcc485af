extends Suite
## What the real PocketBase has and our server not, or not yet. `OUTSIDE` is where its mails are read,
## `BUCKET` an S3 server with the bucket `files`.

const SECRET := "12345678"


func test_an_address_is_verified_by_mail() -> void:
	var pb := await root()
	var id := await _sign_up(pb, "verify@example.com")
	var users := client().collection("users")
	equal(await users.request_verification("verify@example.com"), true)
	var token := await _token("verify@example.com", "Verify")
	equal((await pb.collection("users").get_one(id))["verified"], false)
	refused(await users.confirm_verification(token + "x"), 400, "token")
	equal(await users.confirm_verification(token), true)
	equal((await pb.collection("users").get_one(id))["verified"], true)
	refused(await users.request_verification("no address"), 400, "email")


func test_a_forgotten_password_is_replaced_by_mail() -> void:
	var pb := await root()
	await _sign_up(pb, "forgot@example.com")
	var users := client().collection("users")
	equal(await users.request_password_reset("forgot@example.com"), true)
	var token := await _token("forgot@example.com", "Reset")
	refused(
		await users.confirm_password_reset(token, "new-password", "other-password"),
		400,
		"passwordConfirm"
	)
	equal(await users.confirm_password_reset(token, "new-password", "new-password"), true)
	okay(await users.auth_with_password("forgot@example.com", "new-password"), "the new")
	refused(await users.auth_with_password("forgot@example.com", SECRET), 400, "", "the old")


func test_an_address_is_changed_by_mail() -> void:
	var pb := await root()
	var id := await _sign_up(pb, "before@example.com")
	var me := client()
	var users := me.collection("users")
	refused(await users.request_email_change("after@example.com"), 401)
	okay(await users.auth_with_password("before@example.com", SECRET))
	equal(await users.request_email_change("after@example.com"), true)
	var token := await _token("after@example.com", "Confirm")
	refused(await users.confirm_email_change(token, "wrong"), 400, "password")
	equal(await users.confirm_email_change(token, SECRET), true)
	refused(await users.auth_refresh(), 401, "", "the old login")
	var login: Variant = await users.auth_with_password("after@example.com", SECRET)
	if okay(login):
		equal(login["record"]["id"], id)


func test_a_one_time_password_logs_in() -> void:
	var pb := await root()
	var id := await _sign_up(pb, "once@example.com")
	var me := client()
	var users := me.collection("users")
	var asked: Variant = await users.request_otp("once@example.com")
	if not okay(asked, "request_otp"):
		return
	var code := await _code("once@example.com")
	refused(await users.auth_with_otp(asked["otpId"], "00000000"), 400)
	equal(me.auth_store.token, "")
	var login: Variant = await users.auth_with_otp(asked["otpId"], code)
	if okay(login, "auth_with_otp"):
		equal(login["record"]["id"], id)
		equal(me.auth_store.token, login["token"])
		equal(me.auth_store.record["email"], "once@example.com")
		check(me.auth_store.is_valid, "is_valid")
	refused(await users.auth_with_otp(asked["otpId"], code), 400, "", "used twice")


func test_a_password_and_a_one_time_password_together() -> void:
	var pb := await root()
	await _sign_up(pb, "both@example.com")
	okay(await pb.collections.update("users", {"mfa": {"enabled": true, "duration": 300}}))
	var me := client()
	var users := me.collection("users")
	var first: Variant = await users.auth_with_password("both@example.com", SECRET)
	if refused(first, 401):
		var mfa: String = first.response["mfaId"]
		var asked: Variant = await users.request_otp("both@example.com")
		var code := await _code("both@example.com")
		var login: Variant = await users.auth_with_otp(asked["otpId"], code, {"mfaId": mfa})
		okay(login, "both")
		check(me.auth_store.is_valid, "is_valid")
	okay(await pb.collections.update("users", {"mfa": {"enabled": false}}))


func test_somebody_else_vouches() -> void:
	var pb := await root()
	var me := client()
	var users := me.collection("users")
	var methods: Variant = await users.list_auth_methods()
	if okay(methods):
		equal(methods["oauth2"]["providers"][0]["name"], "oidc")
		equal([methods["otp"]["enabled"], methods["mfa"]["enabled"]], [true, false])
	refused(
		await users.auth_with_oauth2_code("oidc", "wrong", "a-verifier", "http://127.0.0.1/back"),
		400
	)
	var login: Variant = await users.auth_with_oauth2_code(
		"oidc", "a-code", "a-verifier", "http://127.0.0.1/back", {"name": "Chosen"}
	)
	if not okay(login, "auth_with_oauth2_code"):
		return
	equal(login["record"]["email"], "vouched@example.com")
	equal(login["record"]["name"], "Chosen")
	equal(login["meta"]["isNew"], true)
	equal(me.auth_store.token, login["token"])
	var id: String = login["record"]["id"]
	var linked: Variant = await pb.collection("users").list_external_auths(id)
	if okay(linked) and equal(linked.size(), 1):
		equal([linked[0]["provider"], linked[0]["providerId"]], ["oidc", "somebody-1"])
	refused(await pb.collection("users").unlink_external_auth(id, "google"), 404)
	equal(await users.unlink_external_auth(id, "oidc"), true)
	equal(await pb.collection("users").list_external_auths(id), [])


func test_a_superuser_becomes_somebody_else() -> void:
	var pb := await root()
	var id := await _sign_up(pb, "other@example.com")
	var other: Variant = await pb.collection("users").impersonate(id, 600)
	if check(other is BosBase, str(other)):
		var them: BosBase = other
		equal(them.auth_store.record["id"], id)
		check(them.auth_store.seconds_left() < 700.0, "%f s" % them.auth_store.seconds_left())
		equal((await them.collection("users").update(id, {"name": "I"}))["name"], "I")
		okay(await them.collection("users").auth_refresh())
		check(them.auth_store.seconds_left() < 700.0, "a token for longer")
		refused(await them.settings.get_all(), 403)
	check(pb.auth_store.is_superuser, "still oneself")
	refused(await client().collection("users").impersonate(id), 401)


func test_backups_of_a_server_without_jobs() -> void:
	var pb := await root()
	equal(await pb.backups.create("theirs.zip"), true)
	var listed: Variant = await pb.backups.get_full_list()
	if okay(listed):
		equal(listed.map(func(each: Dictionary) -> String: return each["key"]), ["theirs.zip"])
	equal(await pb.backups.download("theirs.zip", "user://theirs.zip"), true)
	equal(await pb.backups.upload_file("user://theirs.zip", "copy.zip"), true)
	# It takes "status" for the name of a backup, which asks for a file token.
	refused(await pb.backups.wait_until_finished("theirs.zip", 60.0), 403)
	refused(await pb.backups.status(), 403)
	refused(await pb.backups.verify("theirs.zip"), 404)
	refused(await pb.backups.undo_restore(), 404)
	refused(await pb.backups.cancel(), 404)
	equal(await pb.backups.delete("theirs.zip"), true)


func test_changes_arrive_and_lists_of_files_and_names_are_understood() -> void:
	var pb := await root()
	var fields := [
		{"type": "file", "name": "files", "maxSelect": 9}, {"type": "number", "name": "n"}
	]
	okay(await pb.collections.create({"name": "heard", "fields": fields}))
	var heard := pb.collection("heard")
	var seen: Array = []
	okay(await heard.subscribe("*", func(p_event: Dictionary) -> void: seen.append(p_event)))
	var file := BosBaseFile.from_bytes("a.txt", "a".to_utf8_buffer())
	var made: Variant = await heard.create({"files": [file, file], "n": 1764099435.123456})
	if not okay(made):
		return
	equal(made["n"], 1764099435.123456)
	await until(func() -> bool: return seen.size() == 1, "heard of")
	equal(seen[0]["record"]["id"], made["id"])
	var kept: Variant = await heard.update(made["id"], {"files": [made["files"][1], file]})
	if okay(kept) and equal(kept["files"].size(), 2):
		equal(kept["files"][0], made["files"][1])
	pb.realtime.client_id = "forgotten"
	okay(await pb.realtime.subscribe("users/*", print), "a connection that it does not know")
	equal(await pb.realtime.unsubscribe(), true)
	for text: String in ["it's", "back\\", "\\' || n > 0 || '"]:
		var filter := pb.filter("id = {:a} || id = {:b}", {"a": text, "b": text})
		refused(await heard.get_first_list_item(filter), 404, "", filter)


func test_mails_are_tried() -> void:
	var pb := await root()
	var subjects: Dictionary[String, String] = {
		"verification": "Verify",
		"password-reset": "Reset",
		"email-change": "Confirm",
		"otp": "OTP",
		"login-alert": "Login",
	}
	for template: String in subjects:
		equal(await pb.settings.test_email("users", "tried@example.com", template), true, template)
		var mail := await _mail("tried@example.com", subjects[template])
		check(not mail.is_empty(), template)
	refused(await pb.settings.test_email("users", "no address", "otp"), 400, "email")
	refused(await client().settings.test_email("users", "tried@example.com", "otp"), 401)


func test_a_bucket_is_tried() -> void:
	var pb := await root()
	refused(await pb.settings.test_s3(), 400, "", "without one")
	var s3 := {
		"enabled": true,
		"bucket": "files",
		"region": "us-east-1",
		"endpoint": OS.get_environment("BUCKET"),
		"accessKey": "key",
		"secret": "secret",
		"forcePathStyle": true,
	}
	okay(await pb.settings.update({"s3": s3, "backups": {"s3": s3}}))
	equal(await pb.settings.test_s3(), true)
	equal(await pb.settings.test_s3("backups"), true)
	okay(await pb.settings.update({"s3": s3.merged({"bucket": "no-such-bucket"}, true)}))
	refused(await pb.settings.test_s3("storage"), 400)
	refused(await pb.settings.test_s3("nothing"), 400, "filesystem")
	var off := {"enabled": false}
	okay(await pb.settings.update({"s3": off, "backups": {"s3": off}}))


func _sign_up(p_root: BosBase, p_email: String) -> String:
	var account := {"email": p_email, "password": SECRET, "passwordConfirm": SECRET}
	var made: Variant = await p_root.collection("users").create(account)
	okay(made, p_email)
	return made["id"]


# What a mail's link ends with.
func _token(p_to: String, p_subject: String) -> String:
	var found := RegEx.create_from_string('/_/#/auth/[a-z-]+/([^"<\\s]+)').search(
		await _mail(p_to, p_subject)
	)
	check(found != null, "no link: " + p_subject)
	return found.get_string(1) if found != null else ""


func _code(p_to: String) -> String:
	var found := RegEx.create_from_string("<strong>(\\d{8})</strong>").search(
		await _mail(p_to, "OTP")
	)
	check(found != null, "no code")
	return found.get_string(1) if found != null else ""


# The text of the next mail to somebody; "" when none comes.
func _mail(p_to: String, p_subject: String) -> String:
	var outside := BosBase.new(OS.get_environment("OUTSIDE"))
	var mail: Variant = await outside.send(
		"/mail", {"to": p_to, "subject": p_subject, "timeout": 120.0}
	)
	check(mail is Dictionary, "no mail: %s" % [mail])
	return mail["html"] if mail is Dictionary else ""
