extends Suite
## Requests and what can go wrong with them.

const OK_HEAD := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


func test_a_refused_connection_is_an_error() -> void:
	var error: Variant = await BosBase.new("http://127.0.0.1:1").health.check()
	if refused(error, 0, "Nobody answers at 127.0.0.1:1"):
		check(not error.is_abort, "is_abort")
		equal(error.url, "http://127.0.0.1:1/api/health")
		check(error.response.is_empty(), "response")
		equal(error.original_error, "Nobody answers at 127.0.0.1:1.")


func test_an_unknown_host_is_an_error() -> void:
	refused(await BosBase.new("http://no-such-host.invalid").health.check(), 0, "no-such-host")


func test_what_is_no_url_is_an_error() -> void:
	refused(await BosBase.new("ftp://127.0.0.1").health.check(), 0, "ftp://127.0.0.1/api/health")
	refused(await BosBase.new("http://127.0.0.1:99999").health.check(), 0)
	refused(await BosBase.new().health.check(), 0)


func test_silence_is_an_error_after_the_timeout() -> void:
	var wire := Wire.new("")
	var pb := BosBase.new(wire.url)
	var before := Time.get_ticks_msec()
	var error: Variant = await pb.send("/api/health", {"timeout": 0.3})
	if refused(error, 0, "0.3 seconds"):
		check(not error.is_abort, "is_abort")
	var took := Time.get_ticks_msec() - before
	check(took >= 300 and took < 20000, "took %d ms" % took)
	pb.timeout = 0.2
	refused(await pb.health.check(), 0, "0.2 seconds")
	wire.stop()


# A level that loaded for longer than the timeout made an error of every answer that came meanwhile.
func test_a_long_frame_is_no_silence() -> void:
	var got: Array = []
	var ask := func() -> void: got.append(await client().health.check({"timeout": 0.6}))
	ask.call()
	for _frame: int in 2:
		await tree().process_frame
		OS.delay_msec(900)
	await until(func() -> bool: return got.size() == 1, "the answer")
	okay(got[0])


func test_what_is_no_json_is_an_error() -> void:
	var wire := Wire.new(OK_HEAD + "Content-Length: 9\r\n\r\n<p>hi</p>")
	refused(await BosBase.new(wire.url).health.check(), 200, "no JSON")
	wire.stop()
	wire = Wire.new("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n<p>hi</p>")
	refused(await BosBase.new(wire.url).health.check(), 502, "502")
	wire.stop()


func test_an_error_says_when_to_ask_again() -> void:
	var users := client().collection("users")
	var error: Variant = null
	for _try: int in 30:
		error = await users.auth_with_password("guessed@example.com", "wrong")
		if error is ClientResponseError and error.status != 400:
			break
		equal(error.retry_after, 0)
	if refused(error, 429, "Too Many Requests."):
		check(error.retry_after in range(1, 11), "%d s" % error.retry_after)
	for said: String in ["Wed, 21 Oct 2026 07:28:00 GMT", "", "soon"]:
		var head := "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n"
		var wire := Wire.new(head + "Retry-After: %s\r\n\r\n{}" % said)
		error = await BosBase.new(wire.url).health.check()
		if refused(error, 503, "", said):
			equal(error.retry_after, 0, said)
		wire.stop()


func test_an_answer_that_is_cut_off_is_an_error() -> void:
	var wire := Wire.new(OK_HEAD + 'Content-Length: 100\r\n\r\n{"a": 1}')
	refused(await BosBase.new(wire.url).health.check(), 0, "before the answer was complete")
	wire.stop()
	wire = Wire.new(OK_HEAD + 'Transfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n')
	refused(await BosBase.new(wire.url).health.check(), 0, "before the answer was complete")
	wire.stop()
	wire = Wire.new(OK_HEAD + '\r\n{"a": 1}')
	refused(await BosBase.new(wire.url).health.check(), 0, "how long its answer is")
	wire.stop()
	wire = Wire.new("no HTTP at all")
	refused(await BosBase.new(wire.url).health.check(), 0)
	wire.stop()


func test_what_speaks_no_http_never_counts_as_success() -> void:
	var wire := Wire.new("HELLO WORLD\r\n\r\n")
	var pb := BosBase.new(wire.url)
	refused(await pb.health.check(), 0, "no HTTP server")
	refused(await pb.backups.create("x.zip"), 0, "no HTTP server")
	refused(await pb.backups.get_full_list(), 0, "no HTTP server")
	refused(await pb.backups.download("x.zip", "user://x.zip"), 0, "no HTTP server")
	check(not FileAccess.file_exists("user://x.zip"), "x.zip")
	wire.stop()


func test_options_reach_every_request_of_a_download_and_a_subscription() -> void:
	var wire := Wire.new("")
	var pb := BosBase.new(wire.url)
	var began := Time.get_ticks_msec()
	refused(await pb.backups.download("x.zip", "user://x.zip", {"timeout": 0.3}), 0, "0.3 seconds")
	refused(await pb.realtime.subscribe("x", print, {"timeout": 0.3}), 0)
	var took := Time.get_ticks_msec() - began
	check(took < 20000, "took %d ms" % took)
	var cancel := func() -> void: pb.cancel_request("d")
	tree().create_timer(0.2).timeout.connect(cancel)
	var error: Variant = await pb.backups.download("x.zip", "user://x.zip", {"request_key": "d"})
	if refused(error, 0):
		check(error.is_abort, "is_abort")
	wire.stop()


func test_answers_in_every_form_are_read() -> void:
	for form: String in [
		'Content-Length: 8\r\n\r\n{"a": 1}',
		'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n',
		'Connection: close\r\n\r\n{"a": 1}',
	]:
		var wire := Wire.new(OK_HEAD + form)
		equal(await BosBase.new(wire.url).send("/x"), {"a": 1.0}, form)
		wire.stop()
	var empty := Wire.new("HTTP/1.1 204 No Content\r\n\r\n")
	equal(await BosBase.new(empty.url).send("/x"), {})
	equal(await BosBase.new(empty.url).crons.run("x"), true)
	empty.stop()


func test_tls_is_checked_and_large_bodies_go_through_it() -> void:
	var crypto := Crypto.new()
	var key := crypto.generate_rsa(2048)
	var certificate := crypto.generate_self_signed_certificate(key, "CN=localhost")
	var bytes := crypto.generate_random_bytes(3_000_000)
	var answer := OK_HEAD + "Content-Length: 2\r\n\r\n{}"
	var wire := Wire.new(answer, bytes.size(), TLSOptions.server(key, certificate))
	var pb := BosBase.new(wire.url)
	refused(await pb.health.check(), 0, "could not prove its identity (TLS)", "a stranger")
	equal(wire.received, 0)
	pb.tls_options = TLSOptions.client(certificate, "localhost")
	var seen: Array = []
	var progress := func(p_done: int, p_total: int) -> void: seen.append([p_done, p_total])
	var file := BosBaseFile.from_bytes("a.zip", bytes)
	okay(await pb.backups.upload({"file": file}, {"on_progress": progress}), "upload")
	check(wire.received > bytes.size(), "%d bytes" % wire.received)
	if check(seen.size() > 2, "progress"):
		equal(seen[-1][0], seen[-1][1])
	wire.stop()


# It was said to have no identity to prove, and nothing of what was wrong with the URL.
func test_https_for_a_port_that_speaks_plain_http_is_asked_about() -> void:
	var pb := BosBase.new(url.replace("http://", "https://"))
	var error: Variant = await pb.health.check()
	if refused(error, 0, "plain HTTP"):
		check(url.trim_prefix("http://") in error.message, error.message)
		check(not error.is_abort, "is_abort")
	refused(await pb.admins().auth_with_password(EMAIL, PASSWORD), 0, "begins with http://")
	refused(await pb.realtime.subscribe("users/*", print), 0, "plain HTTP")
	refused(await pb.backups.download("x.zip", "user://x.zip"), 0, "plain HTTP")


func test_a_refusal_ends_an_upload_early() -> void:
	var wire := Wire.new("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
	var bytes := PackedByteArray()
	bytes.resize(64 * 1024 * 1024)
	var before := Time.get_ticks_msec()
	var result: Variant = await BosBase.new(wire.url).backups.upload(
		{"file": {"filename": "a.zip", "data": bytes}}
	)
	# The other side hangs up at once: whether its answer still arrives is the network's to say.
	check(result is ClientResponseError and result.status in [0, 413], str(result))
	check(Time.get_ticks_msec() - before < 20000, "it took too long")
	check(wire.received < bytes.size(), "all was sent")
	wire.stop()


func test_a_small_upload_tells_of_its_end() -> void:
	var wire := Wire.new(OK_HEAD + "Content-Length: 2\r\n\r\n{}")
	var seen: Array = []
	var progress := func(p_done: int, p_total: int) -> void: seen.append([p_done, p_total])
	var file := BosBaseFile.from_bytes("a.zip", "small".to_utf8_buffer())
	var pb := BosBase.new(wire.url)
	okay(await pb.backups.upload({"file": file}, {"on_progress": progress}))
	if equal(seen.size(), 1):
		check(seen[0][0] == seen[0][1] and seen[0][1] > 5, str(seen))
	wire.stop()


func test_a_file_that_is_not_there_is_an_error() -> void:
	refused(await client().backups.upload_file("user://nothing.zip"), 0, "user://nothing.zip")


func test_cancelling_by_key() -> void:
	var wire := Wire.new("")
	var pb := BosBase.new(wire.url)
	var got: Array = []
	var ask := func() -> void: got.append(await pb.send("/x", {"request_key": "mine"}))
	ask.call()
	await tree().process_frame
	pb.cancel_request("other")
	pb.cancel_request("mine")
	if await until(func() -> bool: return got.size() == 1, "cancelled"):
		refused(got[0], 0, "cancelled")
		check(got[0].is_abort, "is_abort")
	ask.call()
	ask.call()
	await until(func() -> bool: return got.size() == 2, "the first of two with one key")
	pb.cancel_all_requests()
	await until(func() -> bool: return got.size() == 3, "all")
	wire.stop()


func test_duplicates_cancel_each_other_only_when_asked() -> void:
	var wire := Wire.new("")
	var pb := BosBase.new(wire.url)
	var got: Array = []
	var ask := func() -> void: got.append(await pb.health.check())
	ask.call()
	ask.call()
	for _frame: int in 10:
		await tree().process_frame
	equal(got.size(), 0, "cancelled without being asked")
	pb.cancel_all_requests()
	await until(func() -> bool: return got.size() == 2, "both")
	pb.auto_cancellation(true)
	ask.call()
	ask.call()
	await until(func() -> bool: return got.size() == 3, "the first of two")
	for _frame: int in 10:
		await tree().process_frame
	if equal(got.size(), 3) and refused(got[2], 0, "cancelled"):
		check(got[2].is_abort, "is_abort")
	pb.cancel_all_requests()
	await until(func() -> bool: return got.size() == 4, "the second")
	wire.stop()


func test_hooks_see_and_change_requests_and_answers() -> void:
	var wire := Wire.new(OK_HEAD + "Content-Length: 2\r\n\r\n{}")
	var pb := BosBase.new(wire.url + "/base/", null, "de-DE")
	pb.before_send = func(p_url: String, p_options: Dictionary) -> Dictionary:
		p_options["headers"]["X-Mine"] = "1\r\nX-Injected: 1"
		p_options["query"]["q"] = "a b&c"
		return {"url": p_url + "/more", "options": p_options}
	pb.after_send = func(p_response: Dictionary, _data: Variant, _options: Dictionary) -> Variant:
		return p_response
	pb.auth_store.save("a-token", {"id": "x"})
	var got: Variant = await pb.send(
		"/api/x", {"n": 1.0, "list": ["a", "b"], "no": null, "yes": true}
	)
	if okay(got):
		equal(got["status"], 200)
		equal(got["headers"]["content-type"], "application/json")
		equal(got["url"], wire.url + "/base/api/x/more?n=1&list=a&list=b&yes=true&q=a%20b%26c")
	check("GET /base/api/x/more?n=1&" in wire.said, wire.said)
	check("Authorization: a-token\r\n" in wire.said, wire.said)
	check("Accept-Language: de-DE\r\n" in wire.said, wire.said)
	check("\r\nX-Injected" not in wire.said, wire.said)
	wire.stop()


func test_a_client_nobody_holds_still_answers() -> void:
	okay(await BosBase.new(url).health.check())
	okay(await BosBase.new(url).collection("users").list_auth_methods())
	# And one that nobody even waits for ends in peace.
	BosBase.new(url).health.check()
	for _frame: int in 30:
		await tree().process_frame


func test_on_another_thread_it_blocks_that_thread() -> void:
	var where := url
	var thread := Thread.new()
	thread.start(func() -> Variant: return await BosBase.new(where).health.check())
	await until(func() -> bool: return not thread.is_alive(), "the thread")
	var result: Variant = thread.wait_to_finish()
	if okay(result, "thread"):
		equal(result["code"], 200)


func test_filters_keep_values_values() -> void:
	var pb := client()
	var cases := {
		"plain": "'plain'",
		"it's": "'it\\'s'",
		"back\\": "'back\\\\'",
		"\\' || true || '": "'\\\\\\' || true || \\''",
		"{:b}": "'{:b}'",
		1: "1",
		2.0: "2",
		0.5: "0.5",
		true: "true",
	}
	for value: Variant in cases:
		equal(pb.filter("a = {:a}", {"a": value, "b": "x"}), "a = " + str(cases[value]))
	equal(pb.filter("a = {:a} && b = {:b}", {"a": null}), "a = null && b = {:b}")
	equal(pb.filter("a = {:a}", {"a": ["x"]}), "a = '[\"x\"]'")
	var date := Time.get_datetime_dict_from_unix_time(0)
	equal(pb.filter("a > {:a}", {"a": date}), "a > '1970-01-01 00:00:00.000Z'")
	equal(BosBaseFilter.fill("a = {:a}", {"a": "'"}), "a = " + BosBaseFilter.quoted("'"))
	equal(BosBaseFilter.literal(1.5), "1.5")


func test_what_a_client_knows_of_itself() -> void:
	var pb := BosBase.new("http://x/base/", null, "de-DE")
	equal([pb.base_url, pb.lang, pb.timeout], ["http://x/base/", "de-DE", 30.0])
	equal(pb.build_url("/api/y"), "http://x/base/api/y")
	pb.base_url = "http://z"
	equal(pb.build_url("api/y"), "http://z/api/y")
	check(pb.collection("users") == pb.collection("users"), "one service each")
	equal(pb.collection("users").collection_id_or_name, "users")
	check(pb.admins().is_superusers and not pb.collection("users").is_superusers, "is_superusers")
	pb.auth_store.save(_token({"exp": 9e9, "x": "ü"}))
	equal(pb.auth_store.payload(), {"exp": 9e9, "x": "ü"})
	pb.auth_store.save("x.%%%.x")
	equal(pb.auth_store.payload(), {})


func test_files_are_made_of_what_there_is() -> void:
	var bytes := "a".to_utf8_buffer()
	equal(BosBaseFile.type_of("A.PNG"), "image/png")
	equal(BosBaseFile.type_of("a"), "application/octet-stream")
	var made := BosBaseFile.from_value({"filename": "b.txt", "data": bytes}, "field")
	equal([made.filename, made.content_type, made.data], ["b.txt", "text/plain", bytes])
	made = BosBaseFile.from_value({"path": "user://c.zip"}, "field")
	equal(
		[made.filename, made.content_type, made.path], ["c.zip", "application/zip", "user://c.zip"]
	)
	equal(BosBaseFile.from_value(bytes, "field").filename, "field")
	check(BosBaseFile.from_value(made, "field") == made, "a file")
	check(BosBaseFile.from_value("text", "field") == null, "a text")
	check(BosBaseFile.from_value({}, "field") == null, "nothing")


func test_files_have_addresses() -> void:
	var pb := BosBase.new("http://x")
	var record := {"id": "r1", "collectionId": "c1"}
	equal(pb.files.get_url(record, "a b.png"), "http://x/api/files/c1/r1/a%20b.png")
	var options := {"thumb": "1x1", "token": "t", "download": false}
	equal(pb.files.get_url(record, "a", options), "http://x/api/files/c1/r1/a?thumb=1x1&token=t")
	equal(pb.files.get_url({}, "a"), "")
	equal(pb.files.get_url(record, ""), "")
	equal(
		pb.backups.get_download_url("t&", "@a b.zip"),
		"http://x/api/backups/%40a%20b.zip?token=t%26"
	)


func test_who_is_logged_in_is_kept_encrypted() -> void:
	var path := "user://auth"
	var store := BosBaseEncryptedAuthStore.new(path, "a pass phrase")
	equal(store.token, "")
	var pb := BosBase.new(url, store)
	var seen: Array = []
	var stop: Callable = store.on_change(
		func(p_token: String, _r: Dictionary) -> void: seen.append(p_token)
	)
	okay(await pb.admins().auth_with_password(EMAIL, PASSWORD))
	equal(store.last_error, OK)
	equal(seen, [store.token])
	stop.call()
	check(store.is_valid and store.is_superuser, "valid")
	check(store.seconds_left() > 60.0 and store.seconds_left() < 1e9, "seconds_left")
	check(
		store.token not in FileAccess.get_file_as_bytes(path).get_string_from_ascii(),
		"in the clear"
	)
	var again := BosBaseEncryptedAuthStore.new(path, "a pass phrase")
	equal(again.token, store.token)
	equal(again.record["email"], EMAIL)
	okay(await BosBase.new(url, again).backups.get_full_list())
	var wrong := BosBaseEncryptedAuthStore.new(path, "another")
	equal(wrong.token, "")
	check(wrong.last_error != OK, "last_error")
	store.clear()
	check(not FileAccess.file_exists(path), "cleared")
	equal(seen.size(), 1)


func test_nothing_is_written_to_disk_unless_asked() -> void:
	var before := _files("user://")
	var pb := await root()
	okay(await pb.auth_store.on_change(print) is Callable)
	okay(await pb.collection("users").get_list())
	okay(await pb.realtime.subscribe("users/*", print))
	okay(await pb.realtime.unsubscribe())
	pb.auth_store.clear()
	equal(_files("user://"), before)


func _files(p_folder: String) -> PackedStringArray:
	var found := DirAccess.get_files_at(p_folder)
	for name: String in DirAccess.get_directories_at(p_folder):
		# Godot's own log grows all the time.
		if name != "logs":
			for path: String in _files(p_folder.path_join(name)):
				found.append(name.path_join(path))
	return found


# A login that could not be written was gone at the next start, and nobody had been told.
func test_a_login_that_cannot_be_kept_is_said_to_be_so() -> void:
	DirAccess.make_dir_recursive_absolute("user://taken/by_a_folder")
	for path: String in ["user://no_such_folder/auth", "user://taken"]:
		var store := BosBaseEncryptedAuthStore.new(path, "a pass phrase")
		var failed: Array = []
		store.failed.connect(func(p_error: Error) -> void: failed.append(p_error))
		var pb := BosBase.new(url, store)
		okay(await pb.admins().auth_with_password(EMAIL, PASSWORD), path)
		check(store.last_error != OK, path + ": last_error")
		equal(failed, [store.last_error], path)
		check(store.is_superuser, path + ": not even logged in")
		okay(await pb.backups.get_full_list(), path)
		check(not FileAccess.file_exists(path + ".new"), path + ": half a file")
	var kept := BosBaseEncryptedAuthStore.new("user://kept", "a pass phrase")
	kept.save("a.token", {})
	equal(
		[kept.last_error, BosBaseEncryptedAuthStore.new("user://kept", "a pass phrase").token],
		[OK, "a.token"]
	)
	kept.clear()


func test_tokens_expire() -> void:
	var store := BosBaseAuthStore.new()
	check(not store.is_valid, "nobody")
	store.save("not.a.token")
	check(not store.is_valid, "no token")
	store.save(_token({"exp": Time.get_unix_time_from_system() + 60.0}))
	check(store.is_valid and not store.is_superuser, "a minute")
	store.save(_token({"exp": Time.get_unix_time_from_system() - 60.0}))
	check(not store.is_valid, "expired")


func test_events_come_in_any_pieces() -> void:
	var text := ':\n\nid: 1\nevent: a\ndata: {"x": "ü"}\n\ndata:one\r\ndata: two\r\n\r\nevent: none\n\ndata: last\n\n'
	var bytes := text.to_utf8_buffer()
	for size: int in [1, 2, 3, 7, 1000]:
		var parser := BosBaseEventParser.new()
		var events: Array[Dictionary] = []
		for from: int in range(0, bytes.size(), size):
			events.append_array(parser.feed(bytes.slice(from, from + size)))
		if equal(events.size(), 3, "in pieces of %d" % size):
			equal(events[0], {"event": "a", "data": '{"x": "ü"}', "id": "1"})
			equal(events[1]["data"], "one\ntwo")
			equal(events[2], {"event": "message", "data": "last", "id": "1"})


func test_a_thousand_requests_leave_nothing_behind() -> void:
	var pb := await root()
	var before := Performance.get_monitor(Performance.OBJECT_COUNT)
	var failed := 0
	for i: int in 100:
		var got: Array = []
		for j: int in 10:
			_ask(pb, got, j)
		await until(func() -> bool: return got.size() == 10, "ten of a thousand")
		failed += got.filter(func(each: Variant) -> bool: return each is ClientResponseError).size()
	equal(failed, 0)
	await tree().process_frame
	var after := Performance.get_monitor(Performance.OBJECT_COUNT)
	check(after - before < 10, "%d objects more" % (after - before))


func _ask(p_client: BosBase, p_got: Array, p_which: int) -> void:
	match p_which % 3:
		0:
			p_got.append(await p_client.health.check())
		1:
			p_got.append(await p_client.backups.get_full_list())
		2:
			p_got.append(await p_client.collection("users").get_list(1, 1))


static func _token(p_claims: Dictionary) -> String:
	var claims := Marshalls.utf8_to_base64(JSON.stringify(p_claims))
	return "x.%s.x" % claims.replace("+", "-").replace("/", "_").replace("=", "")
